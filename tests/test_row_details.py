"""What a row of the report opens to, from the records behind it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from recorded import TABLES, a_run

from analysis.make_tables import sheets_of
from analysis.report.curve import HEIGHT, POINTS, WIDTH, thin, training_curve
from analysis.report.details import SHOWN, Details, RowDetails
from analysis.report.overview import overview
from analysis.report.provenance import duration, provenance
from analysis.report.records import Records
from gfl_bench.results.record import RunFolder
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.changes import Change, changes

pytestmark = pytest.mark.usefixtures("composed_once")


def details(table: str, folder: Path) -> dict[str, RowDetails]:
    runs, cells = load_runs(folder), ComposedCells()
    ((summary, _),) = sheets_of({table: TABLES[table]}, runs, cells, folder)
    return {row.name: row for row in Details(Records(runs), cells, str(folder)).of_table(summary)}


def amend(folder: RunFolder, **values: object) -> None:
    path = folder.path / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_differences_to_the_baseline_are_those_of_the_options_that_the_row_sets(runs: Path) -> None:
    a_run(runs, "table05.beta1")
    a_run(runs, "table05.beta2")
    rows = details("table05", runs)
    assert rows["beta1"].changes == (Change("quality.beta", "2.0", "1.0"),) and rows["beta1"].against == "β = 2"
    assert rows["beta2"].changes == () and rows["beta2"].against == ""


def test_differences_of_a_row_without_runs_are_those_of_its_composed_config(runs: Path) -> None:
    rows = details("table05", runs)
    assert rows["beta4"].changes == (Change("quality.beta", "2.0", "4.0"),)
    ((seeds, command),) = rows["beta4"].commands
    assert seeds == "" and "cell=table05.beta4" in command and rows["beta4"].repetitions == ()


def test_what_is_chosen_comes_first_and_an_option_that_one_side_lacks_is_empty_there() -> None:
    old = {"box": {"name": "dirac"}, "seed": 0, "paths": {"runs": "a"}}
    new = {"box": {"delta": 1.0, "name": "general"}, "seed": 1, "paths": {"runs": "b"}}
    assert list(changes(new, old)) == [Change("box", "dirac", "general"), Change("box.delta", "", "1.0")]
    assert list(changes({}, old)) == [] == list(changes(old, {}))


def test_each_seed_has_its_numbers_its_path_and_its_state(runs: Path) -> None:
    folders = [a_run(runs, "table05.beta1", 31.25, 0), a_run(runs, "table05.beta1", None, 1)]
    (failed := RunFolder(runs / "smoke-table05.beta1--id" / "seed2")).start(json.loads(json.dumps(_config(folders[0]))))
    failed.fail(RuntimeError("no memory"))
    done, diverged, unfinished = details("table05", runs)["beta1"].repetitions
    assert (done.seed, done.metrics["AP"], done.path) == (0, "31.2", str(folders[0].path))
    assert (diverged.state, diverged.note, diverged.metrics) == ("diverged", "at step 7 in qfl", {})
    assert unfinished.state == "failed" and "no memory" in unfinished.note


def _config(folder: RunFolder) -> dict[str, object]:
    config: dict[str, object] = json.loads((folder.path / "result.json").read_text())["config"]
    return config


def test_commands_are_the_recorded_ones_and_told_once_where_the_seed_alone_differs(runs: Path) -> None:
    for seed in (0, 1, 2):
        command = f"python -m gfl_bench.run seed={seed} scale=smoke{' machine.threads=1' if seed == 2 else ''}"
        amend(a_run(runs, "table05.beta1", seed=seed), command=command)
    first, second = details("table05", runs)["beta1"].commands
    assert first[1] == "python -m gfl_bench.run seed=0 scale=smoke" and "seeds 1" in first[0]
    assert second == ("Seed 2", "python -m gfl_bench.run seed=2 scale=smoke machine.threads=1")


def test_hundreds_of_seeds_leave_the_page_light_and_are_counted(runs: Path) -> None:
    for seed in range(SHOWN + 3):
        a_run(runs, "table05.beta1", 30.0, seed)
    row = details("table05", runs)["beta1"]
    assert len(row.repetitions) == SHOWN and row.hidden == 3


def test_a_long_curve_is_thinned_to_the_means_of_its_stretches() -> None:
    points = [(float(step), math.exp(-step / 500)) for step in range(1, 1801)]
    thinned = thin(points)
    assert len(thinned) == POINTS and thin(points[:POINTS]) == points[:POINTS]
    assert sum(y for _, y in thinned) / POINTS == pytest.approx(sum(y for _, y in points) / 1800)
    assert thinned[0] == (pytest.approx(15.5), pytest.approx(sum(y for _, y in points[:30]) / 30))


def test_a_curve_fills_its_box_and_passes_over_what_is_not_finite() -> None:
    log = [{"step": step, "loss": loss} for step, loss in [(10, 4.0), (20, 1.0), (30, math.nan), (40, 2.0), (50, None)]]
    curve = training_curve({0: log, 1: [{"step": 10, "loss": 3.0}]})
    assert curve is not None and (curve.low, curve.high, curve.first, curve.last) == (1.0, 4.0, 10, 40)
    numbers = list(map(float, re.findall(r"[\d.]+", curve.paths[0])))
    assert numbers == [0, 0, WIDTH / 3, HEIGHT, WIDTH, HEIGHT * 2 / 3] and list(curve.paths) == [0]
    assert training_curve({0: []}) is None


def test_durations_are_told_in_two_units() -> None:
    assert list(map(duration, (7.4, 173, 3599.9, 36060))) == ["7 s", "2 min 53 s", "1 h 0 min", "10 h 1 min"]


def test_provenance_tells_every_value_once_and_survives_foreign_records() -> None:
    git = {"commit": "0123456789abcdef", "dirty": True}
    result = {
        "timings": {"training": 61.0, "steps": 600}, "parameters": 1056738, "memory": {"host": 2**20},
        "provenance": {"gfl_bench": "0.1.0", "git": git, "packages": {"torch": "2.15.0"}, "python": "3.11.7"},
    }  # fmt: skip
    foreign = {"provenance": {"hardware": {"gpus": 1}, "git": "?"}, "memory": 3, "parameters": "many"}
    found = dict(provenance([result, result, result | {"timings": {"training": 62.0}}, foreign]))
    assert found == {
        "Code": "gfl_bench 0.1.0, commit 0123456789, with uncommitted changes",
        "Packages": "Python 3.11.7, torch 2.15.0",
        "Time": "training 1 min 1 s · training 1 min 2 s", "Model": "1.06 M parameters", "Peak memory": "host 1 MiB",
    }  # fmt: skip


def test_the_overview_counts_runs_by_state_and_machine(runs: Path) -> None:
    for seed, machine in enumerate(["A processor", "A processor", "Another"]):
        a_run(runs, "table05.beta1", 30.0 if seed else None, seed, hardware=machine)
    loaded = load_runs(runs)
    found = overview(loaded, Records(loaded))
    assert dict(found.counts) == {"done": 2, "diverged": 1}
    assert found.machines == ("A processor, 2 cores (2 runs)", "Another, 2 cores (1 run)")
