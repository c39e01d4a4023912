"""A result says where it comes from."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gfl_bench.results.provenance import cpu_model, git_state, provenance


def test_provenance_names_code_packages_and_machine_without_importing_torch() -> None:
    code = (
        "import json, sys; from gfl_bench.results.provenance import provenance; "
        "print(json.dumps(provenance())); assert 'torch' not in sys.modules"
    )
    found = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert found["packages"]["torch"] and found["hardware"]["cores"] >= 1 and found["hardware"]["cpu"]
    assert found["hardware"]["gpus"] == [] and found["command_line"] == ["-c"]
    assert found.keys() == provenance().keys()


def test_the_git_state_is_the_commit_and_whether_files_differ(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, capture_output=True, check=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": True}


@pytest.mark.parametrize(("lines", "name"), [
    (["cpu family\t: 25", "model\t\t: 1", "model name\t: AMD EPYC"], "AMD EPYC (family 25, model 1)"),
    (["cpu family\t: 25", "model\t\t: 17", "model name\t: AMD EPYC"] * 2, "AMD EPYC (family 25, model 17)"),
    (["model name\t: a board of Arm's"], "a board of Arm's"),
])  # fmt: skip
def test_processors_of_one_name_are_told_apart(lines: list[str], name: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("\n".join(["processor\t: 0", *lines, ""]))
    assert cpu_model(tmp_path / "cpuinfo") == name


def test_a_processor_that_nobody_describes_has_the_name_that_python_knows(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "none") == (platform.processor() or platform.machine())
