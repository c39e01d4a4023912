"""Samples are taken in turns, after the warm-up, and with the stated number of scores above the threshold."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfl_bench.results.samples import speed_ratio, summarise
from gfl_bench.speed import turns
from gfl_bench.speed.candidates import count_boxes, lift_scores, threshold_passing
from gfl_bench.speed.turns import take_turns, warm_up


def test_candidates_take_turns_and_each_has_every_round() -> None:
    calls: list[tuple[str, int]] = []

    def sample(name: str, number: int) -> float:
        calls.append((name, number))
        return 10.0 * number + ord(name)

    times = take_turns({name: partial(sample, name) for name in "ab"}, rounds=3)
    assert calls == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert times == {"a": [97.0, 107.0, 117.0], "b": [98.0, 108.0, 118.0]}


def test_drift_of_the_machine_cancels_where_timing_one_after_the_other_would_show_it() -> None:
    clock = iter(range(1000))

    def sample(work: float, number: int) -> float:
        return work * (1 + 0.01 * next(clock))  # 1 % slower with every call

    samples = {"one": partial(sample, 5.0), "same": partial(sample, 5.0)}
    times = take_turns(samples, rounds=100)
    assert speed_ratio(times["same"], times["one"]).value == pytest.approx(1, abs=0.02)
    alone = [[sample(5.0, 0) for _ in range(100)] for _ in range(2)]
    assert summarise(alone[1]).median_ms / summarise(alone[0]).median_ms > 1.2


def test_warm_up_goes_on_until_the_time_settles_and_no_longer_than_its_limits() -> None:
    def taking(times: list[float]) -> int:
        left = iter(times)
        return warm_up(lambda: next(left))

    window = turns.WARMUP_WINDOW
    assert taking([1.0] * 100) == 2 * window
    assert taking([9.0] * window + [3.0] * window + [1.0] * 100) == 4 * window
    assert taking([2.0**-number for number in range(100)]) == turns.WARMUP_LIMIT
    assert taking([turns.WARMUP_MILLISECONDS * 2.0**-number for number in range(100)]) == 2 * window


@given(st.integers(1, 60), st.integers(0, 2**32))
def test_as_many_scores_pass_as_are_wanted_where_none_are_equal(wanted: int, seed: int) -> None:
    scores = (torch.randperm(60, generator=torch.Generator().manual_seed(seed)) + 1).reshape(1, 20, 3) / 61
    threshold, passing = threshold_passing(scores, wanted)
    assert int((scores > threshold).sum()) == passing == wanted


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7]), min_size=2, max_size=40), st.integers(1, 40))
def test_of_equal_scores_all_or_none_pass_and_the_count_is_the_nearest_there_is(
    values: list[float], wanted: int
) -> None:
    scores = torch.tensor(values)
    threshold, passing = threshold_passing(scores, wanted)
    assert int((scores > threshold).sum()) == passing
    possible = {int((scores > one).sum()) for one in [0.0, 0.1, 0.25, 0.5, 0.7]}
    assert abs(passing - wanted) == min(abs(count - wanted) for count in possible)


def test_scores_of_an_untrained_head_are_lifted_and_nothing_else_is() -> None:
    head = torch.nn.ModuleDict({"cls": torch.nn.Conv2d(4, 3, 1), "box": torch.nn.Conv2d(4, 4, 1)})
    before = {name: value.clone() for name, value in head.state_dict().items()}
    lift_scores(head)
    changed = [name for name, value in head.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["cls.bias"]
    assert not head.state_dict()["cls.bias"].any()


def test_boxes_of_several_passes_are_counted_as_means() -> None:
    from torchvision.ops import nms

    from gfl_bench.structures import Detections

    def detect(boxes: int, kept: int) -> list[Detections]:
        nms(torch.rand(boxes, 4), torch.rand(boxes), 0.5)
        return [Detections(torch.zeros(kept, 4), torch.zeros(kept), torch.zeros(kept))]

    assert count_boxes([partial(detect, 10, 4), partial(detect, 30, 6)]) == (20, 5)
