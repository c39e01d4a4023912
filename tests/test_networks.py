"""The table of networks, which plans use in place of torch, is that of the networks themselves."""

from __future__ import annotations

import pytest
import torch
from recorded import TABLES, compose_once

from gfl_bench.config.compose import compose_config
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.models.build import build_detector
from gfl_bench.speed import count_flops, count_parameters
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.plan.networks import network_key, network_of

SAMPLE = ("table05.beta0", "table03.ssd512_none", "table09.deformable", "table12.reppoints_v2_gfocal", "table13.paa")


@pytest.mark.parametrize("scale", ["smoke", "demo", "proxy", "paper"])
def test_every_cell_of_every_scale_has_its_network(scale: str) -> None:
    cells = ComposedCells()
    every = [cell for table in TABLES.values() for cell in table.cells]
    assert [cell.name for cell in every if network_of(cells.config(scale, cell)) is None] == []


@pytest.mark.parametrize("cell", SAMPLE)
def test_its_numbers_are_those_that_torch_counts(cell: str) -> None:
    config = compose_config(["scale=demo", f"cell={cell}"])
    detector = build_detector(config, len(NAMES), seed=0)
    side = config.data.size
    flops = count_flops(detector, torch.zeros(1, 3, side, side))
    network = network_of(compose_once(("scale=demo", f"cell={cell}")))
    assert network == (round(flops / side**2), count_parameters(detector))


@pytest.mark.parametrize("same", ["quality.beta=1.5", "detector.recipe.clip_norm=1", "schedule=2x", "data.size=240"])
def test_what_makes_no_other_network_has_the_same_key(same: str) -> None:
    base = ("scale=demo", "cell=table05.beta2")
    assert network_key(compose_once((*base, same))) == network_key(compose_once(base))


@pytest.mark.parametrize("other", ["detector.head.channels=32", "box=general", "backbone=resnet34", "neck.channels=32"])
def test_another_network_has_another_key(other: str) -> None:
    base = ("scale=demo", "cell=table05.beta2")
    assert network_key(compose_once((*base, other))) != network_key(compose_once(base))
