"""Conflicts among options: each rule yields one sentence for each, which names the options and the mend."""

from collections.abc import Callable, Iterator

from gfl_bench.config.rules import backbones, detectors, ranges, run, scores, ssd, unread, yolo
from gfl_bench.config.schema import Config

Rule = Callable[[Config], Iterator[str]]

FITTING: tuple[Rule, ...] = (
    scores.guidance_fits, scores.quality_fits, ranges.numbers_are_in_range, ranges.groups_divide,
    detectors.priors_fit, detectors.levels_fit, detectors.dirac_is_coded, detectors.refinement_fits,
    detectors.points_fit, ssd.ssd_fits, yolo.yolo_fits, yolo.yolo_dirac_fits, backbones.backbone_exists,
    backbones.neck_has_its_maps, run.shares_are_ordered, run.images_can_move, run.schedule_is_ordered,
    run.mode_has_its_checkpoint,
)  # fmt: skip
# Of what is composed anew; a run that is there has its id already, and may be older than a detector's values of today.
RULES = (*FITTING, unread.unread_options_are_left_out)
