"""The memory that a computation needs at once, on a CPU."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def peak_megabytes(candidate: Callable[[], object]) -> float:
    """The largest sum of live tensors, in MiB, beside those that there were before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        candidate()
    live = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak / 2**20
