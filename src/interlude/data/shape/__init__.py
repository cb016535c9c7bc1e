"""From rows as they were read to normalised data."""
