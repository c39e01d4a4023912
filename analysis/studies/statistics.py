"""The numbers that studies and claims take from a run's evidence: kept in ``statistics.json``, or computed.

``statistics.json`` holds an object of numbers for each of ``KINDS``. Compact records have it, since they keep little of
the evidence; a run that has all of it needs none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.evidence import Arrays, load_evidence
from analysis.studies.ambiguity import ambiguity_correlations
from analysis.studies.locations import location_numbers
from analysis.studies.quality import quality_numbers
from gfl_bench.results.reading import Unreadable, read_object

NAME = "statistics.json"
SCHEMA = 1
Numbers = Mapping[str, float]

KINDS: dict[str, Callable[[Arrays], Numbers]] = {
    "quality": quality_numbers, "ambiguity": ambiguity_correlations, "locations": location_numbers,
}  # fmt: skip


def numbers(run: Path, kind: str) -> Numbers:
    """Those of one of ``KINDS`` by name; empty where the run's files do not tell."""
    kept = read_object(run / NAME, dict.fromkeys(KINDS, dict))
    if not isinstance(kept, Unreadable):
        return {str(name): float(value) for name, value in kept[kind].items()}
    evidence = load_evidence(run)
    return {} if evidence is None else KINDS[kind](evidence)


def write_statistics(run: Path, out: Path) -> None:
    """Keep all numbers of ``run`` in the folder ``out``."""
    found = {kind: dict(numbers(run, kind)) for kind in KINDS}
    (out / NAME).write_text(json.dumps({"schema": SCHEMA, **found}, separators=(",", ":")) + "\n")
