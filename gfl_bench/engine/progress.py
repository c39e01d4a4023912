"""How far a long loop has come: a bar on a terminal, a log line an interval elsewhere."""

from __future__ import annotations

import logging
import sys
from abc import ABC, abstractmethod
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from gfl_bench.engine.rank import rank_of_environment

log = logging.getLogger(__name__)


class ProgressView(ABC):
    """A loop of ``total`` rounds called ``title``; a context that opens and closes what it draws."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title = title
        self.total = total

    @abstractmethod
    def update(self, completed: int, text: str | None = None) -> None:
        """``completed`` rounds are done; ``text`` is given when there is something new to say."""

    def __enter__(self) -> ProgressView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LoggedProgress(ProgressView):
    """One log line for each text."""

    def update(self, completed: int, text: str | None = None) -> None:
        if text is not None:
            log.info("%s %d/%s  %s", self.title, completed, "?" if self.total is None else self.total, text)


class NoProgress(ProgressView):
    """Nothing: of several processes one tells."""

    def update(self, completed: int, text: str | None = None) -> None:
        return None


class TerminalProgress(ProgressView):
    """A bar with the last text behind it."""

    def __init__(self, title: str, total: int | None, console: Console | None = None) -> None:
        super().__init__(title, total)
        # The text takes the width that is left; without a column of its own it would squeeze the bar out.
        text = TextColumn("{task.fields[text]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
        columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TimeRemainingColumn(), text)
        console = console or Console(stderr=True)
        self._bar = Progress(*columns, console=console, refresh_per_second=4, expand=True)
        self._task = self._bar.add_task(title, total=total, text="")

    def update(self, completed: int, text: str | None = None) -> None:
        if text is None:
            self._bar.update(self._task, completed=completed)
        else:
            self._bar.update(self._task, completed=completed, text=text)

    def __enter__(self) -> TerminalProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def progress_view(title: str, total: int | None) -> ProgressView:
    """The view that suits standard error, and this process if there are several."""
    if rank_of_environment()[0]:
        return NoProgress(title, total)
    return TerminalProgress(title, total) if sys.stderr.isatty() else LoggedProgress(title, total)
