"""A text, one label."""
