"""A question and a passage that holds the answer."""
