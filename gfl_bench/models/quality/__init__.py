"""How a detector says how good a box is: not at all, by a branch, through guided weights, or in one joint score.

Each strategy owns the loss of the class scores (and of its branch), the score that ranks detections, and what weights
a positive's box losses. B images, P priors, C classes, K positives.
"""

from collections.abc import Callable
from typing import Any

from gfl_bench.config import schema
from gfl_bench.models.quality.branch import BranchQuality
from gfl_bench.models.quality.focal import FocalQuality
from gfl_bench.models.quality.guided import GuidedQuality
from gfl_bench.models.quality.joint import JointQuality
from gfl_bench.models.quality.real import real_centerness, real_iou
from gfl_bench.models.quality.representation import QualityRepresentation

QUALITIES: dict[str, Callable[[Any, schema.DetectorConfig], QualityRepresentation]] = {
    "none": FocalQuality,
    "centerness_branch": lambda config, detector: BranchQuality(config, detector, real_centerness),
    "iou_branch": lambda config, detector: BranchQuality(config, detector, real_iou),
    "centerness_guided": lambda config, detector: GuidedQuality(config, detector, real_centerness),
    "iou_guided": lambda config, detector: GuidedQuality(config, detector, real_iou),
    "joint": JointQuality,
}
__all__ = ["QUALITIES", "BranchQuality", "FocalQuality", "GuidedQuality", "JointQuality", "QualityRepresentation"]
