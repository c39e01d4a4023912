"""Studies of evidence: ambiguity and quality, by numbers known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evidence_arrays import evidence, keep
from recorded import TABLES, a_run
from scipy.stats import spearmanr

from analysis.studies.ambiguity import ambiguity_correlations
from analysis.studies.known import STUDIES
from analysis.studies.quality import quality_numbers
from analysis.tables.sheet import Sheet
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

QUALITY, AMBIGUITY = STUDIES


def sheets(study: int, runs: Path, default: str | None = None) -> list[Sheet]:
    return STUDIES[study].sheets(load_runs(runs), TABLES, ComposedCells(), "runs", default)


def test_wider_where_more_ambiguous_is_1_whatever_the_measure_of_width() -> None:
    arrays = evidence()
    width = arrays["side_sigma"].astype(np.float64)
    arrays |= {"side_entropy": np.log(width), "side_variance": width**2, "side_top1": 1 / width, "side_topkm": -width}
    found = ambiguity_correlations(arrays)
    assert [found[name] for name in ("entropy", "variance", "top-1", "top-4 mean")] == pytest.approx([1.0] * 4)


def test_controls_are_of_locations_and_a_dirac_delta_has_nothing_else() -> None:
    arrays = evidence(general=False)
    found = ambiguity_correlations(arrays)
    mean = arrays["side_sigma"].astype(np.float64).mean(axis=1)
    expected = spearmanr(-arrays["positive_iou"].astype(np.float64), mean).statistic
    assert found["real IoU"] == pytest.approx(expected) == pytest.approx(found["predicted quality"])
    assert set(found) == {"predicted quality", "real IoU"}


def test_levels_are_compared_within_themselves() -> None:
    """A coarse level's distributions are wider whatever the edge."""
    arrays = evidence()
    width = arrays["side_sigma"].astype(np.float64)
    coarse = np.arange(len(width)) % 4 == 0
    arrays["positive_stride"] = np.where(coarse, 16, 8)
    arrays["side_entropy"] = np.where(coarse[:, None], 100 - width, width)
    assert ambiguity_correlations(arrays)["entropy"] == pytest.approx(0.75 - 0.25)


def test_photographs_have_no_known_ambiguity() -> None:
    arrays = evidence()
    del arrays["side_sigma"]
    assert ambiguity_correlations(arrays) == {}


def test_equal_predictions_have_no_correlation_but_a_calibration() -> None:
    arrays = evidence()
    iou = arrays["positive_iou"].astype(np.float64)
    arrays["positive_predicted"] = np.full_like(iou, 0.25)
    found = quality_numbers(arrays)
    assert set(found) == {"calibration error", "of equal counts"}
    assert found["calibration error"] == pytest.approx(abs(0.25 - iou.mean()))


def test_a_sheet_has_a_line_for_each_row_and_the_command_where_nothing_was_run(tmp_path: Path) -> None:
    for seed in (0, 1):
        keep(a_run(tmp_path, "table11.gfocal", seed=seed).path, evidence(seed))
    (sheet,) = sheets(1, tmp_path)
    assert sheet.name == "ambiguity.smoke" and len(sheet.lines) == len(AMBIGUITY.cells)
    lines = {line.label: line for line in sheet.lines}
    measured = lines["GFocal, n = 2"].entries[AMBIGUITY.columns.index("real IoU")].measured
    values = [ambiguity_correlations(evidence(seed))["real IoU"] for seed in (0, 1)]
    assert measured.startswith(f"{np.mean(values):.3f}".replace("-", "\N{MINUS SIGN}")) and " ± " in measured
    assert "cell=table06.atss_gaussian scale=smoke" in lines["Gaussian (ATSS), n = 0"].command


def test_without_evidence_there_is_an_empty_sheet_only_where_it_is_asked_for(tmp_path: Path) -> None:
    a_run(tmp_path, "table11.gfocal")
    assert sheets(0, tmp_path) == []
    (sheet,) = sheets(0, tmp_path, default="demo")
    assert len(sheet.lines) == len(QUALITY.cells) and all(line.command for line in sheet.lines)
