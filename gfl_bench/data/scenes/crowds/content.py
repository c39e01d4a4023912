"""What the files of generated crowds hold: the same as CrowdHuman's in COCO's form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gfl_bench.data.crowdhuman.instances import instances
from gfl_bench.data.crowdhuman.odgt import Body, Photograph
from gfl_bench.data.scenes.content import SceneSettings, file_name, named

CROWD_VERSION = 1  # of the pictures: raise it when a change alters any of them


@dataclass(frozen=True)
class CrowdSettings(SceneSettings):
    """All that the pictures of crowds depend on."""

    def folder_name(self) -> str:
        return named(f"scenes-crowds-{self.size}px", {"crowds": CROWD_VERSION, **asdict(self)})


def crowd_dataset(settings: CrowdSettings, split: str, labels: list[list[Body]]) -> dict[str, Any]:
    """The content of an instances JSON, see ``instances``."""
    size = settings.size, settings.size
    scenes = [Photograph(file_name(index), size, tuple(bodies)) for index, bodies in enumerate(labels)]
    described = {"description": "gfl_bench crowds", "version": str(CROWD_VERSION), "settings": asdict(settings)}
    return {"info": described, **instances(scenes, [size] * len(scenes), "")}
