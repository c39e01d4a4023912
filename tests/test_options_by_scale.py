"""A table may have other options at some scales: Table 14 is of generated crowds but, at scale paper, of CrowdHuman."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from recorded import TABLES, a_run, compose_once, lines, tables
from test_sweep_files import VALID, load

from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.validity import SweepError

SCALES = ["smoke", "demo", "proxy", "paper"]
CELLS = [cell.name for cell in TABLES["table14"].cells]


@pytest.mark.parametrize("scale", SCALES)
def test_table_14_is_of_generated_crowds_everywhere_but_at_scale_paper(scale: str) -> None:
    for cell in CELLS:
        config = compose_once((f"scale={scale}", f"cell={cell}"))
        named = config["data"]["name"], config["schedule"]["name"]
        assert named == (("crowdhuman", "crowdhuman") if scale == "paper" else ("crowds", "1x"))


@pytest.mark.parametrize("scale", SCALES)
def test_plans_and_tables_know_the_same_cells_as_hydra(scale: str) -> None:
    cells = ComposedCells()
    for cell in TABLES["table14"].cells:
        assert cells.config(scale, cell) == compose_once((f"scale={scale}", f"cell={cell.name}"))


def test_the_command_line_goes_before_the_table() -> None:
    config = compose_once(("scale=demo", "cell=table14.gfocal", "data=crowdhuman", "schedule=2x"))
    assert (config["data"]["name"], config["schedule"]["name"]) == ("crowdhuman", "2x")
    config = compose_once(("scale=paper", "cell=table14.gfocal", "data=crowds"))
    assert (config["data"]["name"], config["schedule"]["name"]) == ("crowds", "crowdhuman")


def test_a_row_has_its_options_by_scale_whatever_it_says_itself(tmp_path: Path) -> None:
    table = load(tmp_path, VALID | {"at": {"paper": {"quality": "iou_branch"}}})
    assert [cell.at_scale("paper").choices["quality"] for cell in table.cells] == ["iou_branch"] * 2
    assert [cell.at_scale("demo").choices["quality"] for cell in table.cells] == ["none", "joint"]


@pytest.mark.parametrize("at", [{"paper": {"quality.beta": 2}}, {"paper": {"data": 3}}, {"paper": "crowds"}])
def test_only_options_of_groups_may_depend_on_the_scale(at: object, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="at"):
        load(tmp_path, yaml.safe_dump(VALID | {"at": at}))


def test_other_crowds_and_other_limits_of_detections_are_conditions_of_the_same_rows(runs: Path) -> None:
    a_run(runs, "table14.fcos", MR=60.0, JI=50.0)
    a_run(runs, "table14.fcos", MR=61.0, JI=51.0, extra=["data.train_images=99"])
    a_run(runs, "table14.fcos", MR=62.0, JI=52.0, extra=["detector.postprocess.max_detections=100"])
    a_run(runs, "table14.fcos", MR=63.0, JI=53.0, extra=["data=crowdhuman", "data.size=240"])
    found = {sheet.name: lines(sheet)["FCOS"].seeds for sheet in tables("table14", runs=runs)}
    assert len(found) == 4 and set(found.values()) == {"1"}


def test_a_run_of_other_data_is_no_row_of_table_14(runs: Path) -> None:
    a_run(runs, "table12.fcos")
    (sheet,) = tables("table14", runs=runs)
    assert {line.seeds for line in sheet.lines} == {"0"}
