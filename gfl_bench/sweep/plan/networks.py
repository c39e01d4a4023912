"""How much a network computes and how large it is, without torch: a table that ``analysis/list_networks.py`` makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILE = Path(__file__).with_name("networks.yaml")
# What of each section makes no other network; what is not listed may, so that an option that is forgotten here costs an
# estimate and is not estimated wrongly.
NO_SHAPE: dict[str, tuple[str, ...]] = {
    "detector": (
        "assigner", "focal", "dirac", "postprocess", "recipe", "box_loss_weight", "aux_loss_weight", "count",
        "box_normaliser", "box_normaliser_min",
    ),
    "quality": ("loss", "beta", "box_weight", "varifocal"),
    "box": ("delta",),
    "guidance": (),
    "backbone": ("weights", "frozen_stages", "norm_eval"),
    "neck": (),
}  # fmt: skip


class Network(NamedTuple):
    """Size of a network.

    Attributes:
        flops: of a forward pass, for each pixel of the image, as ``gfl_bench.speed.count_flops`` counts.
        parameters: of the whole detector.
    """

    flops: int
    parameters: int


def network_of(config: Mapping[str, Any]) -> Network | None:
    """The network of ``config`` (plain values); None where the table does not have it."""
    return _table().get(network_key(config))


def network_key(config: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits; the same for all configs of one network."""
    sections = {
        name: {key: value for key, value in config[name].items() if key not in left_out}
        for name, left_out in NO_SHAPE.items()
    }
    return hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()[:10]


@cache
def _table() -> dict[str, Network]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {str(key): Network(*sizes) for key, sizes in yaml.load(FILE.read_bytes(), loader).items()}
