"""Which priors learn which ground truth: the assigners of ``detector=``."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING


@dataclass
class AssignerConfig:
    name: str = MISSING


@dataclass
class ATSSAssigner(AssignerConfig):
    name: str = "atss"
    topk: int = 9  # closest priors on each level
    ignore_iof: float = -1.0  # priors covered by ignored boxes by more than this are ignored; below 0: never


@dataclass
class MaxIoUAssigner(AssignerConfig):
    """RetinaNet's, SSD's and PAA's first: by the IoU of the priors' boxes with the ground truths."""

    name: str = "max_iou"
    positive_iou: float = 0.5  # priors with at least this are positive
    negative_iou: float = 0.4  # priors below this are negative, those between the two ignored
    lowest_iou: float = 0.0  # a ground truth's best prior is positive from this IoU on, whatever else it overlaps
    all_best: bool = True  # every prior that ties for a ground truth's best; else the first of them
    ignore_iof: float = -1.0  # priors covered by ignored boxes by more than this are ignored; below 0: never


@dataclass
class FCOSAssigner(AssignerConfig):
    """FCOS's: locations inside a ground truth, on the level of its size as seen from there."""

    name: str = "fcos"
    # greatest distance to a side, in pixels, up to which a level answers and from which the next one does
    bounds: list[float] = field(default_factory=lambda: [64.0, 128.0, 256.0, 512.0])
    center_radius: float = 1.5  # strides from the ground truth's centre to each side; 0: the whole ground truth


@dataclass
class FoveaAssigner(AssignerConfig):
    """FoveaBox's: the middle of a ground truth, on every level whose range its size falls into."""

    name: str = "fovea"
    # of each level the smallest and largest size, in pixels, that it answers to: the square root of the area
    size_ranges: list[list[int]] = field(
        default_factory=lambda: [[1, 64], [32, 128], [64, 256], [128, 512], [256, 2048]]
    )
    sigma: float = 0.4  # share of the ground truth's width and height that is its middle
