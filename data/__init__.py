"""The reference tables that Lianxin maintains, and the definition of its demo town."""
