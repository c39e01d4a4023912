"""Exported files at work: one normalised image in, what the network says of it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gfl_bench.export.error import ExportError
from gfl_bench.export.ncnn_files import NcnnFiles
from gfl_bench.export.network import INPUT

Runtime = Callable[[Tensor], dict[str, Tensor]]  # [1, 3, H, W] float32 -> outputs with their first dimension, by name


class Ncnn:
    """ncnn on the CPU. ``in0`` and ``out0``, ``out1``, ... are the names that pnnx gives.

    Raises:
        ExportError: ncnn is not installed, or cannot load the files.
    """

    def __init__(self, files: NcnnFiles, outputs: Sequence[str], half: bool, threads: int = 1) -> None:
        self._ncnn, self._outputs = _imported("ncnn"), outputs
        self._net = self._ncnn.Net()
        self._net.opt.num_threads = threads  # options hold for what is loaded after them
        for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            setattr(self._net.opt, option, half)
        for load, path in ((self._net.load_param, files.param), (self._net.load_model, files.bin)):
            if load(str(path)) != 0:
                raise ExportError(f"{path}: ncnn cannot load this file: export it again")

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        pixels = np.ascontiguousarray(images[0].numpy(), np.float32)  # has to live as long as its Mat
        extractor = self._net.create_extractor()
        extractor.input("in0", self._ncnn.Mat(pixels))
        return {name: self._output(extractor, number) for number, name in enumerate(self._outputs)}

    def _output(self, extractor: Any, number: int) -> Tensor:
        code, found = extractor.extract(f"out{number}")
        if code != 0:
            raise ExportError(f"ncnn ended with code {code} at output {number}: the image may be of another size")
        return torch.from_numpy(np.array(found))[None]


class Onnx:
    """ONNX Runtime on the CPU.

    Raises:
        ExportError: onnxruntime is not installed.
    """

    def __init__(self, path: Path, outputs: Sequence[str], threads: int = 1) -> None:
        runtime = _imported("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        self._outputs = list(outputs)
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        found = self._session.run(self._outputs, {INPUT: images.numpy()})
        return {name: torch.from_numpy(part) for name, part in zip(self._outputs, found, strict=True)}


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(f"{name} is not installed: pip install 'gfl_bench[mobile]'") from error
