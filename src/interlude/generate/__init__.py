"""Tasks that a causal language model makes: real endings of sentences, and endings of its own."""
