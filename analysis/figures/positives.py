"""How many of a run's positive locations a figure shows."""

from __future__ import annotations

from analysis.evidence import Arrays


def positives(evidence: Arrays) -> str:
    """In words: compact records keep a sample of them, while the histogram of targets counts the sides of all."""
    kept = len(evidence["positive_iou"])
    total = round(evidence["target_histogram"].sum() / 4) if "target_histogram" in evidence else kept
    if kept < total:
        return f"{kept:,} of {total:,} positive locations, drawn at random"
    return f"all {kept:,} positive locations"
