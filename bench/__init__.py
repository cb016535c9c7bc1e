"""Benchmarks of Interlude against what a user would run instead. See README.md here."""
