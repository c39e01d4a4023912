"""From records to tables: the right runs in the right rows, under one condition, beside the paper's values."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import TABLES, a_run, compose_once, lines, tables

from analysis.make_tables import make_tables

pytestmark = pytest.mark.usefixtures("composed_once")


def test_means_half_widths_and_differences_stand_beside_the_papers_values(runs: Path) -> None:
    for seed, (low, high) in enumerate([(30.0, 31.0), (32.0, 33.2), (34.0, 35.1)]):
        a_run(runs, "table05.beta1", low, seed)
        a_run(runs, "table05.beta2", high, seed)
    (sheet,) = tables("table05", runs=runs)
    line = lines(sheet)["β = 1"]
    assert (line.entries[0].measured, line.entries[0].paper, line.seeds) == ("32.0 ± 5.0", "39.0", "3")
    assert line.differences == ("\N{MINUS SIGN}1.1 ± 0.2",) and line.clear == (True,)
    assert lines(sheet)["β = 2"].differences == ("",), "the baseline has no difference to itself"
    assert line.command == "" and lines(sheet)["β = 4"].command


def test_a_run_counts_in_every_table_that_it_stands_in(runs: Path) -> None:
    a_run(runs, "table11.qfl", 33.3)
    found = {sheet.table.name: sheet for sheet in tables("table02", "table04", "table05", "table10", runs=runs)}
    labels = {"table02": "ATSS, joint with QFL", "table04": "ATSS, QFL", "table05": "β = 2", "table10": "ATSS, joint"}
    for name, label in labels.items():
        sheet = found[name]
        values = dict(zip(sheet.table.columns, lines(sheet)[label].entries, strict=True))
        assert values["AP"].measured == "33.3"
        assert sum(line.seeds == "1" for line in sheet.lines) == 1


def test_a_run_that_was_asked_for_without_a_cell_counts_too(runs: Path) -> None:
    typed = ("detector=atss", "quality=joint", "box=dirac", "guidance=none", "quality.beta=4")
    folder = a_run(runs, "table11.qfl", 25.0)
    result = json.loads((folder.path / "result.json").read_text())
    config = compose_once(("scale=smoke", *typed))
    (folder.path / "result.json").write_text(json.dumps(result | {"cell": None, "config": config}))
    (sheet,) = tables("table05", runs=runs)
    assert lines(sheet)["β = 4"].entries[0].measured == "25.0"
    assert lines(sheet)["β = 2"].seeds == "0"


def test_no_dgqp_is_no_dgqp_however_it_is_said(runs: Path) -> None:
    a_run(runs, "table08.k4_d64", 33.0, extra=["guidance.k=0"])
    (sheet,) = tables("table08", runs=runs)
    assert [line.label for line in sheet.lines if line.seeds == "1"] == ["k = 0 (no DGQP)"]
    assert sheet.name == "table08.smoke", "nor is it another condition"


def test_two_scales_never_share_a_table(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0, scale="smoke")
    a_run(runs, "table05.beta2", 30.0, scale="demo")
    smoke, demo = sorted(tables("table05", runs=runs), key=lambda sheet: sheet.name, reverse=True)
    assert (smoke.name, demo.name) == ("table05.smoke", "table05.demo")
    assert [line.label for line in smoke.lines if line.seeds != "0"] == ["β = 1"]
    assert [line.label for line in demo.lines if line.seeds != "0"] == ["β = 2"]
    assert "scale=smoke" in lines(smoke)["β = 2"].command and "scale=demo" in lines(demo)["β = 1"].command


def test_of_weights_from_a_file_no_training_is_told(runs: Path) -> None:
    a_run(runs, "table11.gfocal", scale="demo")
    a_run(runs, "table11.gfocal", scale="demo", extra=["mode=evaluate", "checkpoint=published.pth"])
    trained, read = tables("table11", runs=runs)
    assert "600 steps of 16 images" in trained.caption and "Trained from random weights" in trained.caption
    assert "weights from files" in read.caption and "steps" not in read.caption and "Trained" not in read.caption


@pytest.mark.parametrize(
    "change",
    ["schedule.epochs=24", "precision=fp32", "backbone.depth=34", "detector.head.channels=64", "data.size=128"],
)
def test_two_conditions_never_share_a_table_and_the_caption_says_what_differs(runs: Path, change: str) -> None:
    a_run(runs, "table05.beta1", 20.0)
    a_run(runs, "table05.beta2", 30.0, extra=[change])
    usual, changed = tables("table05", runs=runs)
    assert [line.label for line in usual.lines if line.seeds != "0"] == ["β = 1"]
    assert [line.label for line in changed.lines if line.seeds != "0"] == ["β = 2"]
    assert change not in usual.caption and change in changed.caption and change in changed.lines[0].command
    assert usual.name != changed.name


def test_a_condition_that_other_tables_alone_have_makes_no_table_here(runs: Path) -> None:
    a_run(runs, "zoo.gfl_r101_fpn_2x", 44.9)
    a_run(runs, "table11.atss", 39.2)
    assert [sheet.name for sheet in tables("table11", "zoo", runs=runs)] == ["table11.smoke", "zoo.smoke"]


def test_how_and_where_a_run_was_executed_is_no_condition(runs: Path) -> None:
    for seed, option in enumerate(["machine.workers=7", "paths.cache=/elsewhere", "machine.device=cuda"]):
        a_run(runs, "table05.beta2", 30.0, seed, extra=[option])
    (sheet,) = tables("table05", runs=runs)
    assert lines(sheet)["β = 2"].seeds == "3"


def test_a_run_from_before_there_was_an_option_did_not_do_what_the_option_does_now(runs: Path) -> None:
    a_run(runs, "table10.fcos_joint", 30.0)
    a_run(runs, "table10.fcos_joint", 20.0, seed=1, extra=["detector.dirac.first_sides=0"])  # is not written
    now, before = tables("table10", runs=runs)
    assert [lines(sheet)["FCOS, joint"].seeds for sheet in (now, before)] == ["1", "1"]
    assert "first_sides" not in now.caption and "detector.dirac.first_sides=0.0" in before.caption


def test_the_command_of_a_condition_repeats_it_through_hydra(runs: Path) -> None:
    extra = ["data=coco", r"data.train.images='/a folder/it\'s/train'", "schedule.decay_epochs=[3,7]", "data.size=96"]
    a_run(runs, "table05.beta1", 20.0, extra=extra, name="odd")
    (sheet,) = tables("table05", runs=runs)
    assert "data coco" in sheet.caption and "it's/train" in sheet.caption
    words = shlex.split(lines(sheet)["β = 2"].command)[4:]
    condition = [word for word in words if not word.startswith(("cell=", "seed=", "paths."))]
    again = compose_once(("cell=table05.beta1", *condition))
    assert again == compose_once(("cell=table05.beta1", "scale=smoke", *extra))


def test_a_diverged_row_prints_nan_with_step_and_term(runs: Path) -> None:
    a_run(runs, "table04.atss_l1", None, seed=1)
    (sheet,) = tables("table04", runs=runs)
    line = lines(sheet)["ATSS, L1"]
    assert {entry.measured for entry in line.entries} == {"NaN"} and line.command == ""
    assert any("ATSS, L1" in note and "seed 1 at step 7 in qfl" in note for note in sheet.notes)


def test_seeds_that_diverged_are_told_and_not_averaged(runs: Path) -> None:
    a_run(runs, "table04.atss_l2", 20.0, seed=0)
    a_run(runs, "table04.atss_l2", None, seed=1)
    (sheet,) = tables("table04", runs=runs)
    line = lines(sheet)["ATSS, L2"]
    assert (line.entries[0].measured, line.seeds) == ("20.0", "1 of 2")
    assert any("diverged" in note for note in sheet.notes)


def test_a_failed_run_leaves_its_row_empty_with_the_reason(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0)
    failed = a_run(runs, "table05.beta2", 30.0, seed=2)
    (failed.path / "result.json").unlink()
    failed.fail(RuntimeError("no memory"))
    (sheet,) = tables("table05", runs=runs)
    assert lines(sheet)["β = 2"].command
    assert "β = 2: seed 2 failed: RuntimeError: no memory." in sheet.notes


def test_rows_whose_detector_is_missing_keep_the_papers_values_and_say_so(runs: Path) -> None:
    table = TABLES["table10"]
    rows = tuple(replace(row, needs="detector fcos") if row.name == "fcos_joint" else row for row in table.rows)
    (sheet,) = make_tables({"table10": replace(table, rows=rows)}, runs, runs.parent / "report")
    line = lines(sheet)["FCOS, joint"]
    assert [entry.paper for entry in line.entries] == ["39.1", "19.4", "0.624"] and line.command == ""
    assert any("detector fcos arrives later" in note for note in sheet.notes)


def test_one_seed_counts_once(runs: Path) -> None:
    a_run(runs, "table05.beta2", 30.0, name="first")
    a_run(runs, "table05.beta2", 50.0, name="second")
    (sheet,) = tables("table05", runs=runs)
    assert (lines(sheet)["β = 2"].entries[0].measured, lines(sheet)["β = 2"].seeds) == ("30.0", "1")
    assert any("second" in note and "left out" in note for note in sheet.notes)


def test_runs_of_a_scale_that_is_no_more_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_run(runs, "table05.beta1", 20.0)
    path = folder.path / "result.json"
    result = json.loads(path.read_text())
    result["config"]["scale"]["name"] = result["scale"] = "gone"
    path.write_text(json.dumps(result))
    (sheet,) = tables("table05", runs=runs)
    assert "scale=gone cannot be composed" in capsys.readouterr().err
    assert all(line.seeds == "0" for line in sheet.lines)
