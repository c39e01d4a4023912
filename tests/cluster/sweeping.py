"""Commands of gfl_bench beside a cluster, and what the runs that they start leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from configure import CPUS
from daemons import wait_until
from lab import Lab
from run_state import Run

ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # the runs of an array share a few cores


class Command:
    """A command under way; what it says can be read meanwhile."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def wait(self, seconds: float = 600) -> int:
        """Its exit code."""
        return self.process.wait(seconds)


class Desk:
    """A folder from which commands are given to a cluster."""

    def __init__(self, lab: Lab, folder: Path, cache: Path) -> None:
        self.lab = lab
        self.folder = folder
        self._environment = lab.environment | ONE_THREAD | {"XDG_CACHE_HOME": str(cache)}
        self._commands: list[Command] = []

    def start(self, *arguments: str, folder: Path | None = None, path: str | None = None) -> Command:
        """``python -m <arguments>`` in the background, in ``folder``, with ``PYTHONPATH=path``."""
        log = self.folder / f"command{len(self._commands)}.log"
        environment = self._environment | ({} if path is None else {"PYTHONPATH": path})
        command = Command([sys.executable, "-m", *arguments], folder or self.folder, environment, log)
        self._commands.append(command)
        return command

    def sweep(self, *overrides: str, path: str | None = None) -> Command:
        """Runs of scale smoke, one job each."""
        return self.start("gfl_bench.run", "-m", "scale=smoke", "hydra/launcher=slurm", *overrides, path=path)

    def ask(self, *arguments: str, folder: Path | None = None) -> str:
        """What ``python -m <arguments>`` says; it must succeed."""
        command = self.start(*arguments, folder=folder)
        assert command.wait() == 0, command.output
        return command.output

    def fill_node(self, *arguments: str) -> str:
        """Id of a job that asks for the whole node; the last of ``arguments`` is what it does."""
        job = self.lab.output(
            "sbatch", "--parsable", f"--ntasks={CPUS}", "--output=/dev/null", *arguments[:-1], "--wrap", arguments[-1]
        )
        return job.strip()

    def run(self, seed: int, runs: str = "runs") -> Run:
        """The run with a seed, the only one in the folder."""
        (path,) = (self.folder / runs).glob(f"[!.]*/seed{seed}")
        return Run(path)

    def training(self, seed: int, runs: str = "runs") -> Run:
        """The run with a seed once its training has left a checkpoint; it must not have ended by then."""

        def found() -> Run | None:
            for path in (self.folder / runs).glob(f"[!.]*/seed{seed}"):
                run = Run(path)
                if run.status.get("state", "running") != "running" or (path / "checkpoint.pt").exists():
                    return run
            return None

        wait_until(found)
        run = found()
        assert run is not None and run.status["state"] == "running", "it ended too soon to be stopped"
        return run

    def jobs(self, runs: str = "runs") -> list[str]:
        """Ids of all jobs that were submitted."""
        return sorted(path.parent.name for path in (self.folder / runs / ".submitit").glob("*/*_submitted.pkl"))

    def logs(self, runs: str = "runs") -> list[str]:
        """What each of them printed."""
        return [path.read_text() for path in (self.folder / runs / ".submitit").glob("*/*.err")]

    def job(self, job: str) -> dict[str, str]:
        """What SLURM knows of a job."""
        words = self.lab.output("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def queue(self) -> dict[str, str]:
        """State of each job that waits or runs, by its id."""
        lines = self.lab.output("squeue", "--array", "--noheader", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)

    def leave(self) -> None:
        """Stop what was started, and every job."""
        for command in self._commands:
            command.process.kill()
            command.wait()
        self.lab.cancel_all()
