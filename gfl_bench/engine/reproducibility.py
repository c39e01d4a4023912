"""All that makes two runs of one seed equal, in one place."""

from __future__ import annotations

import random

import numpy as np
import torch


def make_reproducible(seed: int, device: torch.device) -> None:
    """Seed every generator of this process, and on a CPU choose algorithms that give the same bits each time.

    On a CPU this costs nothing that can be measured and matters: without it the gradient of a gather adds up its
    parts from several threads in whatever order they arrive. On a GPU it is left off, since it would slow the
    convolutions down; two runs there agree to rounding only.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(device.type == "cpu", warn_only=True)
    # Filling fresh memory with NaN is a search for bugs, not needed for equal results.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
