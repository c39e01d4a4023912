"""What a predicted side is: a number (Dirac), a Gaussian or a General Distribution (Table 6).

Each strategy owns how many numbers the head predicts for a side (``channels``), how they become a box in pixels, and
what they are trained with.
"""

from collections.abc import Callable
from typing import Any

from gfl_bench.config import schema
from gfl_bench.models.box.dirac import Dirac
from gfl_bench.models.box.distribution import BoxDistribution
from gfl_bench.models.box.gaussian import Gaussian
from gfl_bench.models.box.general import General, GeneralDFL

BOXES: dict[str, Callable[[Any, schema.DetectorConfig], BoxDistribution]] = {
    "dirac": lambda config, detector: Dirac(detector.dirac),
    "gaussian": lambda config, detector: Gaussian(detector.box_loss_weight, config.smooth),
    "general": lambda config, detector: General(detector.box_loss_weight, config.n, config.delta),
    "general_dfl": lambda config, detector: GeneralDFL(
        detector.box_loss_weight, config.n, config.delta, config.dfl_weight
    ),
}
__all__ = ["BOXES", "BoxDistribution", "Dirac", "Gaussian", "General", "GeneralDFL"]
