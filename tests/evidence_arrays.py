"""Evidence as an evaluation would leave it, small and with known properties."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE, IMAGES, BINS, POSITIVES = 96, 3, 17, 400
TRUTH = np.array([[20, 24, 60, 70], [30, 10, 80, 50], [8, 40, 44, 88]], np.float32)  # one of each image
Arrays = dict[str, NDArray[Any]]


def evidence(seed: int = 0, general: bool = True, joint: bool = True, truth: bool = True) -> Arrays:
    """Arrays of a model with General Distributions or none, with the joint score or a branch."""
    rng = np.random.default_rng(seed)
    arrays = _positives(rng, general) | _background(joint) | pictures("example", IMAGES)
    arrays |= boxes("detection", rng, 2, joint, general) | boxes("candidate", rng, 12, joint, False)
    if truth:
        labels = np.zeros(IMAGES, np.int32)
        arrays |= _named("example_truth", example=np.arange(IMAGES, dtype=np.int32), box=TRUTH, label=labels)
    for kind, width in (("flat", 3.0), ("sharp", 0.4)) if general else ():
        arrays |= pictures(kind, 2 * IMAGES) | boxes(kind, rng, 2, joint, True, width)
        arrays[f"{kind}_image_id"] = np.repeat(np.arange(IMAGES, dtype=np.int64), 2)
    return arrays


def keep(folder: Path, arrays: Arrays) -> None:
    """Write them where an evaluation does."""
    np.savez_compressed(folder / "evidence.npz", **arrays)  # type: ignore[arg-type]


def boxes(kind: str, rng: np.random.Generator, each: int, joint: bool, general: bool, width: float = 1.0) -> Arrays:
    """``each`` boxes about the object of each image."""
    count = each * IMAGES
    example = np.repeat(np.arange(IMAGES, dtype=np.int32), each)
    truth = np.repeat(TRUTH, each, axis=0)
    box = (truth + rng.normal(0, 3, (count, 4))).astype(np.float32)
    score = np.sort(rng.uniform(0.3, 0.9, count)).astype(np.float16)
    center, stride = ((truth[:, :2] + truth[:, 2:]) / 2).astype(np.float32), np.full(count, 8, np.float16)
    columns = _named(
        kind, example=example, box=box, score=score, class_score=score, label=np.zeros(count, np.int32),
        quality=score if joint else rng.uniform(0, 1, count).astype(np.float16), location=center, stride=stride,
    )  # fmt: skip
    if general:
        distance = np.abs(truth - np.tile(center, 2)) / 8
        logits = -((np.arange(BINS) - distance[..., None]) ** 2) / (2 * width**2)
        columns[f"{kind}_distribution"] = _softmax(logits).astype(np.float16)
    return columns


def pictures(kind: str, count: int) -> Arrays:
    """Grey pictures, half as large as their originals."""
    files = []
    for shade in range(count):
        file = io.BytesIO()
        Image.new("RGB", (SIZE // 2, SIZE // 2), (90 + 10 * shade,) * 3).save(file, "jpeg")
        files.append(file.getvalue())
    ends = np.cumsum([len(file) for file in files], dtype=np.int64)
    return _named(
        kind, jpeg=np.frombuffer(b"".join(files), np.uint8), jpeg_end=ends, scale=np.full(count, 0.5, np.float32),
        image_id=np.arange(count, dtype=np.int64),
    )  # fmt: skip


def _positives(rng: np.random.Generator, general: bool) -> Arrays:
    iou = rng.uniform(0, 1, POSITIVES).astype(np.float32)
    target = rng.gamma(4, 1, (POSITIVES, 4)).astype(np.float16)
    sigma = np.exp(rng.uniform(np.log(0.3), np.log(12), (POSITIVES, 4)))
    index = np.arange(POSITIVES, dtype=np.int32)
    arrays: Arrays = {
        "image_id": np.arange(IMAGES, dtype=np.int64), "positive_image": index % IMAGES, "positive_object": index,
        "positive_predicted": (iou / 2).astype(np.float32), "positive_iou": iou, "side_target": target,
        "positive_stride": np.full(POSITIVES, 8, np.float16), "side_sigma": sigma.astype(np.float16),
        "target_histogram": np.histogram(target.ravel(), np.append(np.arange(129) * 0.25, np.inf))[0].astype(np.int64),
    }  # fmt: skip
    if general:
        arrays |= {
            "side_top1": np.repeat(iou[:, None], 4, axis=1).astype(np.float16),
            "side_variance": ((2 * sigma / 8) ** 2).astype(np.float16),
        }
    return arrays


def _background(joint: bool) -> Arrays:
    steps = np.arange(100)
    counts = (1e6 * np.exp(-(steps if joint else steps / 4))).astype(np.int64)
    return {"background_quality": counts, "background_score": counts}


def _named(prefix: str, **arrays: NDArray[Any]) -> Arrays:
    return {f"{prefix}_{name}": array for name, array in arrays.items()}


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
