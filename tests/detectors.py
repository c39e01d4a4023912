"""Small detectors and batches for tests, and the one of a stored mmdetection model."""

from __future__ import annotations

from typing import Any

import torch
from reference import golden
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import (
    ATSS,
    FPN,
    BoxConfig,
    CenternessBranch,
    CenternessGuided,
    Config,
    Dirac,
    DiracCoding,
    DiracConfig,
    DistributionGuidance,
    Gaussian,
    General,
    GeneralDFL,
    GuidanceConfig,
    HeadConfig,
    IoUBranch,
    IoUGuided,
    Joint,
    JointLoss,
    NoGuidance,
    NoQuality,
    QualityConfig,
    ResNet,
)
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.reference_names import from_reference
from gfl_bench.structures import Batch, Instances

CLASSES = 10
QUALITIES: dict[str, QualityConfig] = {
    "none": NoQuality(), "centerness_branch": CenternessBranch(), "iou_branch": IoUBranch(),
    "centerness_guided": CenternessGuided(), "iou_guided": IoUGuided(), "joint": Joint(),
    "joint_l1": Joint(loss=JointLoss.l1), "joint_l2": Joint(loss=JointLoss.l2), "joint_beta_0.5": Joint(beta=0.5),
}  # fmt: skip
BOXES: dict[str, tuple[BoxConfig, DiracCoding]] = {
    "dirac_delta": (Dirac(), DiracCoding.delta), "dirac_distance": (Dirac(), DiracCoding.distance),
    "gaussian": (Gaussian(), DiracCoding.delta), "general": (General(name="general"), DiracCoding.delta),
    "general_dfl": (GeneralDFL(name="general_dfl"), DiracCoding.delta),
}  # fmt: skip
GUIDANCES: dict[str, GuidanceConfig] = {"none": NoGuidance(), "distribution": DistributionGuidance()}
FITTING = [
    (quality, box, guidance)
    for quality in QUALITIES for box in BOXES for guidance in GUIDANCES
    if guidance == "none" or (quality.startswith("joint") and box.startswith("general"))
]  # fmt: skip
FAMILIES = {
    "gfl": ["detector=atss", "quality=joint", "box=general_dfl", "guidance=none"],
    "gflv2": ["detector=atss", "quality=joint", "box=general_dfl", "guidance=distribution"],
    "atss": ["detector=atss", "quality=centerness_branch", "box=dirac", "guidance=none"],
    "fcos_full": ["detector=fcos", "quality=centerness_branch", "box=dirac", "guidance=none"],
    "fcos_plain": ["detector=fcos_plain", "quality=centerness_branch", "box=dirac", "guidance=none"],
    "retinanet": ["detector=retinanet_a9", "quality=none", "box=dirac", "guidance=none"],
    "foveabox": ["detector=foveabox", "quality=none", "box=dirac", "guidance=none"],
}
NANO = [  # as the stored models are
    "scale=demo", "backbone.base_channels=8", "backbone.frozen_stages=1", "backbone.norm_eval=true",
    "neck.channels=32", "detector.head.channels=32", "detector.head.norm_groups=32",
]  # fmt: skip
WITHOUT_NORM = ("retinanet", "foveabox")  # in the head, where the last of these is refused


def nano(quality: str = "joint", box: str = "general_dfl", guidance: str = "none", **detector: Any) -> Config:
    """ResNet-18 of 8 base channels, and 32 channels from the neck on."""
    box_config, coding = BOXES[box]
    return Config(
        detector=ATSS(
            name="atss", head=HeadConfig(channels=32, stacked_convs=2), dirac=DiracConfig(coding=coding),
            **detector
        ),
        quality=QUALITIES[quality], box=box_config, guidance=GUIDANCES[guidance],
        backbone=ResNet(depth=18, base_channels=8, weights=None), neck=FPN(channels=32),
    )  # fmt: skip


def stored_detector(family: str) -> tuple[Detector, dict[str, Any]]:
    """The detector of ``tests/goldens/<family>_nano.npz`` with its weights, and what mmdetection said of it."""
    stored = golden("nano_images") | golden(f"{family}_nano")
    small = NANO[:-1] if family in WITHOUT_NORM else NANO
    built = build_detector(compose_config([*FAMILIES[family], *small]), CLASSES, seed=0)
    weights = {key[2:]: torch.tensor(value).float() for key, value in stored.items() if key.startswith("w/")}
    built.load_state_dict(from_reference(weights))
    return built, stored


def stored_batch(stored: dict[str, Any], with_truth: tuple[bool, bool] = (True, True)) -> Batch:
    """The two images of a stored model; those where ``with_truth`` is False have lost their ground truth."""
    images = [number for number in range(2) if with_truth[number]]
    boxes = [torch.from_numpy(stored[f"gt/{number}/bboxes"]) for number in images]
    labels = [torch.from_numpy(stored[f"gt/{number}/labels"]) for number in images]
    owner = [torch.full((len(part),), number) for number, part in zip(images, labels, strict=True)]
    none = torch.zeros(0, dtype=torch.int64)
    instances = Instances(
        torch.cat([torch.zeros(0, 4), *boxes]), torch.cat([none, *labels]), torch.cat([none, *owner]),
        torch.zeros(0, 4), none,
    )  # fmt: skip
    return Batch(
        torch.from_numpy(stored["input_f16"]).float(), instances, torch.from_numpy(stored["img_shapes"]),
        torch.from_numpy(stored["pad_shapes"]), torch.ones(2, 2), [1, 2],
    )  # fmt: skip


def random_batch(seed: int, truths: list[int], height: int = 128, width: int = 160, side: float = 64) -> Batch:
    """An image with that many random ground truths for each number in ``truths``; every second one is narrower."""
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    count, owner = sum(truths), torch.repeat_interleave(torch.arange(len(truths)), torch.tensor(truths))
    sizes = torch.tensor([[height, width - 40 * (number % 2)] for number in range(len(truths))])
    limit = sizes[owner].flip(1).float()
    center, reach = rand(count, 2) * limit, (rand(count, 2) * side + 4) / 2
    boxes = torch.cat([(center - reach).clamp(min=0), (center + reach).minimum(limit)], dim=1)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    images = torch.randn(len(truths), 3, height, width, generator=generator)
    instances = Instances(boxes, labels, owner, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    padded = (sizes + 31) // 32 * 32
    return Batch(images, instances, sizes, padded, torch.ones(len(truths), 2), list(range(len(truths))))
