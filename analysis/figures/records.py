"""Which runs a figure is drawn from: rows of the tables that ran under one condition and left what it reads."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures.figure import Unmeasured
from analysis.figures.runs import Picked, Run, Usable
from analysis.tables.condition import DEFAULT_SCALE, Condition, command
from analysis.tables.matching import Filling, fill
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.speed_records import Comparison
from gfl_bench.results.store import Runs, folder_of
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Row


class Records:
    """Runs by cell and condition. ``mode=evaluate`` of somebody's checkpoint is as good as the run that trained it."""

    def __init__(
        self, frame: pd.DataFrame, cells: ComposedCells | None = None, speeds: Sequence[Comparison] = ()
    ) -> None:
        self.speeds = speeds
        self.tables = load_tables(sweeps_folder())
        self._frame = frame.assign(config=frame["config"].map(_as_trained))
        self._cells = cells or ComposedCells()
        self._fillings = cache(self._filled)  # of these records alone, and gone with them
        self.runs_of = cache(self._runs_of)
        finished = frame.loc[frame["state"] == "done", "scale"]
        self._sizes = Counter(finished.dropna())

    def pick(self, *choices: Sequence[str], usable: Usable, least: int | None = None) -> Picked:
        """Usable runs of a choice's cells: of most cells, at the scale that trains longest, there of the first choice.

        Args:
            least: how many of a choice's cells are enough; None is all.

        Raises:
            Unmeasured: no choice has a usable run for enough of its cells under one condition.
        """
        found = [
            (0 if least is None else len(picked.runs), self._rank(condition), -order, picked)
            for order, choice in enumerate(choices)
            for condition, picked in self._complete(choice, usable, least).items()
        ]
        if not found:
            raise self._unmeasured(choices, usable, least)
        return max(found, key=lambda one: one[:3])[3]

    def _runs_of(self, cell: str) -> dict[Condition, list[Run]]:
        """All finished runs of a cell, by condition; the same objects each time, which read their files once."""
        name, _, row = cell.partition(".")
        configs = self._configs
        return {
            filling.condition: [
                Run(cell, sample.seed, Path(sample.path), configs[sample.path], sample.metrics, sample.hardware)
                for sample in filling.samples.get(row, [])
                if sample.state == "done"
            ]
            for filling in self._fillings(name)
        }

    def _filled(self, table: str) -> list[Filling]:
        return fill(self.tables[table], Runs(self._frame, []), self._cells)

    @cached_property
    def _configs(self) -> dict[str, Mapping[str, Any]]:
        return dict(zip(self._frame["path"], self._frame["config"], strict=True))

    def _complete(self, choice: Sequence[str], usable: Usable, least: int | None) -> dict[Condition, Picked]:
        by_condition: dict[Condition, dict[str, list[Run]]] = defaultdict(dict)
        for cell in choice:
            for condition, runs in self.runs_of(cell).items():
                by_seed = {run.seed: run for run in reversed(runs) if usable(run)}
                if by_seed:
                    by_condition[condition][cell] = [by_seed[seed] for seed in sorted(by_seed)]
        return {
            condition: Picked(condition, found)
            for condition, found in by_condition.items()
            if len(found) >= (len(choice) if least is None else least)
        }

    def _rank(self, condition: Condition) -> tuple[float, int, tuple[tuple[str, str], ...]]:
        """The longest scale first, the scale's own config before changed ones; the rest decides ties."""
        return self._cells.images(condition.scale), -len(condition.changes), condition.changes

    def _unmeasured(self, choices: Sequence[Sequence[str]], usable: Usable, least: int | None) -> Unmeasured:
        """What is lacking of the choice that is nearest: with the fewest trainings, then with the fewest runs."""
        condition = Condition(self._sizes.most_common(1)[0][0] if self._sizes else DEFAULT_SCALE)
        plans = [self._plan(choice, condition, usable, least) for choice in choices]
        plan = min(plans, key=lambda plan: (sum(trained is None for trained in plan.values()), len(plan)))
        needs = sorted({need for cell in plan if (need := self._row(cell).needs)})
        if needs:
            return Unmeasured(f"Not measured: {', '.join(needs)} arrives later.")
        to_train = [cell for cell, trained in plan.items() if trained is None]
        commands = [self._evaluation(cell, trained, condition) for cell, trained in plan.items() if trained]
        if to_train:
            commands.append(command([f"cell={','.join(to_train)}"], condition, self.folder, "0"))
        finished = [cell for cell in to_train if self.runs_of(cell).get(condition)]
        lacks = f" Before {', '.join(finished)} runs again, its result.json has to be removed." if finished else ""
        return Unmeasured(f"No run of {' or '.join(plan)} kept what this figure reads.{lacks}", " && ".join(commands))

    def _plan(
        self, choice: Sequence[str], condition: Condition, usable: Usable, least: int | None
    ) -> dict[str, Run | None]:
        """The cells that a choice lacks most easily made first, and of each a run whose weights can be evaluated."""
        found = {cell: self.runs_of(cell).get(condition, []) for cell in choice}
        lacking = {cell: _with_weights(runs) for cell, runs in found.items() if not any(map(usable, runs))}
        ordered = sorted(lacking.items(), key=lambda one: one[1] is None)
        return dict(ordered[: len(ordered) if least is None else least - (len(choice) - len(lacking))])

    def _evaluation(self, cell: str, trained: Run, condition: Condition) -> str:
        weights = ("checkpoint", json.dumps(str(trained.path / "checkpoint.pt")))
        evaluated = Condition(condition.scale, (*condition.changes, weights))
        return command([f"cell={cell}", "mode=evaluate"], evaluated, self.folder, str(trained.seed))

    def _row(self, cell: str) -> Row:
        name, _, row = cell.partition(".")
        return next(one for one in self.tables[name].rows if one.name == row)

    @property
    def folder(self) -> str:
        """Where the records lie."""
        return folder_of(self._frame)


def _with_weights(runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if (run.path / "checkpoint.pt").exists()), None)


def _as_trained(config: Any) -> Any:
    if isinstance(config, Mapping) and config.get("mode") == "evaluate":
        return {**config, "mode": "train"}
    return config
