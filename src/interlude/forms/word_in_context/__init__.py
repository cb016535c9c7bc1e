"""A word in each of two texts, one label (WiC)."""
