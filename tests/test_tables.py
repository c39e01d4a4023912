"""From records to tables: the right runs in the right rows, under one condition, beside the paper's values."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.cells import ComposedCells
from analysis.condition import Condition
from analysis.latex import escape
from analysis.make_tables import main, make_tables
from analysis.sheet import Sheet
from analysis.stats import mean_interval, paired_difference
from gfl_bench.config import compose as composition
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Divergence, Result
from gfl_bench.sweep.table import load_tables

TABLES = load_tables(sweeps_folder())
SCRIPT = Path(__file__).parents[1] / "analysis" / "make_tables.py"
VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=12)

compose_once = cache(lambda overrides, compose=composition.compose: compose(list(overrides)))


@pytest.fixture(autouse=True)
def _composed_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Composing costs a tenth of a second; the configs are the same in every test."""
    monkeypatch.setattr(composition, "compose", lambda overrides: compose_once(tuple(overrides)))
    yield


def a_run(
    runs: Path, cell: str, ap: float | None = 30.0, seed: int = 0, scale: str = "smoke", extra: Sequence[str] = (),
    name: str | None = None, hardware: str = "A processor", **metrics: float,
) -> RunFolder:
    """A record of ``cell`` as gfl_bench would leave it; without ``ap`` it diverged."""
    config = json.loads(json.dumps(compose_once((f"scale={scale}", f"cell={cell}", *extra)))) | {"seed": seed}
    identity = name or "-".join([scale, cell, *extra]).replace("/", "_")
    folder = RunFolder(runs / f"{identity}--id" / f"seed{seed}")
    folder.start(config)
    folder.finish(Result(
        cell=cell, id=identity, seed=seed, scale=scale, command="", config=config,
        metrics={} if ap is None else {"AP": ap, **metrics}, diverged=None if ap is not None else Divergence(7, "qfl"),
        provenance={"hardware": {"cpu": hardware, "cores": 2, "gpus": []}},
    ))
    return folder


def tables(*names: str, runs: Path, out: Path | None = None) -> list[Sheet]:
    return make_tables({name: TABLES[name] for name in names}, runs, out or runs.parent / "report")


def lines(sheet: Sheet) -> dict[str, Any]:
    return {line.label: line for line in sheet.lines}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@given(VALUES)
def test_the_interval_of_a_mean_is_students(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval is not None and interval.n == len(values)
    reference = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95) if len(set(values)) > 1 else None
    if reference is not None:
        assert interval.mean == pytest.approx((reference.low + reference.high) / 2, abs=1e-9)
        assert interval.half_width == pytest.approx((reference.high - reference.low) / 2, rel=1e-9, abs=1e-9)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    single = mean_interval([39.9])
    assert single is not None and (single.mean, single.half_width, single.excludes_zero) == (39.9, None, False)
    assert mean_interval([]) is None


def test_differences_are_paired_by_seed() -> None:
    values, baseline = {0: 30.0, 1: 33.0, 2: 35.0, 7: 90.0}, {2: 34.1, 1: 31.5, 0: 29.2, 9: 0.0}
    found = paired_difference(values, baseline)
    test = scipy.stats.ttest_rel([30.0, 33.0, 35.0], [29.2, 31.5, 34.1])
    assert found is not None and found.half_width is not None
    interval = test.confidence_interval(0.95)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(interval)
    assert found.n == 3 and found.excludes_zero == (test.pvalue < 0.05)
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_without_runs_each_table_shows_the_papers_values_and_the_commands(runs: Path) -> None:
    (sheet,) = tables("table05", runs=runs)
    line = lines(sheet)["β = 2.5"]
    assert [entry.paper for entry in line.entries] == ["39.7", "58.1", "42.7"]
    assert {entry.measured for entry in line.entries} == {"\N{EN DASH}"}
    assert line.command.startswith("python -m gfl_bench.run -m cell=table05.beta2.5 scale=demo ")
    assert "seed=0,1,2" in line.command
    for suffix in (".md", ".tex", ".csv"):
        assert (runs.parent / "report" / f"table05.demo{suffix}").stat().st_size
    assert "cell=table05.beta2.5" in (runs.parent / "report" / "index.html").read_text()


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


def test_two_scales_never_share_a_table(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0, scale="smoke")
    a_run(runs, "table05.beta2", 30.0, scale="demo")
    smoke, demo = sorted(tables("table05", runs=runs), key=lambda sheet: sheet.name, reverse=True)
    assert (smoke.name, demo.name) == ("table05.smoke", "table05.demo")
    assert [line.label for line in smoke.lines if line.seeds != "0"] == ["β = 1"]
    assert [line.label for line in demo.lines if line.seeds != "0"] == ["β = 2"]
    assert "scale=smoke" in lines(smoke)["β = 2"].command and "scale=demo" in lines(demo)["β = 1"].command


@pytest.mark.parametrize(
    "change", ["schedule.epochs=24", "precision=fp32", "backbone.depth=34", "detector.head.channels=64", "data.size=128"]
)
def test_two_conditions_never_share_a_table_and_the_caption_says_what_differs(runs: Path, change: str) -> None:
    a_run(runs, "table05.beta1", 20.0)
    a_run(runs, "table05.beta2", 30.0, extra=[change])
    usual, changed = tables("table05", runs=runs)
    assert [line.label for line in usual.lines if line.seeds != "0"] == ["β = 1"]
    assert [line.label for line in changed.lines if line.seeds != "0"] == ["β = 2"]
    assert change not in usual.caption and change in changed.caption and change in changed.lines[0].command
    assert usual.name != changed.name


def test_how_and_where_a_run_was_executed_is_no_condition(runs: Path) -> None:
    for seed, option in enumerate(["machine.workers=7", "paths.cache=/elsewhere", "machine.device=cuda"]):
        a_run(runs, "table05.beta2", 30.0, seed, extra=[option])
    (sheet,) = tables("table05", runs=runs)
    assert lines(sheet)["β = 2"].seeds == "3"


def test_the_command_of_a_condition_repeats_it_through_hydra(runs: Path) -> None:
    extra = ["data=coco", "data.train.images=/a folder/it's/train", "schedule.decay_epochs=[3,7]", "data.size=96"]
    a_run(runs, "table05.beta1", 20.0, extra=extra)
    (sheet,) = tables("table05", runs=runs)
    assert "data coco" in sheet.caption and "it's/train" in sheet.caption
    condition = next(iter({a_condition(sheet)}))
    again = compose_once(("cell=table05.beta1", *condition))
    asked = compose_once(("cell=table05.beta1", "scale=smoke", *extra))
    assert again == asked


def a_condition(sheet: Sheet) -> tuple[str, ...]:
    import shlex

    words = shlex.split(lines(sheet)["β = 2"].command)
    return tuple(word for word in words[4:] if not word.startswith(("cell=", "seed=", "paths.")))


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
    (sheet,) = tables("table10", runs=runs)
    line = lines(sheet)["FCOS, joint"]
    assert [entry.paper for entry in line.entries] == ["39.1", "19.4", "0.624"] and line.command == ""
    assert any("detector fcos arrives later" in note for note in sheet.notes)


def test_one_seed_counts_once(runs: Path) -> None:
    a_run(runs, "table05.beta2", 30.0, name="first")
    a_run(runs, "table05.beta2", 50.0, name="second")
    (sheet,) = tables("table05", runs=runs)
    assert (lines(sheet)["β = 2"].entries[0].measured, lines(sheet)["β = 2"].seeds) == ("30.0", "1")
    assert any("second" in note and "left out" in note for note in sheet.notes)


def test_the_caption_says_scale_data_machine_and_the_scales_own_warning(runs: Path) -> None:
    a_run(runs, "table11.qfl", 30.0, scale="demo", FPS=31.2)
    (sheet,) = tables("table11", runs=runs)
    warning = compose_once(("scale=demo",))["scale"]["caption"]
    assert warning and warning in sheet.caption
    assert "Scale demo, data scenes." in sheet.caption and "FPS measured on A processor" in sheet.caption
    for suffix in (".md", ".tex"):
        assert escape(warning) in (runs.parent / "report" / f"table11.demo{suffix}").read_text()


def test_csv_has_every_number_in_full(runs: Path) -> None:
    for seed in (0, 1):
        a_run(runs, "table05.beta1", 30.0 + seed / 3, seed)
        a_run(runs, "table05.beta2", 31.0 + seed, seed)
    tables("table05", runs=runs)
    text = (runs.parent / "report" / "table05.smoke.csv").read_text()
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["row"] == "beta1")
    differences = [30.0 - 31.0, 30.0 + 1 / 3 - 32.0]
    assert float(row["AP"]) == pytest.approx(30.0 + 1 / 6)
    assert float(row["AP_paper"]) == 39.0 and row["AP50"] == "" and (row["n"], row["scale"]) == ("2", "smoke")
    assert float(row["AP_difference"]) == pytest.approx(sum(differences) / 2)
    interval = scipy.stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert float(row["AP_difference_half_width"]) == pytest.approx((interval.high - interval.low) / 2)


def test_the_page_needs_no_other_file_and_escapes_what_records_say(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0)
    failed = RunFolder(runs / "smoke--x" / "seed0")
    failed.start(compose_once(("scale=smoke", "cell=table05.beta2")))
    failed.fail(RuntimeError("<script>alert(1)</script>"))
    tables("table05", runs=runs)
    page = (runs.parent / "report" / "index.html").read_text()
    assert "<script" not in page and "&lt;script" in page
    assert not re.search(r"(src|href)\s*=\s*\"(?!#)|url\(|@import", page)


def test_latex_special_characters_are_written_out() -> None:
    assert escape("50 % of a_b & β − 1") == r"50 \% of a\_b \& $\beta$ $-$ 1"  # noqa: RUF001


def test_unreadable_records_are_named_on_the_page_and_the_terminal(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = a_run(runs, "table05.beta1", 20.0)
    result = folder.path / "result.json"
    result.write_bytes(result.read_bytes()[:50])
    tables("table05", runs=runs)
    assert f"{result} is cut short" in capsys.readouterr().err
    assert "is cut short" in (runs.parent / "report" / "index.html").read_text()


def test_runs_of_a_scale_that_is_no_more_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_run(runs, "table05.beta1", 20.0)
    path = folder.path / "result.json"
    result = json.loads(path.read_text())
    result["config"]["scale"]["name"] = result["scale"] = "gone"
    path.write_text(json.dumps(result))
    (sheet,) = tables("table05", runs=runs)
    assert "scale=gone cannot be composed" in capsys.readouterr().err
    assert all(line.seeds == "0" for line in sheet.lines)


def test_composed_cells_are_kept_until_an_option_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def counted(overrides: list[str]) -> dict[str, Any]:
        asked.append(overrides)
        return {"quality": {"name": "joint"}}

    monkeypatch.setattr(composition, "compose", counted)
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "config.yaml").write_text("a: 1")
    monkeypatch.setattr("analysis.cells.conf_folder", lambda: conf)
    for _ in range(2):
        cells = ComposedCells(tmp_path / ".cells.json")
        assert cells.config("demo", "table05.beta2") == {"quality": {"name": "joint"}}
        cells.save()
    assert asked == [["scale=demo", "cell=table05.beta2"]]
    (conf / "config.yaml").write_text("a: 2")
    ComposedCells(tmp_path / ".cells.json").config("demo", "table05.beta2")
    assert len(asked) == 2
    (tmp_path / ".cells.json").write_text("{cut")
    ComposedCells(tmp_path / ".cells.json").config("demo", "table05.beta2")
    assert len(asked) == 3


def test_a_condition_names_its_files_by_its_content() -> None:
    changed = Condition("demo", (("data.size", "96"),))
    assert Condition("demo").slug == "demo"
    assert changed.slug.startswith("demo-") and changed.slug != Condition("demo", (("data.size", "97"),)).slug


def test_the_script_runs_from_any_folder_without_torch_and_prints_a_table(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['make_tables.py', '--print', 'table11']; "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__'); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Table 11. Components of GFocal" in done.stdout and "report/index.html" in done.stdout
    assert (tmp_path / "report" / "index.html").exists()


def test_a_table_that_does_not_exist_is_refused_with_the_names_of_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no table99; there are table02"):
        main(["--print", "table99", "--out", str(tmp_path)])


def test_a_report_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file in the way")
    with pytest.raises(SystemExit, match="cannot be written to .*choose another folder with --out"):
        main(["--runs", str(tmp_path), "--out", str(tmp_path / "report")])
