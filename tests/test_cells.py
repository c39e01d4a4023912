"""Plans and reports know what a cell is, and what it is called, without composing each by Hydra."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from recorded import TABLES, compose_once

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.identity import run_name
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.extra import ExtraError, read_extra
from gfl_bench.sweep.table import Cell

CELLS = {cell.name: cell for table in TABLES.values() for cell in table.cells}
AT_EVERY_SCALE = ("table02.atss_iou_guided", "table07.n16_delta0.5", "table11.gfocal")
EXTRAS = [
    ["schedule=2x", "schedule.lr=0.02"],
    ["data.size=240", "machine.threads=1", "precision=fp32"],
    ["scale.scenes_train=64", "detector.head.channels=32"],
    ["backbone=resnet34", "backbone.base_channels=32", "quality.loss=l2"],
    ["data=coco", "data.train.images=a", "data.train.annotations=b", "data.val.images=c", "data.val.annotations=d"],
    ["mode=evaluate", "checkpoint=a.pt", "guidance=none"],
]

pytestmark = pytest.mark.usefixtures("composed_once")


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["smoke", "demo", "proxy", "paper"])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_what_hydra_composes_and_has_its_name(name: str, scale: str) -> None:
    assert_same(name, scale, [])


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["smoke", "proxy", "paper"])
@pytest.mark.parametrize("name", AT_EVERY_SCALE)
def test_so_it_is_at_every_scale(name: str, scale: str) -> None:
    assert_same(name, scale, [])


@pytest.mark.slow
@pytest.mark.parametrize("extra", EXTRAS, ids=" ".join)
@pytest.mark.parametrize("name", ["table02.atss_joint", "table03.ssd512_joint", "table05.beta1"])
def test_so_it_is_with_what_a_command_line_adds(name: str, extra: Sequence[str]) -> None:
    assert_same(name, "demo", extra)


def assert_same(name: str, scale: str, extra: Sequence[str]) -> None:
    """By Hydra's own composition: the values, the name, and that it passes or is refused alike."""
    overrides = [f"scale={scale}", f"cell={name}", *extra]
    cells = ComposedCells(read_extra(extra))
    try:
        theirs = compose_config(overrides)
    except ConfigError as error:
        with pytest.raises(ConfigError) as refusal:
            cells.check(scale, CELLS[name])
        assert str(refusal.value) == str(error)
    else:
        cells.check(scale, CELLS[name])
        ours = cells.config(scale, CELLS[name])
        assert ours == compose_once(tuple(overrides))
        assert run_name(ours) == run_name(theirs)


def test_a_scale_that_is_gone_is_named_once() -> None:
    cells = ComposedCells()
    for _ in range(2):
        with pytest.raises(CellError, match="scale=gone"):
            cells.config("gone")
    assert len(cells.failures) == 1


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"quality.beto": 2}, "quality.beto=2 does not fit quality=joint"),
        ({"quality": "jiont"}, "quality=jiont is no option; there are centerness_branch"),
        ({"box.n": "many"}, "box.n=many does not fit box=general_dfl"),
        ({"data": "coco", "data.train.images": "???"}, "data.train.images"),
    ],
)
def test_a_value_that_no_option_has_is_named(overrides: dict[str, object], words: str) -> None:
    with pytest.raises(CellError, match=words):
        ComposedCells().check("demo", Cell("table05.new", overrides))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scale=proxy", "give --scale"), ("seed=1", "give --seeds"), ("paths.runs=x", "give --runs"),
        ("hydra/launcher=slurm", "leave it out"), ("+data.new=1", "every option exists already"),
        ("quality.beta=0,1", "one value"), ("data.size=[1", "is no override"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_to_every_cell_is_refused_with_the_mend(text: str, words: str) -> None:
    with pytest.raises(ExtraError, match=words):
        read_extra([text])
