"""Which images make up each batch: a pure function of seed and step, so that any step can be resumed at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draw:
    """One image of a batch."""

    index: int  # into the data set
    seed: int  # of its augmentation


class TrainingOrder:
    """Endless shuffled batches of images of one orientation, wide or high.

    Each orientation is a stream of its own, reshuffled whenever all of its images have been used, and takes its turn
    as often as its share of the images says. An image's augmentation is seeded by its position in the run, so that it
    depends neither on the worker that loads it nor on where the run was resumed.

    Args:
        landscape: which images are at least as wide as high, [N].
        batch_size: images a step over all processes.
        seed: of shuffling and augmentation.
    """

    def __init__(self, landscape: NDArray[np.bool_], batch_size: int, seed: int) -> None:
        self.batch_size = batch_size
        self.seed = seed
        self.groups = [np.flatnonzero(landscape), np.flatnonzero(~landscape)]
        self.landscape_share = float(landscape.mean())
        self._permutation = lru_cache(maxsize=8)(self._shuffled)

    def batch(self, step: int) -> list[Draw]:
        """The images of one step, for all processes together."""
        before = self._landscape_batches(step)
        wide = self._landscape_batches(step + 1) > before
        group, turn = (0, before) if wide else (1, step - before)
        positions = range(turn * self.batch_size, (turn + 1) * self.batch_size)
        first = step * self.batch_size
        return [Draw(self._image(group, position), self._seed(first + n)) for n, position in enumerate(positions)]

    def _landscape_batches(self, step: int) -> int:
        """How many of the first ``step`` batches are of wide images."""
        return int(np.floor(step * self.landscape_share + 0.5)) if self.landscape_share < 1 else step

    def _image(self, group: int, position: int) -> int:
        epoch, place = divmod(position, len(self.groups[group]))
        return int(self._permutation(group, epoch)[place])

    def _shuffled(self, group: int, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, group, epoch]).permutation(self.groups[group])

    def _seed(self, position: int) -> int:
        return int(np.random.SeedSequence([self.seed, position]).generate_state(1)[0])


@dataclass(frozen=True)
class TrainingSteps:
    """The batches of steps ``start`` to ``stop - 1`` for one of ``world`` processes, as a batch sampler."""

    order: TrainingOrder
    start: int
    stop: int
    rank: int
    world: int

    def __iter__(self) -> Iterator[list[Draw]]:
        share = self.order.batch_size // self.world
        for step in range(self.start, self.stop):
            yield self.order.batch(step)[self.rank * share : (self.rank + 1) * share]

    def __len__(self) -> int:
        return max(self.stop - self.start, 0)


def evaluation_batches(
    landscape: NDArray[np.bool_], batch_size: int, rank: int = 0, world: int = 1
) -> list[list[Draw]]:
    """Every image once, wide ones before high ones, never both in a batch.

    Of ``world`` processes each gets every ``world``-th batch, the first beginning with batch ``rank``: an image so has
    the same neighbours, and the same padding, however many there are.
    """
    batches = []
    for group in (np.flatnonzero(landscape), np.flatnonzero(~landscape)):
        images = group.tolist()
        batches += [[Draw(i, 0) for i in images[k : k + batch_size]] for k in range(0, len(images), batch_size)]
    return batches[rank::world]
