"""A candidate for the answer of a question (ReCoRD)."""
