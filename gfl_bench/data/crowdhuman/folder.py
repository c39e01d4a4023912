"""What of CrowdHuman lies in a folder, and what is to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.data.crowdhuman.odgt import read_odgt
from gfl_bench.data.crowdhuman.prepare import missing_images

PAGE = "https://www.crowdhuman.org/download.html"
IMAGES = "Images"  # as all archives name their folder


@dataclass(frozen=True)
class OfficialSplit:
    """One of the two annotated splits as they are published."""

    name: str
    images: int
    archives: tuple[str, ...]

    @property
    def annotations(self) -> str:
        return f"annotation_{self.name}.odgt"


SPLITS = (
    OfficialSplit("train", 15000, tuple(f"CrowdHuman_train0{number}.zip" for number in (1, 2, 3))),
    OfficialSplit("val", 4370, ("CrowdHuman_val.zip",)),
)


def lacks(folder: Path) -> list[str]:
    """A sentence on each thing that is missing from ``folder``, with what to fetch and where to put it.

    Raises:
        DataError: an annotation file is damaged.
    """
    return [sentence for split in SPLITS for sentence in _lacks(folder, split)]


def _lacks(folder: Path, split: OfficialSplit) -> Iterator[str]:
    annotations = folder / split.annotations
    if not annotations.is_file():
        yield f"{annotations} is not there: fetch {split.annotations} from {PAGE} and put it there"
        if not (folder / IMAGES).is_dir():
            yield f"{folder / IMAGES} is not there, for {split.images} {split.name} images: {_archives(folder, split)}"
        return
    photographs = read_odgt(annotations)
    if len(photographs) != split.images:
        yield f"{annotations} has {len(photographs)} images, not {split.images}: fetch it again from {PAGE}"
    missing = missing_images(photographs, folder / IMAGES)
    if missing:
        yield (
            f"{len(missing)} of the {len(photographs)} {split.name} images are not in {folder / IMAGES}, such as "
            f"{missing[0]}: {_archives(folder, split)}"
        )


def _archives(folder: Path, split: OfficialSplit) -> str:
    """What to do for the images of a split."""
    to_fetch = [name for name in split.archives if not (folder / name).is_file()]
    fetch = f"fetch {', '.join(to_fetch)} from {PAGE} to {folder}, then " if to_fetch else ""
    unpack = "; ".join(f"unzip -n {folder / name} -d {folder}" for name in split.archives)
    return f"{fetch}unpack: {unpack}"
