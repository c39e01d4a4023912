"""Folders that records are left in, and configs that are composed once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from gfl_bench.results.record import RunFolder


@pytest.fixture
def composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing costs a tenth of a second; the configs are the same in every test."""
    from recorded import compose_once  # brings Hydra and pandas, which most tests do without

    from gfl_bench.config import compose as composition

    monkeypatch.setattr(composition, "compose", lambda overrides: compose_once(tuple(overrides)))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def folder(runs: Path) -> RunFolder:
    return RunFolder(runs / "smoke--0123456789" / "seed3")
