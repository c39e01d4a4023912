"""A session for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from gfl_bench.speed.stages import Stage
from gfl_bench.sweep.table import Row, Table

BUSY = 0.1  # of the processors' time, taken by others
TITLES = {
    Stage.model: "network alone",
    Stage.detect: "network and post-processing (the paper's)",
    Stage.end_to_end: "end to end, from the image file to boxes",
    Stage.train: "training step, from a batch on the device to the next weights",
}


def report(session: Mapping[str, Any], rows: Mapping[str, Row], tables: Mapping[str, Table]) -> str:
    """Markdown: a table for each stage, and a line on the conditions."""
    stages = next(iter(session["cells"].values()))["stages"]
    paper = _paper(rows, tables)
    return "\n\n".join([*(_stage(session, rows, Stage(stage), paper) for stage in stages), _conditions(session)])


def _stage(session: Mapping[str, Any], rows: Mapping[str, Row], stage: Stage, paper: Mapping[str, float]) -> str:
    baseline = session["baseline"]
    known = paper if stage is Stage.detect and baseline in paper else {}
    lines = [
        [
            rows[name].label, f"{timed['median_ms']:.2f}", f"{timed['p5_ms']:.2f} to {timed['p95_ms']:.2f}",
            f"{timed['fps']:.1f}", _ratio(timed["ratios"].get(baseline)),
            *([f"{known[name] / known[baseline]:.2f}" if name in known else ""] if known else []),
        ]
        for name, cell in session["cells"].items()
        for timed in [cell["stages"][stage.value]]
    ]  # fmt: skip
    rate = "steps/s" if stage is Stage.train else "FPS"
    head = ["", "ms", "5 to 95 %", rate, f"speed, {baseline} = 1", *(["paper's"] if known else [])]
    return f"{TITLES[stage]}\n\n{tabulate(lines, head, tablefmt='pipe', disable_numparse=True)}"


def _ratio(ratio: Mapping[str, Any] | None) -> str:
    if ratio is None:
        return "1"
    interval = "" if ratio["low"] is None else f" ({ratio['low']:.3f} to {ratio['high']:.3f})"
    return f"{ratio['value']:.3f}{interval}"


def _paper(rows: Mapping[str, Row], tables: Mapping[str, Table]) -> dict[str, float]:
    """The paper's images a second, of the cells that have them."""
    found = {}
    for name, row in rows.items():
        columns = tables[name.partition(".")[0]].columns
        value = row.paper[columns.index("FPS")] if "FPS" in columns else None
        if value is not None:
            found[name] = value
    return found


def _conditions(session: Mapping[str, Any]) -> str:
    protocol, load = session["protocol"], session["conditions"]["load"]
    others = "an unknown share" if load["others_share"] is None else f"{load['others_share']:.0%}"
    posts = [cell["post_processing"] for cell in session["cells"].values()]
    passing = " to ".join(dict.fromkeys(f"{bound(post['passing'] for post in posts):.0f}" for bound in (min, max)))
    flags = protocol["flags"]
    busy = (load["others_share"] or 0) > BUSY
    return (
        f"{session['rounds']} rounds in turns, {protocol['weights']} weights, {flags['precision']}, {flags['threads']} "
        f"threads; {passing} scores an image pass the threshold; others took {others} of the processors' time. "
        f"Protocol {protocol['id']}, hardware {session['hardware']['id']}."
        + (" On so busy a machine the times mean little, and the ratios want many rounds." if busy else "")
    )
