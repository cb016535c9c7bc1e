"""Words with one tag each."""
