"""A look at a task before it is trained on: facts from its data and its encodings."""
