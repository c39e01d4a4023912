"""Displacements of Section 1 as docs/displacements.md defines them: what is counted, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detectors import nano
from torch import Tensor

from gfl_bench.evaluate.displacement import DisplacementMeter
from gfl_bench.evaluate.displacement.pairs import Rivals, Truth, demoted, displacements, leading
from gfl_bench.evaluate.displacement.shares import shares
from gfl_bench.models.build import build_detector
from gfl_bench.structures import Batch, HeadOutput, Instances, Logits

DOCUMENT = Path(__file__).parent.parent / "docs" / "displacements.md"
NONE = torch.zeros(0, dtype=torch.int64)


def table(first: str) -> list[dict[str, str]]:
    """The rows of the document's table whose first column is called ``first``."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[start:]]
    end = next(number for number, line in enumerate(lines[start:]) if not line.startswith("|"))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:end]]


def one_image(boxes: list[list[float]], ignored: Tensor | None = None) -> Batch:
    """An image of 512 x 128 with objects of class 0."""
    crowds = torch.zeros(0, 4) if ignored is None else ignored
    zeros = torch.zeros(len(boxes), dtype=torch.int64)
    instances = Instances(torch.tensor(boxes).reshape(-1, 4), zeros, zeros, crowds, zeros[:1].expand(len(crowds)))
    size = torch.tensor([[128, 512]])
    return Batch(torch.zeros(1, 3, 128, 512), instances, size, size, torch.ones(1, 2), [1])


def measured(
    monkeypatch: pytest.MonkeyPatch, batch: Batch, boxes: Tensor, c: Tensor, q: Tensor
) -> tuple[DisplacementMeter, dict[str, Any]]:
    """A detector with a branch says ``boxes`` [M, 4], class scores ``c`` and qualities ``q`` at its first locations."""
    detector = build_detector(nano("centerness_branch", "dirac_distance"), 1, seed=0)
    count = len(detector.priors(batch))
    cls, aux = torch.full((1, count, 1), -20.0), torch.zeros(1, count, 1)
    cls[0, : len(c), 0], aux[0, : len(q), 0] = c.logit(), q.logit()
    monkeypatch.setattr(detector, "decode", lambda output, row, priors: boxes[row])
    observer = DisplacementMeter()
    output = HeadOutput(Logits(cls), torch.zeros(1, count, 4, 1), Logits(aux), None)
    observer.see(detector, output, batch, [])
    return observer, observer.to_dict()


def test_the_worked_example_of_the_document_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["box"]: row for row in table("box")}
    boxes = torch.tensor([[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in rows.values()])
    c, q = (torch.tensor([float(row[name]) for row in rows.values()]) for name in "cq")
    objects = [[0.0, 0, 100, 100], [200.0, 0, 300, 100]]
    overlap = Truth(torch.tensor(objects), NONE.new_zeros(2), torch.zeros(0, 4)).overlap(boxes, NONE.new_zeros(5))
    assert overlap.amax(dim=1).tolist() == pytest.approx([float(row["IoU"]) for row in rows.values()])
    assert (c * q).tolist() == pytest.approx([float(row["s"]) for row in rows.values()])

    rivals = Rivals(NONE.new_zeros(5), c * q, c, q)
    pairs = displacements(rivals[torch.tensor([3, 4])], rivals[torch.arange(3)])
    first = [list(rows)[number] for number in leading(c * q, overlap)]
    kinds = {
        (f"N{n + 1} P{p + 1}", "quality" if pairs.by_quality[n, p] else "class" if pairs.by_class[n, p] else "both",
         "yes" if f"P{p + 1}" in first else "no")
        for n, p in pairs.all.nonzero().tolist()
    }  # fmt: skip
    assert kinds == {(row["pair"], row["kind"], row["leading"]) for row in table("pair")}

    observer, result = measured(monkeypatch, one_image(objects), boxes, c, q)
    assert (result["by_quality"], result["displaced"], result["by_class"]) == (2, 5, 1)
    assert (result["leading_by_quality"], result["leading_displaced"], result["leading_by_class"]) == (1, 3, 1)
    values = {name: ranking.value(np.array([2])) for name, ranking in observer._rankings.items()}
    assert {name: f"{value:.2f}" for name, value in values.items()} == {
        row["ranking"]: row["AP50"] for row in table("ranking")
    }
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    assert f"`share` is 2 of 5, {result['share']:.0f} %;" in text
    assert f"`leading_share` is 1 of 3, {result['leading_share']:.1f} %." in text
    assert f"Both costs are {result['ap50_cost']:.2f}." in text
    assert result["leading_ap50_cost"] == pytest.approx(result["ap50_cost"])


def random_rivals(count: int, seed: int) -> Rivals:
    """Of 3 classes, many with equal numbers."""
    generator = torch.Generator().manual_seed(seed)
    c, q = torch.randint(1, 9, (2, count), generator=generator) / 8
    return Rivals(torch.randint(3, (count,), generator=generator), c * q, c, q)


def test_pairs_are_those_of_a_loop_over_all_of_them_and_their_kinds_never_overlap() -> None:
    negatives, positives = random_rivals(40, 0), random_rivals(25, 1)
    expected = [0, 0, 0]
    for n in range(40):
        for p in range(25):
            if negatives.label[n] != positives.label[p] or not negatives.score[n] > positives.score[p]:
                continue
            expected[0] += 1
            expected[1] += int(not negatives.class_score[n] > positives.class_score[p])
            expected[2] += int(not negatives.quality[n] > positives.quality[p])
    pairs = displacements(negatives, positives)
    assert pairs.counts().tolist() == expected and min(expected) > 0
    assert not (pairs.by_quality & pairs.by_class).any()


def test_demotion_ends_all_displacements_by_quality_and_makes_none() -> None:
    negatives, positives = random_rivals(60, 2), random_rivals(30, 3)
    before = displacements(negatives, positives)
    lowered = demoted(negatives.score, positives.score, before.by_quality)
    after = displacements(replace(negatives, score=lowered), positives)
    assert before.by_quality.any() and after.all.any() and not after.by_quality.any()
    assert not (after.all & ~before.all).any()
    torch.testing.assert_close(lowered[~before.by_quality.any(dim=1)], negatives.score[~before.by_quality.any(dim=1)])


def test_images_without_objects_or_candidates_leave_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    sure, box = torch.tensor([0.9]), torch.tensor([[0.0, 0, 50, 50]])
    for batch, c in ((one_image([]), sure), (one_image([]), sure / 100), (one_image([[0.0, 0, 9, 9]]), sure / 100)):
        _, result = measured(monkeypatch, batch, box, c, sure)
        assert (result["displaced"], result["share"], result["low"]) == (0, None, None)
        assert not result["ap50_cost"]


def test_a_box_in_a_crowd_is_no_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = torch.tensor([[0.0, 0, 100, 100], [300.0, 0, 400, 100]])
    c, q = torch.tensor([0.6, 0.5]), torch.tensor([0.3, 0.9])
    crowd = torch.tensor([[280.0, 0, 500, 100]])
    for ignored, displaced, cost in ((None, 1, 50), (crowd, 0, 0)):
        _, result = measured(monkeypatch, one_image([[0.0, 0, 100, 100]], ignored), boxes, c, q)
        assert (result["displaced"], result["ap50_cost"]) == (displaced, pytest.approx(cost))


def test_the_interval_is_that_of_resampled_images() -> None:
    generator = np.random.default_rng(0)
    displaced = generator.poisson(30, 300) * generator.integers(0, 4, 300)
    by_quality = generator.binomial(displaced, generator.beta(2, 5, 300))
    result = shares(np.stack([displaced, by_quality, displaced - by_quality], axis=1))
    drawn = generator.integers(0, 300, (4000, 300))
    resampled = 100 * by_quality[drawn].sum(axis=1) / displaced[drawn].sum(axis=1)
    assert (result["low"], result["high"]) == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])), rel=0.02)
