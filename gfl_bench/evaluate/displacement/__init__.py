"""Negatives that a quality estimate ranks before positives, and their cost (Section 1; docs/displacements.md)."""

from gfl_bench.evaluate.displacement.meter import DisplacementMeter

__all__ = ["DisplacementMeter"]
