"""Thousands of records become tables quickly, and a report is known to be current at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from make_records import make_records
from timed import a_session

from analysis.freshness import Origin
from gfl_bench.results.speed_records import write_session
from gfl_bench.results.store import load_runs

MEASURED = """
import json, resource, sys, time
from analysis.make_tables import main
from gfl_bench.cores import usable_cores
start, words = time.process_time(), {str(number): [number / 7] * 5 for number in range(20000)}
for _ in range(10):
    sorted(json.loads(json.dumps(words)), key=lambda word: word[::-1])
yardstick = time.process_time() - start
main(["--runs", sys.argv[1], "--out", sys.argv[2], "--no-figures"])
own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
seconds = own.ru_utime + own.ru_stime - yardstick + (workers.ru_utime + workers.ru_stime) / usable_cores()
# Not own.ru_maxrss, which begins with the memory of the process that started this one.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([seconds / yardstick, (peak + usable_cores() * workers.ru_maxrss) / 2**20]))
"""


def a_study(folder: Path) -> Path:
    """Ten records, a minute old, so that their times are believed."""
    make_records(folder, 5, 2)
    for path in filter(Path.is_file, folder.rglob("*")):
        age(path, 60)
    return folder


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def written(study: Path, out: Path) -> None:
    origin = Origin(study)
    out.mkdir(exist_ok=True)
    (out / "index.html").write_text("a report")
    origin.leave(out)


def test_a_report_is_current_until_a_record_is_changed_added_or_removed(tmp_path: Path) -> None:
    study, out = a_study(tmp_path / "runs"), tmp_path / "report"
    assert not Origin(study).made(out)
    record, *_ = sorted(study.glob("*/seed1"))
    for change in (
        lambda: age(record / "result.json", 30),
        lambda: record.rename(record.with_name("seed7")),
        lambda: (record.with_name("seed7") / "result.json").unlink(),
    ):
        written(study, out)
        assert Origin(study).made(out)
        change()
        assert not Origin(study).made(out)


def test_a_report_is_current_until_a_session_is_added_or_changed(tmp_path: Path) -> None:
    study, out = a_study(tmp_path / "runs"), tmp_path / "report"
    written(study, out)
    session = write_session(a_session({"table12.fcos": [1.0]}), study)
    assert not Origin(study).made(out)
    for seconds in (60, 30):
        age(session, seconds)
        assert not Origin(study).made(out)
        written(study, out)
        assert Origin(study).made(out)


def test_a_report_is_current_for_its_own_options_and_files_alone(tmp_path: Path) -> None:
    study, out = a_study(tmp_path / "runs"), tmp_path / "report"
    written(study, out)
    assert not Origin(study, "another option").made(out)
    (out / "index.html").unlink()
    assert not Origin(study).made(out)
    (out / "index.html").write_text("another report")
    assert not Origin(study).made(out)


def test_a_report_of_records_that_may_still_change_is_made_again(tmp_path: Path) -> None:
    study, out = a_study(tmp_path / "runs"), tmp_path / "report"
    age(next(study.glob("*/seed0/result.json")), 0)
    written(study, out)
    assert not Origin(study).made(out)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"digest": 1, "files": []}'])
def test_a_damaged_note_means_that_a_report_is_made_again(tmp_path: Path, content: bytes) -> None:
    study, out = a_study(tmp_path / "runs"), tmp_path / "report"
    written(study, out)
    (out / ".made-from").write_bytes(content)
    assert not Origin(study).made(out)


@pytest.mark.slow
def test_a_tenth_of_fifty_thousand_records_takes_a_part_of_the_time_and_memory_allowed(tmp_path: Path) -> None:
    """Processor time, the workers' shared by the cores: what other work leaves to this one is no matter of ours.

    In yardsticks, a fixed piece of work with JSON (2.3 s on a core of AMD's third EPYC), as machines differ by a factor
    of two: it takes 5.1 to 6.5 of them.

    All fifty thousand are two hundred thousand files, which a disk may take minutes to write and remove: see
    docs/records.md. Half of the time goes to the tables, which are the same for all of them.
    """
    study = tmp_path / "runs"
    make_records(study, 1000, 5, 3)
    command = [sys.executable, "-c", MEASURED, str(study), str(tmp_path / "report")]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    yardsticks, gigabytes = json.loads(output.splitlines()[-1])
    assert yardsticks < 8 and gigabytes < 0.7
    start = time.process_time()
    load_runs(study)
    assert time.process_time() - start < 0.5
    start = time.process_time()
    Origin(study).made(tmp_path / "report")
    assert time.process_time() - start < 0.5
