"""Two texts and a number, such as how alike they are."""
