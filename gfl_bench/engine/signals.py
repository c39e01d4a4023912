"""Notice that this process has been asked to stop, without stopping in the middle of a step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)  # kill and preemption, Ctrl-C, a cluster's early warning


class Preempted(RuntimeError):  # noqa: N818, an outcome of a run rather than a mistake
    """Training stopped because it was asked to, after saving a checkpoint at ``step``.

    ``signal_number`` is the signal that asked, so that a launcher's own handler, back in place by now, can be given
    it as well.
    """

    def __init__(self, step: int, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name} at step {step}; the same command continues")
        self.step = step
        self.signal_number = signal_number


class StopRequest:
    """Context in which the signals of ``STOPPING`` only leave a note in ``received``; the old handlers come back after.

    A second Ctrl-C is not kept waiting: it interrupts at once. Outside the main thread, where Python allows no
    handlers, the context does nothing.
    """

    def __init__(self) -> None:
        self.received: int | None = None
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

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
