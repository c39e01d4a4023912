"""The page of detectors, and what it counts."""

from __future__ import annotations

from pathlib import Path

from analysis.list_combinations import detectors
from analysis.list_detectors import PACKAGE, lines, owner, page, parts, row, schema
from gfl_bench.config import schema as dataclasses
from gfl_bench.models.box import dirac

DOCS = Path(__file__).parents[1] / "docs" / "detectors.md"
ASSIGNERS = PACKAGE / "models" / "assigners"


def test_the_page_in_the_docs_is_that_of_today() -> None:
    assert DOCS.read_text(encoding="utf-8") == page() + "\n"


def test_every_detector_is_on_it() -> None:
    rows = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]
    assert rows == detectors()


def test_an_assigner_and_a_coding_of_one_detector_alone_count_for_it() -> None:
    _, _, _, of_dataclasses, python = row("foveabox")
    assert of_dataclasses == lines(dataclasses.FoveaBox) + lines(dataclasses.FoveaAssigner)
    assert python == lines(ASSIGNERS / "fovea.py") + lines(dirac.LogRatio)


def test_what_detectors_of_several_dataclasses_have_counts_for_none() -> None:
    users = {schema(name) for name in detectors() if ASSIGNERS / "max_iou.py" in parts(name)}
    assert users == {dataclasses.MaxIoUDetector, dataclasses.PAA, dataclasses.SSD}
    assert owner(ASSIGNERS / "max_iou.py") is owner(dataclasses.MaxIoUAssigner) is dataclasses.DetectorConfig
    assert row("retinanet_a9")[-1] == 0


def test_what_a_detector_extends_counts_there() -> None:
    assert ASSIGNERS / "fcos.py" in parts("borderdet")
    assert owner(ASSIGNERS / "fcos.py") is owner(dirac.InStrides) is dataclasses.FCOS
    folder = PACKAGE / "models" / "detectors" / "borderdet"
    assert row("borderdet")[-1] == sum(map(lines, folder.glob("*.py")))
    assert row("borderdet")[-2] == lines(dataclasses.BorderDet) + lines(dataclasses.BorderConfig)
