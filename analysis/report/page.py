"""The report as one HTML file: templates, style and script in one, no network."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis.report.details import RowDetails
from analysis.report.overview import overview
from analysis.report.picture import embed
from analysis.report.records import Records
from analysis.tables.sheet import Sheet
from gfl_bench.results.store import Runs

if TYPE_CHECKING:
    from analysis.claims.judgement import Judgement
    from analysis.figures.figure import Figure


def write_report(
    path: Path, sheets: Sequence[Sheet], judgements: Sequence[Judgement], figures: Sequence[Figure], runs: Runs, *,
    details: Mapping[str, Sequence[RowDetails]], records: Records, folder: str, skipped: Sequence[str] = (),
) -> None:
    """Write the report to ``path``.

    Args:
        sheets: in the order of the page.
        judgements: of claims, those of one claim at several scales one after the other or apart.
        details: by the sheet's name, one for each of its lines; a sheet without any has rows that do not open.
        records: of ``runs``, those behind the sheets read already.
        folder: of the runs, as the user named it.
        skipped: a sentence for each record that could not be read.
    """
    text = _environment(path.parent).get_template("page.html.j2").render(
        sheets=sheets, tables=_by_table(sheets), claims=_by_claim(judgements), verdicts=_verdicts(judgements),
        figures=figures, overview=overview(runs, records), details=details, folder=folder, skipped=skipped,
    )  # fmt: skip
    path.write_text(text + "\n", encoding="utf-8")


def _by_table(sheets: Sequence[Sheet]) -> list[tuple[str, list[Sheet]]]:
    """For the contents: heading, and the sheets under it."""
    return [(heading, list(group)) for heading, group in groupby(sheets, key=lambda sheet: sheet.heading)]


def _by_claim(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    found: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        found.setdefault(judgement.id, []).append(judgement)
    return found


def _verdicts(judgements: Sequence[Judgement]) -> Counter[str]:
    """How many claims have each verdict, at any scale; unmeasured are those that are so at all."""
    found = [{one.verdict.value for one in ones} for ones in _by_claim(judgements).values()]
    return Counter(verdict for verdicts in found for verdict in verdicts - {"unmeasured"} or verdicts)


def _environment(folder: Path) -> Environment:
    loader = FileSystemLoader(Path(__file__).parents[1] / "templates" / "report")
    environment = Environment(
        loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    # as they are: braces and percent signs of CSS and JavaScript are no template's
    environment.globals["inline"] = lambda name: Markup(loader.get_source(environment, name)[0])
    environment.globals["embed"] = embed
    environment.filters["beside"] = lambda file: os.path.relpath(file, folder)
    return environment
