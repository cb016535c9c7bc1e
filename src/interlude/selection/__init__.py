"""Which intermediate task to take for a target, without training the target from each of them."""
