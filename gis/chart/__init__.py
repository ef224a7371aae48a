"""Battle charts: one definition, several forms."""
