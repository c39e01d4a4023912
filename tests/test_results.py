"""Results to commit: small records that say what the whole ones say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from evidence_arrays import evidence, keep
from recorded import a_run
from timed import a_session

from analysis.compact import LINES, POSITIVES, thinned
from analysis.make_results import main
from analysis.studies.statistics import KINDS, numbers
from gfl_bench.results.speed_records import load_speed, write_session
from gfl_bench.results.store import load_runs


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of runs, two seeds of three rows, and of the results of Table 11."""
    runs, out = tmp_path / "runs", tmp_path / "results"
    for row, ap in (("table11.gfocal", 40.0), ("table11.atss", 38.0), ("table11.dfl", 39.0)):
        for seed in (0, 1):
            folder = a_run(runs, row, ap=ap + seed / 4, seed=seed)
            keep(folder.path, evidence(seed))
            for step in range(1000):
                folder.log({"step": step + 1, "loss": 1 / 3})
    a_run(runs, "table05.beta4", ap=30.0)
    main(["table11", "--runs", str(runs), "--out", str(out)])
    return runs, out


def places(folder: Path) -> dict[str, Path]:
    frame = load_runs(folder).frame
    return {f"{cell} {seed}": Path(path) for cell, seed, path in zip(frame.cell, frame.seed, frame.path, strict=True)}


def test_runs_of_the_tables_and_studies_come_along_and_no_others(made: tuple[Path, Path]) -> None:
    assert set(places(made[1])) == {f"table11.{row} {seed}" for row in ("gfocal", "atss", "dfl") for seed in (0, 1)}


def test_every_number_of_every_study_is_that_of_the_whole_evidence(made: tuple[Path, Path]) -> None:
    whole, small = map(places, made)
    for name, path in small.items():
        for kind in KINDS:
            assert numbers(path, kind) == numbers(whole[name], kind) != {}


def test_the_lowest_seed_keeps_examples(made: tuple[Path, Path]) -> None:
    small = places(made[1])
    assert not (small["table11.gfocal 1"] / "evidence.npz").exists()
    kept = np.load(small["table11.gfocal 0"] / "evidence.npz")
    whole = evidence(0)
    assert len(kept["positive_iou"]) == min(POSITIVES, len(whole["positive_iou"]))
    assert np.array_equal(kept["example_jpeg"], whole["example_jpeg"])


def test_of_seeds_that_come_later_only_one_keeps_examples(made: tuple[Path, Path]) -> None:
    runs, out = made
    shutil.rmtree(places(runs)["table11.gfocal 0"])
    main(["table11", "--runs", str(runs), "--out", str(out)])
    assert [path.parent.name for path in places(out)["table11.gfocal 1"].parent.glob("*/evidence.npz")] == ["seed0"]


def test_a_log_is_thinned_evenly_and_ends_where_it_ended() -> None:
    lines = [{"step": step} for step in range(1, 1001)]
    steps = [line["step"] for line in thinned(lines)]
    assert len(steps) <= LINES and steps[-1] == 1000 and len(set(np.diff(steps))) == 1
    assert thinned(lines[:7]) == lines[:7] and thinned([]) == []


def test_a_record_does_not_tell_whose_machine_it_was(made: tuple[Path, Path]) -> None:
    result = json.loads((places(made[1])["table11.gfocal 0"] / "result.json").read_text())
    assert result["metrics"]["AP"] == 40.0 and "command_line" not in result["provenance"]
    assert "host" not in result["provenance"]["hardware"] and "paths" not in result["config"]
    assert "paths.runs" not in result["command"]


def test_sessions_of_the_tables_come_along_without_single_passes_and_names(tmp_path: Path) -> None:
    runs, out = tmp_path / "runs", tmp_path / "results"
    session = a_session({"table12.atss": [3.0, 4, 5], "table12.fcos": [3.0, 3, 3]})
    session["command"] = "python -m gfl_bench.speed sweep=table12 paths.runs=/of/a/home rounds=3"
    session["provenance"] = {"command_line": ["of/a/home"], "hardware": {"host": "h", "cores": 2}, "python": "3.12"}
    session["cells"]["table12.atss"]["stages"]["detect"]["passes_ms"] = [[3.0], [4.0], [5.0]]
    write_session(session, runs)
    write_session({**session, "table": "table13", "scale": "proxy"}, runs)
    main(["table12", "--runs", str(runs), "--out", str(out)])
    (small,), (whole, _) = load_speed(out).comparisons, load_speed(runs).comparisons
    assert small.sessions[0]["command"] == "python -m gfl_bench.speed sweep=table12 rounds=3"
    assert small.sessions[0]["provenance"] == {"hardware": {"cores": 2}, "python": "3.12"}
    assert small.sessions[0]["cells"]["table12.atss"]["stages"] == {"detect": {"samples_ms": [3.0, 4, 5]}}
    assert small.ratio("table12.fcos", "table12.atss") == whole.ratio("table12.fcos", "table12.atss")
    assert "## Speeds" in (out / "RESULTS.md").read_text()


def test_the_page_has_verdicts_tables_and_studies_and_is_made_of_the_results_alone(made: tuple[Path, Path]) -> None:
    page = (made[1] / "RESULTS.md").read_text()
    assert "| GFocal" in page.replace("+ QFL + DFL + DGQP (GFocal)", "GFocal") and "40.1 ± " in page
    assert "Ambiguity, known" in page and str(made[0]) not in page and "Not measured here: C" in page
    main(["table11", "--runs", str(made[1]), "--out", str(made[1])])
    assert (made[1] / "RESULTS.md").read_text() == page, "again, without the runs"


def test_a_table_with_less_than_half_of_its_rows_is_named_and_not_shown(made: tuple[Path, Path]) -> None:
    runs, out = made
    main(["table05", "table11", "--runs", str(runs), "--out", str(out)])
    page = (out / "RESULTS.md").read_text()
    assert "Left out, fewer than half of their rows run: table05 at scale smoke." in page
    assert "**Table 5. " not in page and "**Table 11. " in page


def test_an_unknown_table_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no table99"):
        main(["table99", "--runs", str(tmp_path)])
