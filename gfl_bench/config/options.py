"""Types of the options in ``conf/``: each YAML file begins with the dataclass that it fills."""

from __future__ import annotations

from hydra.core.config_store import ConfigStore

from gfl_bench.config import schema

OPTIONS: dict[str, type] = {
    "detector/atss": schema.DetectorConfig,
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
    "backbone/resnet": schema.ResNet,
    "neck/fpn": schema.FPN,
    "data/scenes": schema.Scenes,
    "data/coco": schema.COCO,
    "schedule": schema.ScheduleConfig,
}


def register_schema() -> None:
    """Make the dataclasses known to Hydra, as ``schema`` and ``schema/<group>/<option>``."""
    store = ConfigStore.instance()
    store.store(name="schema", node=schema.Config)
    for path, node in OPTIONS.items():
        group, _, name = f"schema/{path}".rpartition("/")
        store.store(group=group, name=name, node=node)
