"""A text with one span or two and a set of labels: edge probing."""
