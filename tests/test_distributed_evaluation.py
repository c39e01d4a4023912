"""Processes that share a split find and note what one process does, to the last digit and in its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from detectors import CLASSES
from observed import Grey, a_batch
from processes import agreed, together
from test_every_detector import GFOCAL, OWN, composed

from gfl_bench.config.schema import Config, Precision
from gfl_bench.data.batch_order import evaluation_batches
from gfl_bench.engine.distributed import World
from gfl_bench.evaluate.displacement import DisplacementMeter
from gfl_bench.evaluate.evidence import Evidence, examples, extremes
from gfl_bench.evaluate.inference import infer
from gfl_bench.models.build import build_detector
from gfl_bench.structures import HeadOutput


def observed(world: World, config: Config, batches: int, sure: float) -> Any:
    """Detections, arrays, displacements and pairs of a detector of random weights, those of some classes spread."""
    examples.IMAGES, extremes.EACH, extremes.SURE, extremes.MOST = 5, 4, sure, 60
    detector = build_detector(config, CLASSES, seed=0)
    say = detector.head.forward

    def spread(maps: Any) -> HeadOutput:
        output: HeadOutput = say(maps)
        generator = torch.Generator().manual_seed(int(output.cls.double().abs().sum() * 1000) % 2**31)
        output.cls += torch.randn(output.cls.shape, generator=generator) * 3
        return output

    detector.head.forward = spread  # type: ignore[method-assign]
    evidence, displacement = Evidence(Grey()), DisplacementMeter()
    found = infer(
        detector, (a_batch(seed) for seed in range(world.rank, batches, world.size)), device=torch.device("cpu"),
        precision=Precision.fp32, category_ids=list(range(CLASSES)), observers=[evidence, displacement], world=world,
    )  # fmt: skip
    if not world.is_main:
        return found
    arrays = {name: array for part in evidence.parts for name, array in part.arrays().items()}
    return found, arrays, displacement.to_dict(), evidence.pairs.predicted.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("sure", [0.3, 0.99], ids=["many sure", "hardly any sure"])
@pytest.mark.parametrize(("name", "parts"), [("atss", GFOCAL), ("fcos", OWN["fcos"])])
def test_everything_measured_is_what_one_process_measures(name: str, parts: str, sure: float) -> None:
    config = composed(name, parts)
    ((found, arrays, displaced, predicted),) = agreed(together(observed, config, 5, sure, size=1))
    (of_main, *others) = agreed(together(observed, config, 5, sure, size=3))  # 2, 2 and 1 batch
    assert len(found) > 100 and of_main[0] == found and others == [[], []]
    assert list(of_main[1]) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(of_main[1][key], array, err_msg=key)
    assert displaced and of_main[2:] == (displaced, predicted)
    assert len(arrays["example_image_id"]) == 5 and (parts != GFOCAL or len(arrays["flat_score"]) == 4)


def test_a_process_without_any_batch_waits_for_no_one() -> None:
    config = composed("atss", GFOCAL)
    ((whole, *_),) = agreed(together(observed, config, 1, 0.3, size=1))
    (shared, *_), other = agreed(together(observed, config, 1, 0.3))
    assert shared == whole and other == []


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_each_process_takes_every_so_many_th_batch_of_one_process_s_order(world: int) -> None:
    landscape = np.arange(23) % 3 > 0
    shares = [evaluation_batches(landscape, 4, rank, world) for rank in range(world)]
    whole = evaluation_batches(landscape, 4)
    assert [shares[number % world][number // world] for number in range(len(whole))] == whole
    assert sum(map(len, shares)) == len(whole)
