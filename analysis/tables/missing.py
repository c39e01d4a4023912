"""What the tables lack, for machines: ``missing.json`` in the folder of the report.

An object with ``schema`` (1), ``runs`` (the folder of the records) and ``missing``, a list in the order of the tables:

- ``kind``: ``run`` where seeds were not run to their end, ``measurement`` where a finished run lacks columns;
- ``table``, ``row``, ``cell``: their names;
- ``scale``, ``overrides``: the condition; what the command line says besides cell and seed;
- ``columns``: those that stay empty, but what COCO's evaluation server alone can tell, which no command fills;
- ``seeds``: still to be run, or of the run that lacks the columns;
- ``needs``: what gfl_bench itself lacks for the row, such as ``detector nanodet``; there is no command then;
- ``command``: what fills it.

A run that failed, was stopped or is under way is missing too: the command continues it, or leaves it alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from analysis.tables.condition import command
from analysis.tables.matching import Sample
from analysis.tables.summary import RowSummary, TableSummary
from gfl_bench.results.metrics import METRICS

SCHEMA = 1


@dataclass(frozen=True)
class Missing:
    """An item of ``missing.json``."""

    kind: Literal["run", "measurement"]
    table: str
    row: str
    cell: str
    scale: str
    overrides: tuple[str, ...]
    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    needs: str
    command: str


def missing_json(summaries: Iterable[TableSummary], runs: str) -> str:
    """The text of ``missing.json``; ``runs`` is the folder of the records."""
    found = [asdict(each) for summary in summaries for each in missing(summary, runs)]
    return json.dumps({"schema": SCHEMA, "runs": runs, "missing": found}, indent=1, ensure_ascii=False) + "\n"


def missing(summary: TableSummary, runs: str) -> Iterator[Missing]:
    """Of each row first the seeds that it lacks, then what its finished runs did not measure."""
    columns = tuple(name for name in summary.table.columns if not METRICS[name].of_server)
    for row in summary.rows:
        seeds = missing_seeds(summary, row)
        if seeds:
            yield _item(summary, row, runs, "run", columns, seeds, ())
        for sample in row.samples:
            for mode, lacking in unmeasured(summary, row, sample).items():
                checkpoint = Path(sample.path) / "checkpoint.pt"
                extra = (f"mode={mode}", f"checkpoint={checkpoint}")
                yield _item(summary, row, runs, "measurement", lacking, (sample.seed,), extra)


def missing_seeds(summary: TableSummary, row: RowSummary) -> tuple[int, ...]:
    """The first seeds that are not finished, as many as the row lacks; a seed that diverged is finished."""
    wanted, finished = summary.table.seeds, {sample.seed for sample in row.samples}
    return tuple(seed for seed in range(wanted) if seed not in finished)[: max(0, wanted - len(finished))]


def unmeasured(summary: TableSummary, row: RowSummary, sample: Sample) -> dict[str, tuple[str, ...]]:
    """The columns that a done run lacks, by the mode that measures them from its checkpoint.

    None where the condition has a mode of its own, and what no mode measures from a checkpoint is not among them.
    """
    if sample.state != "done" or any(name == "mode" for name, _ in summary.condition.changes):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for column in summary.table.columns:
        mode = METRICS[column].mode
        if mode and column not in sample.metrics and column not in row.timed:
            found[mode] = (*found.get(mode, ()), column)
    return found


def _item(
    summary: TableSummary, row: RowSummary, runs: str, kind: Literal["run", "measurement"], columns: tuple[str, ...],
    seeds: tuple[int, ...], extra: tuple[str, ...],
) -> Missing:  # fmt: skip
    table, condition, needs = summary.table, summary.condition, row.row.needs
    cell = table.cell(row.row).name
    target = [f"cell={cell}", *extra]
    return Missing(
        kind=kind, table=table.name, row=row.row.name, cell=cell, scale=condition.scale,
        overrides=tuple(condition.overrides), columns=columns, seeds=seeds, needs=needs,
        command="" if needs else command(target, condition, runs, ",".join(map(str, seeds))),
    )  # fmt: skip
