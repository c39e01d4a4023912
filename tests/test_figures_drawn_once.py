"""Figures are drawn again where their records change, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from recorded import a_run
from timed import a_session

from analysis.figures import Figure
from analysis.report import drawn
from gfl_bench.results.speed_records import Comparison, load_speed, write_session
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

pytestmark = pytest.mark.usefixtures("composed_once")


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs there were at each drawing."""
    told: list[int] = []

    def draw(frame: pd.DataFrame, out: Path, cells: ComposedCells, speeds: Sequence[Comparison]) -> list[Figure]:
        told.append(len(frame))
        (out / "one.png").write_bytes(b"drawn")
        return [Figure("one", "One", "", out / "one.png", None), Figure("two", "Two", "", None, None, "No run.", "run")]

    monkeypatch.setattr(drawn, "draw_figures", draw)
    return told


def figures(runs: Path) -> list[Figure]:
    return drawn.figures_of(load_runs(runs), runs.parent / "figures", ComposedCells(), load_speed(runs).comparisons)


def test_the_same_records_are_drawn_once_and_give_the_same_figures(runs: Path, times: list[int]) -> None:
    a_run(runs, "table05.beta1")
    assert figures(runs) == figures(runs) and times == [1]


def test_a_new_run_changed_evidence_a_lost_drawing_and_a_new_session_are_drawn(runs: Path, times: list[int]) -> None:
    folder = a_run(runs, "table05.beta1")
    figures(runs)
    a_run(runs, "table05.beta2")
    figures(runs)
    (folder.path / "evidence.npz").write_bytes(b"more")
    figures(runs)
    (runs.parent / "figures" / "one.png").unlink()
    figures(runs)
    write_session(a_session({"table05.beta1": [1.0], "table05.beta2": [1.0]}), runs)
    figures(runs)
    assert times == [1, 2, 2, 2, 2]


def test_an_index_that_is_cut_short_costs_a_drawing_and_no_more(runs: Path, times: list[int]) -> None:
    figures(runs)
    index = runs.parent / "figures" / drawn.INDEX
    index.write_text(index.read_text()[:40])
    figures(runs)
    index.write_text('{"source": "?", "figures": [{"name": "of another version"}]}')
    assert len(figures(runs)) == 2 and times == [0, 0, 0]
