"""darknet's .weights files: every number finds its place, and a file that does not fit is refused with what to do."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import darknet
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.state import load_weights
from gfl_bench.models import build
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.yolo.file_order import count

CLASSES = 6
TRUNKS = {"yolov3_tiny": "darknet_tiny", "yolov4_tiny": "csp_darknet_tiny"}
both = pytest.mark.parametrize("name", list(TRUNKS))


@cache
def composed(name: str, *more: str) -> Config:
    parts = [f"detector={name}", f"backbone={TRUNKS[name]}", "neck=yolo_tiny", "quality=none", "box=dirac",
             "guidance=none"]  # fmt: skip
    return compose_config([*parts, "scale=smoke", "backbone.base_channels=4", "neck.channels=16", *more])


def full_size(name: str, classes: int = 80) -> Detector:
    with torch.device("meta"):
        return build._put_together(composed(name, "backbone.base_channels=64", "neck.channels=256"), classes)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """One with random numbers everywhere."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs).eval()
    assert layer[1].running_mean is not None and layer[1].running_var is not None
    for tensor in (layer[1].weight, layer[1].bias, layer[1].running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(layer[1].running_var, 0.5, 2)
    return layer


def run(layer: tuple[nn.Conv2d, nn.BatchNorm2d], x: Tensor) -> Tensor:
    return functional.leaky_relu(layer[1](layer[0](x)), 0.1)


class Net:
    """The .cfg file's layers one after the other, which a forward pass goes through and a file holds."""

    def __init__(self) -> None:
        self.layers: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]] = []

    def conv(self, x: Tensor, outputs: int, kernel: int = 3, stride: int = 1) -> Tensor:
        self.layers.append(conv(x.shape[1], outputs, kernel, stride))
        return run(self.layers[-1], x)  # type: ignore[arg-type]

    def last(self, x: Tensor) -> Tensor:
        self.layers.append((nn.Conv2d(x.shape[1], 3 * (5 + CLASSES), 1), None))
        return self.layers[-1][0](x)

    def v3(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for width in (1, 2, 4, 8):
            x = functional.max_pool2d(self.conv(x, width), 2)
        fine = self.conv(x, 16)
        x = self.conv(functional.max_pool2d(fine, 2), 32)
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, stride=1)
        return fine, self.conv(x, 64)

    def v4(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv(self.conv(x, 2, stride=2), 4, stride=2)
        for width in (4, 8, 16):
            whole = self.conv(x, width)
            first = self.conv(whole[:, width // 2 :], width // 2)
            second = self.conv(first, width // 2)
            fine = self.conv(torch.cat([second, first], dim=1), width, 1)
            x = functional.max_pool2d(torch.cat([whole, fine], dim=1), 2)
        return fine, self.conv(x, 32)

    def __call__(self, images: Tensor, name: str) -> list[Tensor]:
        fine, coarse = self.v3(images) if name == "yolov3_tiny" else self.v4(images)
        squeezed = self.conv(coarse, 16, 1)
        at_32 = self.last(self.conv(squeezed, 32))
        enlarged = self.conv(squeezed, 8, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
        return [self.last(self.conv(torch.cat([enlarged, fine], dim=1), 16)), at_32]


@both
@pytest.mark.parametrize("version", [(0, 2, 5), (0, 1, 0), (1, 0, 0)], ids=str)
def test_a_file_of_the_cfgs_layers_makes_a_detector_that_says_what_they_say(
    name: str, version: tuple[int, int, int], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    net, images = Net(), torch.rand(2, 3, 96, 64)
    with torch.no_grad():
        levels = net(images, name)
    file = tmp_path / "tiny.weights"
    file.write_bytes(darknet.write(net.layers, version))
    detector = build_detector(composed(name), CLASSES, seed=0).eval()
    load_weights(detector, file, composed(name))
    with torch.no_grad():
        output = detector(images)
    said = torch.cat([output.box.squeeze(-1), output.aux, output.cls], dim=-1)
    by_cell = [x.unflatten(1, (3, 5 + CLASSES)).permute(0, 3, 4, 1, 2).flatten(1, 3) for x in levels]
    torch.testing.assert_close(said, torch.cat(by_cell, dim=1), rtol=1e-3, atol=1e-3)


# The files' sizes as their download pages give them (pjreddie.com, AlexeyAB/darknet releases); Keras's summaries count
# 6,062,814 parameters of YOLOv4-tiny, of which 6,056,606 train.
@pytest.mark.parametrize(("name", "size", "numbers", "trained"), [
    ("yolov3_tiny", 35_434_956, 8_858_734, 8_852_366), ("yolov4_tiny", 24_251_276, 6_062_814, 6_056_606),
])  # fmt: skip
def test_a_published_file_is_as_large_as_the_detector(name: str, size: int, numbers: int, trained: int) -> None:
    detector = full_size(name)
    assert count(detector) == numbers and 20 + 4 * numbers == size
    assert sum(parameter.numel() for parameter in detector.parameters()) == trained


def saved(tmp_path: Path, numbers: int) -> Path:
    file = tmp_path / "some.weights"
    file.write_bytes(struct.pack("<3iq", 0, 2, 5, 0) + bytes(4 * numbers))
    return file


@both
def test_a_file_of_another_size_is_refused_with_both_sizes(name: str, tmp_path: Path) -> None:
    detector = build_detector(composed(name), CLASSES, seed=0)
    before = {key: value.clone() for key, value in detector.state_dict().items()}
    fits = count(detector)
    for numbers in (fits - 1, fits + 1):
        with pytest.raises(CheckpointError, match=rf"has {20 + 4 * numbers} bytes, .* has {20 + 4 * fits}: choose"):
            load_weights(detector, saved(tmp_path, numbers), composed(name))
    assert all(torch.equal(value, before[key]) for key, value in detector.state_dict().items())


@both
def test_a_file_of_other_classes_is_refused_with_their_number(name: str, tmp_path: Path) -> None:
    theirs = count(build_detector(composed(name), 80, seed=0))
    detector = build_detector(composed(name), CLASSES, seed=0)
    with pytest.raises(CheckpointError, match=r"for the 6 classes of the data; its own are 80"):
        load_weights(detector, saved(tmp_path, theirs), composed(name))


def test_a_file_that_is_absent_empty_or_not_for_this_detector_is_refused(tmp_path: Path) -> None:
    config = composed("yolov3_tiny")
    detector = build_detector(config, CLASSES, seed=0)
    with pytest.raises(CheckpointError, match=r"no such checkpoint"):
        load_weights(detector, tmp_path / "none.weights", config)
    (tmp_path / "empty.weights").touch()
    with pytest.raises(CheckpointError, match=r"the file has 0 bytes"):
        load_weights(detector, tmp_path / "empty.weights", config)
    joint = composed("yolov3_tiny", "quality=joint")
    with pytest.raises(CheckpointError, match=r"set detector=yolov3_tiny or yolov4_tiny with quality=none box=dirac"):
        load_weights(build_detector(joint, CLASSES, seed=0), saved(tmp_path, 1), joint)
