"""Which prior learns which ground truth."""
