"""What is left of a run: its record, where it came from, and many of them as one frame."""
