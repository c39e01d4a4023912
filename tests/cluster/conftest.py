"""A SLURM of one node for the tests of this folder, and sweeps that they start on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemons import LabError
from lab import Lab
from sweeping import Desk

REQUIRED = "GFL_BENCH_CLUSTER"  # shim or dbd: the accounting of a cluster without which the tests fail


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The running cluster; where it cannot be, tests are skipped with the reason, or fail where it is required."""
    required = os.environ.get(REQUIRED)
    with _temporary(required or "shim") as lab:
        try:
            lab.up()
        except LabError as error:
            if required:
                raise
            pytest.skip(f"no SLURM: {error}")
        yield lab


@pytest.fixture
def other(lab: Lab) -> Iterator[Lab]:
    """One that is not up yet."""
    with _temporary("shim") as other:
        yield other


@contextmanager
def _temporary(accounting: str) -> Iterator[Lab]:
    lab = Lab(Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp")), accounting)  # a short path, for sockets
    try:
        yield lab
    finally:
        lab.down()
        shutil.rmtree(lab.folder)


@pytest.fixture(scope="module")
def desk(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Where commands are typed; afterwards none runs on, and no job."""
    desk = Desk(lab, tmp_path_factory.mktemp("desk"), cache=tmp_path_factory.getbasetemp() / "cache")
    yield desk
    desk.leave()
