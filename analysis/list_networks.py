"""FLOPs and parameters of every cell's network at every scale, which plans estimate costs by, as YAML.

    python analysis/list_networks.py > gfl_bench/sweep/plan/networks.yaml

Nothing is computed: torch's fake tensors have shapes alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gfl_bench.config.compose import compose_config, register_options
from gfl_bench.config.identity import plain
from gfl_bench.config.paths import conf_folder
from gfl_bench.config.schema import Config, Scenes
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.models.build import build_detector
from gfl_bench.speed import count_flops, count_parameters
from gfl_bench.sweep.plan.networks import Network, network_key

HEAD = """\
# Made by `python analysis/list_networks.py`; how it is read: gfl_bench/sweep/plan/networks.py.
# key of the network: [FLOPs of a forward pass for each pixel of the image, parameters] # the first cell that it is"""
COCO_CATEGORIES = 80


class NetworkError(ValueError):
    """Two networks go by one key."""


def main() -> None:
    print(HEAD)
    known: dict[str, Network] = {}
    with FakeTensorMode(allow_non_fake_inputs=True):
        for name, config in _configs():
            key, network = network_key(plain(config)), count(config)
            if key not in known:
                print(f'"{key}": [{network.flops}, {network.parameters}] # {name}')
            elif known[key] != network:
                raise NetworkError(f"{name} is {network}, and of its key {key} is {known[key]}: see NO_SHAPE")
            known[key] = network


def count(config: Config) -> Network:
    """The size of the detector of ``config``, with the classes of its data."""
    classes = len(NAMES) if isinstance(config.data, Scenes) else COCO_CATEGORIES
    detector = build_detector(config, classes, seed=0)
    side = config.data.size
    flops = count_flops(detector, torch.zeros(1, 3, side, side))
    return Network(round(flops / side**2), count_parameters(detector))


def _configs() -> Iterator[tuple[str, Config]]:
    """Every cell at every scale; no weights are fetched."""
    cells = [cell.name for table in register_options().values() for cell in table.cells]
    for scale in sorted(path.stem for path in (conf_folder() / "scale").glob("*.yaml")):
        for cell in cells:
            yield f"{cell} at {scale}", compose_config([f"scale={scale}", f"cell={cell}", "backbone.weights=null"])


if __name__ == "__main__":
    main()
