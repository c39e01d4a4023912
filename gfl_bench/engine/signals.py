"""Notice that this process has been asked to stop: at the end of a step, or at once where there is nothing to save."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)  # kill and preemption, Ctrl-C, a cluster's early warning


class Preempted(BaseException):
    """The run stopped because it was asked to, in training after saving a checkpoint at ``step``.

    No ``Exception``, so that nothing on its way takes it for a mistake. ``signal_number`` is the signal that asked, for
    ``hand_on``; ``step`` is None outside a training.
    """

    def __init__(self, step: int | None, signal_number: int) -> None:
        where = "" if step is None else f" at step {step}"
        super().__init__(f"stopped by {signal.Signals(signal_number).name}{where}; the same command continues")
        self.step = step
        self.signal_number = signal_number


class StopRequest:
    """Context in which the signals of ``STOPPING`` only leave a note in ``received``; the old handlers come back after.

    A second Ctrl-C is not kept waiting: it interrupts at once. A cluster's early warning is kept though another signal
    follows, since it alone has the job queued again. Outside the main thread, where Python allows no handlers, the
    context does nothing.

    Args:
        at_once: raise ``Preempted`` wherever the main thread is, and turn what else goes wrong after a signal, such as
            a process of a pool that died of it too, into ``Preempted``. Contexts nest: the inner one decides.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.received: int | None = None
        self._at_once = at_once
        self._previous: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._at_once and self.received is not None and (error is None or isinstance(error, Exception)):
            raise Preempted(None, self.received) from None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == signal.SIGINT:
            raise KeyboardInterrupt
        is_first = self.received is None
        if self.received != signal.SIGUSR2:
            self.received = number
        if self._at_once and is_first:
            raise Preempted(None, number)


def hand_on(number: int) -> None:
    """Give a signal to the handler that a launcher put in place before us; a plain shell has none.

    Submitit's handler of a cluster's early warning queues the job again and leaves by ``SystemExit``, or raises
    ``UncompletedJobError`` where it did so too often.
    """
    handler = signal.getsignal(number)
    if callable(handler) and handler is not signal.default_int_handler:
        handler(number, None)
