"""A report with one of everything that it may show, and what a browser is asked of it."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image
from recorded import TABLES, a_run

from analysis.claims.judgement import Judgement, Verdict
from analysis.figures.figure import Figure
from analysis.make_tables import sheets_of
from analysis.report import write_report
from analysis.report.details import Details
from analysis.report.records import Records
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

APS = {"beta0": 9.5, "beta1": 100.0, "beta2": 30.0, "beta2.5": None}  # as text 100.0 is the first; None diverges

# Of each element with text of its own, as painted: the ratio of WCAG 2, over the ancestors' backgrounds.
CONTRASTS = """() => {
  const colour = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => { for (; node; node = node.parentElement) {
    const found = colour(getComputedStyle(node).backgroundColor); if (found[3] === 1) return found; } };
  const hasText = node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
  return [...document.body.querySelectorAll('*:not(script)')].filter(node => hasText(node) && node.checkVisibility())
    .map(node => { const [a, b] = [light(colour(getComputedStyle(node).color)), light(behind(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 120)]; });
}"""


def a_report(folder: Path) -> Path:
    """Table 5 with means, a divergence and an empty row; Table 7 without runs; all verdicts; two figures."""
    runs_folder = folder / "runs"
    _train(runs_folder)
    runs, cells = load_runs(runs_folder), ComposedCells()
    records = Records(runs)
    written = sheets_of({name: TABLES[name] for name in ("table05", "table07")}, runs, cells, runs_folder)
    details = Details(records, cells, str(runs_folder))
    write_report(
        folder / "index.html", [sheet for _, sheet in written], judgements(), figures(folder), runs, records=records,
        details={sheet.name: details.of_table(summary) for summary, sheet in written}, folder="runs",
        skipped=["runs/a/result.json is cut short."],
    )  # fmt: skip
    return folder / "index.html"


def judgements() -> list[Judgement]:
    """One of each verdict."""
    return [
        Judgement(f"C{index:02}", "one beats another", "Table 5", verdict, "AP +0.7", "0.2 to 1.2", "paired t test", 3,
                  4, "smoke", "python -m gfl_bench.run", ("AP +0.7",))
        for index, verdict in enumerate(Verdict, 1)
    ]  # fmt: skip


def figures(folder: Path) -> list[Figure]:
    """One that is drawn, wider than a page shows it, and one that is not."""
    Image.new("RGB", (2400, 600), "white").save(folder / "drawn.png")
    return [
        Figure("drawn", "Fig. 1", "A drawing.", folder / "drawn.png", folder / "drawn.pdf"),
        Figure("absent", "Fig. 2", "", None, None, "There is no run of it.", "python -m gfl_bench.run"),
    ]


def _train(runs: Path) -> None:
    log = "\n".join(json.dumps({"step": step, "loss": 3 / step}) for step in range(1, 200))
    for name, ap in APS.items():
        for seed in (0, 1):
            run = a_run(runs, f"table05.{name}", ap and ap + seed / 10, seed)
            (run.path / "metrics.jsonl").write_text(log)
