"""The code of this moment, for jobs that begin later: what is edited meanwhile does not reach them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

from gfl_bench.config.paths import PACKAGE, conf_folder, sweeps_folder
from gfl_bench.results.provenance import git_state

LAUNCHERS = "hydra_plugins.gfl_bench_launchers"  # Hydra imports it at each start
NEVER = shutil.ignore_patterns("__pycache__")


def take_snapshot(folder: Path) -> None:
    """Copy the package that is imported here below ``folder``, as a wheel would hold it, and note its git state."""
    package = folder / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=NEVER)
    for source in (conf_folder(), sweeps_folder()):  # in a wheel they are in the package already
        shutil.copytree(source, package / source.name, ignore=NEVER, dirs_exist_ok=True)
    launchers = importlib.util.find_spec(LAUNCHERS)
    if launchers is not None and launchers.origin is not None:
        shutil.copytree(Path(launchers.origin).parent, folder.joinpath(*LAUNCHERS.split(".")), ignore=NEVER)
    (folder / "git.json").write_text(json.dumps(git_state(PACKAGE.parent)))
