"""What finished runs ran on: code, machine, packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PACKAGES = ("torch", "torchvision", "numpy")


def origins(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(what, in words), in the order above; with the seeds that it holds for where runs differ."""
    for name, words_of in (("code", _code), ("machine", _machine), ("packages", _packages)):
        said: dict[str, list[str]] = {}
        for result in results:
            said.setdefault(words_of(result.get("provenance") or {}), []).append(str(result["seed"]))
        for words, seeds in said.items():
            yield name, words if len(said) == 1 else f"{words} (seed {', '.join(seeds)})"


def _code(provenance: Mapping[str, Any]) -> str:
    git = provenance.get("git")
    if not isinstance(git, Mapping):
        return f"gfl_bench {provenance.get('gfl_bench', 'of unknown version')}, no commit known"
    return f"commit {str(git.get('commit'))[:10]}{', with changes that are not committed' if git.get('dirty') else ''}"


def _machine(provenance: Mapping[str, Any]) -> str:
    hardware = provenance.get("hardware") or {}
    gpus = ", ".join(hardware.get("gpus") or ())
    return f"{gpus + '; ' if gpus else ''}{hardware.get('cpu')}, {hardware.get('cores')} cores"


def _packages(provenance: Mapping[str, Any]) -> str:
    versions = provenance.get("packages") or {}
    return ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
