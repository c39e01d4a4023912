"""Every option of a run: its type, its default and what it means.

The YAML files under ``conf/`` hold values for these dataclasses; a key that is not here is refused when the config is
composed. Nothing here imports torch, so that plans, tables and ``--help`` answer at once.
"""

from gfl_bench.config.schema.assigner import (
    AssignerConfig,
    ATSSAssigner,
    FCOSAssigner,
    FoveaAssigner,
    MaxIoUAssigner,
)
from gfl_bench.config.schema.borderdet import (
    BorderConfig,
    BorderDet,
)
from gfl_bench.config.schema.box import (
    BoxConfig,
    Dirac,
    Gaussian,
    General,
    GeneralDFL,
)
from gfl_bench.config.schema.data import (
    COCO,
    DataConfig,
    Pixels,
    Scenes,
    SplitConfig,
)
from gfl_bench.config.schema.detector import (
    ATSS,
    FCOS,
    BoxNormaliser,
    Count,
    DetectorConfig,
    FocalConfig,
    FoveaBox,
    HeadConfig,
    LatticeConfig,
    MaxIoUDetector,
    Norm,
    PostProcessConfig,
    PriorConfig,
    PyramidConfig,
    PyramidSource,
    Ranking,
    Tower,
)
from gfl_bench.config.schema.dirac import (
    INVERTIBLE,
    BoxLoss,
    DiracCoding,
    DiracConfig,
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
from gfl_bench.config.schema.guidance import (
    DistributionGuidance,
    GuidanceConfig,
    NoGuidance,
    SampledGuidance,
)
from gfl_bench.config.schema.network import (
    FPN,
    VGG16,
    BackboneConfig,
    BlockStyle,
    NeckConfig,
    ResNet,
)
from gfl_bench.config.schema.paa import (
    PAA,
    MixtureConfig,
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
    VarifocalConfig,
)
from gfl_bench.config.schema.reppoints import (
    BoxOfPoints,
    PointsHeadConfig,
    RepPointsV2,
)
from gfl_bench.config.schema.ssd import (
    SSD,
    SSDNeck,
    SSDPriors,
)
from gfl_bench.config.schema.vfnet import (
    VFNet,
    VFNetHead,
)

__all__ = [
    "ATSS",
    "COCO",
    "FCOS",
    "FPN",
    "INVERTIBLE",
    "PAA",
    "SSD",
    "VGG16",
    "ATSSAssigner",
    "AssignerConfig",
    "BackboneConfig",
    "BlockStyle",
    "BorderConfig",
    "BorderDet",
    "BoxConfig",
    "BoxLoss",
    "BoxNormaliser",
    "BoxOfPoints",
    "BoxWeight",
    "CenternessBranch",
    "CenternessGuided",
    "Config",
    "Count",
    "DataConfig",
    "DetectorConfig",
    "Dirac",
    "DiracCoding",
    "DiracConfig",
    "DistributionGuidance",
    "FCOSAssigner",
    "FocalConfig",
    "FocalQuality",
    "FoveaAssigner",
    "FoveaBox",
    "Gaussian",
    "General",
    "GeneralDFL",
    "GuidanceConfig",
    "HeadConfig",
    "IoUBranch",
    "IoUGuided",
    "Joint",
    "JointLoss",
    "LatticeConfig",
    "MachineConfig",
    "MaxIoUAssigner",
    "MaxIoUDetector",
    "MixtureConfig",
    "Mode",
    "NeckConfig",
    "NoGuidance",
    "NoQuality",
    "Norm",
    "PathsConfig",
    "Pixels",
    "PointsHeadConfig",
    "PostProcessConfig",
    "Precision",
    "PriorConfig",
    "PyramidConfig",
    "PyramidSource",
    "QualityConfig",
    "Ranking",
    "RepPointsV2",
    "ResNet",
    "SSDNeck",
    "SSDPriors",
    "SampledGuidance",
    "ScaleConfig",
    "Scenes",
    "ScheduleConfig",
    "SplitConfig",
    "Tower",
    "VFNet",
    "VFNetHead",
    "VarifocalConfig",
]
