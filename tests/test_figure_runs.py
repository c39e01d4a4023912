"""Which runs a figure is drawn from, and which command makes those that are lacking."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from evidence_arrays import evidence, keep
from recorded import TABLES, a_run, compose_once
from timed import a_session, comparisons

from analysis.figures import (
    ambiguity,
    background,
    correlation,
    general,
    learning,
    qualitative,
    suppression,
    targets,
    tradeoff,
)
from analysis.figures.figure import Unmeasured
from analysis.figures.learning import has_losses, smoothed
from analysis.figures.positives import positives
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from gfl_bench.results.record import RunFolder
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

CELLS = ComposedCells()
GFOCAL = ("table11.gfocal",)
HAS_TARGETS = has_evidence("side_target")


def records(runs: Path) -> Records:
    return Records(load_runs(runs).frame, CELLS)


def evidenced(runs: Path, cell: str, seed: int = 0, scale: str = "smoke", extra: Sequence[str] = ()) -> RunFolder:
    folder = a_run(runs, cell, seed=seed, scale=scale, extra=extra)
    keep(folder.path, evidence(seed))
    return folder


def test_every_cell_that_a_figure_asks_for_is_a_row_of_a_table() -> None:
    choices = (
        *background.PAIRS, *suppression.CHOICES, *general.GENERAL, *targets.ATSS, *qualitative.CHOICES,
        correlation.NANODET,
    )  # fmt: skip
    asked = {cell for choice in choices for cell in choice}
    asked |= {*correlation.CELLS, *ambiguity.CELLS, *tradeoff.CELLS, *learning.CURVES, "table14.gfocal"}
    assert asked <= {f"{table.name}.{row.name}" for table in TABLES.values() for row in table.rows}


def test_the_longest_scale_is_drawn_and_of_it_the_first_choice(runs: Path) -> None:
    evidenced(runs, "table11.qfl")
    evidenced(runs, "table11.gfocal", scale="demo")
    evidenced(runs, "table11.qfl_dfl", scale="demo")
    picked = records(runs).pick(("table11.qfl",), ("table11.qfl_dfl",), GFOCAL, usable=HAS_TARGETS)
    assert (picked.condition.scale, list(picked.runs)) == ("demo", ["table11.qfl_dfl"])


def test_more_cells_go_before_a_longer_scale_where_a_figure_can_do_without_some(runs: Path) -> None:
    cells = ("table11.qfl", "table11.qfl_dfl", "table11.gfocal")
    for cell in cells:
        evidenced(runs, cell)
    for cell in cells[:2]:
        evidenced(runs, cell, scale="demo")
    assert records(runs).pick(cells, usable=HAS_TARGETS, least=2).condition.scale == "smoke"
    evidenced(runs, cells[2], scale="demo")
    assert records(runs).pick(cells, usable=HAS_TARGETS, least=2).condition.scale == "demo"


def test_the_scales_own_config_goes_before_a_changed_one(runs: Path) -> None:
    evidenced(runs, "table11.gfocal", extra=["schedule.lr=0.5"])
    assert "schedule.lr=0.5" in records(runs).pick(GFOCAL, usable=HAS_TARGETS).source
    evidenced(runs, "table11.gfocal")
    assert not records(runs).pick(GFOCAL, usable=HAS_TARGETS).condition.changes


def test_runs_under_two_conditions_are_not_drawn_together(runs: Path) -> None:
    evidenced(runs, "table02.atss_joint")
    evidenced(runs, "table02.atss_iou_branch", extra=["schedule.lr=0.5"])
    with pytest.raises(Unmeasured):
        records(runs).pick(("table02.atss_iou_branch", "table02.atss_joint"), usable=HAS_TARGETS)


def test_a_run_counts_however_it_was_asked_for_and_seeds_are_in_order(runs: Path) -> None:
    for seed in (2, 0, 1):
        evidenced(runs, "table12.atss_gfocal", seed)
    picked = records(runs).pick(GFOCAL, usable=HAS_TARGETS)
    assert [run.seed for run in picked.runs["table11.gfocal"]] == [0, 1, 2]
    assert picked.source.endswith("cells table11.gfocal; seed 0,1,2.")
    assert picked.one_source.endswith("cells table11.gfocal; seed 0.")


def test_an_evaluated_checkpoint_is_as_good_as_the_run_that_trained_it(runs: Path) -> None:
    trained = a_run(runs, "table11.gfocal")
    trained.checkpoint.write_bytes(b"")
    with pytest.raises(Unmeasured) as reason:
        records(runs).pick(GFOCAL, usable=HAS_TARGETS)
    words = shlex.split(reason.value.command)
    assert {"cell=table11.gfocal", "mode=evaluate", "scale=smoke", "seed=0", f"paths.runs={runs}"} <= set(words)
    overrides = [word for word in words[4:] if not word.startswith("paths")]
    config = compose_once(tuple(overrides))
    assert config["checkpoint"] == str(trained.checkpoint) and config["mode"] == "evaluate"
    evaluated = a_run(runs, "table11.gfocal", name="evaluated", extra=overrides[1:])
    keep(evaluated.path, evidence())
    assert records(runs).pick(GFOCAL, usable=HAS_TARGETS).first.path == evaluated.path


def test_what_costs_no_training_is_asked_for_first(runs: Path) -> None:
    for cell in ("table02.atss_centerness_branch", "table02.atss_joint"):
        a_run(runs, cell).checkpoint.write_bytes(b"")
    with pytest.raises(Unmeasured) as reason:
        records(runs).pick(*background.PAIRS, usable=HAS_TARGETS)
    parts = reason.value.command.split(" && ")
    assert len(parts) == 2 and all("mode=evaluate" in part for part in parts)
    with pytest.raises(Unmeasured, match=r"table11\.gfocal") as reason:
        records(runs).pick(GFOCAL, ("table06.atss_gaussian",), usable=HAS_TARGETS)
    assert "mode=evaluate" not in reason.value.command, "nobody trained it"


def test_a_finished_run_that_kept_nothing_is_told_to_be_in_the_way(runs: Path) -> None:
    a_run(runs, "table11.gfocal")
    with pytest.raises(Unmeasured, match=r"Before table11\.gfocal runs again, its result\.json has to be removed"):
        records(runs).pick(GFOCAL, usable=HAS_TARGETS)
    with pytest.raises(Unmeasured) as reason:
        records(runs).pick(("table11.dfl",), usable=HAS_TARGETS)
    assert "result.json" not in reason.value.missing


def test_where_some_of_many_are_enough_only_so_many_are_asked_for(runs: Path) -> None:
    evidenced(runs, "table02.atss_joint")
    with pytest.raises(Unmeasured) as reason:
        records(runs).pick(tuple(correlation.CELLS), usable=HAS_TARGETS, least=2)
    assert reason.value.command.count("cell=") == 1 and "," not in reason.value.command
    evidenced(runs, "table11.gfocal")
    assert len(records(runs).pick(tuple(correlation.CELLS), usable=HAS_TARGETS, least=2).runs) == 2


def test_a_part_that_is_not_there_yet_has_no_command(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = records(runs)
    row = found._row("table11.gfocal")
    monkeypatch.setattr(found, "_row", lambda cell: type(row)(**{**vars(row), "needs": "data marsh"}))
    with pytest.raises(Unmeasured) as reason:
        found.pick(GFOCAL, usable=HAS_TARGETS)
    assert (reason.value.missing, reason.value.command) == ("Not measured: data marsh arrives later.", "")


def test_speeds_of_different_machines_are_not_drawn_together(runs: Path) -> None:
    for cell, hardware, fps in (("retinanet", "A", 50), ("fcos", "A", 40), ("atss", "B", 100)):
        a_run(runs, f"table12.{cell}", 30.0, hardware=hardware, FPS=fps)
    picked = records(runs).pick(tradeoff.CELLS, usable=lambda run: "FPS" in run.metrics, least=2)
    machine, points = tradeoff.on_one_machine(picked.runs)
    assert machine.startswith("A, 2 cores, each run by itself")
    assert points == {"table12.retinanet": (20.0, 30.0), "table12.fcos": (25.0, 30.0)}


def test_speeds_are_of_sessions_that_timed_all_that_is_drawn(runs: Path) -> None:
    cells = ("table12.retinanet", "table12.fcos")
    for cell in cells:
        a_run(runs, cell, 30.0, FPS=50.0)
    picked = records(runs).pick(tradeoff.CELLS, usable=lambda run: "FPS" in run.metrics, least=2)
    times = {cells[0]: [10.0, 11.0, 12.0], cells[1]: [20.0, 20.0, 20.0]}
    changed, one = a_session(times, overrides=["a=b"], scale="smoke"), a_session({cells[0]: [1.0]}, "q", scale="smoke")
    sessions = comparisons(runs, changed, a_session(times), one)
    assert tradeoff.in_turns(picked, sessions) is None, "of other networks, of another scale, of one cell"
    sessions = comparisons(runs, a_session(times, scale="smoke"))
    expected = ("Processor h, 2 cores, in turns", {cells[0]: (11.0, 30.0), cells[1]: (20.0, 30.0)})
    assert tradeoff.in_turns(picked, sessions) == expected


def test_losses_of_seeds_are_pooled_at_the_steps_that_all_logged(runs: Path) -> None:
    for seed, last in ((0, 8), (1, 6)):
        folder = a_run(runs, "table11.gfocal", seed=seed)
        for step in range(1, last + 1):
            folder.log({"step": step, "loss_quality": float(seed)})
    picked = records(runs).pick(GFOCAL, usable=has_losses)
    curves = smoothed(picked.runs["table11.gfocal"])
    assert list(curves.index) == [1, 2, 3, 4, 5, 6] and list(curves.columns) == [0, 1]
    assert (curves[0] == 0).all() and (curves[1] == 1).all()


def test_a_run_that_logged_no_loss_on_quality_has_no_curve(runs: Path) -> None:
    folder = a_run(runs, "table11.gfocal")
    (folder.path / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss_quality": None}) + "\nnot json\n")
    with pytest.raises(Unmeasured):
        records(runs).pick(GFOCAL, usable=has_losses)


@pytest.mark.parametrize(("kept", "words"), [(5, "all 5 positive locations"), (2, "2 of 5 positive locations, drawn")])
def test_a_sample_of_the_positives_is_called_one(kept: int, words: str) -> None:
    assert positives({"positive_iou": np.zeros(kept), "target_histogram": np.array([15, 5])}).startswith(words)
