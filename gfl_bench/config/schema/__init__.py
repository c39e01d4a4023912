"""Every option of a run: its type, its default and what it means.

The YAML files under ``conf/`` hold values for these dataclasses; a key that is not here is refused when the config is
composed. Nothing here imports torch, so that plans, tables and ``--help`` answer at once.
"""

from gfl_bench.config.schema.box import (
    BoxConfig,
    Dirac,
    DiracCoding,
    DistributionGuidance,
    Gaussian,
    General,
    GeneralDFL,
    GuidanceConfig,
    NoGuidance,
)
from gfl_bench.config.schema.data import (
    COCO,
    DataConfig,
    Scenes,
    SplitConfig,
)
from gfl_bench.config.schema.detector import (
    AssignerConfig,
    ATSSAssigner,
    DetectorConfig,
    HeadConfig,
    PostProcessConfig,
    PriorConfig,
    Ranking,
)
from gfl_bench.config.schema.experiment import (
    Config,
    MachineConfig,
    Mode,
    PathsConfig,
    Precision,
    ScaleConfig,
    ScheduleConfig,
)
from gfl_bench.config.schema.network import (
    FPN,
    BackboneConfig,
    NeckConfig,
    ResNet,
)
from gfl_bench.config.schema.quality import (
    BoxWeight,
    CenternessBranch,
    CenternessGuided,
    FocalQuality,
    IoUBranch,
    IoUGuided,
    Joint,
    JointLoss,
    NoQuality,
    QualityConfig,
)

__all__ = [
    "COCO",
    "FPN",
    "ATSSAssigner",
    "AssignerConfig",
    "BackboneConfig",
    "BoxConfig",
    "BoxWeight",
    "CenternessBranch",
    "CenternessGuided",
    "Config",
    "DataConfig",
    "DetectorConfig",
    "Dirac",
    "DiracCoding",
    "DistributionGuidance",
    "FocalQuality",
    "Gaussian",
    "General",
    "GeneralDFL",
    "GuidanceConfig",
    "HeadConfig",
    "IoUBranch",
    "IoUGuided",
    "Joint",
    "JointLoss",
    "MachineConfig",
    "Mode",
    "NeckConfig",
    "NoGuidance",
    "NoQuality",
    "PathsConfig",
    "PostProcessConfig",
    "Precision",
    "PriorConfig",
    "QualityConfig",
    "Ranking",
    "ResNet",
    "ScaleConfig",
    "Scenes",
    "ScheduleConfig",
    "SplitConfig",
]
