"""A study, its cells and its trainings: pure, without torch and without data."""
