"""What runs ask a cluster for: the launcher's options, by scale; a time limit after what is known of their cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gfl_bench.sweep.plan.cost import Cost
from gfl_bench.sweep.screen import several
from gfl_bench.sweep.selection import Planned
from gfl_bench.sweep.submit.launchers import launcher_options

MINUTES = (30, 60, 120, 240, 480, 720, 1440)  # few limits make few groups; what needs longer than a day is queued again
MARGIN = 1.5  # other nodes are slower, shared disks too
START = 10.0  # minutes to import, to generate or read the data, to save


@dataclass(frozen=True)
class Group:
    """Runs that ask for the same; ``options`` are those of the launcher."""

    options: Mapping[str, Any]
    runs: Sequence[Planned]


def grouped(
    runs: Iterable[Planned], launcher: str, overrides: Sequence[str], cost: Callable[[Planned], Cost | None]
) -> list[Group]:
    """``runs`` by what they ask for, in the order of their first ones.

    ``overrides`` are of ``hydra.launcher``; where they say nothing of a time limit, ``cost`` does.
    """
    said = launcher == "local" or any("timeout_min" in override for override in overrides)
    groups: dict[str, tuple[dict[str, Any], list[Planned]]] = {}
    for run in runs:
        options = dict(launcher_options(launcher, str(run.config["scale"]["name"]), tuple(overrides)))
        known = None if said else cost(run)
        if known is not None:
            options["timeout_min"] = limit(known.high)
        groups.setdefault(json.dumps(options, sort_keys=True), (options, []))[1].append(run)
    return [Group(options, alike) for options, alike in groups.values()]


def limit(seconds: float) -> int:
    """Minutes to ask for, where a run may take as long; one of ``MINUTES``."""
    needed = START + MARGIN * seconds / 60
    return next((minutes for minutes in MINUTES if minutes >= needed), MINUTES[-1])


def described(options: Mapping[str, Any]) -> str:
    """The options in words."""
    gpus, mem, tasks = options.get("gpus_per_node"), options.get("mem_gb"), options["tasks_per_node"]
    words = [
        _duration(options["timeout_min"]),
        several(gpus, "GPU") if gpus else "no GPU",
        f"{tasks} x {several(options.get('cpus_per_task') or 1, 'core')}",
        *([f"{mem} GB"] if mem else []),
        *(f"{key} {options[key]}" for key in ("partition", "account", "qos", "constraint") if options.get(key)),
    ]
    return ", ".join(words)


def _duration(minutes: int) -> str:
    return f"{minutes} min" if minutes < 120 or minutes % 60 else f"{minutes // 60} h"
