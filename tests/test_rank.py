"""A process knows its rank from torchrun or submitit, and is alone with neither."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gfl_bench.engine.device import DeviceError, choose_device
from gfl_bench.engine.distributed import ALONE, World, join_world
from gfl_bench.engine.rank import Place, place_of_environment, rank_of_environment

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "node3", "MASTER_PORT": "29500"}
SLURM = {
    "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "71", "SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "3",
    "SLURM_NTASKS": "4", "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0", "SLURM_PROCID": "2", "SLURM_LOCALID": "2",
    "SLURM_JOB_NODELIST": "no-such-host",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TORCHRUN, *SLURM):
        monkeypatch.delenv(name, raising=False)


def test_without_a_launcher_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "2")  # a shell inside an allocation
    assert rank_of_environment() == (0, 1)
    with join_world() as world:
        assert world is ALONE and world.is_main


def test_torchrun_says_rank_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    assert place_of_environment() == Place(5, 8, 1, "env://")
    monkeypatch.delenv("MASTER_PORT")
    assert rank_of_environment() == (0, 1)


def test_tasks_of_a_job_on_one_node_meet_without_its_name_and_know_their_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    place = place_of_environment()
    assert (place.rank, place.size, place.local_rank, place.job) == (2, 4, 2, "70_3")
    assert place.meeting.startswith("tcp://127.0.0.1:")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert rank_of_environment() == (0, 1)


def test_one_gpu_for_several_processes_is_refused() -> None:
    assert choose_device("cpu", World(1, 2, 1)).type == "cpu"
    with pytest.raises(DeviceError, match=r"machine\.device=cuda:0 is one GPU for 2 processes: use auto"):
        choose_device("cuda:0", World(1, 2, 1))


def test_a_process_that_is_alone_asks_for_its_world_without_torch() -> None:
    script = (
        "import sys; from gfl_bench.engine.distributed import join_world\n"
        "with join_world() as world: assert world.size == 1\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
