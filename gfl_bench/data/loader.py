"""From a data option to batches on the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from gfl_bench.config.schema import COCO, CrowdHuman, Crowds, DataConfig, Scenes, SplitConfig
from gfl_bench.data.batch_order import Draw, TrainingOrder, TrainingSteps, evaluation_batches
from gfl_bench.data.coco import CocoDataset, Sample, Split, validate
from gfl_bench.data.crowdhuman.prepare import instances_file
from gfl_bench.data.error import DataError
from gfl_bench.data.scenes.content import SceneSettings
from gfl_bench.data.scenes.crowds.content import CrowdSettings
from gfl_bench.data.scenes.write import SPLITS, ensure_scenes
from gfl_bench.structures import Batch, Instances

DIVISOR = 32  # pixels; sides of a padded image are multiples of it


def prepare(data: DataConfig, cache: Path, needed: Sequence[str] = SPLITS, annotated: bool = True) -> dict[str, Split]:
    """The splits ``needed`` of a data option, checked; scenes are generated where they are missing.

    Args:
        data: the chosen option. Paths may begin with ``~``.
        cache: folder for generated scenes, and for CrowdHuman's annotations in COCO's form.
        annotated: the files must have annotations; those of COCO's test sets have none.

    Raises:
        DataError: what ``validate`` and ``ensure_scenes`` raise, or a path that is not set.
    """
    if isinstance(data, Scenes):
        return _scenes(data, cache, needed)
    if not isinstance(data, COCO | CrowdHuman):
        raise DataError(f"data={data.name} has no loader; choose data=scenes or data=coco")
    splits = {name: _split(name, getattr(data, name), annotated) for name in needed}
    if isinstance(data, CrowdHuman):
        splits = {name: _converted(split, cache) for name, split in splits.items()}
    for split in splits.values():
        validate(split)
    return splits


def train_batches(
    dataset: CocoDataset,
    *,
    batch_size: int,
    seed: int,
    start_step: int,
    steps: int,
    workers: int,
    rank: int = 0,
    world: int = 1,
) -> Iterator[Batch]:
    """Shuffled, augmented batches of the steps ``start_step`` to ``steps - 1`` of a run.

    The batch of a step is the same whatever ``workers``, ``start_step`` and ``steps`` are. An image may come twice in a
    batch only where one pass over the data ends and the next begins.

    Args:
        batch_size: images a step over all ``world`` processes; this one, ``rank``, gets its equal share of each.

    Raises:
        DataError: ``batch_size`` cannot be shared out, or an image cannot be read (when its batch is asked for).
    """
    if batch_size % world:
        raise DataError(f"schedule.batch_size={batch_size} cannot be shared by {world} processes; choose a multiple")
    order = TrainingOrder(dataset.landscape, batch_size, seed)
    return _batches(dataset, TrainingSteps(order, start_step, steps, rank, world), workers)


def eval_batches(
    dataset: CocoDataset, *, batch_size: int, workers: int, rank: int = 0, world: int = 1
) -> Iterator[Batch]:
    """Every image once, wide ones before high ones, in the order of the file; the last batch may be smaller.

    Raises:
        DataError: an image cannot be read (when its batch is asked for).
    """
    return _batches(dataset, evaluation_batches(dataset.landscape, batch_size, rank, world), workers)


def collate(samples: list[Sample]) -> Batch:
    """Pad images with zeros, right and below, to the largest of them rounded up to a multiple of 32."""
    sizes = torch.tensor([sample.image.shape[-2:] for sample in samples])
    padded_sizes = (sizes + DIVISOR - 1) // DIVISOR * DIVISOR
    height, width = padded_sizes.amax(0).tolist()
    images = [
        functional.pad(one.image, (0, width - one.image.shape[2], 0, height - one.image.shape[1])) for one in samples
    ]
    sigma = _all_told([sample.sigma for sample in samples])
    instances = Instances(
        boxes=torch.cat([sample.boxes for sample in samples]),
        labels=torch.cat([sample.labels for sample in samples]),
        image=_image_index([sample.boxes for sample in samples]),
        ignored_boxes=torch.cat([sample.ignored_boxes for sample in samples]),
        ignored_image=_image_index([sample.ignored_boxes for sample in samples]),
        sigma=None if sigma is None else torch.cat(sigma),
    )
    scale_factors = torch.stack([sample.scale_factor for sample in samples])
    image_ids = [sample.image_id for sample in samples]
    frames = _all_told([sample.frame for sample in samples])
    return Batch(
        torch.stack(images), instances, sizes, padded_sizes, scale_factors, image_ids,
        None if frames is None else torch.stack(frames),
    )  # fmt: skip


def _scenes(data: Scenes, cache: Path, needed: Sequence[str]) -> dict[str, Split]:
    kind = CrowdSettings if isinstance(data, Crowds) else SceneSettings
    folder = ensure_scenes(kind(data.size, data.train_images, data.val_images, data.seed), cache.expanduser())
    files = {name: (folder / name, folder / "annotations" / f"{name}.json") for name in needed}
    return {name: Split(*paths, whole_boxes=data.of_crowds) for name, paths in files.items()}


def _converted(split: Split, cache: Path) -> Split:
    return replace(split, annotations=instances_file(split.annotations, split.images, cache), whole_boxes=True)


def _split(name: str, paths: SplitConfig, annotated: bool) -> Split:
    for key in ("images", "annotations"):
        if getattr(paths, key) == "???":  # OmegaConf's mark of a value that was never set
            raise DataError(f"data.{name}.{key} is not set; give the path of your data")
    return Split(Path(paths.images).expanduser(), Path(paths.annotations).expanduser(), annotated)


def _all_told(parts: list[Tensor | None]) -> list[Tensor] | None:
    told = [part for part in parts if part is not None]
    return told if len(told) == len(parts) else None


def _image_index(boxes: list[Tensor]) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(boxes)), torch.tensor([len(one) for one in boxes]))


class _Drawn(Dataset["Sample | DataError"]):
    """A data set that is asked for draws: their seed rules the augmentation, and data errors come back as values.

    An exception raised in a worker would reach the main process wrapped in a traceback of many lines.
    """

    def __init__(self, dataset: CocoDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, draw: Draw) -> Sample | DataError:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(draw.seed)
            try:
                return self.dataset[draw.index]
            except DataError as error:
                return error


def _collate_drawn(samples: list[Sample | DataError]) -> Batch | DataError:
    error = next((one for one in samples if isinstance(one, DataError)), None)
    return collate([one for one in samples if isinstance(one, Sample)]) if error is None else error


def _batches(dataset: CocoDataset, sampler: TrainingSteps | list[list[Draw]], workers: int) -> Iterator[Batch]:
    # torch.utils.data draws a base seed for its workers from the generator in use: keep the run's own out of it.
    loader = DataLoader(
        _Drawn(dataset), batch_sampler=sampler, num_workers=workers, collate_fn=_collate_drawn,
        worker_init_fn=_settle, generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def _settle(worker: int) -> None:
    """One thread, and a process group of its own.

    A scheduler's or a shell's stop signal goes to the whole group of a run. The main process answers it by saving its
    state; a worker that died of it first would turn that into a crash.
    """
    torch.set_num_threads(1)
    os.setpgid(0, 0)
