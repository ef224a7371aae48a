"""The forms in which many points come and are answered: read as they come, written as they go."""
