"""Every detector with every quality, box and guidance that fits it can be built; the rest is refused with a reason."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch

from analysis.list_combinations import GROUPS, combination, conflicts, detectors, fitting, markdown, options
from gfl_bench.config.compose import compose
from gfl_bench.config.identity import plain
from gfl_bench.models.build import build_detector

DOCS = Path(__file__).parents[1] / "docs" / "combinations.md"


@pytest.mark.slow
@pytest.mark.parametrize("detector", detectors())
def test_every_combination_that_fits_is_built(detector: str) -> None:
    for parts in fitting(detector):
        with torch.device("meta"):
            built = build_detector(combination(detector, *parts), 8, seed=0)
        assert sum(parameter.numel() for parameter in built.head.parameters()) > 0


@pytest.mark.parametrize("detector", detectors())
def test_every_detector_takes_its_own_losses_and_gfocal(detector: str) -> None:
    assert not conflicts(detector, "none", "dirac", "none")
    assert not conflicts(detector, "joint", "general_dfl", "distribution")


def test_what_is_refused_names_the_options_and_a_mend() -> None:
    sentences = [s for parts in product(detectors(), *map(options, GROUPS)) for s in conflicts(*parts)]
    assert sentences
    for sentence in set(sentences):
        assert "=" in sentence and (": set " in sentence or ": leave" in sentence), sentence


def test_a_combination_is_what_hydra_composes() -> None:
    parts = ["quality=joint", "box=general_dfl", "guidance=distribution"]
    composed = compose(["detector=fcos", "scale=smoke", *parts])
    assert plain(combination("fcos", "joint", "general_dfl", "distribution")) == composed


def test_the_table_in_the_docs_is_that_of_today() -> None:
    assert DOCS.read_text(encoding="utf-8") == markdown()
