"""The use cases: each module holds one, and knows no HTTP."""
