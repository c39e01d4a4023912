"""What the tables are written as, and the command that writes them."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import scipy.stats
from recorded import a_run, compose_once, lines, tables

from analysis.claims import Judgement, Verdict
from analysis.make_tables import main
from analysis.report.page import _verdicts
from analysis.tables.condition import Condition
from analysis.tables.latex import escape
from gfl_bench.results.record import RunFolder

SCRIPT = Path(__file__).parents[1] / "analysis" / "make_tables.py"
pytestmark = pytest.mark.usefixtures("composed_once")


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


def test_the_caption_says_scale_data_machine_and_the_scales_own_warning(runs: Path) -> None:
    a_run(runs, "table11.qfl", 30.0, scale="demo", FPS=31.2)
    (sheet,) = tables("table11", runs=runs)
    warning = compose_once(("scale=demo",))["scale"]["caption"]
    assert warning and warning in sheet.caption
    assert "Scale demo, data scenes, 600 steps of 16 images." in sheet.caption
    assert "FPS measured on A processor" in sheet.caption
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
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert not re.search(r"(src|href)\s*=\s*\"(?!#|data:)|url\(|@import|<link(?! rel=\"icon\" href=\"data:,\")", page)


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
    page = (tmp_path / "report" / "index.html").read_text()
    for name in ("C01", "C26", "table01", "table15.demo", "figures", "figure-fig07_qfl"):
        assert f'id="{name}"' in page
    assert json.loads((tmp_path / "report" / "missing.json").read_text())["missing"]


def test_the_same_records_make_the_same_page(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0, FPS=31.2)
    page = runs.parent / "report" / "index.html"
    texts = [page.read_bytes() for _ in range(2) if tables("table05", runs=runs)]
    assert texts[0] == texts[1]


def test_a_table_that_does_not_exist_is_refused_with_the_names_of_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is no table99; there are table01, table02"):
        main(["--print", "table99", "--out", str(tmp_path)])


def test_a_report_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file in the way")
    with pytest.raises(SystemExit, match=r"cannot be written to .*choose another folder with --out"):
        main(["--runs", str(tmp_path), "--out", str(tmp_path / "report")])


def test_a_claim_that_one_scale_measures_does_not_count_as_unmeasured_for_another() -> None:
    def judged(id_: str, verdict: Verdict) -> Judgement:
        return Judgement(id_, "says", "ref", verdict, effect="")

    found = _verdicts([judged("C01", Verdict.undecided), judged("C01", Verdict.unmeasured),
                       judged("C02", Verdict.unmeasured)])  # fmt: skip
    assert found == {"undecided": 1, "unmeasured": 1}
