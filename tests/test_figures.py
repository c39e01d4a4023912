"""Every figure from records: readable at a column's width, embedded fonts, the same bytes each time, never fatal."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from evidence_arrays import evidence, keep
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image
from recorded import a_run

from analysis.figures import Figure, draw_figures
from analysis.figures import drawing as drawing_module
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

pytestmark = pytest.mark.slow
CELLS = ComposedCells()  # composing takes a second
GENERAL = ("table11.gfocal", "table11.qfl_dfl", "table06.atss_general_dfl")
Drawn = tuple[dict[str, Figure], dict[str, Canvas]]
OTHERS = ("table02.atss_iou_branch", "table02.atss_joint", "table02.atss_centerness_branch")


def draw(runs: Path, out: Path) -> dict[str, Figure]:
    return {figure.name: figure for figure in draw_figures(load_runs(runs).frame, out, CELLS)}


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing the files takes most of the time."""
    monkeypatch.setattr(drawing_module, "save", lambda canvas, out, name: (out / f"{name}.png", out / f"{name}.pdf"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with evidence, logs and speeds."""
    runs = tmp_path_factory.mktemp("study") / "runs"
    for number, cell in enumerate((*GENERAL, *OTHERS)):
        folder = a_run(runs, cell, 30.0 + number, name=f"smoke-{number}", FPS=50.0 - number)
        keep(folder.path, evidence(number, cell in GENERAL, "branch" not in cell))
        for step in range(1, 30):
            folder.log({"step": step, "loss_quality": (1 + number) / step})
    for number, cell in enumerate(("retinanet", "retinanet_gfocal", "fcos", "fcos_gfocal")):
        a_run(runs, f"table12.{cell}", 20.0 + number, FPS=60.0 - 5 * number)
    return runs


@pytest.fixture(scope="module")
def drawn(recorded: Path) -> Drawn:
    """The figures, and their drawings as they were saved."""
    canvases: dict[str, Canvas] = {}
    save = drawing_module.save

    def keep_and_save(canvas: Canvas, out: Path, name: str) -> tuple[Path, Path]:
        canvases[name] = canvas
        return save(canvas, out, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing_module, "save", keep_and_save)
        return draw(recorded, recorded.parent / "figures"), canvases


def test_every_figure_that_has_its_runs_is_drawn(drawn: Drawn) -> None:
    figures, _ = drawn
    assert [name for name, figure in figures.items() if figure.missing] == ["fig16_crowds"]
    for name, figure in figures.items():
        if not figure.missing:
            assert figure.png and figure.png.is_file() and figure.pdf and figure.pdf.is_file()
            formula = name in ("fig07_qfl", "fig08_topkm")
            assert ("formula" if formula else "Scale smoke, data scenes") in figure.caption
    assert {f"fig{number:02}" for number in (2, 3, 7, 8, 10, 11, 12, 13, 14, 15, 16)} <= {name[:5] for name in figures}


def test_a_figure_is_a_column_wide(drawn: Drawn) -> None:
    for figure in drawn[0].values():
        if figure.png:
            with Image.open(figure.png) as image:
                assert image.width == 3.5 * 300 and image.height <= 6 * 300


def test_text_is_large_enough_and_inside_the_figure(drawn: Drawn) -> None:
    for name, canvas in drawn[1].items():
        canvas.draw_without_rendering()
        page = canvas.bbox.padded(1)
        for text in canvas.findobj(Text):
            if text.get_visible() and text.get_text().strip() and text.axes is not None:
                assert text.get_fontsize() >= 7, f"{name}: {text.get_text()}"
                extent = text.get_window_extent()
                ticks = [*text.axes.get_xticklabels(which="both"), *text.axes.get_yticklabels(which="both")]
                if text not in ticks:  # matplotlib keeps labels of ticks outside the axis, unseen
                    inside = page.x0 <= extent.x0 and extent.x1 <= page.x1 and page.y0 <= extent.y0
                    assert inside and extent.y1 <= page.y1, f"{name}: {text.get_text()} is cut off"


def test_curves_are_told_apart_without_colour(drawn: Drawn) -> None:
    for name in ("fig02_background_quality", "fig07_qfl", "fig08_topkm", "fig15_quality_loss", "ambiguity"):
        for axis in drawn[1][name].axes:
            curves = [line for line in axis.lines if isinstance(line, Line2D) and len(line.get_xdata()) > 2]  # type: ignore[arg-type]
            looks = {(str(line._unscaled_dash_pattern), line.get_marker()) for line in curves}  # type: ignore[attr-defined]
            assert len(looks) == len(curves), name


def test_fonts_are_embedded_and_nothing_tells_the_day(drawn: Drawn) -> None:
    for figure in drawn[0].values():
        if figure.pdf:
            content = figure.pdf.read_bytes()
            if figure.name != "detections":  # which has no text
                assert b"FontFile2" in content and b"DejaVuSans" in content and b"/Type3" not in content
            assert b"CreationDate" not in content


def test_equal_records_make_equal_files(recorded: Path, drawn: Drawn, tmp_path: Path) -> None:
    for name, figure in draw(recorded, tmp_path).items():
        first = drawn[0][name]
        for one, other in ((figure.png, first.png), (figure.pdf, first.pdf)):
            assert (one is None and other is None) or (one and other and one.read_bytes() == other.read_bytes()), name


@pytest.mark.usefixtures("unsaved")
def test_without_runs_the_formulas_are_drawn_and_the_rest_says_what_to_run(tmp_path: Path) -> None:
    figures = draw(tmp_path / "runs", tmp_path)
    assert {name for name, figure in figures.items() if figure.png} == {"fig07_qfl", "fig08_topkm"}
    for figure in figures.values():
        assert bool(figure.png) == (not figure.missing)
    words = shlex.split(figures["fig15_quality_loss"].command)
    assert words[:4] == ["python", "-m", "gfl_bench.run", "-m"]
    assert {"cell=table11.qfl_dfl,table11.gfocal", "scale=demo", "seed=0"} <= set(words)


@pytest.mark.usefixtures("unsaved")
def test_a_figure_of_earlier_records_does_not_stay(runs: Path, tmp_path: Path) -> None:
    stale = tmp_path / "fig10_targets.png"
    stale.write_bytes(b"")
    assert draw(runs, tmp_path)["fig10_targets"].missing
    assert not stale.exists()


@pytest.mark.usefixtures("unsaved")
def test_evidence_that_lacks_pictures_or_is_cut_short_leaves_the_other_figures(runs: Path, tmp_path: Path) -> None:
    arrays = evidence()
    keep(a_run(runs, "table11.gfocal").path, {name: a for name, a in arrays.items() if "jpeg" not in name})
    figures = draw(runs, tmp_path)
    assert figures["fig10_targets"].png and figures["fig11_flat"].missing and figures["detections"].missing
    path = next(runs.glob("*/seed0/evidence.npz"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert draw(runs, tmp_path)["fig10_targets"].missing


@pytest.mark.usefixtures("unsaved")
def test_without_a_detection_there_is_no_figure_of_detections(runs: Path, tmp_path: Path) -> None:
    empty = {
        name: array[:0] if name.startswith(("flat_", "sharp_", "detection_", "candidate_")) else array
        for name, array in evidence(truth=False).items()
    }
    for cell in ("table11.gfocal", "table02.atss_iou_branch"):
        keep(a_run(runs, cell).path, empty)
    figures = draw(runs, tmp_path)
    without = {name for name, figure in figures.items() if figure.missing}
    assert {"fig03_general_distribution", "fig11_flat", "fig12_sharp", "fig14_nms", "detections"} <= without


def test_asking_for_the_figures_imports_neither_torch_nor_windows() -> None:
    code = "import sys, {}; sys.exit(any(name in sys.modules for name in {}))"
    for module, heavy in (("figures", ("torch", "matplotlib")), ("figures.drawing", ("torch", "matplotlib.pyplot"))):
        asked = code.format(f"analysis.{module}", heavy)
        assert subprocess.run([sys.executable, "-c", asked]).returncode == 0


def test_arrays_of_the_tests_are_those_that_an_evaluation_keeps() -> None:
    arrays = evidence()
    assert arrays["target_histogram"].sum() == arrays["side_target"].size
    assert np.allclose(arrays["sharp_distribution"].sum(axis=-1), 1, atol=2e-3)
