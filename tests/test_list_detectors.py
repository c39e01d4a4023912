"""The page of detectors, and what it counts."""

from __future__ import annotations

from pathlib import Path

from analysis.list_detectors import page
from gfl_bench.config.paths import conf_folder

DOCS = Path(__file__).parents[1] / "docs" / "detectors.md"


def test_the_page_in_the_docs_is_that_of_today() -> None:
    assert DOCS.read_text(encoding="utf-8") == page() + "\n"


def test_every_detector_is_on_it_and_those_of_shared_parts_alone_have_no_python() -> None:
    rows = {line.split("`")[1]: line.rsplit("|", 4)[1:4] for line in page().splitlines() if line.startswith("| `")}
    assert set(rows) == {path.stem for path in (conf_folder() / "detector").glob("*.yaml")}
    yaml, dataclasses, python = map(int, rows["fcos"])
    assert yaml > 0 and dataclasses > 0 and python == 0
    assert all(int(rows[name][2]) > 50 for name in ("paa", "vfnet", "borderdet", "reppoints_v2", "ssd512"))
