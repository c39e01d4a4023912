"""Training: schedule, optimiser, checkpoints, interruption and the loop that joins them."""
