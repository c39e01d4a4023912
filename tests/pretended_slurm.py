"""Programs that answer as SLURM's do, for what can be tested without a queue; `tests/cluster` has the real one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

# sbatch's own words, of 22.05
SBATCH = """#!/bin/bash
if grep -q -- --partition=nowhere "$1"; then
    echo "sbatch: error: invalid partition specified: nowhere" >&2
    echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2
    exit 1
fi
number=$((100 + $(ls {folder}/taken | wc -l)))
cp "$1" {folder}/taken/$number
echo "Submitted batch job $number"
"""


@dataclass(frozen=True)
class PretendedSlurm:
    """``taken``: the files that sbatch was given, by job; ``say`` sets what squeue answers."""

    folder: Path

    @property
    def taken(self) -> dict[str, dict[str, str]]:
        """The options of each job."""
        files = sorted((self.folder / "taken").iterdir())
        return {file.name: dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", file.read_text(), re.M)) for file in files}

    def say(self, states: dict[str, str]) -> None:
        lines = [f"{job}|{state}\n" for job, state in states.items()]
        (self.folder / "queue").write_text("".join(lines))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedSlurm:
    """On the path; arrays of at most 3 jobs."""
    folder = tmp_path / "slurm"
    (folder / "taken").mkdir(parents=True)
    (folder / "queue").touch()
    programs = {
        "sbatch": SBATCH.format(folder=folder), "srun": "#!/bin/sh\n", "squeue": f"#!/bin/sh\ncat {folder}/queue\n",
        "scontrol": "#!/bin/sh\necho 'MaxArraySize            = 3'\n",
    }  # fmt: skip
    for name, text in programs.items():
        program = folder / name
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return PretendedSlurm(folder)
