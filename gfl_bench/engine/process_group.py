"""``World`` of several processes, over torch.distributed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from gfl_bench.engine.device import local_gpu
from gfl_bench.engine.distributed import T, World
from gfl_bench.engine.last_words import LastWords, PeerError
from gfl_bench.engine.rank import Place

TIMEOUT = timedelta(minutes=30)  # longest that rank 0 alone may work, or that another process may come later
_worlds = count()


@dataclass(frozen=True)
class ProcessGroup(World):
    """This process in torch's default group."""

    last_words: LastWords = field(kw_only=True)

    def sum_(self, values: Tensor) -> Tensor:
        with _talking():
            dist.all_reduce(values)
        return values

    def copy_main_(self, values: Tensor) -> None:
        with _talking():
            dist.broadcast(values, src=0)

    def largest(self, numbers: list[int]) -> list[int]:
        values = torch.tensor(numbers)
        with _talking():
            dist.all_reduce(values, dist.ReduceOp.MAX)
        return cast(list[int], values.tolist())

    def from_main(self, value: T) -> T:
        told = [value]
        with _talking():
            dist.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        return told[0]

    def gathered(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.size if self.is_main else []
        with _talking():
            dist.gather_object(value, found if self.is_main else None, dst=0)
        return found

    def wait(self) -> None:
        self.largest([0])

    def failing_together(self, record: Callable[[BaseException], Any]) -> AbstractContextManager[None]:
        return self.last_words.failing_together(record, _part)


@contextmanager
def join(place: Place) -> Iterator[ProcessGroup]:
    """Meet the other processes of ``place``, and part in the end.

    Raises:
        PeerError: they do not come.
    """
    with _talking():
        store = PrefixStore(f"{place.job}/{next(_worlds)}", _meet(place))
        backend = _backend(store, place)
        dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.size, timeout=TIMEOUT)
    last_words = LastWords(store, place.rank, place.size)
    try:
        yield ProcessGroup(place.rank, place.size, place.local_rank, last_words=last_words)
    finally:
        _part()


@cache
def _meet(place: Place) -> Store:
    """The store that rank 0, or torchrun, keeps as long as its process lives."""
    store: Store
    store, _, _ = next(rendezvous(place.meeting, place.rank, place.size, timeout=TIMEOUT))
    return store


def _backend(store: Store, place: Place) -> str:
    """Gloo between CPUs; between GPUs NCCL, which asks that each process has one of its own, or else Gloo too."""
    if not (torch.cuda.is_available() and dist.is_nccl_available()):
        return "gloo"
    gpu = torch.cuda.get_device_properties(local_gpu(place.local_rank)).uuid
    store.set(f"gpu {place.rank}", str(gpu))
    gpus = {store.get(f"gpu {rank}") for rank in range(place.size)}
    return "cpu:gloo,cuda:nccl" if len(gpus) == place.size else "gloo"


@contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # Gloo's, NCCL's and the store's
        raise PeerError(f"another process of this run does not answer: {str(error).splitlines()[0]}") from error


def _part() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
