"""The report knows what a cell is without composing each by Hydra."""

from __future__ import annotations

import pytest
from recorded import TABLES, compose_once

from analysis.tables.cells import CellError, ComposedCells

CELLS = {cell.name: cell for table in TABLES.values() for cell in table.cells}
AT_EVERY_SCALE = ("table02.atss_iou_guided", "table07.n16_delta0.5", "table11.gfocal")

pytestmark = pytest.mark.usefixtures("composed_once")


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_what_hydra_composes(name: str) -> None:
    assert ComposedCells().config("demo", CELLS[name]) == compose_once(("scale=demo", f"cell={name}"))


@pytest.mark.parametrize("scale", ["smoke", "proxy", "paper"])
@pytest.mark.parametrize("name", AT_EVERY_SCALE)
def test_so_it_is_at_every_scale(name: str, scale: str) -> None:
    assert ComposedCells().config(scale, CELLS[name]) == compose_once((f"scale={scale}", f"cell={name}"))


def test_a_scale_that_is_gone_is_named_once() -> None:
    cells = ComposedCells()
    for _ in range(2):
        with pytest.raises(CellError, match="scale=gone"):
            cells.config("gone")
    assert len(cells.failures) == 1
