"""Runs made small enough to be committed, and still enough for every table, verdict and study.

Of each finished run ``result.json`` without the single times, ``metrics.jsonl`` thinned out, and ``statistics.json``,
what studies and claims take from its evidence; of some also the evidence itself, with fewer positives. Of a session of
``gfl_bench.speed`` the samples without the single passes that they are medians of.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.evidence import NAME, PER_POSITIVE, Arrays, load_evidence
from analysis.studies.statistics import write_statistics
from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.result import read_result
from gfl_bench.results.speed_records import Session, read_session, session_files

LINES = 80  # of a training's log
POSITIVES = 2000  # of the evidence


def compact(runs: Path, places: Iterable[str], out: Path, with_examples: Iterable[str] = ()) -> None:
    """Write the runs at ``places`` below ``runs`` to the same places below ``out``.

    Args:
        with_examples: places; of each of their configurations one keeps some of its evidence: the seed that has in
            ``out``, else the lowest.

    Raises:
        OSError: ``out`` cannot be written.
    """
    lowest = {(out / place).parent: out / place for place in sorted(with_examples, reverse=True)}
    for place in sorted(places):
        configuration = (out / place).parent
        keeper = _with_evidence(configuration) or lowest.get(configuration)
        _compact(runs / place, out / place, keeps_evidence=out / place == keeper)


def _with_evidence(configuration: Path) -> Path | None:
    """The seed of a configuration that an earlier call left with evidence."""
    return next((path.parent for path in sorted(configuration.glob(f"*/{NAME}"))), None)


def compact_sessions(runs: Path, tables: Iterable[str], out: Path) -> None:
    """Write the sessions of ``tables`` below ``runs`` to the same places below ``out``.

    Raises:
        OSError: ``out`` cannot be written.
    """
    wanted = set(tables)
    for path in session_files(runs):
        session = read_session(path)
        if isinstance(session, Unreadable) or session.get("table") not in wanted:
            continue
        place = out / path.relative_to(runs)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(_short(session), separators=(",", ":")) + "\n")


def _compact(run: Path, out: Path, keeps_evidence: bool) -> None:
    result = read_result(run / "result.json")
    if isinstance(result, Unreadable):
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "result.json").write_text(json.dumps(_for_others(result), separators=(",", ":")) + "\n")
    log = thinned(read_metrics(run / "metrics.jsonl"))
    (out / "metrics.jsonl").write_text("".join(json.dumps(_rounded(line)) + "\n" for line in log))
    write_statistics(run, out)
    evidence = load_evidence(run) if keeps_evidence else None
    if evidence is not None:
        np.savez_compressed(out / NAME, **_sampled(evidence))


def thinned(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most ``LINES`` of them, evenly spaced, the last among them."""
    step = -(-len(lines) // LINES) or 1
    return lines[::-1][::step][::-1]


def _for_others(result: Mapping[str, Any]) -> dict[str, Any]:
    """Without single times."""
    speed = {key: value for key, value in (result.get("speed") or {}).items() if not isinstance(value, list)}
    config = {key: value for key, value in result["config"].items() if key != "paths"}
    return {**_public(result), "speed": speed or None, "config": config}


def _short(session: Session) -> dict[str, Any]:
    cells = {
        name: {**cell, "stages": {stage: _without_passes(times) for stage, times in cell["stages"].items()}}
        for name, cell in session["cells"].items()
    }
    return {**_public(session), "cells": cells}


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only the machine's owner knows: its name, and where things lay."""
    provenance = {key: value for key, value in (record.get("provenance") or {}).items() if key != "command_line"}
    hardware = {key: value for key, value in provenance.get("hardware", {}).items() if key != "host"}
    words = [word for word in shlex.split(record["command"]) if not word.startswith("paths.")]
    return {**record, "command": shlex.join(words), "provenance": {**provenance, "hardware": hardware}}


def _without_passes(times: Mapping[str, Any]) -> dict[str, Any]:
    samples = [float(f"{time:.6g}") for time in times["samples_ms"]]
    return {**{key: value for key, value in times.items() if key != "passes_ms"}, "samples_ms": samples}


def _rounded(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in line.items()}


def _sampled(evidence: Arrays) -> dict[str, Any]:
    """The same with ``POSITIVES`` of the positives, drawn without regard to what they say."""
    count = len(evidence["positive_iou"])
    drawn = np.sort(np.random.default_rng(0).permutation(count)[:POSITIVES])
    return {name: values[drawn] if name.startswith(PER_POSITIVE) else values for name, values in evidence.items()}
