"""Times as people say them."""

from __future__ import annotations

UNITS = (("day", 86400, 3600), ("h", 3600, 60), ("min", 60, 1), ("s", 1, 1))  # name, seconds, to how many it is rounded


def in_words(seconds: float) -> str:
    """``2 days 4 h``, ``1 h 10 min``, ``14 min``, ``40 s``."""
    reached = (index for index, (_, length, step) in enumerate(UNITS) if round(seconds / step) * step >= length)
    index = next(reached, len(UNITS) - 1)
    name, length, step = UNITS[index]
    if step == 1:
        return _count(round(seconds / length), name)
    whole, rest = divmod(round(seconds / step), length // step)
    return _count(whole, name) + (f" {_count(rest, UNITS[index + 1][0])}" if rest else "")


def hours(seconds: float) -> str:
    """``0.07``, ``1.2``, ``35``."""
    value = seconds / 3600
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'s' if unit == 'day' and number != 1 else ''}"
