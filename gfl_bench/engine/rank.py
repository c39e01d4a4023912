"""Which of the processes of a run this one is, as its launcher says; imports no torch."""

from __future__ import annotations

import os
from dataclasses import dataclass

_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # what it gives its processes
_LOOPBACK = "127.0.0.1"  # the processes of one node need no name of it, which may not resolve


@dataclass(frozen=True)
class Place:
    """This process among all of its run."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among those of its node
    meeting: str = ""  # URL where they find each other, as torch.distributed's ``rendezvous`` takes it
    job: str = ""  # name of the job, where a port may be met at by processes of another one


def rank_of_environment() -> tuple[int, int]:
    """Rank of this process, and how many there are: (0, 1) alone, else as torchrun or submitit say."""
    place = place_of_environment()
    return place.rank, place.size


def place_of_environment() -> Place:
    """What torchrun or, inside a job of several tasks, submitit says of this process."""
    if all(name in os.environ for name in _TORCHRUN):
        rank, size, local_rank = (int(os.environ[name]) for name in _TORCHRUN[:3])
        return Place(rank, size, local_rank, "env://")
    if "SUBMITIT_EXECUTOR" in os.environ:
        return _place_of_submitit()
    return Place()


def _place_of_submitit() -> Place:
    from submitit import JobEnvironment
    from submitit.helpers import TorchDistributedEnvironment

    job, torch = JobEnvironment(), TorchDistributedEnvironment()
    address = _LOOPBACK if job.num_nodes == 1 else torch.master_addr
    meeting = f"tcp://{address}:{torch.master_port}"
    return Place(torch.rank, torch.world_size, torch.local_rank, meeting, job.job_id)
