"""What makes a config a row of a table, and the rows of a table at a scale by it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.tables.groups import Texts, texts_of
from gfl_bench.config.schema import CROWDS
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.table import Table

ALWAYS = ("quality", "box", "guidance")  # sections that make a row, as do those whose options a table's rows set
OF_CROWDS = "data of crowds"

Identity = tuple[str, ...]  # detector's name, then sections as JSON


@dataclass(frozen=True)
class Place:
    """A row at one scale."""

    name: str
    config: Mapping[str, Any]
    texts: Texts


def sections_of(table: Table) -> tuple[str, ...]:
    """What makes a config a row of ``table``. Of the detector its name; its other options are a condition, as are those
    options of the data that no row sets, such as whose images they are.

    So are values that all rows have; and of a table of crowds, that its data are of crowds.
    """
    shared = {key for key in table.base if "." in key}
    keys = {key for cell in table.cells for key in cell.overrides if key != "detector"} - shared
    touched = {key if key.startswith("data.") else key.partition(".")[0] for key in keys}
    rows = {key.partition(".")[0] for row in table.rows for key in row.overrides}
    if table.base.get("data") in CROWDS and "data" not in rows:
        touched = touched - {"data"} | {OF_CROWDS}
    return tuple(sorted({*ALWAYS, *touched}))


def identity(config: Mapping[str, Any], texts: Texts, sections: tuple[str, ...]) -> Identity:
    """What two configs of one row have in common, of the ``sections_of`` its table."""
    return config["detector"]["name"], *(_meaning(config, texts, section) for section in sections)


def _meaning(config: Mapping[str, Any], texts: Texts, section: str) -> str:
    data = config.get("data")
    data = data if isinstance(data, Mapping) else {}
    if section == OF_CROWDS:
        return str(data.get("name") in CROWDS)
    return json.dumps(data.get(section.removeprefix("data."))) if section.startswith("data.") else texts[section]


def rows_at(table: Table, scale: str, cells: ComposedCells, sections: tuple[str, ...]) -> dict[Identity, Place]:
    """The rows of ``table`` that can be run; none at a scale that cannot be composed, see ``cells.failures``."""
    rows: dict[Identity, Place] = {}
    with contextlib.suppress(CellError):  # a scale of another version of the project
        cells.config(scale)
        for row in table.rows:
            if not row.needs:
                config = cells.config(scale, table.cell(row))
                texts = texts_of(config)
                rows.setdefault(identity(config, texts, sections), Place(row.name, config, texts))
    return rows
