"""A table file is read as it is written, and refused by name where it cannot be meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Row, Table
from gfl_bench.sweep.validity import SweepError

VALID: dict[str, Any] = {
    "title": "A table", "source": "paper Table 99", "columns": ["AP", "AP50"], "base": {"detector": "atss"},
    "baseline": "one", "seeds": 2,
    "rows": [
        {"name": "one", "label": "One", "overrides": {"quality": "none"}, "paper": [1.0, None]},
        {"name": "two", "label": "Two", "overrides": {"quality": "joint", "quality.beta": 1}, "paper": [2.0, "NaN"]},
    ],
}


def load(folder: Path, content: Any, name: str = "table99_trial.yaml") -> Table:
    (folder / name).write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    (table,) = load_tables(folder).values()
    return table


def with_row(**changes: Any) -> dict[str, Any]:
    return VALID | {"rows": [VALID["rows"][0], VALID["rows"][1] | changes]}


def test_a_table_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    table = load(tmp_path, VALID)
    assert (table.name, table.baseline, table.seeds, table.compare) == ("table99", "one", 2, ("AP",))
    assert [cell.name for cell in table.cells] == ["table99.one", "table99.two"]
    assert table.cells[1].choices == {"detector": "atss", "quality": "joint"}
    assert table.cells[1].values == {"quality.beta": 1}
    assert table.rows[0] == Row("one", "One", {"quality": "none"}, (1.0, None))


def test_a_row_that_needs_what_is_missing_is_shown_but_is_no_cell(tmp_path: Path) -> None:
    table = load(tmp_path, with_row(needs="detector fcos"))
    assert [row.name for row in table.rows] == ["one", "two"]
    assert [cell.name for cell in table.cells] == ["table99.one"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (VALID | {"colums": []}, "unknown key colums"),
        ({key: VALID[key] for key in VALID if key != "title"}, "title is missing"),
        (VALID | {"columns": ["AP", "AP51"]}, "unknown metric AP51"),
        (VALID | {"compare": ["FPS"]}, "FPS, which is no column"),
        (VALID | {"baseline": "three"}, "baseline three is no row"),
        (VALID | {"seeds": 0}, "seeds must be 1 or more"),
        (VALID | {"decimals": {"FPS": 2}}, "decimals names FPS, which is no column"),
        (VALID | {"decimals": {"AP": -1}}, "decimals of AP must be a number of digits"),
        (VALID | {"earlier": {"columns": ["AP"]}}, "earlier: source is missing"),
        (VALID | {"earlier": {"source": "slides", "rows": ["three"]}}, "earlier names three, which is no row"),
        (VALID | {"earlier": {"source": "slides", "columns": ["APs"]}}, "earlier names APs, which is no column"),
        (VALID | {"base": None}, "base must be a mapping"),
        (VALID | {"rows": VALID["rows"][:1] * 2}, "row one: the name stands 2 times"),
        (with_row(papers=[]), "row two: unknown key papers"),
        (with_row(paper=[1.0]), "row two: 1 paper values for 2 columns"),
        (with_row(paper=[1.0, "nan?"]), "row two: the paper's value 'nan?'"),
        (with_row(against="zero"), "row two: it is compared against zero"),
        (with_row(overrides={"qualty": "joint"}), "row two: the override qualty begins with no group"),
        (with_row(overrides={"quality": 1}), "row two: quality chooses an option"),
        (with_row(name="Two, too"), "row Two, too: a name has small letters"),
        (with_row(name=2), "row 2: name must be a text"),
        ("title: a\ntitle: b\n", "the key title stands twice"),
        ("title: [", "is not YAML"),
        ("- a list", "must be a mapping"),
    ],
)
def test_a_table_file_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(SweepError, match=r"^table99_trial\.yaml.*" + re.escape(says)):
        load(tmp_path, content)


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    load(tmp_path, VALID)
    with pytest.raises(SweepError, match="table99 already"):
        load(tmp_path, VALID, "table99_again.yaml")
