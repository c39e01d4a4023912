"""How many processors there are to use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Processors that this process may run on; where the system does not tell, all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
