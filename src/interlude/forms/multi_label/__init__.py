"""A text, any number of labels."""
