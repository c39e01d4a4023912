"""One run counted again, or many of them on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval

from analysis.reevaluation.filter import Filter
from analysis.reevaluation.quick import QuickTruth, measure_quickly
from analysis.reevaluation.stored import Found, ReevaluationError, is_of_crowds, stored_detections
from gfl_bench.cores import usable_cores
from gfl_bench.evaluate import crowdhuman
from gfl_bench.evaluate.coco import EvaluationError, columns, measure


@dataclass(frozen=True)
class Task:
    """A run and how to count it.

    Attributes:
        thresholds: of the IoU; None for COCO's ten.
        referee: count with pycocotools.
    """

    run: Path
    record: Mapping[str, Any]
    annotations: Path
    filter: Filter = field(default_factory=Filter)
    thresholds: tuple[float, ...] | None = None
    referee: bool = False


@dataclass(frozen=True)
class Counted:
    """The numbers of a run, in percent, None where there is nothing to find.

    Attributes:
        metrics: of COCO's ``COLUMNS``, or of crowds'.
        by_threshold: AP at each IoU; of crowds none.
        by_class: AP of each category by its name; of crowds none.
        recorded: those of ``metrics``, as the run measured them.
        tool: what counted, with its version.
    """

    task: Task
    metrics: Mapping[str, float | None]
    by_threshold: Mapping[float, float | None]
    by_class: Mapping[str, float | None]
    recorded: Mapping[str, float | None]
    tool: str

    @property
    def differences(self) -> dict[str, float | None]:
        """To the record, by column; 0 where neither has a number."""
        return {name: _difference(now, self.recorded[name]) for name, now in self.metrics.items()}


Refused = tuple[Task, str]


def count_all(tasks: Sequence[Task]) -> Iterator[Counted | Refused]:
    """Each task's numbers or why it has none, in the order of the tasks."""
    cores = min(usable_cores(), len(tasks))
    if cores < 2:
        yield from map(_count_or_refuse, tasks)
    else:
        with ProcessPoolExecutor(cores) as pool:
            yield from pool.map(_count_or_refuse, tasks)


def count(task: Task) -> Counted:
    """The numbers of one run.

    Raises:
        ReevaluationError: it kept no detections, or too few for the filter; its numbers have no such thresholds.
        EvaluationError: they do not belong to the annotations.
    """
    task.filter.check(task.record, task.run)
    detections = task.filter.apply(stored_detections(task.run))
    return (_count_crowds if is_of_crowds(task.record["config"]) else _count_coco)(task, detections)


def _count_crowds(task: Task, detections: Found) -> Counted:
    if task.thresholds is not None:
        raise ReevaluationError("is of crowds, whose MR, AP and JI are counted at an IoU of 0.5 alone")
    try:
        metrics = crowdhuman.evaluate(task.annotations, detections)
    except (OSError, KeyError, TypeError) as error:
        raise ReevaluationError(f"has no annotations in COCO's form: {task.annotations} ({error})") from error
    return Counted(task, metrics, {}, {}, _recorded(task, metrics), f"gfl_bench {version('gfl_bench')}")


def _count_coco(task: Task, detections: Found) -> Counted:
    truth = _truth(task.annotations)
    measured: Callable[..., COCOeval] = measure if task.referee else measure_quickly
    evaluation = measured(truth, detections, task.thresholds)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [T, R, K] of all areas and detections
    names = {one["id"]: str(one["name"]) for one in truth.dataset["categories"]}
    metrics = columns(evaluation.stats)
    tool = "pycocotools" if task.referee else "faster-coco-eval"
    return Counted(
        task=task,
        metrics=metrics,
        by_threshold=_means(evaluation.params.iouThrs, precision),
        by_class=_means((names[one] for one in evaluation.params.catIds), np.moveaxis(precision, 2, 0)),
        recorded=_recorded(task, metrics),
        tool=f"{tool} {version(tool)}",
    )


def _recorded(task: Task, names: Iterable[str]) -> dict[str, float | None]:
    return {name: task.record["metrics"].get(name) for name in names}


def _count_or_refuse(task: Task) -> Counted | Refused:
    try:
        return count(task)
    except (ReevaluationError, EvaluationError) as error:
        return task, str(error)


@lru_cache(maxsize=4)
def _truth(annotations: Path) -> QuickTruth:
    try:
        return QuickTruth(annotations)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReevaluationError(f"has no annotations in COCO's form: {annotations} ({error})") from error


def _means(names: Iterable[Any], precision: Any) -> dict[Any, float | None]:
    """Percent, over what is defined of each part of ``precision``."""
    parts = ((name, part[part > -1]) for name, part in zip(names, precision, strict=True))
    return {name: 100 * float(part.mean()) if part.size else None for name, part in parts}


def _difference(now: float | None, then: float | None) -> float | None:
    if now is None or then is None:
        return 0.0 if now is then else None
    return now - then
