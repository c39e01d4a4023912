"""A detector of four layers and random batches: the interface of the real ones, in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.ops import box_iou, nms

from gfl_bench.config.schema import ATSS, Config, MachineConfig, Precision, ScaleConfig, ScheduleConfig
from gfl_bench.structures import Batch, Detections, HeadOutput, Instances, Logits, QualityPairs

CLASSES = 3
SIDE = 64


class StandIn(nn.Module):
    """One box a cell of 16 pixels; a dropout layer, so that a resumed run needs the random state as well."""

    def __init__(self, seed: int = 0, dropout: float = 0.1) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Dropout(dropout)
        )
        self.cls = nn.Conv2d(8, CLASSES, 4, stride=4)
        self.box = nn.Conv2d(8, 4, 4, stride=4)

    def forward(self, images: Tensor) -> HeadOutput:
        features = self.features(images)
        cls, box = (head(features).flatten(2).transpose(1, 2).float() for head in (self.cls, self.box))
        return HeadOutput(Logits(cls), box[..., None], None, None)

    def loss(self, output: HeadOutput, batch: Batch) -> dict[str, Tensor]:
        """Means over the images: twice the images of one kind, the same loss."""
        wanted = torch.zeros(len(batch.image_ids), CLASSES)
        wanted[batch.instances.image, batch.instances.labels] = 1
        return {
            "loss_cls": (output.cls.mean(dim=1) - wanted).square().mean(),
            "loss_box": (output.box - 1).square().mean(),
        }

    def predict(self, output: HeadOutput, batch: Batch) -> list[Detections]:
        return [self._predict(*one) for one in zip(output.cls.sigmoid(), output.box[..., 0], strict=True)]

    def _predict(self, scores: Tensor, sides: Tensor) -> Detections:
        boxes = _boxes(sides)
        best, labels = scores.max(dim=1)
        kept = nms(boxes, best, 0.6)
        return Detections(boxes[kept], best[kept], labels[kept])

    def quality_pairs(self, output: HeadOutput, batch: Batch) -> QualityPairs:
        """The first cell of each image that has a ground truth, against the first of them."""
        images, counts = torch.unique_consecutive(batch.instances.image, return_counts=True)
        first = counts.cumsum(0) - counts
        iou = box_iou(_boxes(output.box[images, 0, :, 0]), batch.instances.boxes[first]).diagonal()
        return QualityPairs(output.cls[images, 0, batch.instances.labels[first]].sigmoid(), iou)


def _boxes(sides: Tensor) -> Tensor:
    centre = torch.arange(len(sides)).float()[:, None] % 4 * 16 + 8
    reach = 8 + sides.abs()
    return torch.cat([centre.expand(-1, 2) - reach[:, :2], centre.expand(-1, 2) + reach[:, 2:]], dim=1)


def random_batch(seed: int, images: int = 4, side: int = SIDE) -> Batch:
    """Batch ``seed``; its second image has no ground truth, its third two and a crowd."""
    generator = torch.Generator().manual_seed(seed)
    owner = torch.tensor([number for number in range(images) for _ in range((1, 0, 2)[number % 3])])
    corner = torch.rand(len(owner), 2, generator=generator) * side / 2
    boxes = torch.cat([corner, corner + 8 + torch.rand(len(owner), 2, generator=generator) * side / 4], dim=1)
    crowds = torch.tensor([number for number in range(images) if number % 3 == 2], dtype=torch.int64)
    size = torch.tensor([[side, side]]).expand(images, 2)
    return Batch(
        images=torch.randn(images, 3, side, side, generator=generator),
        instances=Instances(
            boxes=boxes,
            labels=torch.randint(CLASSES, (len(owner),), generator=generator),
            image=owner.long(),
            ignored_boxes=torch.tensor([[0.0, 0.0, 9.0, 9.0]]).expand(len(crowds), 4),
            ignored_image=crowds,
        ),
        sizes=size,
        padded_sizes=size,
        scale_factors=torch.ones(images, 2),
        image_ids=[100 * seed + number for number in range(images)],
    )


def batches_from(step: int, steps: int, images: int = 4, side: int = SIDE) -> Iterator[Batch]:
    """Batches of the steps ``step`` to ``steps`` - 1, each a function of its step alone."""
    return (random_batch(number, images, side) for number in range(step, steps))


def config(**machine: object) -> Config:
    """Twelve steps, learning rate decayed twice, logged every 4 and saved every 5."""
    return Config(
        detector=ATSS(name="stand-in"),
        schedule=ScheduleConfig(name="tiny", epochs=12, warmup_steps=3, lr=0.05, batch_size=4),
        scale=ScaleConfig(name="tiny", steps_per_epoch=1),
        precision=Precision.fp32,
        machine=MachineConfig(**{"log_every": 4, "checkpoint_every": 5, **machine}),  # type: ignore[arg-type]
    )


def annotation_file(folder: Path, annotations: list[dict[str, object]], images: int = 2) -> Path:
    """COCO JSON of ``images`` images of 100 x 100 with the categories 1 and 7, and nothing that could be left out."""
    path = folder / "annotations.json"
    numbers = range(images)
    dataset = {
        "images": [{"id": number, "width": 100, "height": 100, "file_name": f"{number}.png"} for number in numbers],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "one"}, {"id": 7, "name": "seven"}],
    }
    path.write_text(json.dumps(dataset), encoding="utf-8")
    return path
