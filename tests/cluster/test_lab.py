"""The cluster that the other tests run on starts, mends itself and leaves nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from daemons import LabError, wait_until
from lab import Lab, NotInstalledError
from starting import ORDER

from gfl_bench.process import pid_lives


def daemons(lab: Lab) -> dict[str, int]:
    return {name: process for process, name in lab.processes().items() if name in ORDER}


def test_what_is_not_installed_is_said_with_the_packages_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.SYSTEM_PATH", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstalledError, match=r"slurmctld.*apt-get install.* slurm-wlm munge"):
        Lab(tmp_path / "lab").up()
    assert not (tmp_path / "lab").exists()


def test_a_folder_too_deep_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="too long"):
        Lab(tmp_path / ("deep" * 30)).up()


@pytest.mark.slow
def test_a_second_cluster_mends_itself_and_leaves_no_process(lab: Lab, other: Lab) -> None:
    other.up()
    first = daemons(other)
    other.up()
    assert daemons(other) == first, "it was up already"
    os.kill(first["munged"], signal.SIGKILL)
    wait_until(lambda: not pid_lives(first["munged"]))
    other.up()
    other.output("sbatch", "--output=/dev/null", "--wrap", "sleep 600")
    wait_until(lambda: "sleep" in other.processes().values())
    other.down()
    assert not other.processes()
    assert {"munged", "slurmctld", "slurmd"} <= set(daemons(lab)), "it is the other one's that were stopped"
