"""Of many processes that want one place, one has it; who died is found out by no clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gfl_bench import claim as claims
from gfl_bench import heartbeat as heartbeats
from gfl_bench.claim import Claim, Held, is_abandoned, is_claimed, take_claim
from gfl_bench.heartbeat import heartbeat
from gfl_bench.process import Process, this_process

HOUR = 3600


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / ".claim"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "POLL", 0.01)
    monkeypatch.setattr(heartbeats, "PATIENCE", 0.15)


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[bytes], Process]]:
    """A process that only lives, and how it would sign a claim."""
    told = "import json, dataclasses, gfl_bench.process as p; print(json.dumps(dataclasses.asdict(p.this_process())))"
    code = f"{told}; import sys; sys.stdout.flush(); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, Process(**json.loads(process.stdout.readline()))
        finally:
            process.kill()


def claimed_by(place: Path, holder: Process, number: int = 1) -> Path:
    path = place.with_name(f"{place.name}-{number}")
    path.write_text(json.dumps(asdict(holder)))
    return path


def elsewhere() -> Process:
    return replace(this_process(), host="another-host")


def test_a_living_holder_keeps_the_place_and_a_dead_one_of_this_machine_loses_it_at_once(place: Path) -> None:
    with another_process() as (process, holder):
        claimed_by(place, holder)
        with pytest.raises(Held, match=f"process {holder.pid} on {holder.host}"):
            take_claim(place)
        assert is_claimed(place) and not is_abandoned(place)
        process.kill()
        while process.returncode is None and (Path("/proc") / str(process.pid) / "stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert is_abandoned(place), "not waited for by its parent yet, but dead"
        assert take_claim(place).is_held()
    assert [path.name for path in place.parent.iterdir()] == [".claim-2"]


def test_a_number_given_again_is_another_process(place: Path) -> None:
    claimed_by(place, replace(this_process(), started=this_process().started - 1))
    assert take_claim(place).is_held()


@pytest.mark.parametrize("offset", [-5 * HOUR, 0, 5 * HOUR])
def test_a_beating_heart_on_another_machine_keeps_the_place_whatever_the_clocks_say(
    offset: int, place: Path, quick: None
) -> None:
    path = claimed_by(place, elsewhere())
    beats = iter(range(10**6))

    def beat() -> None:
        now = time.time() + offset + next(beats) * (-60 if offset < 0 else 1)  # the first clock even runs backwards
        os.utime(path, (now, now))

    with heartbeat(beat, every=0.03), pytest.raises(Held, match="another-host"):
        take_claim(place)


@pytest.mark.parametrize("offset", [-5 * HOUR, 0, 5 * HOUR])
def test_a_heart_that_stopped_on_another_machine_loses_the_place_whatever_the_clocks_say(
    offset: int, place: Path, quick: None
) -> None:
    path = claimed_by(place, elsewhere())
    os.utime(path, (time.time() + offset, time.time() + offset))
    assert not is_abandoned(place), "one look does not tell"
    assert take_claim(place).is_held()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_claim_that_says_nothing_is_waited_for_and_then_taken_over(content: str, place: Path, quick: None) -> None:
    place.with_name(".claim-4").write_text(content)
    started = time.monotonic()
    assert take_claim(place).number == 5
    assert time.monotonic() - started >= heartbeats.PATIENCE


def test_who_was_taken_over_finds_out_and_lets_go_of_nothing_that_is_anothers(place: Path) -> None:
    first = take_claim(place)
    second = take_claim(place)  # of the same process: it forgot the first
    assert second.is_held() and not first.is_held()
    with pytest.raises(FileNotFoundError):
        first.beat()
    first.release()
    assert second.is_held()
    second.release()
    assert not is_claimed(place) and list(place.parent.iterdir()) == []


def test_of_two_that_saw_the_same_dead_holder_one_takes_over(place: Path) -> None:
    claimed_by(place, replace(this_process(), started=0))
    one, other = Claim(place, 2), Claim(place, 2)
    assert one.make() and not other.make()
    assert Claim(place, 1).make() is False, "and who comes late does not step back"


@pytest.mark.parametrize("left", ["nothing", "a dead holder"])
def test_of_many_processes_started_at_once_exactly_one_works(left: str, place: Path) -> None:
    if left == "a dead holder":
        claimed_by(place, replace(this_process(), started=0), number=7)
    code = f"""
        import sys
        from pathlib import Path
        from gfl_bench.claim import Held, take_claim
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            take_claim(Path({str(place)!r}))
            print("mine", flush=True)
        except Held:
            print("held", flush=True)
        sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    many = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [said(one) for one in many] == ["ready"] * 6
    for one in many:
        answer(one)
    assert sorted(said(one) for one in many) == ["held"] * 5 + ["mine"]
    for one in many:
        one.communicate("\n")


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def answer(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
