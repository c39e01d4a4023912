"""Types of the options in ``conf/``: each YAML file begins with the dataclass that it fills."""

from __future__ import annotations

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from gfl_bench.config import schema
from gfl_bench.config.paths import conf_folder

OmegaConf.register_new_resolver("max", max, replace=True)  # for the files: ${max:512,${data.size}}

OPTIONS: dict[str, type] = {
    "detector/atss": schema.ATSS,
    "detector/max_iou": schema.MaxIoUDetector,
    "detector/fcos": schema.FCOS,
    "detector/fovea": schema.FoveaBox,
    "detector/borderdet": schema.BorderDet,
    "detector/paa": schema.PAA,
    "detector/vfnet": schema.VFNet,
    "detector/reppoints_v2": schema.RepPointsV2,
    "detector/ssd": schema.SSD,
    "detector/nanodet": schema.NanoDet,
    "detector/yolo": schema.YOLO,
    "quality/none": schema.NoQuality,
    "quality/centerness_branch": schema.CenternessBranch,
    "quality/iou_branch": schema.IoUBranch,
    "quality/centerness_guided": schema.CenternessGuided,
    "quality/iou_guided": schema.IoUGuided,
    "quality/joint": schema.Joint,
    "box/dirac": schema.Dirac,
    "box/gaussian": schema.Gaussian,
    "box/general": schema.General,
    "box/general_dfl": schema.GeneralDFL,
    "guidance/none": schema.NoGuidance,
    "guidance/distribution": schema.DistributionGuidance,
    "guidance/sampled": schema.SampledGuidance,
    "backbone/resnet": schema.ResNet,
    "backbone/vgg16": schema.VGG16,
    "backbone/shufflenet_v2": schema.ShuffleNetV2,
    "backbone/darknet_tiny": schema.DarknetTiny,
    "backbone/csp_darknet_tiny": schema.CSPDarknetTiny,
    "neck/fpn": schema.FPN,
    "neck/ssd": schema.SSDNeck,
    "neck/pan": schema.PAN,
    "neck/yolo_tiny": schema.YOLONeck,
    "data/scenes": schema.Scenes,
    "data/coco": schema.COCO,
    "data/crowds": schema.Crowds,
    "data/crowdhuman": schema.CrowdHuman,
    "schedule": schema.ScheduleConfig,
}


def fill_option(group: str, name: str) -> DictConfig:
    """The dataclass of the option ``<group>=<name>`` with the values of its file, as Hydra composes it at first."""
    values = OmegaConf.load(conf_folder() / group / f"{name}.yaml")
    assert isinstance(values, DictConfig)
    (base,) = values.pop("defaults")  # such as /schema/quality/joint@_here_
    filled = OmegaConf.merge(OmegaConf.structured(OPTIONS[base[len("/schema/") : -len("@_here_")]]), values)
    assert isinstance(filled, DictConfig)
    return filled


def register_schema() -> None:
    """Make the dataclasses known to Hydra, as ``schema`` and ``schema/<group>/<option>``."""
    store = ConfigStore.instance()
    store.store(name="schema", node=schema.Config)
    for path, node in OPTIONS.items():
        group, _, name = f"schema/{path}".rpartition("/")
        store.store(group=group, name=name, node=node)
