"""The numbers that a record holds and a table prints, by the paper's column names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    unit: str
    decimals: int  # as the paper prints it


METRICS: dict[str, Metric] = {
    "AP": Metric("percent", 1),
    "AP50": Metric("percent", 1),
    "AP75": Metric("percent", 1),
    "APs": Metric("percent", 1),
    "APm": Metric("percent", 1),
    "APl": Metric("percent", 1),
    "PCC": Metric("Pearson's correlation", 3),
    "AP_testdev": Metric("percent, from COCO's evaluation server", 1),
    "training_hours": Metric("hours", 3),
    "FPS": Metric("images/s, batch 1", 1),
    "MR": Metric("percent, lower is better", 2),
    "JI": Metric("percent", 2),
}
