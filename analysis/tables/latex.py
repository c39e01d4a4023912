"""A sheet as a LaTeX table for booktabs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from unicodedata import normalize

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.tables.legend import Style, legend
from analysis.tables.sheet import Entry, Sheet

ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "*": "{*}",
    "±": r"$\pm$", "\N{MULTIPLICATION SIGN}": r"$\times$", "²": "$^2$", "½": r"$\frac12$", "∫": r"$\int$",
    "β": r"$\beta$", "Δ": r"$\Delta$", "δ": r"$\delta$", "μ": r"$\mu$", "\N{GREEK SMALL LETTER SIGMA}": r"$\sigma$",
    "\N{MINUS SIGN}": "$-$", "\N{EN DASH}": "--", "\N{EM DASH}": "---", "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}  # fmt: skip
ASCII = re.compile(r"[\x20-\x7e]")
ACCENTED = re.compile("[A-Za-z][\u0300-\u0303\u0308\u030a\u030c\u0327]")  # decomposed; what LaTeX's own fonts can draw
LONG_WORD = re.compile(r"\S{20,}")
JOINT = re.compile(r"(?<=[/=,._-])(?=[^\s/=,._-])")
BREAK = "\N{ZERO WIDTH SPACE}"
SIZE = re.compile(r"(Δ?AP)(50|75|s|m|l)")
STYLE = Style(best="Bold", paper_best="Underlined", significant="Starred")


def latex(sheet: Sheet) -> str:
    """A floating table; it needs the packages booktabs and, for the wide ones, graphicx."""
    return _environment().get_template("table.tex.j2").render(sheet=sheet, legend=legend(sheet, STYLE))


def escape(text: str) -> str:
    """``text`` with what is special in LaTeX written out; a long word may be broken behind its punctuation."""
    breakable = LONG_WORD.sub(lambda word: JOINT.sub(BREAK, word[0]), text.replace(BREAK, ""))
    return "".join(map(_letter, breakable))


def _letter(letter: str) -> str:
    if letter == BREAK:
        return r"\allowbreak{}"
    if letter in ESCAPES:
        return ESCAPES[letter]
    if letter.isspace():
        return " "
    is_known = ASCII.match(letter) or (letter <= "\u017f" and ACCENTED.fullmatch(normalize("NFD", letter)))
    return letter if is_known else f"{{[}}U+{ord(letter):04X}{{]}}"


def _head(name: str) -> str:
    """A column's name, the size or threshold below."""
    size = SIZE.fullmatch(name)
    return f"{escape(size[1])}$_{{{size[2]}}}$" if size else escape(name)


def _entry(entry: Entry) -> str:
    measured = rf"\textbf{{{escape(entry.words)}}}" if entry.is_best else escape(entry.words)
    if not entry.paper:
        return measured
    before, after = map(escape, entry.brackets)
    paper = rf"\underline{{{escape(entry.paper)}}}" if entry.is_paper_best else escape(entry.paper)
    return f"{measured} {before}{paper}{after}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"), undefined=StrictUndefined, autoescape=False,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        block_start_string="<%", block_end_string="%>", variable_start_string="<<", variable_end_string=">>",
        comment_start_string="<#", comment_end_string="#>",
    )  # fmt: skip
    environment.filters |= {"tex": escape, "head": _head, "entry": _entry, "comment": _comment}
    return environment


def _comment(text: str) -> str:
    """``text`` on one line."""
    return " ".join(text.split())
