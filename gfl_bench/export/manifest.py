"""What somebody needs to use exported files elsewhere: ``<name>.json`` beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gfl_bench.config.identity import plain, run_id
from gfl_bench.data.transforms import NORMALISATIONS
from gfl_bench.engine.trained import Trained
from gfl_bench.export.check import Difference
from gfl_bench.export.formats import Exported
from gfl_bench.export.network import INPUT
from gfl_bench.speed.sizes import count_parameters

FORMAT = 1
PACKAGES = ("gfl_bench", "torch", "pnnx", "ncnn", "onnx", "onnxscript", "onnxruntime")
NCNN_INPUT = "in0"


def manifest(
    trained: Trained, size: tuple[int, int], outputs: Mapping[str, Sequence[int]], files: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """All that decoding needs, ready for JSON.

    Args:
        size: (height, width) of the input.
        outputs: shape of each output by its name.
        files: ``entry`` of each format.
    """
    config = trained.config
    values = plain(config)
    return {
        "format": FORMAT,
        "id": run_id(config),
        "detector": config.detector.name,
        "weights": "random" if trained.checkpoint is None else trained.checkpoint.name,
        "parameters": count_parameters(trained.detector),
        "input": {"onnx": INPUT, "ncnn": NCNN_INPUT, "shape": [1, 3, *size], **_pixels(trained)},
        "data": values["data"],
        "outputs": [
            {"onnx": name, "ncnn": f"out{number}", "shape": list(shape), "is": MEANINGS[name]}
            for number, (name, shape) in enumerate(outputs.items())
        ],
        "box": {**values["box"], "numbers_a_side": outputs["box"][-1] // 4},
        "prior": values["detector"]["prior"],
        "quality": values["quality"],
        "postprocess": OmegaConf.to_container(OmegaConf.structured(config.detector.postprocess), enum_to_str=True),
        "classes": dict(zip(trained.classes.names, trained.classes.ids, strict=True)),
        "files": dict(files),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
    }


MEANINGS = {
    "cls": "class logits",
    "box": "4 x m numbers: those of the left, top, right and bottom side, each m",
    "aux": "logit of the quality branch",
    "guide": "quality in [0, 1] that the guidance reads",
}


def entry(exported: Exported, difference: Difference) -> dict[str, Any]:
    """What the manifest says of one format."""
    return {
        "files": {path.name: path.stat().st_size for path in exported.files},
        "size_mb": exported.size_mb,
        "difference": asdict(difference),
    }


def _pixels(trained: Trained) -> dict[str, Any]:
    """(value - mean) / std of values 0..255, by channel."""
    return asdict(NORMALISATIONS[trained.config.data.pixels])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def place(folder: Path, trained: Trained, size: tuple[int, int]) -> Path:
    """Path of the files without their endings."""
    return folder / f"{trained.config.detector.name}-{size[0]}x{size[1]}"
