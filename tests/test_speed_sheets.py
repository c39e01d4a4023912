"""What sessions say of the rows of a table stands behind the table, one sheet for each protocol and machine."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from recorded import a_run, lines, tables
from timed import FACTS, a_session

from analysis.tables.digits import NOTHING
from analysis.tables.sheet import Sheet
from gfl_bench.results.speed_records import write_session

pytestmark = pytest.mark.usefixtures("composed_once")
MACHINE = np.random.default_rng(0).uniform(1, 9, 30)  # how busy it is, round by round
FCOS = {"table12.fcos": 8 * MACHINE, "table12.fcos_gfocal": 10 * MACHINE}
ATSS = {"table12.atss": 20 * MACHINE, "table12.atss_gfocal": 10 * MACHINE}


def made(runs: Path, *sessions: dict[str, object], table: str = "table12") -> list[Sheet]:
    """All sheets of the table in the page's order."""
    for session in sessions:
        write_session(session, runs)
    return tables(table, runs=runs)


def words(sheet: Sheet, row: str, column: str) -> tuple[str, str]:
    entry = lines(sheet)[row].entries[sheet.table.columns.index(column)]
    return entry.words, entry.paper


def test_ratios_are_to_the_row_that_a_row_is_compared_with_and_beside_the_papers(runs: Path) -> None:
    sheet = made(runs, a_session(ATSS | FCOS))[-1]
    assert list(lines(sheet)) == ["FCOS", "FCOS with GFocal", "ATSS", "ATSS with GFocal"], "in the table's order"
    assert words(sheet, "FCOS with GFocal", "boxes, speed") == ("0.800, 0.800 to 0.800", "1.00")
    assert words(sheet, "ATSS with GFocal", "boxes, speed") == ("2.000, 2.000 to 2.000", "1.00")
    assert words(sheet, "FCOS", "boxes, speed") == ("1", "")
    assert sheet.notes == ["Not timed: RetinaNet, RetinaNet with GFocal, FoveaBox, FoveaBox with GFocal, RepPoints v2, "
                           "RepPoints v2 with GFocal."]  # fmt: skip


def test_the_papers_ratio_is_of_its_images_a_second(runs: Path) -> None:
    times = {"table13.atss_joint": [1.0], "table13.reppoints_v2": [2.0], "table13.gfocal": [4.0]}
    sheet = made(runs, a_session(times), table="table13")[-1]
    assert words(sheet, "RepPoints v2", "boxes, speed") == ("0.500", "0.70")  # 13.5 / 19.4 in the paper's Table 13


def test_the_papers_ratio_of_training_steps_is_of_its_hours(runs: Path) -> None:
    times = {"table13.atss_joint": [1.0], "table13.paa": [2.0]}
    sheet = made(runs, a_session(times, stages=("train",)), table="table13")[-1]
    assert sheet.table.columns == ("training step, ms", "training step, speed")
    assert words(sheet, "PAA", "training step, speed") == ("0.500", "0.66")  # 8.2 / 12.5 hours in the paper's Table 13


def test_milliseconds_are_medians_and_images_a_second_have_their_range(runs: Path) -> None:
    times = {"table12.fcos": [10.0, 20.0, 30.0], "table12.fcos_gfocal": [20.0, 20.0, 20.0]}
    sheet = made(runs, a_session(times))[-1]
    assert words(sheet, "FCOS", "boxes, ms")[0] == "20.00"
    assert words(sheet, "FCOS", "FPS")[0] == "50.0, 34.5 to 90.9"  # 1000 / 29 to 1000 / 11


def test_each_stage_that_was_timed_has_its_columns(runs: Path) -> None:
    stages = ("model", "detect", "end_to_end")
    assert made(runs, a_session(FCOS, stages=stages))[-1].table.columns == (
        "network, ms", "network, speed", "boxes, ms", "boxes, speed", "end to end, ms", "end to end, speed", "FPS",
    )  # fmt: skip
    network = made(runs.parent / "others", a_session(FCOS, stages=("model",)))[-1]
    assert network.table.columns == ("network, ms", "network, speed")


def test_two_machines_are_two_sheets_behind_the_tables_own(runs: Path) -> None:
    found = made(runs, a_session(FCOS), a_session(FCOS), a_session(FCOS, hardware="other"), a_session(FCOS, "other"))
    assert [sheet.is_timed for sheet in found] == [False, True, True, True]
    timed = found[1:]
    assert len({sheet.name for sheet in timed}) == len({sheet.setting for sheet in timed}) == 3
    assert {sheet.heading for sheet in timed} == {"Table 12. GFocal on other detectors: speed in turns"}
    assert "2 sessions, 60 rounds" in timed[0].caption and "Processor h, 2 cores" in timed[0].caption
    page = (runs.parent / "report" / "index.html").read_text()
    places = [page.index(f'id="{sheet.name}"') for sheet in found]
    assert places == sorted(places)
    for sheet in found:
        for suffix in (".md", ".tex", ".csv"):
            assert (runs.parent / "report" / f"{sheet.name}{suffix}").stat().st_size


def test_a_table_of_which_one_row_was_timed_has_no_sheet(runs: Path) -> None:
    session = a_session(FCOS | {"table11.atss": MACHINE})
    assert not any(sheet.is_timed for sheet in made(runs, session, table="table11"))


def test_the_caption_says_how_it_was_timed_and_leaves_out_what_a_record_does_not_tell(runs: Path) -> None:
    told, bare = a_session(FCOS, overrides=["backbone=resnet101"]), a_session(FCOS, "older")
    told |= {"protocol": {"id": "p", **FACTS["protocol"]}, "conditions": FACTS["conditions"]}
    told["cells"]["table12.fcos"]["post_processing"] = {"passing": 999.6}
    sheets = {sheet.caption.partition("Protocol ")[2].partition(",")[0]: sheet for sheet in made(runs, told, bare)[1:]}
    sentence = (
        "1 session, 30 rounds, random weights, bf16, 4 threads, 1000 scores an image pass the threshold, others took "
        "25 % of the processors' time."
    )
    assert sentence in sheets["p"].caption and "backbone=resnet101" in sheets["p"].caption
    assert "1 session, 30 rounds, unknown weights." in sheets["older"].caption
    assert sheets["p"].command == told["command"]


def test_csv_has_every_number_in_full(runs: Path) -> None:
    sheet = made(runs, a_session(FCOS, stages=("model", "detect")))[-1]
    with (runs.parent / "report" / f"{sheet.name}.csv").open() as file:
        rows = {(row["row"], row["stage"]): row for row in csv.DictReader(file)}
    assert len(rows) == 4
    row = rows["fcos_gfocal", "detect"]
    assert float(row["median_ms"]) == pytest.approx(np.median(10 * MACHINE))
    ratio = [float(row[key]) for key in ("ratio", "ratio_low", "rounds", "ratio_paper")]
    assert ratio == pytest.approx([0.8, 0.8, 30, 1])
    assert rows["fcos", "detect"]["ratio"] == "" and rows["fcos_gfocal", "model"]["ratio_paper"] == ""


def test_images_a_second_of_a_table_are_those_of_its_sessions(runs: Path) -> None:
    for seed in (0, 1):
        a_run(runs, "table12.fcos", 30.0, seed, FPS=20.0 + seed)
        a_run(runs, "table12.fcos_gfocal", 31.0, seed, FPS=50.0)
    times = {"table12.fcos": [10.0, 20.0, 30.0], "table12.fcos_gfocal": [40.0] * 3}
    own = made(runs)[0]
    assert words(own, "FCOS", "FPS")[0].startswith("20.5 ± ") and "FPS measured on" in own.caption
    sheet = made(runs, a_session(times, scale="smoke"))[0]
    assert [words(sheet, row, "FPS")[0] for row in ("FCOS", "FCOS with GFocal")] == ["50.0", "25.0"]
    assert words(sheet, "ATSS", "FPS")[0] == NOTHING, "it was not run"
    assert "FPS measured in turns on Processor h, 2 cores." in sheet.caption


def test_they_do_not_stand_beside_those_that_runs_measured_themselves(runs: Path) -> None:
    for row in ("fcos", "fcos_gfocal", "atss"):
        a_run(runs, f"table12.{row}", 30.0, FPS=20.0)
    sheet = made(runs, a_session(FCOS, scale="smoke"))[0]
    assert {words(sheet, row, "FPS")[0] for row in ("FCOS", "FCOS with GFocal", "ATSS")} == {"20.0"}
    assert sheet.notes[-1].endswith('ratios are in "Table 12. GFocal on other detectors: speed in turns".')


def test_a_table_says_how_its_rows_are_timed(runs: Path) -> None:
    a_run(runs, "table12.fcos", 30.0, FPS=20.0)
    note = made(runs)[0].notes[-1]
    assert note.startswith("FPS are each run's own")
    assert note.endswith(f"python -m gfl_bench.speed sweep=table12 scale=smoke paths.runs={runs}.")
    others = a_session(FCOS, overrides=["a=b"], scale="smoke"), a_session(FCOS)
    assert made(runs, *others)[0].notes[-1] == note, "they are of other networks"
    assert not any("FPS" in note for note in made(runs, a_session(FCOS, scale="smoke"))[0].notes)
    assert not any("FPS" in note for note in made(runs, table="table05")[0].notes)


def test_a_session_that_cannot_be_read_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_session(a_session(FCOS), runs)
    path.with_name("session1.json").write_text(json.dumps(a_session(FCOS))[:-40])
    assert made(runs)[-1].is_timed
    assert f"{path.with_name('session1.json')} is cut short" in capsys.readouterr().err
    assert "session1.json is cut short" in (runs.parent / "report" / "index.html").read_text()
