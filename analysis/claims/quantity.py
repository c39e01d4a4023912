"""The numbers that claims are about: what a run is asked for, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.claims import recorded
from analysis.studies.statistics import numbers
from analysis.tables.matching import Sample
from gfl_bench.results.metrics import METRICS


@dataclass(frozen=True)
class Quantity:
    """A number of a run.

    Attributes:
        unit: what stands behind the number.
        sign: 1 where higher is better, -1 where lower is.
        of_machine: whether runs of different machines cannot be compared.
        read: the number of a finished run; None where its files do not tell.
    """

    unit: str
    decimals: int
    read: Callable[[Sample], float | None]
    sign: int = 1
    of_machine: bool = False

    def number(self, value: float, signed: bool = False) -> str:
        """``value`` with a typographic minus; ``signed`` for a difference."""
        digits = f"{value:{'+' if signed else ''}.{self.decimals}f}"
        return digits.replace("-", "\N{MINUS SIGN}")


def quantity(name: str) -> Quantity:
    """The quantity of a name in ``claims.yaml``: a column of the tables, or one of ``OTHERS``.

    Raises:
        KeyError: there is none.
    """
    if name in METRICS:
        metric = METRICS[name]
        return Quantity(name, metric.decimals + 1, lambda run: run.metrics.get(name), metric.sign, metric.of_machine)
    return OTHERS[name]


def _noticed(kind: str, name: str) -> Callable[[Sample], float | None]:
    """The number ``name`` among the statistics of a ``kind`` of a run's evidence."""
    return lambda run: numbers(Path(run.path), kind).get(name)


OTHERS: dict[str, Quantity] = {
    recorded.SECONDS_A_STEP: Quantity("s a step", 3, recorded.seconds_a_step, -1, of_machine=True),
    "parameters": Quantity("parameters", 0, recorded.parameters, -1),
    "displaced_share": Quantity("% of displacements", 1, recorded.displaced_share, -1),
    "displaced_AP50": Quantity("AP50", 2, recorded.displaced_ap50, -1),
    "quality_loss_area": Quantity("quality loss, mean of the training", 4, recorded.quality_loss_area, -1),
    "quality_loss_end": Quantity("quality loss, last fifth", 4, recorded.quality_loss_end, -1),
    "background_quality": Quantity(
        "% of background with quality above 0.5", 2, _noticed("locations", "background_quality"), -1
    ),
    "top1_correlation": Quantity("correlation of top-1 with IoU", 3, _noticed("locations", "top1_correlation")),
    "flatness_correlation": Quantity("rank correlation of entropy with ambiguity", 3, _noticed("ambiguity", "entropy")),
    "targets_to_15": Quantity("% of targets in 0..15", 2, _noticed("locations", "targets_to_15")),
}
