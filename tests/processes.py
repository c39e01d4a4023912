"""Several processes that share a world, for tests of what they do together."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gfl_bench.engine.distributed import join_world

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["torch.distributed", "gfl_bench.experiment"])  # imported once for all tests
_LIMIT = 120  # seconds that a test may take


def together(function: Callable[..., Any], *arguments: Any, size: int = 2) -> list[Any]:
    """What ``function(world, *arguments)`` returns, or raises, in each of ``size`` processes; None of one that died."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, str(rank)) for rank in range(size)]
        processes = [
            _CONTEXT.Process(target=_begin, args=(rank, size, port, file, function, arguments))
            for rank, file in enumerate(files)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(_LIMIT)
        stuck = [process for process in processes if process.is_alive()]
        for process in stuck:
            process.kill()
        assert not stuck, "processes waited for each other"
        return [pickle.loads(file.read_bytes()) if file.exists() else None for file in files]


def agreed(found: list[Any]) -> list[Any]:
    """``found`` by processes of which none raised."""
    for one in found:
        if isinstance(one, Raised):
            raise AssertionError(one.trace)
    return found


class Raised:
    """An error of a process."""

    def __init__(self, error: BaseException) -> None:
        self.kind, self.text = type(error).__name__, str(error)
        self.trace = "".join(traceback.format_exception(error))


def _begin(
    rank: int, size: int, port: int, file: Path, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in own.items()})
    import torch

    torch.set_num_threads(1)
    try:
        with join_world() as world:
            found = function(world, *arguments)
    except BaseException as error:
        found = Raised(error)
    file.write_bytes(pickle.dumps(found))
