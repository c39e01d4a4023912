"""The processes that train one detector together: each computes its share of a batch, rank 0 alone writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from gfl_bench.engine.rank import place_of_environment

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """A process that is alone. ``ProcessGroup`` says the same of several, which must make the same calls in one order.

    Methods ending in ``_`` work in place.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among the processes of this machine

    @property
    def is_main(self) -> bool:
        """Whether this process evaluates, times and writes."""
        return self.rank == 0

    def sum_(self, values: Tensor) -> Tensor:
        """``values`` added up over all processes."""
        return values

    def copy_main_(self, values: Tensor) -> None:
        """Give ``values`` the numbers that rank 0 has there."""

    def largest(self, numbers: list[int]) -> list[int]:
        """Of each of ``numbers`` the largest of any process."""
        return numbers

    def from_main(self, value: T) -> T:
        """What rank 0 gave, which pickle must know."""
        return value

    def gathered(self, value: T) -> list[T]:
        """What each process gave, by rank, on rank 0; nothing elsewhere."""
        return [value]

    def wait(self) -> None:
        """Until all processes are here."""

    def failing_together(self, record: Callable[[BaseException], Any]) -> AbstractContextManager[None]:
        """Context that every process leaves soon after one of them failed in it.

        Rank 0 calls ``record`` with the error of the one that failed first, perhaps in another thread, and raises it.
        """
        return nullcontext()


ALONE = World()


@contextmanager
def join_world() -> Iterator[World]:
    """The processes of this run: those of torchrun, or of a submitit job with several tasks, or this one alone.

    May be joined again once it was left, by all. Alone it imports no torch.

    Raises:
        PeerError: the other processes were not met.
    """
    place = place_of_environment()
    if place.size == 1:
        yield ALONE
        return
    from gfl_bench.engine.process_group import join

    with join(place) as group:
        yield group
