"""The training engine: all that computes the numbers of a training, and nothing else."""
