"""A run's name: what it is made of decides it, so the same work is never done twice.

A config is the dataclass, or ``plain`` of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gfl_bench.config.schema import Config, DistributionGuidance, Mode, NoGuidance, Resize

# How and where a run is executed does not change what it measures.
LEFT_OUT = ("machine", "paths", "seed")
# Options younger than the first records, with what was done before there were any: where they say so they are not
# written, so that the names of runs and the rows of their tables stay what they were.
ADDED: dict[str, Any] = {
    "data.resize": Resize.short_edge.name, "data.shift": 0.0, "data.color_jitter": 0.0,
    "data.ssd_augmentation": False, "detector.pyramid.norm_groups": 0, "neck.norm_groups": 0,
    "detector.dirac.first_sides": 0.0,
}  # fmt: skip


def plain(config: Config) -> dict[str, Any]:
    """The config as nested dicts of plain values, enums by name; without ``ADDED`` options that change nothing."""
    return plain_values(OmegaConf.structured(config))


def plain_values(node: DictConfig) -> dict[str, Any]:
    """``plain`` of a config that is still OmegaConf's, its interpolations resolved."""
    container = OmegaConf.to_container(node, resolve=True, enum_to_str=True)
    assert isinstance(container, dict)
    for path, value in ADDED.items():
        *sections, key = path.split(".")
        section = reduce(lambda inner, name: inner.get(name, {}), sections, container)
        if section.get(key) == value:
            del section[key]
    return {str(key): value for key, value in container.items()}


def canonical(config: Config | Mapping[str, Any]) -> dict[str, Any]:
    """What decides the run's id: ``plain`` without the machine; options that mean the same become the same.

    ``guidance.k = 0`` is no guidance (Table 8), whatever its ``d``.
    """
    values = plain(config) if isinstance(config, Config) else dict(config)
    guidance = values["guidance"]
    if guidance["name"] == DistributionGuidance.name and guidance["k"] == 0:
        values["guidance"] = {"name": NoGuidance.name}
    values["scale"] = {key: values["scale"][key] for key in ("name", "steps_per_epoch")}
    left_out = (*LEFT_OUT, "checkpoint", "mode") if values["mode"] == Mode.train.name else LEFT_OUT
    return {key: value for key, value in values.items() if key not in left_out}


def run_id(config: Config | Mapping[str, Any]) -> str:
    """Ten hexadecimal digits; the same for every seed."""
    text = json.dumps(canonical(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def slug(config: Config | Mapping[str, Any]) -> str:
    """A name for people, such as ``demo-atss-joint-general_dfl-distribution``."""
    values = canonical(config)
    mode = [values["mode"]] if "mode" in values else []
    return "-".join(mode + [values[group]["name"] for group in ("scale", "detector", "quality", "box", "guidance")])


def run_name(config: Config | Mapping[str, Any]) -> str:
    """``<slug>--<id>``, the run's folder below ``paths.runs``."""
    return f"{slug(config)}--{run_id(config)}"
