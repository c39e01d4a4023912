"""What a run will take: from finished runs of the same cell or, by FLOPs, of others, all on one kind of machine."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from gfl_bench.sweep.plan.measured import Hardware, Measured, bed_of, read_measured, work_of
from gfl_bench.sweep.plan.networks import network_key, network_of
from gfl_bench.sweep.plan.spread import Spread, geometric_mean, pooled
from gfl_bench.sweep.selection import Planned

# Where nothing is repeated: a step against another of as many FLOPs, 4 in 5 of the 23 cells of docs/first_look.md.
ASSUMED_FACTOR = 3.5


@dataclass(frozen=True)
class Cost:
    """Of one run on the machine that it was measured on.

    Attributes:
        seconds: expected.
        low, high: ends of the 80 % interval.
        basis: what this was concluded from.
    """

    seconds: float
    low: float
    high: float
    basis: str


class Costs:
    """Costs after the finished runs in a folder.

    Args:
        runs: folder of the records.
        hardware: part of the name of the machine to estimate for; by default the one that the newest record names.
    """

    def __init__(self, runs: Path, hardware: str = "") -> None:
        self.measured = read_measured(runs)
        names = [one.hardware for one in self.measured if hardware.casefold() in one.hardware.name.casefold()]
        self.hardware: Hardware | None = names[0] if names else None
        self._known = [one for one in self.measured if one.hardware == self.hardware]
        self._works: dict[str, list[Measured]] = defaultdict(list)
        self._beds: dict[str, list[Measured]] = defaultdict(list)
        for one in self._known:
            self._works[one.work].append(one)
            self._beds[one.bed].append(one)
        # Thousands of runs ask for the same few.
        self._rates_of = cache(lambda bed: _rates(self._beds[bed]))
        self._other_of = cache(self._other)
        self._repeats = pooled([_steps(works) for works in self._works.values()])

    def of(self, planned: Planned) -> Cost | None:
        """None where nothing comparable was measured, or nobody knows how many steps an epoch has."""
        steps = self.steps(planned.config)
        bed, work = bed_of(planned.config), work_of(planned.config)
        own, alike = self._works.get(work, []), self._beds.get(bed, [])
        if steps is None or not alike:
            return None
        other = self._other_of(work if own else "", bed, planned.config["data"].get("val_images"))
        if not steps:
            return Cost(other, other, other, _basis("measured", len(own or alike)))
        return self._measured(own, steps, other) if own else self._by_flops(planned.config, bed, steps, other)

    def steps(self, config: Mapping[str, Any]) -> int | None:
        """Steps of the whole training; None where an epoch is a pass over images that nobody has counted."""
        if config["mode"] != "train":
            return 0
        schedule = config["schedule"]
        epoch = config["scale"]["steps_per_epoch"] or self._pass(config)
        return None if epoch is None else schedule["epochs"] * epoch

    def _pass(self, config: Mapping[str, Any]) -> int | None:
        data, batch = config["data"], config["schedule"]["batch_size"]
        if "train_images" in data:
            return math.ceil(data["train_images"] / batch)
        for one in self.measured:
            same = one.config["data"].get("train") == data["train"] and one.config["schedule"]["batch_size"] == batch
            if same and one.steps and not one.config["scale"]["steps_per_epoch"]:
                return one.steps // int(one.config["schedule"]["epochs"])
        return None

    def _other(self, work: str, bed: str, images: int | None) -> float:
        """Seconds besides training, of ``images`` validation images: mean over the runs of ``work``, or of ``bed``."""
        return fmean(_besides(one, images) for one in (self._works[work] if work else self._beds[bed]))

    def _measured(self, own: Sequence[Measured], steps: int, other: float) -> Cost:
        spread = self._repeats or pooled([_rates(self._known)])
        return _cost(_steps(own), spread, steps, other, _basis("measured", len(own)))

    def _by_flops(self, config: Mapping[str, Any], bed: str, steps: int, other: float) -> Cost | None:
        network, rates = network_of(config), self._rates_of(bed)
        if network is None or not rates:
            return None
        seconds = [rate * network.flops for rate in rates]
        return _cost(seconds, pooled([rates]), steps, other, f"FLOPs, {len(rates)} other cell{_s(len(rates))}")


def _cost(seconds: Sequence[float], spread: Spread | None, steps: int, other: float, basis: str) -> Cost:
    """``seconds`` a step, samples; a mean for the sum over runs, an interval about the geometric mean."""
    centre, mean = geometric_mean(seconds), fmean(seconds)
    factor = ASSUMED_FACTOR if spread is None else spread.factor(len(seconds))
    low, high = min(centre / factor, mean), max(centre * factor, mean)
    return Cost(steps * mean + other, steps * low + other, steps * high + other, basis)


def _besides(one: Measured, images: int | None) -> float:
    """Seconds besides training if there were ``images`` validation images, where that is known."""
    theirs = one.config["data"].get("val_images")
    return one.rest + one.evaluation * (images / theirs if images and theirs else 1)


def _rates(known: Sequence[Measured]) -> list[float]:
    """Seconds a step by FLOPs a pixel, one for each network."""
    rates: dict[str, list[float]] = defaultdict(list)
    for one in known:
        network = network_of(one.config)
        if network is not None and one.step_seconds > 0:
            rates[network_key(one.config)].append(one.step_seconds / network.flops)
    return [fmean(group) for group in rates.values()]


def _steps(known: Sequence[Measured]) -> list[float]:
    return [one.step_seconds for one in known if one.step_seconds > 0]


def _basis(word: str, runs: int) -> str:
    return f"{word}, {runs} run{_s(runs)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
