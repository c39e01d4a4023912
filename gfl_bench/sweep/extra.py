"""What a command line adds to every cell: ``schedule=2x data.size=240``, in Hydra's grammar."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, Quote, QuotedString
from hydra.errors import HydraException

from gfl_bench.sweep.validity import GROUPS

PLAIN = re.compile(r"[\w./~@%+-]+")  # needs no quotes in an override
OWN = {
    "scale": "give --scale", "seed": "give --seeds", "paths.runs": "give --runs",
    "cell": "name the cell as you would a table", "sweep": "name the table without sweep=",
}  # fmt: skip


class ExtraError(ValueError):
    """An override that cannot be added to every cell."""


@dataclass(frozen=True)
class Extra:
    """Overrides by what they change.

    Attributes:
        given: as they were typed.
        of_cell: as a table's row has them; they win over the row's own.
        of_run: of what no row sets, such as ``machine.threads=1``.
    """

    given: tuple[str, ...] = ()
    of_cell: Mapping[str, Any] = field(default_factory=dict)
    of_run: tuple[str, ...] = ()


def read_extra(given: Sequence[str]) -> Extra:
    """``given`` sorted.

    Raises:
        ExtraError: one is not Hydra's grammar, has several values, or says what has an option of its own.
    """
    of_cell: dict[str, Any] = {}
    of_run: list[str] = []
    for text in given:
        override = _parse(text)
        if override.key_or_group.partition(".")[0] in GROUPS:
            of_cell[override.key_or_group] = override.value()
        else:
            of_run.append(text)
    return Extra(tuple(given), of_cell, tuple(of_run))


def spell(key: str, value: str) -> str:
    """``key=value`` as Hydra reads it back, with quotes where they are needed."""
    return f"{key}={value if PLAIN.fullmatch(value) else QuotedString(value, Quote.single).with_quotes()}"


def _parse(text: str) -> Override:
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        raise ExtraError(f"{text} is no override such as schedule=2x or data.size=240") from error
    key = override.key_or_group
    if key in OWN:
        raise ExtraError(f"{text}: {OWN[key]}")
    if key.startswith("hydra"):
        raise ExtraError(f"{text}: a plan is not Hydra's to launch; leave it out")
    if override.type is not OverrideType.CHANGE or override.package is not None:
        raise ExtraError(f"{text}: every option exists already, so that none is added, deleted or moved; say key=value")
    if override.is_sweep_override():
        raise ExtraError(f"{text}: one value, please; plan each value by itself")
    return override
