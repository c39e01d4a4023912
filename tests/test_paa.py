"""PAA with any quality, box and guidance."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from detectors import CLASSES, NANO, random_batch
from torch import Tensor

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.assigners.assignment import IGNORED, Assignment
from gfl_bench.models.build import build_detector
from gfl_bench.models.detectors.paa.detector import PAA
from gfl_bench.models.positives import gather
from gfl_bench.structures import Batch, HeadOutput

PUBLISHED = ["quality=iou_branch", "box=dirac", "guidance=none"]
PARTS = [
    PUBLISHED, ["quality=joint", "box=general_dfl", "guidance=distribution"],
    ["quality=joint", "quality.loss=l2", "box=dirac", "guidance=point"], ["quality=none", "box=gaussian"],
    ["quality=iou_guided", "box=general"],
]  # fmt: skip
composed = cache(lambda *overrides: compose_config(["detector=paa", "guidance=none", *overrides, *NANO]))


def made(parts: list[str], *overrides: str) -> PAA:
    detector = build_detector(composed(*parts, *overrides), CLASSES, seed=0)
    assert isinstance(detector, PAA)
    return detector


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


@pytest.mark.parametrize("parts", PARTS)
def test_a_batch_gives_what_its_images_give_alone(parts: list[str]) -> None:
    detector, batch = made(parts).eval(), random_batch(0, [4, 3])
    with torch.no_grad():
        output = detector(batch.images)
    output.cls += torch.randn(output.cls.shape[1:], generator=torch.Generator().manual_seed(0)) * 3
    together, (whole, _) = detector.predict(output, batch), detector.match(output, batch)
    for number in range(2):
        one, part = one_image(output, batch, number)
        (wanted,), (assignment, _) = detector.predict(one, part), detector.match(one, part)
        first = int((batch.instances.image < number).sum())
        gt = assignment.gt_index[0]
        assert (gt >= 0).any() and torch.equal(whole.gt_index[number], torch.where(gt >= 0, gt + first, gt))
        assert len(wanted.scores) > 0 and torch.equal(together[number].labels, wanted.labels)
        torch.testing.assert_close(together[number].boxes, wanted.boxes, rtol=1e-4, atol=1e-3)


def one_image(output: HeadOutput, batch: Batch, number: int) -> tuple[HeadOutput, Batch]:
    part, truth = slice(number, number + 1), batch.instances
    mine = truth.image == number
    instances = replace(truth, boxes=truth.boxes[mine], labels=truth.labels[mine], image=truth.image[mine] * 0)
    parts = {name: None if value is None else value[part] for name, value in vars(output).items()}
    sizes = {name: getattr(batch, name)[part] for name in ("images", "sizes", "padded_sizes", "scale_factors")}
    return HeadOutput(**parts), replace(batch, instances=instances, image_ids=[0], **sizes)


def test_candidates_compete_with_the_losses_that_they_would_have_as_positives() -> None:
    """A batch of one positive, whose losses are divided by 1 and whose box weighs 1, shows them."""
    for parts in (["quality=none", "box=dirac"], ["quality=joint", "quality.box_weight=uniform", "box=general_dfl"]):
        detector, batch = made(parts, "detector.count=batch"), random_batch(0, [3])
        output, priors = detector(batch.images), detector.priors(batch)
        first = detector.assigner.assign(priors, batch.instances, batch.padded_sizes)
        row = int((first.gt_index[0] >= 0).nonzero()[7])
        lone = Assignment(torch.full_like(first.gt_index, IGNORED))
        lone.gt_index[0, row] = first.gt_index[0, row]
        positives = gather(output, priors, batch.instances, lone, detector.decode)
        (candidate,) = detector.candidate_losses(output, positives)
        detector.match = lambda output, batch, pair=(lone, positives): pair  # type: ignore[method-assign]
        assert candidate.item() == pytest.approx(total(detector.loss(output, batch)).item(), rel=1e-5)


def test_only_a_branch_makes_the_score_a_geometric_mean() -> None:
    for parts, branch in ((PARTS[0], True), (PARTS[1], False)):
        detector, batch = made(parts), random_batch(0, [1])
        output = detector(batch.images)
        scores, factor = detector.ranking(output)
        plain = detector.quality.score(output)
        assert factor is None
        torch.testing.assert_close(scores, plain.sqrt() if branch else plain)


def test_voting_moves_boxes_and_leaves_scores() -> None:
    batch, found = random_batch(0, [2, 2]), []
    for voting in ("true", "false"):
        detector = made(PUBLISHED, f"detector.score_voting={voting}").eval()
        with torch.no_grad():
            found.append(detector.predict(detector(batch.images), batch)[0])
    assert torch.equal(found[0].scores, found[1].scores)
    assert (found[0].boxes - found[1].boxes).abs().max() > 0.1


def test_no_candidates_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"detector\.topk=0 must be above 0"):
        compose_config(["detector=paa", *PUBLISHED, "detector.topk=0"])
