"""missing.json names what the tables lack, with commands that fill it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from recorded import TABLES, a_run, compose_once, lines, tables

from analysis.tables.condition import Condition
from analysis.tables.matching import Filling, fill
from analysis.tables.missing import missing_json
from analysis.tables.plain_text import terminal
from analysis.tables.summary import summarise
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

pytestmark = pytest.mark.usefixtures("composed_once")
ALL = {name: 1.0 for name in METRICS if name != "AP"}


def missing(table: str, runs: Path) -> list[dict[str, Any]]:
    fillings = fill(TABLES[table], load_runs(runs), ComposedCells()) or [Filling(Condition("demo"))]
    summaries = [summarise(TABLES[table], filling) for filling in fillings]
    content = json.loads(missing_json(summaries, str(runs)))
    assert content["schema"] == 1 and content["runs"] == str(runs)
    return content["missing"]


def test_each_row_lacks_the_seeds_that_are_not_finished(runs: Path) -> None:
    for seed in range(3):
        a_run(runs, "table05.beta2", 30.0, seed, **ALL)
    a_run(runs, "table05.beta1", 30.0, 1, **ALL)
    a_run(runs, "table05.beta0", 30.0, 7, **ALL)
    found = {item["row"]: item["seeds"] for item in missing("table05", runs)}
    assert found == {"beta0": [0, 1], "beta1": [0, 2], "beta2.5": [0, 1, 2], "beta4": [0, 1, 2]}


def test_a_seed_that_diverged_is_a_result_and_one_that_failed_is_missing(runs: Path) -> None:
    a_run(runs, "table04.atss_l1", None, seed=0)
    failed = a_run(runs, "table04.atss_l2", 20.0, seed=0)
    (failed.path / "result.json").unlink()
    failed.fail(RuntimeError("no memory"))
    found = {item["row"]: item["seeds"] for item in missing("table04", runs)}
    assert found["atss_l1"] == [1, 2] and found["atss_l2"] == [0, 1, 2]


def test_the_command_runs_the_missing_seeds_of_that_row_under_that_condition(runs: Path) -> None:
    a_run(runs, "table05.beta1", 30.0, 1, extra=["data.size=96"], **ALL)
    item = next(item for item in missing("table05", runs) if item["row"] == "beta1")
    assert item["overrides"] == ["scale=smoke", "data.size=96"] and item["scale"] == "smoke"
    words = shlex.split(item["command"])
    assert words[:4] == ["python", "-m", "gfl_bench.run", "-m"] and words[-1] == "seed=0,2"
    assert words[4:-2] == [f"cell={item['cell']}", *item["overrides"]] and words[-2] == f"paths.runs={runs}"
    assert compose_once(tuple(words[4:-2])) == compose_once(("cell=table05.beta1", "scale=smoke", "data.size=96"))


def test_a_row_that_cannot_be_run_says_what_it_needs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES["table15"]
    rows = tuple(replace(row, needs="detector marsh") for row in table.rows)
    monkeypatch.setitem(TABLES, "table15", replace(table, rows=rows))
    found = missing("table15", runs)
    assert [item["needs"] for item in found][-1] == "detector marsh" and not any(item["command"] for item in found)
    (sheet,) = tables("table15", runs=runs)
    assert sheet.command == "" and "none of the rows can be run yet" in sheet.caption
    assert lines(sheet)["NanoDet, 416 x 416"].entries[1].paper == "16.44"


def test_a_column_that_a_finished_run_lacks_is_measured_from_its_checkpoint(runs: Path) -> None:
    folder = a_run(runs, "table10.fcos_joint", 40.0)
    items = [item for item in missing("table10", runs) if item["kind"] == "measurement"]
    found = {tuple(item["columns"]): item["command"] for item in items}
    assert set(found) == {("PCC",), ("FPS",)}
    assert f"mode=evaluate checkpoint={folder.path / 'checkpoint.pt'}" in found["PCC",]
    (sheet,) = tables("table10", runs=runs)
    assert "Finished runs lack FPS, PCC: missing.json has the command for each." in sheet.notes


def test_no_command_is_given_for_what_the_evaluation_server_alone_can_tell(runs: Path) -> None:
    for row in TABLES["zoo"].rows:
        a_run(runs, f"zoo.{row.name}", 40.0)
    assert missing("zoo", runs) == []


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_a_training_is_not_said_to_fill_what_the_evaluation_server_alone_can_tell(runs: Path, scale: str) -> None:
    a_run(runs, "zoo.gfl_r50_fpn_1x", 40.0, scale=scale)
    found = missing("zoo", runs)
    assert len(found) == len(TABLES["zoo"].rows) - 1 and all(item["command"] for item in found)
    assert {(item["kind"], item["scale"], *item["columns"]) for item in found} == {("run", scale, "AP")}


def test_every_table_with_a_column_of_the_evaluation_server_says_so_in_every_format(runs: Path, tmp_path: Path) -> None:
    served = [name for name, table in TABLES.items() if any(METRICS[column].of_server for column in table.columns)]
    assert "zoo" in served
    sheets = tables(*served, runs=runs, out=tmp_path)
    page = unescape((tmp_path / "index.html").read_text())
    for sheet in sheets:
        (note,) = [note for note in sheet.notes if "COCO's evaluation server" in note]
        assert "At scale paper, mode=testdev writes the file to submit" in note
        assert note in terminal(sheet) and note in (tmp_path / f"{sheet.name}.md").read_text() and note in page


def test_a_run_that_wrote_a_submission_makes_no_table(runs: Path) -> None:
    submission = ["mode=testdev", "checkpoint=file.pth", "data.val.images=coco/test2017"]
    a_run(runs, "zoo.gfl_r50_fpn_1x", extra=submission, scale="paper")
    (empty,) = tables("zoo", runs=runs)
    a_run(runs, "zoo.gfl_r50_fpn_1x", 40.0, scale="paper")
    (filled,) = tables("zoo", runs=runs)
    assert "testdev" not in empty.command + filled.command
    assert [lines(sheet)["R-50, 1x"].seeds for sheet in (empty, filled)] == ["0", "1"]


def test_nothing_is_missing_of_a_full_table(runs: Path) -> None:
    for row in TABLES["table05"].rows:
        for seed in range(3):
            a_run(runs, f"table05.{row.name}", 30.0, seed, **ALL)
    assert missing("table05", runs) == []
