"""A config is typed, checked and named before anything runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose, compose_config, register_options
from gfl_bench.config.identity import run_id, run_name
from gfl_bench.config.options import OPTIONS
from gfl_bench.config.paths import conf_folder

OPTION_FILES = sorted(path.relative_to(conf_folder()) for path in conf_folder().glob("*/*.yaml"))

YOLO = {"detector": "yolov3_tiny", "neck": "yolo_tiny", "backbone": "darknet_tiny"}
NEEDS = {  # options that make sense only beside others
    "neck/pan": {"detector": "nanodet"},
    "neck/ssd": {"detector": "ssd512"}, "neck/yolo_tiny": YOLO, "detector/yolov3_tiny": YOLO,
    "detector/yolov4_tiny": YOLO | {"detector": "yolov4_tiny"}, "backbone/darknet_tiny": YOLO,
    "backbone/csp_darknet_tiny": YOLO | {"backbone": "csp_darknet_tiny"},
}  # fmt: skip


@pytest.mark.parametrize("option", [str(path.with_suffix("")) for path in OPTION_FILES])
def test_every_option_file_composes(option: str) -> None:
    group, name = option.split("/")
    # guidance and most qualities exclude each other, so the other groups take what fits everything
    fitting = {"guidance": "none", "quality": "joint", "box": "general_dfl", group: name} | NEEDS.get(option, {})
    config = compose_config([f"{key}={value}" for key, value in fitting.items()])
    assert getattr(config, group) is not None


@pytest.mark.parametrize("path", OPTION_FILES, ids=str)
def test_every_option_file_begins_with_one_line_that_says_what_it_is(path: Path) -> None:
    lines = (conf_folder() / path).read_text().splitlines()
    first = lines[1] if lines[0].startswith("# @package") else lines[0]
    assert first.startswith("# ") and len(first) > 20


def test_defaults_of_option_files_are_those_of_the_dataclasses() -> None:
    """Two places that state one default must agree."""
    config = compose_config(["scale=paper"])
    assert config.quality == schema.Joint()
    assert config.box == schema.GeneralDFL()
    assert config.guidance == schema.DistributionGuidance()
    assert config.backbone == schema.ResNet(depth=50)
    assert config.detector == schema.ATSS(name="atss")
    assert set(OPTIONS) >= {"quality/joint", "box/general_dfl"}


def test_scale_paper_is_the_recipe_of_section_4() -> None:
    config = compose_config(["scale=paper"])
    schedule = config.schedule
    assert (schedule.lr, schedule.batch_size, schedule.epochs, schedule.decay_epochs) == (0.01, 16, 12, [8, 11])
    assert (schedule.momentum, schedule.weight_decay, schedule.warmup_steps) == (0.9, 1e-4, 500)
    assert isinstance(config.data, schema.COCO) and config.data.size == 800
    assert config.scale.steps_per_epoch is None
    assert config.precision is schema.Precision.fp32


@pytest.mark.parametrize(
    "override",
    ["quality.betta=1", "box.n=many", "quality.loss=huber", "detector.postprocess.rank=pair", "schedule=3y", "no=1"],
)
def test_a_typo_on_the_command_line_is_refused(override: str) -> None:
    with pytest.raises((HydraException, ConfigError)):
        compose_config([override])


def test_an_option_that_the_chosen_part_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigCompositionException, match=r"quality\.beta"):
        compose_config(["quality=iou_branch", "guidance=none", "quality.beta=1"])


def test_a_typo_in_an_option_file_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(conf_folder(), tmp_path / "conf")
    file = folder / "quality" / "joint.yaml"
    file.write_text(file.read_text().replace("beta:", "betta:"))
    register_options()
    GlobalHydra.instance().clear()
    with (
        initialize_config_dir(str(folder), version_base="1.3"),
        pytest.raises(ConfigCompositionException, match=r"quality/joint(.|\n)*betta"),
    ):
        hydra_compose("config")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["box=dirac"], "guidance=distribution reads the bins"),
        (["quality=iou_branch"], "multiplies into the joint score"),
        (["box.n=2"], "guidance.k=4 is more than the 3 bins"),
        (["quality.beta=-1"], "beta >= 0"),
        (["quality.loss=l1", "quality.beta=1"], "leave beta out"),
        (["box.delta=0"], "box.delta=0 must be above 0"),
        (["backbone.weights=IMAGENET1K_V1"], "published for 64 channels"),
        (["detector.head.channels=30"], "not a multiple"),
        (["schedule.decay_epochs=[8,13]"], "must rise between"),
        (["mode=evaluate"], "needs checkpoint=FILE"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_the_mend(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(overrides)


def test_all_conflicts_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as refusal:
        compose_config(["box=dirac", "quality=none", "schedule.lr=0"])
    assert len(str(refusal.value).splitlines()) == 3


def test_the_id_ignores_where_and_how_a_run_is_executed() -> None:
    here = compose_config([])
    there = compose_config(["machine.workers=7", "paths.runs=/elsewhere", "seed=3", "machine.device=cuda"])
    assert run_name(here) == run_name(there)


def test_the_id_normalises_numbers_and_knows_what_means_the_same() -> None:
    assert run_id(compose_config(["quality.beta=2"])) == run_id(compose_config(["quality.beta=2.0"]))
    none = run_id(compose_config(["guidance=none"]))
    assert run_id(compose_config(["guidance.k=0", "guidance.d=8"])) == none


@pytest.mark.parametrize("override", ["quality.beta=1", "box.n=14", "schedule.lr=0.1", "data.seed=1", "precision=fp32"])
def test_the_id_changes_with_what_is_measured(override: str) -> None:
    assert run_id(compose_config([override])) != run_id(compose_config([]))


def test_one_setting_in_two_tables_is_one_run() -> None:
    cells = ("table05.beta2", "table11.qfl", "table04.atss_qfl")
    names = {run_name(compose_config([f"cell={cell}"])) for cell in cells}
    assert len(names) == 1


def test_a_composed_config_is_plain_data() -> None:
    values = compose(["cell=table05.beta2.5", "scale=smoke"])
    assert values["quality"]["beta"] == 2.5
    assert values["quality"]["loss"] == "qfl"
