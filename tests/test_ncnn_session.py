"""``python -m gfl_bench.speed runtime=ncnn``, and what Table 15 takes from its sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from claimed import runs_with, verdict_on
from recorded import TABLES, a_run, lines, tables
from timed import a_session, comparisons

from analysis.claims import Verdict
from analysis.claims.sessions import sessions_of
from analysis.tables.digits import NOTHING
from gfl_bench.results.speed_records import load_speed, write_session
from gfl_bench.speed.__main__ import main
from gfl_bench.speed.ncnn_session import NcnnCell

YOLO, NANODET = "table15.yolov4_tiny_416", "table15.nanodet_416"


def a_ncnn_session(**changes: Any) -> dict[str, Any]:
    session = a_session({YOLO: [40.0, 44, 42], NANODET: [20.0, 21, 22]}, stages=["ncnn"], **changes)
    for name, size in ((YOLO, 23.09), (NANODET, 3.593)):
        session["cells"][name]["size_mb"] = size
    return session | {"table": "table15"}


def measured(sheet: Any, row: str, column: str) -> str:
    return str(lines(sheet)[row].entries[sheet.table.columns.index(column)].measured)


@pytest.mark.slow
def test_each_sample_is_a_process_of_its_own_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")
    asked: list[str] = []
    passes = NcnnCell.passes
    monkeypatch.setattr(NcnnCell, "passes", lambda cell, count: asked.append(cell.id) or passes(cell, count))
    main(["cell=table11.qfl_dfl,table11.atss", "runtime=ncnn", "rounds=2", "passes=3", "scale=smoke", "data.size=64",
          f"paths.runs={tmp_path}"])  # fmt: skip
    (path,) = tmp_path.glob("speed/*/session0.json")
    record = json.loads(path.read_text())
    first, second = (record["cells"][name]["id"] for name in ("table11.qfl_dfl", "table11.atss"))
    assert asked == [first, second, first, second]
    stage = record["cells"]["table11.atss"]["stages"]["ncnn"]
    assert [len(process["wall"]) for process in stage["passes_ms"]] == [3, 3]
    assert stage["samples_ms"] == [sorted(process["processor"])[1] for process in stage["passes_ms"]]
    assert (record["protocol"]["runtime"], record["protocol"]["clock"]) == ("ncnn", "processor")
    (comparison,) = load_speed(tmp_path).comparisons
    assert comparison.ratio("table11.atss", "table11.qfl_dfl", "ncnn") is not None


@pytest.mark.usefixtures("composed_once")
def test_ratio_stands_beside_that_of_the_papers_latencies(runs: Path) -> None:
    write_session(a_ncnn_session(), runs)
    sheet = tables("table15", runs=runs)[-1]
    entry = lines(sheet)["NanoDet, 416 x 416"].entries[sheet.table.columns.index("ncnn, speed")]
    assert (entry.measured, entry.paper) == ("2.000", "2.00")  # 32.81 / 16.44 in the paper's Table 15


@pytest.mark.usefixtures("composed_once")
def test_latency_and_size_of_a_session_stand_in_the_rows_that_were_run_at_its_scale(runs: Path) -> None:
    a_run(runs, NANODET, 20.0)
    a_run(runs, NANODET, 21.0, scale="demo")
    write_session(a_ncnn_session(scale="smoke"), runs)
    sheets = {sheet.name.split(".")[1]: sheet for sheet in tables("table15", runs=runs) if not sheet.is_timed}
    row = "NanoDet, 416 x 416"
    assert [measured(sheets["smoke"], row, name) for name in ("latency_ms", "size_mb")] == ["21.00", "3.6"]
    assert [measured(sheets["demo"], row, name) for name in ("latency_ms", "size_mb")] == [NOTHING, NOTHING]
    assert measured(sheets["smoke"], "YOLOv4-tiny, 416 x 416", "latency_ms") == NOTHING, "it was not run"


@pytest.mark.usefixtures("composed_once")
def test_the_claim_on_latency_and_size_is_judged_by_sessions(runs: Path) -> None:
    trained = runs_with({"nanodet_416": [23.0, 23.1, 23.2], "yolov4_tiny_416": [21.0, 21.1, 21.3]})
    assert verdict_on("C17", trained).verdict is Verdict.unmeasured
    each = [a_ncnn_session(), a_ncnn_session(), a_session({YOLO: [1.0], NANODET: [2.0]}, protocol="torch")]
    found = verdict_on("C17", trained, timed=sessions_of(TABLES["table15"], comparisons(runs, *each), "demo"))
    assert found.verdict is Verdict.supported and found.is_timed
    assert any("latency_ms" in part and "n = 2 sessions" in part for part in found.parts)
    assert any("size_mb" in part and "count" in part for part in found.parts)
    one = sessions_of(TABLES["table15"], comparisons(runs / "once", a_ncnn_session()), "demo")
    again = verdict_on("C17", trained, timed=one)
    assert again.verdict is Verdict.undecided, "a session more would tell of latency; the size is a count"
