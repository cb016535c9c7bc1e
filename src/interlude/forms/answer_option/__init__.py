"""An option of a question, right or wrong (MultiRC)."""
