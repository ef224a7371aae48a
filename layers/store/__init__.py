"""Queries: functions that return statements; long SQL lies in files beside them."""
