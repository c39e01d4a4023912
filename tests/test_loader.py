"""Batches: the same whatever loads them and wherever a run was resumed, of one orientation, padded as the reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gfl_bench.config.schema import COCO, DataConfig, Scenes, SplitConfig
from gfl_bench.data.batch_order import TrainingOrder, evaluation_batches
from gfl_bench.data.coco import CocoDataset, Split
from gfl_bench.data.error import DataError
from gfl_bench.data.loader import eval_batches, prepare, train_batches
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.data.transforms import evaluation_transform, training_transform
from gfl_bench.structures import Batch

DATA = DataConfig(name="any", size=48, max_size=1000, multi_scale=[5 / 6, 7 / 6])
SIZES = [(64, 48)] * 7 + [(48, 64)] * 4 + [(50, 50)]  # width, height


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Twelve noisy images, wide and high; each has one box, the second also a crowd, the third two boxes."""
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number, (width, height) in enumerate(SIZES):
        image = {"id": 100 + number, "file_name": f"{number}.png", "width": width, "height": height}
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(folder / image["file_name"])
        images.append(image)
        for crowd in {1: [0, 1], 2: [0, 0]}.get(number, [0]):
            annotations.append({"id": len(annotations) + 1, "image_id": image["id"], "category_id": 1,
                                "bbox": [5 + number, 6, 20, 25], "area": 500, "iscrowd": crowd})  # fmt: skip
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "train.json").write_text(json.dumps(content))
    return Split(folder, folder / "train.json")


@pytest.fixture(scope="module")
def training(split: Split) -> CocoDataset:
    return CocoDataset(split, training_transform(DATA), training=True)


def tensors(batch: Batch) -> list[Tensor]:
    instances = [getattr(batch.instances, field.name) for field in fields(batch.instances)]
    known = [part for part in instances if part is not None]
    return [batch.images, batch.sizes, batch.padded_sizes, batch.scale_factors, *known]


def assert_same(first: list[Batch], second: list[Batch]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.image_ids == other.image_ids
        assert all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


def run(dataset: CocoDataset, start: int = 0, stop: int = 6, **options: int) -> list[Batch]:
    options = {"batch_size": 4, "seed": 3, "workers": 0, **options}
    return list(train_batches(dataset, start_step=start, steps=stop, **options))


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_do_not_depend_on_the_number_of_workers(training: CocoDataset, workers: int) -> None:
    assert_same(run(training), run(training, workers=workers))


def test_a_run_resumed_at_any_step_sees_the_batches_of_the_uninterrupted_one(training: CocoDataset) -> None:
    whole = run(training)
    for start in (1, 4, 6):
        assert_same(whole[start:], run(training, start))


def test_loading_leaves_the_random_state_of_the_run_alone(training: CocoDataset) -> None:
    before = torch.get_rng_state()
    run(training, stop=2)
    run(training, stop=2, workers=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_gives_other_images_and_other_augmentation(training: CocoDataset) -> None:
    assert [b.image_ids for b in run(training)] != [b.image_ids for b in run(training, seed=4)]
    assert len({tuple(size.tolist()) for batch in run(training) for size in batch.sizes}) > 5


def test_an_image_is_augmented_anew_each_time(training: CocoDataset) -> None:
    seen = [
        (batch.sizes[n].tolist(), batch.instances.boxes[batch.instances.image == n].tolist())
        for batch in run(training, stop=12) for n, image in enumerate(batch.image_ids) if image == 100
    ]
    assert len(seen) > 2
    assert any(one != seen[0] for one in seen)


def test_processes_share_each_batch_between_them(training: CocoDataset) -> None:
    whole = run(training)
    shares = [run(training, rank=rank, world=2) for rank in range(2)]
    for batch, first, second in zip(whole, *shares, strict=True):
        assert batch.image_ids == first.image_ids + second.image_ids
        assert torch.equal(batch.sizes, torch.cat([first.sizes, second.sizes]))


def test_a_batch_that_cannot_be_shared_equally_is_refused(training: CocoDataset) -> None:
    with pytest.raises(DataError, match="batch_size=4 cannot be shared by 3"):
        run(training, world=3)


def test_wide_and_high_images_never_meet_in_a_batch_and_take_turns_by_their_share() -> None:
    landscape = np.arange(90) % 3 > 0
    order = TrainingOrder(landscape, batch_size=8, seed=0)
    kinds = [{bool(landscape[draw.index]) for draw in order.batch(step)} for step in range(300)]
    assert all(len(kind) == 1 for kind in kinds)
    assert Counter(kind.pop() for kind in kinds) == {True: 200, False: 100}


@pytest.mark.parametrize("images", [1, 5, 16, 50])
def test_every_image_is_used_once_in_each_pass(images: int) -> None:
    order = TrainingOrder(np.ones(images, bool), batch_size=5, seed=0)
    used = [draw.index for step in range(2 * images) for draw in order.batch(step)]
    passes = np.array(used).reshape(-1, images)
    assert (np.sort(passes, axis=1) == np.arange(images)).all()
    assert images == 1 or len({tuple(one) for one in passes.tolist()}) > 1


def test_no_two_images_of_a_run_share_an_augmentation_seed() -> None:
    order = TrainingOrder(np.ones(64, bool), batch_size=16, seed=0)
    seeds = [draw.seed for step in range(100) for draw in order.batch(step)]
    assert len(set(seeds)) == len(seeds)


SIGNALLED = """
import os, signal, sys
from pathlib import Path
from gfl_bench.config.schema import DataConfig
from gfl_bench.data.coco import CocoDataset, Split
from gfl_bench.data.loader import train_batches
from gfl_bench.data.transforms import training_transform

folder = Path(sys.argv[1])
data = training_transform(DataConfig(name="any", size=48))
dataset = CocoDataset(Split(folder, folder / "train.json"), data, training=True)
signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
batches = train_batches(dataset, batch_size=4, seed=0, start_step=0, steps=40, workers=1)
next(batches)
os.killpg(0, signal.SIGTERM)
print(sum(1 for _ in batches), "more batches")
"""


@pytest.mark.slow
def test_a_stop_signal_to_the_whole_run_reaches_the_main_process_alone(split: Split) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(split.images)], env=environment, start_new_session=True, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.split("\n") == ["asked to stop", "39 more batches", ""]


# --- evaluation -------------------------------------------------------------------------------------------------------


def test_evaluation_sees_every_image_once_in_batches_of_one_orientation(split: Split) -> None:
    dataset = CocoDataset(split, evaluation_transform(DATA), training=False)
    batches = list(eval_batches(dataset, batch_size=3, workers=0))
    assert sorted(i for batch in batches for i in batch.image_ids) == list(range(100, 112))
    for batch in batches:
        assert len({height > width for height, width in batch.sizes.tolist()}) == 1
    assert_same(batches, list(eval_batches(dataset, batch_size=3, workers=1)))


def test_processes_share_the_images_of_an_evaluation() -> None:
    landscape = np.arange(23) % 2 == 0
    shares = [evaluation_batches(landscape, 4, rank, 3) for rank in range(3)]
    assert sorted(draw.index for share in shares for batch in share for draw in batch) == list(range(23))


# --- batch ------------------------------------------------------------------------------------------------------------


def test_images_are_padded_with_zeros_right_and_below_to_multiples_of_32(split: Split) -> None:
    dataset = CocoDataset(split, evaluation_transform(DATA), training=False)
    batch = next(eval_batches(dataset, batch_size=8, workers=0))  # seven of 64 x 48 and the one of 50 x 50
    assert batch.images.shape == (8, 3, 64, 64)
    assert batch.images.dtype == torch.float32
    assert batch.sizes.tolist() == [[48, 64]] * 7 + [[48, 48]]
    assert batch.padded_sizes.tolist() == [[64, 64]] * 8
    assert (batch.images[:, :, 48:] == 0).all()
    assert (batch.images[7, :, :, 48:] == 0).all()
    assert (batch.images[:7, :, 47, 63] != 0).any()
    assert torch.allclose(batch.scale_factors, torch.tensor([[1.0, 1.0]] * 7 + [[0.96, 0.96]]))


def test_boxes_follow_one_another_and_know_their_image(split: Split) -> None:
    dataset = CocoDataset(split, evaluation_transform(DATA), training=False)
    instances = next(eval_batches(dataset, batch_size=4, workers=0)).instances
    assert instances.image.tolist() == [0, 1, 2, 2, 3]
    assert instances.boxes[:, 0].tolist() == [5, 6, 7, 7, 8]
    assert instances.ignored_image.tolist() == [1]
    assert instances.ignored_boxes.tolist() == [[6, 6, 26, 31]]
    assert (instances.labels.dtype, instances.image.dtype) == (torch.int64, torch.int64)


# --- splits -----------------------------------------------------------------------------------------------------------


def test_scenes_are_prepared_and_ready_to_load(tmp_path: Path) -> None:
    data = Scenes(size=96, train_images=6, val_images=2)
    splits = prepare(data, tmp_path / "new")
    assert set(splits) == {"train", "val"}
    dataset = CocoDataset(splits["train"], training_transform(data), training=True)
    batch = next(train_batches(dataset, batch_size=2, seed=0, start_step=0, steps=1, workers=0))
    assert batch.images.shape == (2, 3, 96, 96)
    assert dataset.class_names == list(NAMES)


def test_a_home_folder_in_a_path_is_understood(split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(split.images.parent))
    paths = SplitConfig(f"~/{split.images.name}", f"~/{split.images.name}/train.json")
    assert prepare(COCO(train=paths, val=paths), tmp_path)["val"] == split


def test_a_path_that_was_never_set_is_asked_for(split: Split, tmp_path: Path) -> None:
    paths = SplitConfig(str(split.images), str(split.annotations))
    with pytest.raises(DataError, match=r"data\.val\.images is not set"):
        prepare(COCO(train=paths), tmp_path)
