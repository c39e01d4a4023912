"""Numbers as a table prints them."""

from __future__ import annotations

import math

from analysis.stats import Interval

NOTHING = "\N{EN DASH}"


def interval_text(interval: Interval, digits: int) -> str:
    """``39.2 ± 0.4``; of one value alone no width."""
    width = "" if interval.half_width is None else f" ± {interval.half_width:.{digits}f}"
    return f"{interval.mean:.{digits}f}{width}"


def difference_text(interval: Interval | None, digits: int) -> str:
    """``+0.7 ± 0.2``, with a minus sign that is one."""
    if interval is None:
        return ""
    text = interval_text(interval, digits)
    return text.replace("-", "\N{MINUS SIGN}", 1) if interval.mean < 0 else f"+{text}"


def paper_text(value: float | None, digits: int) -> str:
    """As the paper prints it; nothing where it prints none."""
    if value is None:
        return ""
    return "NaN" if math.isnan(value) else f"{value:.{digits}f}"
