"""The files that a cluster of one node is made of."""

from __future__ import annotations

import getpass
import os
import platform
import random
import secrets
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).parent / "configuration"
CPUS = 4  # that the node says it has
GRACE = 30  # seconds from the signal of a preemption to SIGTERM
PORTS = range(10_000, 30_000)  # below those that outgoing connections are given
PORTS_OF = ("slurmctld", "slurmd", "slurmdbd", "mariadbd")


def configure(folder: Path, has_database: bool) -> dict[str, str]:
    """Write what the daemons of a cluster read into ``folder``; returns what the templates were filled with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 9 // 10  # MiB
    values = {
        "folder": str(folder), "host": platform.node().split(".")[0], "user": getpass.getuser(), "cpus": str(CPUS),
        "grace": str(GRACE), "memory": str(memory), "memory_per_cpu": str(memory // CPUS),
        **{f"{name}_port": str(free_port()) for name in PORTS_OF},
    }  # fmt: skip
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # or munged does not put its socket there
    _write(folder / "munge.key", secrets.token_bytes(1024), mode=0o400)
    _write(folder / "environment.sh", _filled(values, "environment.sh"))
    if has_database:
        _write(folder / "slurm.conf", _filled(values, "slurm.conf", "accounting.conf"))
        _write(folder / "slurmdbd.conf", _filled(values, "slurmdbd.conf"), mode=0o600)
        (folder / "bin/sacct").unlink(missing_ok=True)
    else:
        _write(folder / "slurm.conf", _filled(values, "slurm.conf"))
        shutil.copy(TEMPLATES / "sacct", folder / "bin")
    return values


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _filled(values: dict[str, str], *names: str) -> bytes:
    return "\n".join(Template((TEMPLATES / name).read_text()).substitute(values) for name in names).encode()


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
