"""The losses since the last log line, and the stop when one of them is not a finite number."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Diverged(ArithmeticError):  # noqa: N818, an outcome of a run rather than a mistake
    """The loss ``term`` was ``value``, infinite or not a number, at ``step``; the result of such a run is "NaN"."""

    def __init__(self, step: int, term: str, value: float) -> None:
        super().__init__(f"{term} was {value} at step {step}")
        self.step = step
        self.term = term
        self.value = value


class LossWindow:
    """Losses of consecutive steps, kept on their device until someone asks: a GPU need not be waited for each step."""

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._rows: list[Tensor] = []
        self._terms: tuple[str, ...] = ()
        self._checked = 0

    def add(self, step: int, terms: tuple[str, ...], values: Tensor) -> None:
        """Keep ``values`` [T], one for each of ``terms``, which are the same at each step."""
        self._terms = terms
        self._steps.append(step)
        self._rows.append(values)

    def check(self) -> None:
        """Look at the steps that nobody has looked at yet.

        Raises:
            Diverged: naming the first step, and in it the first term, that is not finite.
        """
        fresh = self._rows[self._checked :]
        if not fresh:
            return
        values = torch.stack(fresh).cpu()
        if not torch.isfinite(values).all():
            self._raise_first(values)
        self._checked = len(self._rows)

    def take_means(self) -> dict[str, float]:
        """Mean of each term over the steps of the window, at least one, and begin an empty window; checks first.

        Raises:
            Diverged: as ``check``.
        """
        self.check()
        means = torch.stack(self._rows).mean(dim=0).tolist()
        self._steps, self._rows, self._checked = [], [], 0
        return dict(zip(self._terms, means, strict=True))

    def _raise_first(self, values: Tensor) -> None:
        for step, row in zip(self._steps[self._checked :], values.tolist(), strict=True):
            for term, value in zip(self._terms, row, strict=True):
                if not math.isfinite(value):
                    raise Diverged(step, term, value)
