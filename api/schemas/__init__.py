"""What goes in and out, as OpenAPI shows it."""
