"""Routes: each parses, calls one action, and returns."""
