"""What sweeps of thousands of runs ask of a login node, of a scheduler and of a file system."""
