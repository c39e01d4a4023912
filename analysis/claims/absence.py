"""Why a part of a claim has no number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NAMED = 4  # so many rows are named, the rest counted


@dataclass(frozen=True)
class Absence:
    """One reason.

    Attributes:
        problem: with ``{}`` where the rows' labels go.
        label: of the row that it is about.
        is_curable: whether running the row mends it.
    """

    problem: str
    label: str = ""
    is_curable: bool = True


def described(reasons: Iterable[Absence]) -> str:
    """The reasons in words, rows with the same problem together."""
    labels: dict[str, dict[str, None]] = {}
    for reason in reasons:
        labels.setdefault(reason.problem, {})[reason.label] = None
    return "; ".join(problem.format(_listed(list(named))) for problem, named in labels.items())


def _listed(labels: list[str]) -> str:
    named = [f'"{label}"' for label in labels[:NAMED]]
    rest = len(labels) - len(named)
    if rest:
        return f"{', '.join(named)} and {rest} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
