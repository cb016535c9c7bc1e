"""From normalised data to encoded examples: tokenise, check, write, read."""
