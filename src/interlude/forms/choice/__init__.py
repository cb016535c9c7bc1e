"""A text and a list of answers, one of them right."""
