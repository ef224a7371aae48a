"""The stored layers and the rules over them: PostGIS, and nothing of HTTP."""
