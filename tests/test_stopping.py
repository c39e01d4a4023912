"""Asked to stop, a run ends soon whatever it does, and its launcher hears of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from run_folder import status_of

from gfl_bench import recorded_run, run
from gfl_bench.claim import Held, Lost
from gfl_bench.config.compose import compose_config
from gfl_bench.config.identity import plain
from gfl_bench.config.schema import Config
from gfl_bench.engine.signals import STOPPING, Preempted, StopRequest
from gfl_bench.results.record import RunFolder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return compose_config(["scale=smoke", f"paths.runs={tmp_path}"])


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def performed(config: Config, monkeypatch: pytest.MonkeyPatch, doing: Any) -> tuple[Any, RunFolder]:
    """What ``run.perform`` returns or leaves by where the experiment is ``doing``, and the folder."""
    folders: list[RunFolder] = []

    def stand_in(config: Config, folder: RunFolder, *_: object) -> None:
        folders.append(folder)
        folder.start(plain(config))
        doing()

    monkeypatch.setattr(recorded_run, "run_experiment", stand_in)
    monkeypatch.setattr(run, "_failures", [])
    try:
        return run.perform(config, None, ""), folders[0]
    except SystemExit as end:
        return end.code, folders[0]


def signalled(number: int) -> Any:
    def doing() -> None:
        os.kill(os.getpid(), number)
        time.sleep(30)

    return doing


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_outside_the_training_ends_the_run_at_once_as_a_shell_would_say(
    number: signal.Signals, config: Config, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    started = time.monotonic()
    code, folder = performed(config, monkeypatch, signalled(number))
    assert code == 128 + number and time.monotonic() - started < 10
    assert status_of(folder).state == "preempted" and not list(folder.path.glob(".claim*"))


def test_the_launchers_handler_gets_the_signal_after_the_run_is_recorded_and_let_go(
    config: Config, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    def requeue(number: int, frame: object) -> NoReturn:
        (path,) = Path(config.paths.runs).glob("*/seed0")
        assert status_of(RunFolder(path)).state == "preempted" and not list(path.glob(".claim*"))
        raise SystemExit(144)

    signal.signal(signal.SIGUSR2, requeue)
    assert performed(config, monkeypatch, signalled(signal.SIGUSR2))[0] == 144


def test_a_launcher_that_gives_up_is_heard(
    config: Config, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    def give_up(number: int, frame: object) -> NoReturn:
        raise RuntimeError("Job not requeued because: timed-out too many times.")

    signal.signal(signal.SIGUSR2, give_up)
    with pytest.raises(RuntimeError, match="timed-out too many times"):
        performed(config, monkeypatch, signalled(signal.SIGUSR2))


def test_a_clusters_early_warning_is_kept_though_the_kill_follows(handlers: None) -> None:
    with StopRequest() as stop:
        for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGTERM):
            os.kill(os.getpid(), number)
    assert stop.received == signal.SIGUSR2


def test_nothing_on_its_way_takes_a_stop_for_a_mistake(handlers: None) -> None:
    def careless() -> None:
        try:
            signalled(signal.SIGTERM)()
        except Exception:
            pytest.fail("swallowed")

    with pytest.raises(Preempted), StopRequest(at_once=True):
        careless()


def test_what_goes_wrong_after_a_signal_is_the_signals(handlers: None) -> None:
    with pytest.raises(Preempted) as stopped, StopRequest(at_once=True):
        try:
            signalled(signal.SIGTERM)()
        except Preempted:
            raise RuntimeError("a process of the pool was terminated") from None
    assert stopped.value.signal_number == signal.SIGTERM and stopped.value.step is None


OUT_OF_MEMORY = {
    "of the host, as Python says it": MemoryError(),
    "of the host, as torch says it": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    "of the host, told by a loading process": RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
    "of the GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nframe #0: ..."),
}


@pytest.mark.parametrize("where", OUT_OF_MEMORY)
def test_too_little_memory_is_recorded_with_what_to_do(
    where: str, config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def doing() -> None:
        raise OUT_OF_MEMORY[where]

    state, folder = performed(config, monkeypatch, doing)
    assert state == "failed" and status_of(folder).state == "failed"
    first = status_of(folder).message.splitlines()[0]
    assert "set machine.images_at_once" in first and ("GPU" in first) == ("GPU" in where)
    assert "Traceback" not in caplog.text, "not a mistake of the code"


@pytest.mark.parametrize("kind", [Held, Lost])
def test_a_run_that_another_process_has_is_no_failure(
    kind: type[Exception], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doing() -> None:
        raise kind("process 7 on another host")

    state, _ = performed(config, monkeypatch, doing)
    assert state == "running" and not run._failures


def test_an_unforeseen_error_is_recorded_and_the_folder_let_go(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doing() -> None:
        raise KeyError("a mistake of the code")

    state, folder = performed(config, monkeypatch, doing)
    assert state == "failed" and "KeyError" in status_of(folder).message and run._failures
    assert not list(folder.path.glob(".claim*"))
