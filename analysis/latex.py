"""A sheet as a LaTeX table for booktabs."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.sheet import READING, Sheet

ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "β": r"$\beta$", "Δ": r"$\Delta$",
    "\N{MINUS SIGN}": "$-$", "\N{EN DASH}": "--",
}
SPECIAL = re.compile("|".join(map(re.escape, ESCAPES)))


def latex(sheet: Sheet) -> str:
    """A floating table; it needs the packages booktabs and, for the wide ones, graphicx."""
    return _environment().get_template("table.tex.j2").render(sheet=sheet, reading=READING)


def escape(text: str) -> str:
    """``text`` with what is special in LaTeX written out."""
    return SPECIAL.sub(lambda found: ESCAPES[found[0]], text)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=False,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        block_start_string="<%", block_end_string="%>", variable_start_string="<<", variable_end_string=">>",
        comment_start_string="<#", comment_end_string="#>",
    )
    environment.filters["tex"] = escape
    return environment
