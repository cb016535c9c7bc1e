"""Two texts, one label."""
