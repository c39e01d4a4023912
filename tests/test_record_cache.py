"""What was read of records is kept, believed while nothing changed, and made anew where it is damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from make_records import FAULTS, make_records

from gfl_bench.results import bulk, cache, row
from gfl_bench.results.reading import SCHEMA
from gfl_bench.results.store import Runs, load_runs

RUNS, SEEDS, FAULTY = 60, 5, 2
SKIPPED = ("cut", "foreign", "older")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred records; of each fault two. They are a minute old, so that the cache believes their times."""
    folder = tmp_path_factory.mktemp("study") / "runs"
    make_records(folder, RUNS, SEEDS, FAULTY)
    for path in filter(Path.is_file, folder.rglob("*")):
        age(path)
    load_runs(folder)
    return folder


def age(path: Path, seconds: float = 60) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def assert_equal(one: Runs, other: Runs) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.skipped == other.skipped


def without_cache(study: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr("gfl_bench.results.store.read_cache", lambda *_: {})
    try:
        return load_runs(study)
    finally:
        monkeypatch.undo()


def reading(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are read from now on."""
    read: list[Path] = []
    monkeypatch.setattr(bulk, "read_row", lambda path: read.append(path) or row.read_row(path))  # type: ignore[func-returns-value]
    return read


def test_each_fault_is_listed_or_shown_by_its_state_and_never_averaged(study: Path) -> None:
    runs = load_runs(study)
    assert len(runs.skipped) == len(SKIPPED) * FAULTY and len(runs.frame) == RUNS * SEEDS - len(runs.skipped)
    reasons = " ".join(reason for _, reason in runs.skipped)
    assert all(words in reasons for words in ("cut short", "schema None", "schema 0"))
    counts = runs.frame["state"].value_counts().to_dict()
    others = set(FAULTS) - set(SKIPPED)
    assert counts == dict.fromkeys(others, FAULTY) | {"done": len(runs.frame) - len(others) * FAULTY}
    assert runs.frame.loc[runs.frame["state"] != "done", "AP"].isna().all()


def test_a_second_load_reads_no_record_again_and_finds_the_same(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = without_cache(study, monkeypatch)
    read = reading(monkeypatch)
    found = load_runs(study)
    assert len(read) == len(SKIPPED) * FAULTY  # what could not be read is tried again
    assert_equal(found, expected)


def test_a_record_that_changed_is_read_again_and_one_that_went_is_gone(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, gone, *_ = (Path(path) for path in load_runs(study).frame.query("state == 'done'")["path"])
    values = json.loads((changed / "result.json").read_text())
    values["metrics"]["AP"] = 99.5
    old = (gone / "result.json").read_bytes(), (gone / "status.json").read_bytes()
    (changed / "result.json").write_text(json.dumps(values))
    for name in ("result.json", "status.json"):
        (gone / name).unlink()
    runs = load_runs(study)
    assert runs.frame.set_index("path")["AP"][str(changed)] == 99.5
    assert str(gone) not in set(runs.frame["path"])
    assert (gone / "status.json", "is missing") in runs.skipped
    assert_equal(runs, without_cache(study, monkeypatch))
    (gone / "result.json").write_bytes(old[0])
    (gone / "status.json").write_bytes(old[1])
    assert_equal(load_runs(study), without_cache(study, monkeypatch))


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"[", b"[]", b"{}", b"null", b"\x80\x04]", b"[" * 100_000,
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b'"shapes":[', b'"shapes":[[],'),
        lambda text: text.replace(b'"version":[1', b'"version":[0'),
        lambda text: json.dumps(json.loads(text) | {"sections": []}).encode(),
        lambda text: json.dumps(json.loads(text) | {"records": {"a/b": [1]}}).encode(),
    ],
)
def test_a_damaged_or_older_cache_is_made_anew_in_silence(
    study: Path, monkeypatch: pytest.MonkeyPatch, damage: object, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = without_cache(study, monkeypatch)
    path = study / cache.NAME
    whole = path.read_bytes()
    path.write_bytes(damage(whole) if callable(damage) else damage)  # type: ignore[arg-type]
    assert_equal(load_runs(study), expected)
    assert capsys.readouterr() == ("", "")
    assert path.read_bytes()[:20] == whole[:20] and sorted(study.glob(".*")) == [path]


def test_a_folder_that_cannot_be_written_loads_all_the_same(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    expected = load_runs(study)
    (study / cache.NAME).unlink()
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refused)
    assert_equal(load_runs(study), expected)
    assert not (study / cache.NAME).exists()
    monkeypatch.undo()
    load_runs(study)


def test_a_record_as_young_as_the_load_is_read_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = next(study.glob("*/seed1/result.json"))
    age(record, 0)
    (study / cache.NAME).unlink()
    load_runs(study)
    read = reading(monkeypatch)
    load_runs(study)
    assert record.parent in read and len(read) == 1 + len(SKIPPED) * FAULTY
    age(record)


def test_processes_that_load_at_once_leave_one_whole_cache(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = without_cache(study, monkeypatch)
    (study / cache.NAME).unlink()
    code = f"from pathlib import Path; from gfl_bench.results.store import load_runs; load_runs(Path({str(study)!r}))"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert_equal(load_runs(study), expected)
    assert [path.name for path in study.glob(".*")] == [cache.NAME]


def test_many_processes_read_what_one_does(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = without_cache(study, monkeypatch)
    monkeypatch.setattr(bulk, "CHUNK", 40)
    monkeypatch.setattr(bulk, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(bulk, "usable_cores", lambda: 2)
    monkeypatch.setattr("gfl_bench.results.store.read_cache", lambda *_: {})
    assert_equal(load_runs(study), expected)


def test_equal_sections_of_configs_are_one_object_also_when_they_come_from_the_cache(study: Path) -> None:
    configs = load_runs(study).frame["config"].dropna()
    sections = {id(config["detector"]): json.dumps(config["detector"]) for config in configs}
    assert len(sections) == len(set(sections.values())) < 30


def test_the_records_made_for_these_tests_are_of_the_schema_and_size_of_real_ones(study: Path) -> None:
    path = next(path for path in study.glob("*/seed4/result.json"))
    assert json.loads(path.read_text())["schema"] == SCHEMA and 5_000 < path.stat().st_size < 9_000
