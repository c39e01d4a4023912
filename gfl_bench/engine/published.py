"""Published files, mmdetection's and NanoDet's: how they become a detector's weights, and why some do not."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gfl_bench.config.schema import Config
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.origins import MMDETECTION, NANODET, Origin
from gfl_bench.engine.published_options import as_overrides, differing, options_of
from gfl_bench.models.nanodet_names import is_nanodet
from gfl_bench.models.reference_names import UnknownNameError

log = logging.getLogger(__name__)

_LISTED = 3  # names of each kind that a refusal gives
_NO_WEIGHTS = re.compile(r"^data_preprocessor\.|\.num_batches_tracked$")  # of no use to a detector at rest
_CLASSES = re.compile(r"^(?:bbox_head\.(?:\w+_cls|cls_convs\.\d+\.0)|model\.head\.gfl_cls\.\d+)\.(?:weight|bias)$")


@dataclass(frozen=True)
class Published:
    """What such a file holds.

    Attributes:
        tensors: by the origin's present names.
        text: the configuration that it was trained with, as mmdetection writes it; empty where it is not there.
    """

    origin: Origin
    tensors: dict[str, Tensor]
    text: str


def as_published(state: Mapping[str, Any]) -> Published | None:
    """The content of a file that mmdetection or NanoDet wrote; None where it is something else."""
    tensors = state.get("state_dict")
    if not isinstance(tensors, Mapping) or not tensors or not all(isinstance(x, Tensor) for x in tensors.values()):
        return None
    meta = state.get("meta")
    texts = [meta.get(key) for key in ("cfg", "config")] if isinstance(meta, Mapping) else []
    named = {str(name).removeprefix("module."): value for name, value in tensors.items()}
    kept = {name: value for name, value in named.items() if not _NO_WEIGHTS.search(name)}
    origin = NANODET if is_nanodet(kept) else MMDETECTION
    return Published(origin, origin.present(kept), next((text for text in texts if isinstance(text, str)), ""))


def load_published(detector: nn.Module, published: Published, config: Config, path: Path) -> None:
    """Give ``detector``, of ``config``, the weights of the file ``path``.

    Raises:
        CheckpointError: they are of another detector, of other classes, or want other pixels.
    """
    state = detector.state_dict()
    own = {name: value for name, value in state.items() if not _NO_WEIGHTS.search(name)}
    _Fit(path, published, config, _wanted(own, published, config, path)).check()
    if published.origin is MMDETECTION and not published.text:
        log.warning(
            "%s keeps no configuration: nothing checks whether data.pixels, backbone.style and the detector are those "
            "that it was trained with", path,
        )  # fmt: skip
    detector.load_state_dict(state | published.origin.ours(published.tensors))


def _wanted(own: dict[str, Tensor], published: Published, config: Config, path: Path) -> dict[str, Tensor]:
    origin, mend = published.origin, _mend(published, config)
    try:
        return origin.theirs(own, config.detector.name)
    except UnknownNameError as error:
        raise CheckpointError(
            f"{path}: {origin.name} has no weights for detector={config.detector.name} with these options ({error}): "
            f"{f'set {mend}, or ' if mend else ''}give a checkpoint of gfl_bench"
        ) from error


def _mend(published: Published, config: Config) -> str:
    shapes = {name: tuple(value.shape) for name, value in published.tensors.items()}
    return as_overrides(differing(options_of(shapes, published.text, config.detector.name), config))


class _Fit:
    """A file beside what the detector wants, both by the origin's names."""

    def __init__(self, path: Path, published: Published, config: Config, wanted: Mapping[str, Tensor]) -> None:
        given, self.origin = published.tensors, published.origin
        self.path, self.config, self.given, self.wanted = path, config, given, wanted
        self.missing = [name for name in wanted if name not in given]
        self.unexpected = [name for name in given if name not in wanted]
        self.reshaped = [name for name in wanted if name in given and given[name].shape != wanted[name].shape]
        self.mend = _mend(published, config)

    def check(self) -> None:
        """Raises ``CheckpointError`` unless the weights are of this detector."""
        fault = self._other_classes() or self._misfit()
        if self.mend:
            fault = fault or "these weights fit, but they were trained for options that their shapes do not show"
            fault = f"{fault}: set {self.mend}"
        if fault:
            raise CheckpointError(f"{self.path}: {fault}")

    def _misfit(self) -> str:
        if not (self.missing or self.unexpected or self.reshaped):
            return ""
        reshaped = [f"{name} {list(self.given[name].shape)} for {list(self.wanted[name].shape)}"
                    for name in self.reshaped]  # fmt: skip
        parts = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": reshaped}
        counted = ", ".join(f"{len(names)} {kind}{_first(names)}" for kind, names in parts.items())
        advice = "" if self.mend else (
            ": use the options that they were trained with; some layers, such as deformable ones in heads, none builds"
        )  # fmt: skip
        return f"these weights do not fit this detector, of their names {counted}{advice}"

    def _other_classes(self) -> str:
        """How many classes the file has and how many the data, where that is all that differs."""
        alone = not self.missing and not self.unexpected
        if not self.reshaped or not alone or not all(_CLASSES.match(name) for name in self.reshaped):
            return ""
        theirs, ours = (
            self.origin.classes(len(tensors[self.reshaped[0]]), tensors, self.config)
            for tensors in (self.given, self.wanted)
        )
        return f"these weights have {theirs} classes, the data has {ours}"


def _first(names: list[str]) -> str:
    return f" ({', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''})" if names else ""
