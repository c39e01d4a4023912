"""ATSS and GFocal on ResNet-50 against torchvision's FCOS and RetinaNet v2: a training step, and inference.

    python -m benchmarks.torchvision_detectors [--rounds N]

Training: forward, loss and backward of 2 images of 320 x 320 with 8 objects each, stem and first stage frozen, batch
norm fixed, in all of them. Inference: one image of 800 x 1216, post-processing included; every detector's scores are
lifted so that its NMS gets the most candidates that it ever takes. Random weights, 80 classes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import fcos_resnet50_fpn, retinanet_resnet50_fpn_v2
from torchvision.ops import FrozenBatchNorm2d

from benchmarks.interleave import interleave, report
from benchmarks.passes import CLASSES, OBJECTS, detection, random_batch, training_step

CELLS = {"gfl_bench ATSS": "table11.atss", "gfl_bench GFocal": "table11.gfocal"}
PUBLISHED = {"torchvision FCOS": fcos_resnet50_fpn, "torchvision RetinaNet v2": retinanet_resnet50_fpn_v2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    for title, candidates, baseline in (
        ("training step, 2 x 320 x 320, fp32", _training(bf16=False), "torchvision FCOS"),
        ("inference, 800 x 1216, fp32", _inference(bf16=False), "torchvision FCOS"),
        ("GFocal training step, 2 x 320 x 320", _precisions(training_step), "fp32"),
        ("GFocal inference, 800 x 1216", _precisions(detection), "fp32"),
    ):
        timings = interleave(candidates, rounds)
        print(report(f"{title}, {torch.get_num_threads()} threads", timings, baseline), flush=True)


def _training(bf16: bool) -> dict[str, Callable[[], object]]:
    ours = {name: training_step([f"cell={cell}"], bf16, channels_last=True) for name, cell in CELLS.items()}
    return ours | {name: _their_step(build) for name, build in PUBLISHED.items()}


def _inference(bf16: bool) -> dict[str, Callable[[], object]]:
    ours = {name: detection([f"cell={cell}"], bf16, channels_last=True) for name, cell in CELLS.items()}
    return ours | {name: _their_pass(build) for name, build in PUBLISHED.items()}


def _precisions(build: Callable[..., Callable[[], object]]) -> dict[str, Callable[[], object]]:
    return {
        "fp32": build(["cell=table11.gfocal"], False, channels_last=False),
        "fp32, channels_last": build(["cell=table11.gfocal"], False, channels_last=True),
        "bf16, channels_last": build(["cell=table11.gfocal"], True, channels_last=True),
    }


def _their_detector(build: Callable[..., nn.Module], height: int, width: int) -> Any:
    detector: Any = build(
        weights=None, weights_backbone=None, num_classes=CLASSES,
        norm_layer=FrozenBatchNorm2d, min_size=height, max_size=width,
    )  # fmt: skip
    for parameter in [*detector.backbone.body.conv1.parameters(), *detector.backbone.body.layer1.parameters()]:
        parameter.requires_grad_(False)
    return detector


def _their_step(build: Callable[..., nn.Module]) -> Callable[[], object]:
    detector = _their_detector(build, 320, 320).train()
    batch = random_batch(2, 320, 320, channels_last=False)
    boxes, labels = batch.instances.boxes.split(OBJECTS), batch.instances.labels.split(OBJECTS)
    targets = [{"boxes": b, "labels": c} for b, c in zip(boxes, labels, strict=True)]

    def step() -> None:
        detector.zero_grad(set_to_none=True)
        losses: dict[str, Tensor] = detector(list(batch.images), targets)
        torch.stack(list(losses.values())).sum().backward()

    return step


def _their_pass(build: Callable[..., nn.Module]) -> Callable[[], object]:
    detector: Any = _their_detector(build, 800, 1216).eval()
    nn.init.zeros_(detector.head.classification_head.cls_logits.bias)
    images = list(random_batch(1, 800, 1216, channels_last=False).images)

    @torch.inference_mode()
    def detect() -> object:
        return detector(images)

    return detect


if __name__ == "__main__":
    main()
