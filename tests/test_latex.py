"""Every table compiles as LaTeX, within the margins, whatever records and options say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recorded import TABLES, a_run, tables

from analysis.tables.capabilities import capability_sheet
from analysis.tables.latex import escape, latex
from analysis.tables.sheet import Entry, Line, Sheet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("composed_once")]
needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
ODD = "\\input{x} $x_1^2$ 50% & #1 ~ <a|b> `x` [y] *z* \"q\" {} \u4e2d\u6587 \u2192 caf\u00e9 \x00\x1b tab\there"


def compiled(folder: Path, texts: list[str]) -> str:
    """The log of pdflatex."""
    head = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
    (folder / "all.tex").write_text("\n\\clearpage\n".join([head, *texts, r"\end{document}"]))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"], cwd=folder, capture_output=True
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


@needs_pdflatex
def test_all_tables_compile_without_a_line_beyond_the_margin(runs: Path, tmp_path: Path) -> None:
    for seed in range(3):
        for row in TABLES["table07"].rows[:5]:
            a_run(runs, f"table07.{row.name}", 30.0 + seed, seed, AP50=50.123, AP75=29.0 + seed)
    a_run(runs, "table04.atss_l1", None, seed=1)
    sheets = [capability_sheet(), *tables(*TABLES, runs=runs)]
    log = compiled(tmp_path, [latex(sheet) for sheet in sheets])
    assert "Overfull" not in log and "too large" not in log and f"({len(sheets)} pages" in log


@needs_pdflatex
def test_what_a_record_says_can_neither_stop_latex_nor_leave_the_margin(runs: Path, tmp_path: Path) -> None:
    folder = "/" + "/".join(["a_long_folder-name"] * 12)
    changed = ["data=coco", f"data.train.images={folder}"]
    a_run(runs, "table11.atss", 20.0, extra=changed, name="done", hardware=ODD, FPS=3.0)
    failed = a_run(runs, "table11.qfl", 30.0, extra=changed, name="failed")
    (failed.path / "result.json").unlink()
    failed.fail(RuntimeError(f"{ODD} {folder} {folder}"))
    (sheet,) = tables("table11", runs=runs)
    assert any(folder in note for note in sheet.notes)
    log = compiled(tmp_path, [latex(sheet)])
    assert "Overfull" not in log and "Missing character" not in log


@needs_pdflatex
@settings(
    max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(max_size=30), min_size=30, max_size=30))
def test_any_text_compiles_in_any_place(tmp_path: Path, words: list[str]) -> None:
    sheet = capability_sheet()
    entries = ((Entry(word, word, True, True),) * len(sheet.table.columns) for word in words)
    lines = [Line(word, row, "", (), ()) for word, row in zip(words, entries, strict=True)]
    odd = Sheet("odd", sheet.table, "", "", " ".join(words), lines, " ".join(words), notes=words, is_measured=False)
    compiled(tmp_path, [latex(odd)])


def test_a_long_word_may_be_broken_behind_its_punctuation_and_a_short_one_not() -> None:
    assert escape("quality=joint") == "quality=joint"
    assert escape("data.train.annotations=a") == (
        r"data.\allowbreak{}train.\allowbreak{}annotations=\allowbreak{}a"
    )


def test_the_commands_of_empty_rows_stand_in_comments(runs: Path) -> None:
    (sheet,) = tables("table05", runs=runs)
    comments = [line for line in latex(sheet).splitlines() if line.startswith("% Fill ")]
    assert [line.command in comment for line, comment in zip(sheet.lines, comments[1:], strict=True)] == [True] * 5
    assert sheet.command in comments[0]
