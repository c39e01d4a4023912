"""An option that none of the chosen parts reads is refused, where it would change a run's id and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.identity import plain
from gfl_bench.config.rules.readers import TABLE
from gfl_bench.config.stored import stored_config

BASE = "scale=smoke guidance=none"
BRANCH = "quality=centerness_branch box=dirac"
SSD = "detector=ssd512 neck=ssd backbone=vgg16_bn box=dirac"
SSD_ON_FPN = "detector=ssd512 quality=none box=dirac"  # so that its neck fits what is chosen in its place
YOLO = "neck=yolo_tiny backbone=darknet_tiny detector=yolov3_tiny quality=none box=dirac"
UNREAD = [  # an option of the table and choices that do not read it
    ("box_loss_weight=1", BRANCH),
    ("dirac.loss=iou", ""),
    ("dirac.coding=distance", ""),
    ("dirac.loss_weight=9", "box=gaussian"),
    ("dirac.first_sides=0.5", "detector=fcos box=general"),
    ("dirac.delta_std=[1,1,1,1]", f"{BRANCH} detector.dirac.coding=distance"),
    ("dirac.scale_xy=1.1", f"{YOLO} detector.dirac.coding=delta detector.dirac.loss=giou"),
    ("dirac.smooth_beta=0.5", BRANCH),
    ("focal.gamma=5", ""),
    ("focal.alpha=0.5", SSD_ON_FPN),
    ("aux_loss_weight=7", ""),
    ("negatives=9", f"{SSD} quality=joint"),
    ("box_normaliser=count", "quality=joint"),
    ("prior.scale=4", f"detector=fcos {BRANCH}"),
    ("prior.ratios=[2.0]", "detector=foveabox"),
    ("pyramid.relu_before_p7=true", f"{SSD} quality=none"),
    ("head.aux_tower=cls", "quality=joint"),
    ("head.stacked_convs=9", SSD_ON_FPN),
    ("head.channels=64", SSD_ON_FPN),
    ("head.norm=none", SSD_ON_FPN),
    ("head.norm=none", "detector=nanodet neck=fpn box.n=7"),
    ("head.norm_groups=4", "detector=retinanet"),
    ("head.conv_bias=true", "detector=foveabox"),
]


def composed(*words: str) -> None:
    """The last of those that set the same option counts."""
    compose_config([f"{key}={value}" for key, value in dict(each.split("=", 1) for each in words).items()])


def refusal(*words: str) -> str:
    with pytest.raises(ConfigError) as refused:
        composed(*words)
    return str(refused.value)


def test_every_option_of_the_table_is_tried_below() -> None:
    tried = [option.partition("=")[0] for option, _ in UNREAD]
    for option in TABLE:
        assert any(f"{each}.".startswith(f"{option.path}.") for each in tried), option.path


@pytest.mark.parametrize(("option", "choices"), UNREAD)
def test_an_unread_option_is_refused_with_its_reader_and_the_mend_that_is_named_is_taken(
    option: str, choices: str
) -> None:
    words = [*BASE.split(), *choices.split(), f"detector.{option}"]
    sentence = refusal(*words)
    assert "\n" not in sentence and sentence.startswith(f"detector.{option.partition('=')[0]}=")
    why, mend = sentence.split(": leave it out, or set ")
    assert " alone, but " in why
    composed(*words, *mend.split(", or ")[0].replace(" with ", " ").split())
    composed(*words[:-1])


@pytest.mark.parametrize("words", [
    "detector=vfnet detector.dirac.loss_weight=1.5 detector.dirac.coding=size",  # its file's
    "detector=retinanet_a9 detector.dirac.loss=l1 detector.box_normaliser=count",
    f"{SSD} quality=none detector.head.stacked_convs=1 detector.head.channels=32",  # scale=smoke's
    f"{SSD} quality=none detector.head.stacked_convs=4",
])  # fmt: skip
def test_what_the_detector_has_anyway_may_be_said(words: str) -> None:
    if words.endswith("=4"):
        composed(*BASE.split(), *words.split(), "scale=paper", "data=scenes", "backbone.weights=null")
    else:
        composed(*BASE.split(), *words.split())


@pytest.mark.parametrize("words", [
    "detector=reppoints_v2 detector.focal.gamma=5",  # of its foreground
    "detector=reppoints_v2 detector.head.norm=none detector.head.norm_groups=4",  # of its neck
    f"{YOLO} detector.aux_loss_weight=2",  # of its objectness
    "detector=fcos box=gaussian detector.prior.scale=4",  # of where its sides are counted from
    "detector=nanodet neck=fpn box.n=7 detector.head.channels=36",  # no group norm asks for a multiple
])  # fmt: skip
def test_what_one_detector_alone_reads_is_taken_there(words: str) -> None:
    composed(*BASE.split(), *words.split())


def test_runs_that_are_there_stay_readable(tmp_path: Path) -> None:
    """Theirs may be a detector's values of before, or options that this version refuses."""
    config = compose_config(BASE.split())
    config.detector.dirac.loss_weight = 9.0
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(plain(config)))
    assert stored_config(file) == config
