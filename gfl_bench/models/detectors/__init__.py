"""Detectors that are more than a choice of parts: a head or a stage of their own, one file each."""
