"""Detections with what was said at the locations that they come from, as columns of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.evaluate.evidence.seen import Seen, columns
from gfl_bench.models.postprocess import Candidates
from gfl_bench.models.priors import select

Rows = dict[str, NDArray[Any]]

_MOVED = {  # to the CPU
    "image": torch.int64, "box": torch.float32, "score": torch.float32, "class_score": torch.float16,
    "quality": torch.float16, "label": torch.int32, "location": torch.float32, "stride": torch.float16,
    "distribution": torch.float16, "entropy": torch.float32,
}  # fmt: skip
_WRITTEN = ("box", "score", "class_score", "quality", "label", "location", "stride", "distribution")


def described(seen: Seen, image: Tensor, boxes: Tensor, chosen: Candidates) -> Rows:
    """N detections or candidates, in pixels of the original image.

    ``image`` counts within the batch, ``image_id`` is the file's; ``stride`` is the mean of both directions;
    ``distribution`` and ``entropy``, the mean of the four sides, are there for a General Distribution.

    Args:
        image: [N] int64, which of the batch.
        boxes: [N, 4].
        chosen: their locations, labels and scores.
    """
    detector, output, priors = seen.detector, seen.output, seen.detector.priors(seen.batch)
    row, scale, at = image * len(priors) + chosen.location, seen.batch.scale_factors[image], chosen.location
    where, label = select(priors, at), chosen.label[:, None]
    quality, classes = seen.quality[row], detector.class_scores_at(output, row)
    told = {
        "image": image, "box": boxes, "score": chosen.score, "label": chosen.label,
        "class_score": classes.gather(1, label).squeeze(1),
        "quality": quality.gather(1, label.clamp(max=quality.shape[1] - 1)).squeeze(1),
        "location": seen.batch.to_original(where.center, image), "stride": where.stride / scale.mean(dim=1),
    }  # fmt: skip
    raw = output.box.flatten(0, 1)[row]
    distribution = detector.box.probabilities(raw)
    if distribution is not None:
        told |= {"distribution": distribution, "entropy": detector.box.spread(raw)["entropy"].mean(dim=1)}
    rows = columns(told, _MOVED)
    return {"image_id": np.array(seen.batch.image_ids, np.int64)[rows["image"]], **rows}


def detections(seen: Seen, least: float = 0.0) -> Rows:
    """Those of a batch that have the score ``least``."""
    counts = torch.tensor([len(one.scores) for one in seen.found])
    image = torch.repeat_interleave(torch.arange(len(counts)), counts).to(seen.output.cls.device)
    boxes, scores, labels, location = (
        torch.cat(parts)
        for parts in zip(*((one.boxes, one.scores, one.labels, _told(one.location)) for one in seen.found), strict=True)
    )
    kept = scores >= least
    return described(seen, image[kept], boxes[kept], Candidates(location[kept], labels[kept], scores[kept]))


def _told(location: Tensor | None) -> Tensor:
    if location is None:
        raise ValueError("the detections do not say which priors they come from")
    return location


def take(rows: Rows, index: NDArray[Any]) -> Rows:
    """The rows at ``index``, or where it is true."""
    return {name: column[index] for name, column in rows.items()}


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, which have the same columns."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def named(prefix: str, rows: Rows, leave_out: Sequence[str] = ()) -> Rows:
    """The columns that are written, by their names in the file."""
    kept = [name for name in _WRITTEN if name in rows and name not in leave_out]
    halved = {name: rows[name].astype(np.float16) if name == "score" else rows[name] for name in kept}
    return {f"{prefix}_{name}": column for name, column in halved.items()}
