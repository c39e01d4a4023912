"""Which parts fit together, said before any data is read or any GPU is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from gfl_bench.config.rules import RULES, Rule
from gfl_bench.config.schema import Config


class ConfigError(ValueError):
    """Options that do not fit; each line names a conflict and its mend."""


def check(config: Config, rules: Iterable[Rule] = RULES) -> None:
    """Raise ``ConfigError`` with one sentence for each conflict among the options of ``config``."""
    conflicts = [sentence for rule in rules for sentence in rule(config)]
    if conflicts:
        raise ConfigError("\n".join(conflicts))
