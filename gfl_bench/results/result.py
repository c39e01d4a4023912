"""What one run measured: ``result.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.reading import SCHEMA, Unreadable, read_object

FINISHED = ("done", "diverged")
KINDS: dict[str, type | tuple[type, ...]] = {
    "cell": (str, type(None)), "id": str, "seed": int, "scale": str, "state": str, "command": str, "metrics": dict,
    "config": dict, "diverged": (dict, type(None)),
}


@dataclass(frozen=True)
class Divergence:
    """Where a training left the finite numbers."""

    step: int
    term: str  # of the loss

    @property
    def words(self) -> str:
        """For people."""
        return f"the loss term {self.term} was not finite at step {self.step}"


@dataclass
class Result:
    """What ``result.json`` holds.

    Attributes:
        cell: name under which the run was asked for, or None.
        id: of the configuration, the same for every seed.
        command: what repeats this run alone.
        config: the resolved config as nested dicts.
        metrics: by column name (``METRICS``), in its unit; what is absent or not finite was not measured.
        quality: correlation of predicted and real IoU, with its count, interval and ranks.
        displacement: how often NMS keeps another box than the best one, and what that costs; or None.
        speed: the timing with its raw samples.
        timings: seconds of each phase; steps of the training.
        memory: peak bytes by device.
        flops: of one forward pass of one image, or None.
    """

    cell: str | None
    id: str
    seed: int
    scale: str
    command: str
    config: Mapping[str, Any]
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    quality: Mapping[str, Any] | None = None
    displacement: Mapping[str, float | int | None] | None = None
    speed: Mapping[str, Any] | None = None
    timings: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    flops: int | None = None
    memory: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    diverged: Divergence | None = None

    def summary(self) -> str:
        """The metrics in one line; "done" where nothing was to be measured."""
        if self.diverged is not None:
            return f"NaN, {self.diverged.words}"
        measured = ((name, _plain(self.metrics.get(name))) for name in METRICS)
        words = [f"{name} {value:.{METRICS[name].decimals}f}" for name, value in measured if value is not None]
        return "  ".join(words) or "done"

    def as_json(self) -> dict[str, Any]:
        """Plain values for strict JSON, every metric present; a number that is not finite is None.

        Raises:
            ValueError: a metric of unknown name.
        """
        unknown = set(self.metrics) - set(METRICS)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are no metrics of a record; it has {list(METRICS)}")
        state = "done" if self.diverged is None else "diverged"
        values = {"schema": SCHEMA, "state": state, **asdict(self)}
        values["metrics"] = {name: self.metrics.get(name) for name in METRICS}
        return {key: _plain(value) for key, value in values.items()}


def read_result(path: Path) -> dict[str, Any] | Unreadable:
    """The result in ``path`` as ``Result.as_json`` wrote it, or why there is none."""
    values = read_object(path, KINDS)
    if isinstance(values, Unreadable):
        return values
    if values["state"] not in FINISHED:
        return Unreadable(path, f"has the unknown state {values['state']!r}")
    if not all(value is None or isinstance(value, int | float) for value in values["metrics"].values()):
        return Unreadable(path, "has a metric that is not a number")
    return values


def _plain(value: Any) -> Any:
    """``value`` as JSON knows it, also of NumPy's numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Integral):
        return value if isinstance(value, bool) else int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return value
