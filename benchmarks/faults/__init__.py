"""Faults at random moments: ``python -m benchmarks.faults``."""
