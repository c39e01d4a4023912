"""What a figure is once it is drawn, or what keeps it from being drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from analysis.figures.records import Records


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    Attributes:
        name: of its files, such as ``fig07_qfl``.
        caption: what it shows, from which runs.
        missing: why there is none.
        command: what measures it then, for a shell.
    """

    name: str
    title: str
    caption: str
    png: Path | None
    pdf: Path | None
    missing: str = ""
    command: str = ""


@dataclass(frozen=True)
class Subject:
    """A figure to draw: ``draw`` gives the drawing and its caption, or raises ``Unmeasured``."""

    name: str
    title: str
    draw: Callable[[Records], tuple[Canvas, str]]


class Unmeasured(LookupError):  # noqa: N818, a state of the records rather than a mistake
    """No run has what a figure shows; ``command`` would make one."""

    def __init__(self, missing: str, command: str = "") -> None:
        super().__init__(missing)
        self.missing = missing
        self.command = command
