"""How fast a detector is, under the protocol of docs/speed_protocol.md, and how large."""

from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.record import SpeedRecord, time_inference
from gfl_bench.speed.sizes import count_flops, count_parameters

__all__ = ["SpeedError", "SpeedRecord", "count_flops", "count_parameters", "time_inference"]
