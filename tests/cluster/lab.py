"""A private SLURM of one node: ``python tests/cluster/lab.py {up,down} [FOLDER] [--accounting {shim,dbd}]``.

Whatever it has (configuration, sockets, state, logs) lies below one folder and its ports are free ones, so that several
run side by side; it needs no root, no systemd and no cgroups. ``. FOLDER/environment.sh`` makes a shell use it.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from configure import configure
from daemons import LabError, running, stop, succeeds, wait_until
from starting import DATABASE, ORDER, daemons_of, works

LONGEST = 85  # characters of FOLDER: the path of a socket has at most 107
PROGRAMS = (*ORDER, "sbatch", "srun", "scontrol", "sacct", "munge", "mariadb", "mariadb-install-db")
SYSTEM_PATH = ["/usr/sbin", "/sbin"]  # where daemons lie, which users may not have in their PATH


class NotInstalledError(LabError):
    """Some of SLURM's programs are missing."""


class Lab:
    """The cluster in ``folder``, up or not; sacct is a stand-in, or (``dbd``) SLURM's with its database."""

    def __init__(self, folder: Path, accounting: str = "shim") -> None:
        self.folder = folder.resolve()
        self.has_database = accounting == "dbd"
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process that uses the cluster, without those of a job that this process may be part of."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SUBMITIT"))}
        path = [str(self.folder / "bin"), kept.get("PATH", os.defpath), *SYSTEM_PATH]
        return kept | {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": os.pathsep.join(path)}

    def up(self) -> None:
        """Start the cluster unless it is up; on return a job has run.

        Raises:
            NotInstalledError: programs are missing.
            LabError: a daemon does not start.
        """
        self._check()
        needed = {name for name in ORDER if self.has_database or name not in DATABASE}
        if needed <= set(self.processes().values()) and succeeds(works(self.has_database), self.environment):
            return
        self.down()
        try:
            values = configure(self.folder, self.has_database)
            for daemon in daemons_of(self.folder, values, self.has_database):
                self._started.append(daemon.start(self.environment, self.folder))
        except LabError:
            self.down()
            raise

    def down(self) -> None:
        """Cancel all jobs and stop all daemons; files stay."""
        if {"munged", "slurmctld"} <= set(self.processes().values()):
            with suppress(TimeoutError, subprocess.SubprocessError):
                self.cancel_all()
        for name in reversed(ORDER):
            stop([process for process, its_name in self.processes().items() if its_name == name])
        stop(self.processes())
        while self._started:
            self._started.pop().wait()

    def cancel_all(self) -> None:
        """End all jobs, and wait until they have ended.

        Raises:
            TimeoutError: some do not.
            subprocess.SubprocessError: the cluster does not answer.
        """
        self.output("scancel", "--user", getpass.getuser())
        wait_until(lambda: not self.output("squeue", "--noheader"))

    def output(self, *command: str) -> str:
        """What a command says that is run beside the cluster.

        Raises:
            subprocess.CalledProcessError: it fails.
        """
        return subprocess.check_output(command, env=self.environment, text=True, timeout=60)

    def processes(self) -> dict[int, str]:
        """Names, by process id, of the daemons and of all that runs in jobs."""
        conf = self.environment["SLURM_CONF"]
        ours = [(number, name, "SLURM_JOB_ID" in of) for number, name, of in running() if of.get("SLURM_CONF") == conf]
        return {number: name for number, name, in_job in ours if in_job or name in (*ORDER, "slurmstepd")}

    def _check(self) -> None:
        if len(str(self.folder)) > LONGEST:
            raise LabError(f"the path {self.folder} is too long for sockets: at most {LONGEST} characters")
        unneeded = () if self.has_database else (*DATABASE, "mariadb", "mariadb-install-db", "sacct")
        wanted = [name for name in PROGRAMS if name not in unneeded]
        missing = [name for name in wanted if not shutil.which(name, path=self.environment["PATH"])]
        if missing:
            packages = (Path(__file__).parent / "packages.txt").read_text().split()
            raise NotInstalledError(
                f"not installed: {', '.join(missing)}. On Debian: apt-get install --no-install-recommends "
                + " ".join(packages)
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("folder", nargs="?", type=Path, help="default: one of this user's in the temporary folder")
    parser.add_argument("--accounting", choices=["shim", "dbd"], default="shim")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.gettempdir()) / f"gfl-bench-slurm-{getpass.getuser()}"
    lab = Lab(folder, options.accounting)
    try:
        getattr(lab, options.action)()
    except LabError as error:
        sys.exit(f"{error}")
    if options.action == "up":
        print(f". {lab.folder}/environment.sh")


if __name__ == "__main__":
    main()
