"""A text with two spans, one label (WSC)."""
