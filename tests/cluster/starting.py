"""The daemons of a cluster, and how to tell that each is ready."""

from __future__ import annotations

import subprocess
from pathlib import Path

from daemons import Daemon, LabError

ORDER = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
DATABASE = ("mariadbd", "slurmdbd")
JOB = "sinfo --noheader --states=idle,mixed | grep --quiet . && srun --immediate=9 --mem=10 true"
ACCOUNTED = "sacct --noheader --format=State | grep --quiet COMPLETED"  # which hears of jobs some seconds late
SQL = "CREATE USER IF NOT EXISTS slurm@127.0.0.1 IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO slurm@127.0.0.1"


def works(has_database: bool) -> list[str]:
    """A command that succeeds where jobs run and, with a database, are found there."""
    return ["sh", "-c", f"{JOB} && {ACCOUNTED}" if has_database else JOB]


def daemons_of(folder: Path, values: dict[str, str], has_database: bool) -> list[Daemon]:
    """What to run, in this order, on what ``configure`` wrote and returned."""
    munged = Daemon(
        ["munged", "--foreground", f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key",
         f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munge.seed"],
        ready=["munge", "--no-input", f"--socket={folder}/munge.socket"],
    )  # fmt: skip
    slurmctld = Daemon(["slurmctld", "-D"], ready=["scontrol", "ping"])
    slurmd = Daemon(["slurmd", "-D", "-N", values["host"]], ready=works(has_database))
    return [munged, *(_accounting(folder, values) if has_database else []), slurmctld, slurmd]


def _accounting(folder: Path, values: dict[str, str]) -> list[Daemon]:
    socket = f"--socket={folder}/mariadb.socket"
    files = ["--no-defaults", f"--user={values['user']}", f"--datadir={folder}/mariadb"]
    _make_database(folder / "mariadb", files)
    mariadbd = Daemon(
        ["mariadbd", *files, socket, "--bind-address=127.0.0.1", f"--port={values['mariadbd_port']}",
         "--skip-name-resolve", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M",
         "--innodb-lock-wait-timeout=900"],
        ready=["mariadb", "--no-defaults", socket, "--user=root", f"--execute={SQL}"],
    )  # fmt: skip
    return [mariadbd, Daemon(["slurmdbd", "-D"], ready=["sacctmgr", "--noheader", "show", "cluster"])]


def _make_database(folder: Path, files: list[str]) -> None:
    if folder.exists():
        return
    command = ["mariadb-install-db", *files, "--skip-test-db", "--auth-root-authentication-method=normal"]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode:
        raise LabError(f"mariadb-install-db failed:\n{made.stdout[-1000:]}")
