"""What the records say of one part of a claim, and of a claim by its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.claims.absence import Absence, described
from analysis.claims.judgement import Unit, Verdict
from analysis.claims.region import ALPHA
from analysis.claims.table_runs import TableRuns
from analysis.stats import holm

Label = Callable[[str], str]  # of a row, for people


@dataclass(frozen=True)
class Finding:
    """One part of a claim, measured or not.

    Attributes:
        says: the part.
        rows: those whose further runs would help.
        missing: why there is no number; empty where there is one.
        seeds: those that it was measured with, or the places of sessions.
        unit: which of the two.
        leans: whether the observed effect is as claimed.
        p_for, p_against: p-values for the part and for its opposite.
        more: so many more that would decide it.
        test: name of the test, or what stands in its place.
        has_p: whether it is a test that gives a p-value.
        note: what else a reader must know.
    """

    says: str
    rows: tuple[str, ...]
    missing: tuple[Absence, ...] = ()
    seeds: tuple[int, ...] = ()
    unit: Unit = "seed"
    effect: str = ""
    interval: str = ""
    leans: bool = False
    p_for: float = 1.0
    p_against: float = 1.0
    more: int | None = None
    test: str = ""
    has_p: bool = True
    note: str = ""

    @property
    def is_shown(self) -> bool:
        return not self.missing and self.p_for <= ALPHA

    def sentence(self) -> str:
        """The part with its numbers."""
        if self.missing:
            return f"{self.says}: {described(self.missing)}"
        interval = f" ({self.interval})" if self.interval else ""
        unit = f" {self.unit}{'' if len(self.seeds) == 1 else 's'}" if self.unit == "session" else ""
        return f"{self.says}: {self.effect}{interval}, n = {len(self.seeds)}{unit}, {self.tested()}{self.note}"

    def tested(self, p: float | None = None) -> str:
        """The test and the p-value of the side that the effect leans to, or ``p``."""
        if not self.has_p:
            return self.test
        if p is None:
            p = self.p_for if self.leans else self.p_against
        return f"{self.test}, p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"


class Part(Protocol):
    """A part of a claim, to be looked up in the records."""

    def find(self, table: TableRuns, family: int) -> Finding:
        """What the runs of ``table`` say of it, as one of ``family`` parts."""


@dataclass(frozen=True)
class Conclusion:
    """The verdict over all parts.

    Attributes:
        deciding: the part that decided, or that is furthest from being decided; None where there is no part.
        open: the parts that further runs or sessions are needed for.
        pending: of these the one whose further ones decide.
    """

    verdict: Verdict
    deciding: Finding | None
    decided_by: str
    open: tuple[Finding, ...] = ()
    pending: Finding | None = None


def conclude(findings: Sequence[Finding]) -> Conclusion:
    """A claim holds where each of its parts does (intersection-union), and falls with any of them (Holm).

    Each part of a claim that holds is shown at the full level: all must be, which is rarer than one. One opposite among
    many parts is to be expected by chance, so those are tested at Holm's levels.
    """
    against = holm([finding.p_against for finding in findings])
    measured = [finding for finding in findings if not finding.missing]
    missing = tuple(finding for finding in findings if finding.missing)
    if any(p <= ALPHA for p in against):
        index = min(range(len(findings)), key=lambda each: findings[each].p_against)
        by = _against(findings[index], against[index], len(findings))
        return Conclusion(Verdict.contradicted, findings[index], by)
    weakest = max(measured, key=lambda finding: (finding.p_for, not finding.leans), default=None)
    if weakest is None or missing:
        return Conclusion(Verdict.unmeasured, weakest, "", missing)
    by = weakest.tested(weakest.p_for)
    by = by if len(findings) == 1 or not weakest.has_p else f"intersection-union of {len(findings)} parts, weakest {by}"
    if weakest.is_shown:
        return Conclusion(Verdict.supported, weakest, by)
    undecided = tuple(finding for finding in findings if not finding.is_shown)
    return Conclusion(Verdict.undecided, weakest, by, undecided, pending(undecided))


def pending(undecided: Sequence[Finding]) -> Finding | None:
    """One part against the claim decides it; for it, the last part does. None where no number would decide."""
    known = [finding for finding in undecided if finding.more is not None]
    if any(not finding.leans for finding in undecided):
        return min((finding for finding in known if not finding.leans), key=_more, default=None)
    return max(known, key=_more, default=None) if len(known) == len(undecided) else None


def _more(finding: Finding) -> int:
    return finding.more or 0


def _against(finding: Finding, adjusted: float, family: int) -> str:
    return finding.tested(adjusted) + (f" by Holm over {family} parts" if family > 1 else "")
