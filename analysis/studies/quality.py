"""Table 10's correlation and its kin, as numbers by name."""

from __future__ import annotations

from analysis.evidence import Arrays
from analysis.quality import quality_report

COLUMNS = ("Pearson", "Fisher ±", "bootstrap ±", "Spearman", "calibration error", "of equal counts")


def quality_numbers(evidence: Arrays) -> dict[str, float]:
    """``COLUMNS``: the correlation with half the widths of its two intervals, of ranks, expected calibration errors."""
    report = quality_report(evidence)
    if report is None:
        return {}
    half = [None if ends is None else (ends[1] - ends[0]) / 2 for ends in (report.fisher, report.bootstrap)]
    values = (report.pearson, *half, report.spearman, report.calibration_error, report.adaptive_calibration_error)
    return {name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None}
