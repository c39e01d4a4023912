"""The benchmark of large sweeps measures what it says it does."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.cluster import measured
from benchmarks.cluster.measured import Usage, exponent, growth, measure
from benchmarks.cluster.scheduler import ANSWER
from benchmarks.cluster.study import SCALE, write_study
from gfl_bench.sweep.plan.measured import read_measured
from gfl_bench.sweep.selection import plan_runs

BUSY = "import sys, time\nwhile time.process_time() < float(sys.argv[1]): pass"
SDIAG = """Remote Procedure Call statistics by message type
\tREQUEST_JOB_INFO                        ( 2003) count:6      ave_time:5021   total_time:30126
\tREQUEST_JOB_INFO_SINGLE                 ( 2021) count:20     ave_time:210    total_time:4200
\tREQUEST_PARTITION_INFO                  ( 2009) count:12     ave_time:150    total_time:1800
"""


def busy(seconds: float) -> list[str]:
    return [sys.executable, "-c", BUSY, str(seconds)]


def test_processor_time_and_memory_are_those_of_the_command(tmp_path: Path) -> None:
    small, long = measure(busy(0), tmp_path), measure(busy(0.5), tmp_path)
    assert 0.3 < long.cpu - small.cpu < 0.8
    ballast = bytearray(b"1") * 200_000_000  # what the process that measures holds is not the command's
    assert measure(busy(0), tmp_path).peak < 100 < len(ballast)
    large = measure([sys.executable, "-c", "x = bytearray(b'1') * 100_000_000"], tmp_path)
    assert small.peak < 100 < large.peak < 150


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3") as raised:
        measure([sys.executable, "-c", "print('why'); raise SystemExit(3)"], tmp_path)
    assert b"why" in raised.value.output


def test_a_command_beyond_the_limit_is_ended_and_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "LIMIT", 1)
    usage = measure(busy(30), tmp_path)
    assert math.isinf(usage.cpu) and usage.wall < 25
    assert "over 1 (" in growth({"busy": {10: usage}})


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_is_the_power_that_a_cost_grows_with(power: float) -> None:
    series = {size: Usage(0, 3e-3 * size**power, 0) for size in (1000, 3000, 100)}
    assert exponent(series, lambda usage: usage.cpu) == pytest.approx(power)


def test_a_study_has_as_many_runs_as_asked_and_records_in_all_states(tmp_path: Path) -> None:
    write_study(tmp_path, 100)
    seeds = {int(path.name.removeprefix("seed")) for path in tmp_path.glob("*/seed*")}
    planned = plan_runs(None, SCALE, sorted(seeds), (), tmp_path).runs
    states = Counter(run.state for run in planned)
    assert len(planned) >= 100
    assert states.keys() == {"done", "running", "failed", "absent"}
    assert states["done"] == pytest.approx(len(planned) / 2, abs=10)
    assert len(read_measured(tmp_path)) == states["done"]


def test_answers_of_the_scheduler_about_jobs_are_counted_and_no_others() -> None:
    assert ANSWER.findall(SDIAG) == [("6", "30126"), ("20", "4200")]
