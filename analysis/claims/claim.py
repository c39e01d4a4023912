"""What the paper asserts, and how it is tested: ``claims.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.claims.finding import Label, Part
from analysis.claims.kinds import KINDS, Kind
from analysis.claims.quantity import OTHERS, quantity
from gfl_bench.results.metrics import METRICS
from gfl_bench.sweep.validity import SweepError, check_keys, check_kinds, read_mapping

FILE = Path(__file__).with_name("claims.yaml")
CLAIM_KINDS: dict[str, type] = {"says": str, "metric": str, "ref": str, "table": str, "tests": list, "proof": list}
TEST_KINDS: dict[str, type] = {"kind": str, "rows": list, "scales": list, "column": str, "columns": list}


@dataclass(frozen=True)
class Test:
    """One of a claim's tests; ``scales`` are those that it is asked at, none meaning all."""

    kind: Kind
    scales: tuple[str, ...] = ()

    def is_asked_at(self, scale: str) -> bool:
        return not self.scales or scale in self.scales


@dataclass(frozen=True)
class Claim:
    """One statement.

    Attributes:
        metric: what it is about, in words.
        ref: where the paper makes it.
        table: whose rows it is about.
        proof: tests of the code that hold for every input, as ``file::name``.
    """

    id: str
    says: str
    metric: str
    ref: str
    table: str = ""
    tests: tuple[Test, ...] = ()
    proof: tuple[str, ...] = ()

    def parts(self, label: Label, scale: str) -> list[Part]:
        """What must hold at ``scale``."""
        asked = [test.kind.parts(label) for test in self.tests if test.is_asked_at(scale)]
        return [part for parts in asked for part in parts]

    def scales(self) -> tuple[str, ...]:
        """Those that some of its tests are kept for."""
        return tuple(dict.fromkeys(scale for test in self.tests for scale in test.scales))


def load_claims(path: Path = FILE) -> list[Claim]:
    """The claims in the order of the file.

    Raises:
        SweepError: with a sentence that names the claim.
    """
    return [_claim(str(name), values) for name, values in read_mapping(path).items()]


def _claim(name: str, values: Any) -> Claim:
    where = f"claims.yaml, {name}"
    if not isinstance(values, dict):
        raise SweepError(f"{where}: must be a mapping")
    check_keys(Claim, values, where, given=("id",))
    check_kinds(values, CLAIM_KINDS, where)
    tests, proof = (tuple(values.get(key, ())) for key in ("tests", "proof"))
    if bool(tests) == bool(proof) or bool(tests) != ("table" in values):
        raise SweepError(f"{where}: needs either tests, with the table of their rows, or a proof")
    return Claim(name, **values | {"tests": tuple(_test(test, where) for test in tests), "proof": proof})


def _test(values: Any, where: str) -> Test:
    if not isinstance(values, dict) or values.get("kind") not in KINDS:
        raise SweepError(f"{where}: a test needs a kind, which is one of {', '.join(KINDS)}")
    kind = KINDS[values["kind"]]
    options = {key: value for key, value in values.items() if key not in ("kind", "scales")}
    check_keys(kind, options, f"{where}, {values['kind']}")
    check_kinds(values, TEST_KINDS, where)
    _check_columns(options, where)
    return Test(kind(**_tuples(options)), tuple(values.get("scales", ())))


def _tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _tuple(value) if isinstance(value, list) else value for key, value in options.items()}


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def _check_columns(options: Mapping[str, Any], where: str) -> None:
    for name in (options.get("column", "AP"), *options.get("columns", ())):
        try:
            quantity(name)
        except KeyError:
            raise SweepError(f"{where}: unknown column {name}; there are {', '.join([*METRICS, *OTHERS])}") from None
