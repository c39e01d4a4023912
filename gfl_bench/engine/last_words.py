"""When one of several processes fails, all end, and the run's error is what that one said."""

from __future__ import annotations

import os
import platform
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import Store
from torch.distributed.elastic.multiprocessing.errors import get_error_handler

from gfl_bench.claim import Lost
from gfl_bench.engine.signals import Preempted

POLL = 1.0  # seconds between two looks at whether another process failed
GRACE = 10.0  # seconds that a process has to notice by itself
PATIENCE = 5.0  # seconds that a process has to say why it left
_LOOK = 0.05  # seconds between two looks at what it says
_FAILED = "failed"  # key of the store: what the first to fail said
_STOPPED = "stopped"  # the signal that asked a process to stop, or why it lost the run's folder
_RECORDED = "recorded"  # rank 0 wrote down the failure
_WELL = "well"  # and a rank: it lost another process, but is well itself
_PERHAPS = "it was killed, or ran out of memory; its own output, or the scheduler, may know"


class PeerError(RuntimeError):
    """Another process of the run does not answer."""


class RankError(RuntimeError):
    """Another process of the run failed; in its own words."""


@dataclass(frozen=True)
class LastWords:
    """What the processes of a run, of which this is ``rank`` of ``size``, leave in the ``store`` where they met."""

    store: Store
    rank: int
    size: int

    @contextmanager
    def failing_together(self, record: Callable[[BaseException], Any], part: Callable[[], Any]) -> Iterator[None]:
        """See ``World.failing_together``.

        Args:
            part: leaves the group, which wakes up the processes that wait for this one.
        """
        try:
            with self._watching(record):
                yield
        except (Preempted, Lost) as outcome:
            self._tell(_STOPPED, str(outcome.signal_number) if isinstance(outcome, Preempted) else str(outcome))
            raise
        except Exception as error:
            first = self._first(error)
            if isinstance(first, Exception) and not isinstance(first, Lost):
                self._leave_last(first, record, part)
            if first is error:
                raise
            raise first from None

    def _first(self, error: Exception) -> BaseException:
        """``error``, or what another process said before it; rank 0 believes itself first: all may make one mistake."""
        if isinstance(error, PeerError):
            return self._said_by_others() or self._missed(error)
        text = "".join(traceback.format_exception(error))
        words = f"rank {self.rank} of {self.size} ({platform.node()}): {type(error).__name__}: {error}\n{text}"
        if self._tell(_FAILED, words) != words:
            return self._said_by_others() or error
        if "TORCHELASTIC_ERROR_FILE" in os.environ:
            get_error_handler().record_exception(error)  # torchrun prints it as the root cause
        return error

    def _tell(self, key: str, words: str) -> str:
        """Leave ``words``, rank 0 always and others unless another one did; returns what stands there."""
        with suppress(RuntimeError):  # rank 0, which keeps the store, may be gone
            if self.rank == 0:
                self.store.set(key, words)
            return str(self.store.compare_set(key, "", words).decode())
        return words

    def _said_by_others(self) -> BaseException | None:
        """Why another process left, or None if it does not say so."""
        self._tell(f"{_WELL} {self.rank}", "")
        deadline = time.monotonic() + PATIENCE
        with suppress(RuntimeError):
            while time.monotonic() < deadline:
                if self.store.check([_STOPPED]):
                    words = self.store.get(_STOPPED).decode()
                    return Preempted(None, int(words)) if words.isdecimal() else Lost(words)
                if self.store.check([_FAILED]):
                    return RankError(self.store.get(_FAILED).decode())
                time.sleep(_LOOK)
        return None

    def _missed(self, error: PeerError) -> PeerError:
        """``error`` in terms of the processes that are neither well nor left a word."""
        with suppress(RuntimeError):
            lost = [rank for rank in range(self.size) if not self.store.check([f"{_WELL} {rank}"])]
            if lost:
                return PeerError(f"rank {', '.join(map(str, lost))} of {self.size} ended without a word: {_PERHAPS}")
        return error

    def _leave_last(
        self, first: BaseException, record: Callable[[BaseException], Any], part: Callable[[], Any]
    ) -> None:
        """Let rank 0 write the failure down before a launcher sees any process end, and with it ends the others."""
        if self.rank == 0:
            record(first)
            self.store.set(_RECORDED, "")
        part()
        with suppress(RuntimeError):
            self.store.wait([_RECORDED], timedelta(seconds=GRACE + PATIENCE))

    @contextmanager
    def _watching(self, record: Callable[[BaseException], Any]) -> Iterator[None]:
        left = threading.Event()
        thread = threading.Thread(target=self._watch, args=(left, record), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            left.set()
            thread.join()

    def _watch(self, left: threading.Event, record: Callable[[BaseException], Any]) -> None:
        """End this process where another failed and the main thread does not notice: waiting for a GPU, it cannot."""
        while not left.wait(POLL):
            words = self._failure()
            if words is None or left.wait(GRACE):
                continue
            if self.rank == 0:
                record(RankError(words))
                self.store.set(_RECORDED, "")
            os._exit(1)

    def _failure(self) -> str | None:
        """What the first process that failed said; None while all are well."""
        try:
            return str(self.store.get(_FAILED).decode()) if self.store.check([_FAILED]) else None
        except RuntimeError as error:
            return f"rank 0 is gone: {error}"
