"""The command line of a session: ``key=value``, as that of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.stages import OF_AN_IMAGE, Stage
from gfl_bench.sweep.table import Row, Table

WEIGHTS = ("auto", "trained", "random")
RUNTIMES = ("torch", "ncnn")


@dataclass(frozen=True)
class Options:
    """What is timed, and how often; see ``python -m gfl_bench.speed --help``."""

    sweep: str | None = None
    cell: tuple[str, ...] = ()
    baseline: str | None = None
    stage: tuple[Stage, ...] = OF_AN_IMAGE
    rounds: int = 30
    images: int = 20
    candidates: int | None = 1000
    weights: str = "auto"
    size: tuple[int, int] | None = None  # (height, width)
    runtime: str = "torch"
    passes: int = 20  # of each process, with ncnn
    compile: bool = False
    cudnn_benchmark: bool = False
    overrides: tuple[str, ...] = ()  # Hydra's, of every cell


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line; what is not a key of a session is Hydra's.

    Raises:
        SpeedError: a value is not what its key takes.
    """
    values: dict[str, Any] = {}
    overrides = []
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if key in _KINDS and equals:
            values[key] = _value(key, text)
        else:
            overrides.append(argument)
    return Options(**values, overrides=tuple(overrides))


def chosen(options: Options, tables: Mapping[str, Table]) -> dict[str, Row]:
    """The rows to time by the name of their cell, the baseline first, the others in the order asked for.

    Raises:
        SpeedError: there is no such table or cell, or none is asked for.
    """
    known = _known(options.sweep, tables)
    names = [_full(name, options.sweep, known) for name in options.cell]
    if not names and options.sweep is None:
        raise SpeedError("say what is to be timed: sweep=table12, or cell=table12.fcos,table12.fcos_gfocal")
    rows = {name: known[name] for name in names or known}
    first = _baseline(options, tables, known, list(rows))
    return {first: known[first], **rows}


def _known(sweep: str | None, tables: Mapping[str, Table]) -> dict[str, Row]:
    if sweep is not None and sweep not in tables:
        raise SpeedError(f"there is no sweep={sweep}; there are {', '.join(tables)}")
    wanted = tables.values() if sweep is None else [tables[sweep]]
    return {table.cell(row).name: row for table in wanted for row in table.rows if not row.needs}


def _full(name: str, sweep: str | None, known: Mapping[str, Row]) -> str:
    for candidate in (name, f"{sweep}.{name}"):
        if candidate in known:
            return candidate
    where = "in no table" if sweep is None else f"not in {sweep}, which has {', '.join(known)}"
    raise SpeedError(f"cell={name} is {where}")


def _baseline(options: Options, tables: Mapping[str, Table], known: Mapping[str, Row], names: list[str]) -> str:
    """The one asked for; the table's own if it is timed; else the first."""
    if options.baseline is not None:
        return _full(options.baseline, options.sweep, known)
    own = None if options.sweep is None else f"{options.sweep}.{tables[options.sweep].baseline}"
    return own if own in names else names[0]


def _value(key: str, text: str) -> Any:
    try:
        return _KINDS[key](text)
    except ValueError as error:
        raise SpeedError(f"{key}={text}: {error}") from error


def _stages(text: str) -> tuple[Stage, ...]:
    try:
        return tuple(Stage(name) for name in text.split(","))
    except ValueError:
        raise ValueError(f"a stage is {', '.join(stage.value for stage in Stage)}") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("this must be a whole number of at least 1")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None or "0" in (found[1], found[2]):
        raise ValueError("give height and width in pixels, such as 800x1216")
    return int(found[1]), int(found[2])


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"this must be {' or '.join(words)}")
        return text

    return read


def _switch(text: str) -> bool:
    return _one_of("true", "false")(text) == "true"


_KINDS: dict[str, Callable[[str], Any]] = {
    "sweep": str, "cell": lambda text: tuple(text.split(",")), "baseline": str, "stage": _stages, "rounds": _count,
    "images": _count, "candidates": lambda text: None if text == "null" else _count(text),
    "weights": _one_of(*WEIGHTS), "size": _size, "runtime": _one_of(*RUNTIMES), "passes": _count, "compile": _switch,
    "cudnn_benchmark": _switch,
}  # fmt: skip
