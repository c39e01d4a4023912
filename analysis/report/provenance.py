"""Where numbers come from, in words: code, packages, machine, time, size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from analysis.tables.record import Record, section

PACKAGES = ("torch", "torchvision", "pycocotools", "numpy")  # those that numbers depend on
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def provenance(results: Iterable[Record]) -> list[tuple[str, str]]:
    """Name and value of what is known of ``results``; where they differ, every value once."""
    known = list(results)
    facts = ((name, _distinct(known, fact)) for name, fact in FACTS.items())
    return [(name, " · ".join(values)) for name, values in facts if values]


def code(result: Record) -> str:
    """Version and commit of the project."""
    origin = section(result, "provenance")
    git = section(origin, "git")
    commit = str(git.get("commit") or "")[:10]
    words = [_named("gfl_bench", origin.get("gfl_bench")), _named("commit", commit)]
    return ", ".join([*filter(None, words), *(["with uncommitted changes"] if git.get("dirty") else [])])


def packages(result: Record) -> str:
    """Python and the packages that numbers depend on."""
    origin = section(result, "provenance")
    versions = section(origin, "packages")
    words = [_named("Python", origin.get("python")), *(_named(name, versions.get(name)) for name in PACKAGES)]
    return ", ".join(filter(None, words))


def trained(result: Record) -> str:
    """How long the training took; empty where nobody measured it."""
    seconds = section(result, "timings").get("training")
    return duration(seconds) if isinstance(seconds, int | float) else ""


def duration(seconds: float) -> str:
    """``2 min 53 s``; hours and minutes from an hour on."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    larger, smaller = divmod(whole, 60) if whole < 3600 else divmod(round(whole / 60), 60)
    return f"{larger} min {smaller} s" if whole < 3600 else f"{larger} h {smaller} min"


def _hardware(result: Record) -> str:
    machine = section(result, "provenance", "hardware")
    cores = machine.get("cores")
    processor = ", ".join(filter(None, [str(machine.get("cpu") or ""), f"{cores} cores" if cores else ""]))
    gpus = machine.get("gpus")
    return " with ".join(filter(None, [", ".join(map(str, gpus)) if isinstance(gpus, list) else "", processor]))


def _platform(result: Record) -> str:
    return str(section(result, "provenance").get("platform") or "")


def _phases(result: Record) -> str:
    timings = section(result, "timings")
    phases = ((name, timings.get(name)) for name in ("training", "evaluation", "speed"))
    return ", ".join(f"{name} {duration(value)}" for name, value in phases if isinstance(value, int | float))


def _size(result: Record) -> str:
    sizes = ((name, result.get(key)) for key, name in (("parameters", "parameters"), ("flops", "FLOPs")))
    return ", ".join(f"{_short(value)} {name}" for name, value in sizes if isinstance(value, int | float))


def _memory(result: Record) -> str:
    memory = section(result, "memory").items()
    return ", ".join(f"{device} {value / 2**20:,.0f} MiB" for device, value in memory if isinstance(value, int | float))


def _short(number: float) -> str:
    for unit, letter in UNITS:
        if number >= unit:
            return f"{number / unit:.3g} {letter}"
    return f"{number:g}"


def _named(name: str, value: Any) -> str:
    return f"{name} {value}" if value else ""


def _distinct(results: list[Record], fact: Callable[[Record], str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(fact, results))))


FACTS: dict[str, Callable[[Record], str]] = {
    "Code": code, "Packages": packages, "Machine": _hardware, "System": _platform, "Time": _phases, "Model": _size,
    "Peak memory": _memory,
}
