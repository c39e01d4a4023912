"""Count AP again from the detections that runs kept, without a network: ``python analysis/reevaluate.py``.

Other IoU thresholds, a stricter NMS, fewer detections, AP by class; without options what each run measured itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from analysis.reevaluation.counting import Counted, Refused, Task, count_all
from analysis.reevaluation.filter import Filter
from analysis.reevaluation.output import lines, spreadsheet, write_record
from analysis.reevaluation.stored import ReevaluationError, annotation_file
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.result import read_result

NAME = "reevaluation.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with a sentence where nothing can be counted or written."""
    options = _parse(arguments)
    tasks, refused = _tasks(options)
    outcomes = list(count_all(tasks))
    counted = [one for one in outcomes if isinstance(one, Counted)]
    refused += [one for one in outcomes if not isinstance(one, Counted)]
    for task, reason in refused:
        print(f"skipped: {task.run} {reason}.", file=sys.stderr)
    if not counted:
        sys.exit(f"no run of {options.runs} was counted{'' if refused else ': there is none that is finished'}")
    print(lines(counted, options.by_class))
    try:
        _write(counted, options)
    except OSError as error:
        sys.exit(f"nothing can be written to {options.out} ({error.strerror}): choose another folder with --out")


def _tasks(options: argparse.Namespace) -> tuple[list[Task], list[Refused]]:
    """Each finished run that was chosen, and what is known already to have no annotations."""
    tasks: list[Task] = []
    refused: list[Refused] = []
    ious = tuple(options.ious) if options.ious else None
    for path, record in _finished(options.runs, options.only):
        task = Task(path, record, Path(), Filter(options.nms, options.max_detections), ious, options.referee)
        try:
            annotations = options.annotations or annotation_file(record["config"], options.cache)
            tasks.append(Task(**(vars(task) | {"annotations": annotations})))
        except ReevaluationError as error:
            refused.append((task, str(error)))
    return tasks, refused


def _finished(runs: Path, patterns: Sequence[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Runs with an AP, by path; of those whose cell or folder one of ``patterns`` names, if there are any."""
    for path in sorted(runs.glob("*--*/seed*/result.json")):
        record = read_result(path)
        if isinstance(record, Unreadable):
            print(f"skipped: {path} {record.reason}.", file=sys.stderr)
        elif record["state"] == "done" and record["metrics"].get("AP") is not None:
            names = (record["cell"] or "", path.parent.parent.name)
            if not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
                yield path.parent, record


def _write(counted: list[Counted], options: argparse.Namespace) -> None:
    if options.out is None:
        return
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / NAME).write_text(spreadsheet(counted, options.by_class), encoding="utf-8")
    if options.ious:
        print(f"{options.out / NAME}; no records, since AP over other IoU thresholds is not the AP of a table")
        return
    for one in counted:
        write_record(one, options.out)
    print(f"{options.out / NAME}; tables of these numbers: python analysis/make_tables.py --runs {options.out}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reevaluate.py", description=__doc__.partition("\n")[0] if __doc__ else None)
    add = parser.add_argument
    add("--runs", type=Path, default=Path("runs"), help="folder of the records (runs)")
    add("--only", nargs="+", default=[], metavar="GLOB", help="these cells or folders, such as 'table12.*'")
    add("--nms", type=_share, metavar="IOU", help="a stricter NMS over what is stored")
    add("--max-detections", type=_positive, metavar="N", help="the best N of each image")
    add("--ious", type=_share, nargs="+", metavar="IOU", help="count AP over these thresholds, not 0.5 to 0.95")
    add("--by-class", action="store_true", help="AP of each class too")
    add("--referee", action="store_true", help="count with pycocotools; slower, the same numbers")
    add("--annotations", type=Path, metavar="FILE", help="COCO JSON, where it is not what the run's config says")
    add("--cache", metavar="DIR", help="folder of generated scenes, where it is not the run's")
    add("--out", type=Path, metavar="DIR", help="write a CSV and records with the new numbers")
    return parser.parse_args(arguments)


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no IoU between 0 and 1")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of detections, 1 or more")
    return value


if __name__ == "__main__":
    main()
