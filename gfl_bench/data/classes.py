"""The names of what a detector was trained to find, without its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gfl_bench.config.schema import COCO, DataConfig, Scenes
from gfl_bench.data.annotations import read_annotations
from gfl_bench.data.crowdhuman.odgt import PERSON
from gfl_bench.data.error import DataError
from gfl_bench.data.scenes.objects import NAMES


@dataclass(frozen=True)
class Classes:
    """By label, 0..C-1."""

    names: list[str]
    ids: list[int]  # of the categories in annotation files


def classes_of(data: DataConfig, listed: Path | None = None) -> Classes:
    """Those in the file ``listed``, one name a line; else of the data. A COCO-format set that is not here is COCO.

    Raises:
        DataError: ``listed`` or the annotation file cannot be read, or the data's classes are unknown.
    """
    if listed is not None:
        return _numbered(_lines(listed))
    if data.of_crowds:
        return _numbered([PERSON])
    if isinstance(data, Scenes):
        return _numbered(list(NAMES))
    if not isinstance(data, COCO):
        raise DataError(f"the classes of data={data.name} are not known: give a file with one name a line")
    annotations = Path(data.val.annotations).expanduser()
    if not annotations.is_file():
        return coco_classes()
    found = read_annotations(annotations, annotated=False)
    return Classes(found.class_names, found.category_ids)


def coco_classes() -> Classes:
    """COCO's 80, whose ids run to 90."""
    from torchvision.models.detection import FCOS_ResNet50_FPN_Weights  # names only; slow to import

    listed = enumerate(FCOS_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
    found = {number: name for number, name in listed if name not in ("__background__", "N/A")}
    return Classes(list(found.values()), list(found))


def _numbered(names: list[str]) -> Classes:
    return Classes(names, list(range(1, len(names) + 1)))


def _lines(path: Path) -> list[str]:
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the names of the classes cannot be read ({error}): give a text file") from error
    if not names:
        raise DataError(f"{path}: there is no name of a class in it: write one a line")
    return names
