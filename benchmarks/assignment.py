"""Assignment and loss of one 800 x 1216 image against the plain full-matrix version that the tests use as oracle.

    python -m benchmarks.assignment

Forward and backward; the same head output and ground truths for both. Memory is the peak that one pass adds on a GPU,
or on the CPU the largest sum of live tensors that torch's profiler saw.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.interleave import interleave, report
from benchmarks.memory import peak_megabytes
from gfl_bench.config.compose import compose_config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.priors import level_sizes, priors_for
from gfl_bench.structures import Batch, HeadOutput, Instances, Logits
from tests.reference import FullMatrixATSS, plain_gfl_losses

HEIGHT, WIDTH, CLASSES = 800, 1216, 80


def main() -> None:
    torch.manual_seed(0)
    detector = build_detector(compose_config(["guidance=none"]), CLASSES, seed=0)
    for count in (20, 300):
        batch, output = _batch(count), _output(detector)
        candidates = {"full matrix": _plain(detector, output, batch), "gfl_bench": _ours(detector, output, batch)}
        timings = interleave(candidates, rounds=20)
        print(report(f"{count} ground truths, {torch.get_num_threads()} threads", timings, "full matrix"))
        for name, candidate in candidates.items():
            print(f"peak memory, {name}: {peak_megabytes(candidate):.1f} MB")


def _batch(count: int) -> Batch:
    """Boxes of COCO's spread of sizes, anywhere in the image."""
    side = torch.exp(torch.empty(count, 2).uniform_(2.5, 6.0))
    corner = torch.rand(count, 2) * torch.tensor([WIDTH, HEIGHT])
    boxes = torch.cat([corner - side / 2, corner + side / 2], dim=1)
    boxes = boxes.clamp(min=0).minimum(torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT]))
    instances = Instances(
        boxes, torch.randint(CLASSES, (count,)), torch.zeros(count, dtype=torch.int64), torch.zeros(0, 4),
        torch.zeros(0, dtype=torch.int64),
    )  # fmt: skip
    size = torch.tensor([[HEIGHT, WIDTH]])
    return Batch(torch.zeros(1, 3, HEIGHT, WIDTH), instances, size, size, torch.ones(1, 2), [0])


def _output(detector: Detector) -> HeadOutput:
    locations = sum(h * w for h, w in level_sizes(HEIGHT, WIDTH, detector.config.prior.strides))
    cls = torch.randn(1, locations, CLASSES) - 4.6
    box = torch.randn(1, locations, 4, detector.box.channels)
    return HeadOutput(Logits(cls.requires_grad_()), box.requires_grad_(), None, None)


def _ours(detector: Detector, output: HeadOutput, batch: Batch) -> Callable[[], None]:
    def run() -> None:
        _differentiate(detector.loss(output, batch), output)

    return run


def _plain(detector: Detector, output: HeadOutput, batch: Batch) -> Callable[[], None]:
    prior = detector.config.prior
    priors = priors_for(level_sizes(HEIGHT, WIDTH, prior.strides), prior, torch.device("cpu"))
    assigner = FullMatrixATSS()

    def run() -> None:
        assignment = assigner.assign(priors, batch.instances, batch.padded_sizes)
        _differentiate(plain_gfl_losses(output, batch, priors, assignment), output)

    return run


def _differentiate(losses: dict[str, Tensor], output: HeadOutput) -> None:
    """Down to the head's output, whose gradient in training is handed on and not kept."""
    torch.autograd.grad(torch.stack(list(losses.values())).sum(), [output.cls, output.box])


if __name__ == "__main__":
    main()
