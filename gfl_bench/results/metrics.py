"""The numbers that a record holds and a table prints, by the paper's column names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """What a number is.

    Attributes:
        decimals: as the paper prints it.
        better: whether a higher or a lower number is the better one.
        of_machine: whether it means nothing on another machine.
        mode: the ``mode`` that measures it from a checkpoint; empty where none does.
        of_server: whether COCO's evaluation server alone tells it, and no run ever has it.
    """

    unit: str
    decimals: int
    better: Literal["higher", "lower"] = "higher"
    of_machine: bool = False
    mode: str = "evaluate"
    of_server: bool = False

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1


METRICS: dict[str, Metric] = {
    "AP": Metric("percent", 1),
    "AP50": Metric("percent", 1),
    "AP75": Metric("percent", 1),
    "APs": Metric("percent", 1),
    "APm": Metric("percent", 1),
    "APl": Metric("percent", 1),
    "PCC": Metric("Pearson's correlation", 3),
    "AP_testdev": Metric("percent, from COCO's evaluation server", 1, mode="", of_server=True),
    "training_hours": Metric("hours", 3, better="lower", of_machine=True, mode=""),
    "FPS": Metric("images/s, batch 1", 1, of_machine=True, mode="speed"),
    "MR": Metric("percent", 2, better="lower"),
    "JI": Metric("percent", 2),
    "latency_ms": Metric("milliseconds an image, ncnn", 2, better="lower", of_machine=True, mode="speed"),
    "params_m": Metric("millions of parameters", 2, better="lower"),
    "size_mb": Metric("2^20 bytes of weights, ncnn, 32 bits", 1, better="lower"),
}
