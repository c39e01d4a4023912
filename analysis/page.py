"""All sheets on one HTML page that needs no other file."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.sheet import Sheet


def page(sheets: list[Sheet], runs: str, counts: dict[str, int], skipped: list[str]) -> str:
    """The report.

    Args:
        sheets: in the order of the page.
        runs: folder of the records.
        counts: runs by state.
        skipped: a sentence for each record that could not be read.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=True,
        trim_blocks=True, lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(sheets=sheets, runs=runs, counts=counts, skipped=skipped) + "\n"
