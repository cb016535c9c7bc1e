"""A look at a task before it is trained on: what its data and its encodings say of it."""
