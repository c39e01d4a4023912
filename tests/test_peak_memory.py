"""The memory that a run's record names is its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from gfl_bench.engine.device import peak_memory

ALONE = "import torch\nfrom gfl_bench.engine.device import peak_memory\nprint(peak_memory(torch.device('cpu'))['host'])"


@pytest.mark.slow
def test_the_peak_is_not_that_of_the_process_that_started_this_one() -> None:
    ballast = bytearray(b"1") * 1_500_000_000
    child = subprocess.run([sys.executable, "-c", ALONE], check=True, capture_output=True, text=True)
    here = peak_memory(torch.device("cpu"))["host"]
    assert 50e6 < int(child.stdout) < len(ballast) < here
