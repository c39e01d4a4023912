"""What is installed from a wheel, without the checkout beside it, does all that the checkout does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
SHIPPED = (
    "gfl_bench/**/*.py", "analysis/**/*.py", "analysis/**/*.yaml", "analysis/**/*.j2", "analysis/**/*.css",
    "analysis/**/*.js", "conf/**/*.yaml", "sweeps/*.yaml", "hydra_plugins/**/*.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the contents of the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copied(folder / "checkout"))], check=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def copied(folder: Path) -> Path:
    """What a wheel is built from, in ``folder``: a build leaves files in its place, and two may be under way."""
    for name in ("gfl_bench", "analysis", "hydra_plugins", "conf", "sweeps"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    return folder


def call(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, text=True, capture_output=True, timeout=300
    )


@pytest.mark.slow
def test_the_wheel_holds_every_module_option_and_table(site: Path) -> None:
    for pattern in SHIPPED:
        for file in CHECKOUT.glob(pattern):
            name = file.relative_to(CHECKOUT)
            inside = name if name.parts[0] in ("gfl_bench", "analysis", "hydra_plugins") else Path("gfl_bench") / name
            assert (site / inside).is_file(), f"{name} is missing: is its folder among pyproject's packages?"


@pytest.mark.slow
def test_a_row_runs_and_is_tabled_from_an_installed_wheel_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    done = call(site, tmp_path, "-m", "gfl_bench.run", "cell=table11.gfocal", "scale=smoke")
    assert done.returncode == 0, done.stderr
    tabled = call(site, tmp_path, "-m", "analysis.make_tables", "--print", "table11")
    assert tabled.returncode == 0, tabled.stderr
    assert "GFocal" in tabled.stdout and "smoke" in tabled.stdout
    assert (tmp_path / "report" / "index.html").is_file()
