"""The kinds of files that a network is exported to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gfl_bench.export.check import EXACT, HALF, Difference
from gfl_bench.export.ncnn_files import export_ncnn
from gfl_bench.export.network import Network
from gfl_bench.export.onnx_file import export_onnx
from gfl_bench.export.runtimes import Ncnn, Onnx, Runtime

NAMES = ("ncnn", "ncnn-fp16", "onnx")


@dataclass(frozen=True)
class Exported:
    """Files of one format, loaded.

    Attributes:
        limit: by which it may differ from PyTorch.
        is_exact: whether it must not differ by more; where it need not, that is said.
    """

    format: str
    files: tuple[Path, ...]
    runtime: Runtime
    limit: Difference
    is_exact: bool

    @property
    def size_mb(self) -> float:
        """Of the file that holds the weights, in 2^20 bytes as Table 15 has it."""
        return self.files[-1].stat().st_size / 2**20


def export(name: str, network: Network, images: Tensor, target: Path, outputs: Sequence[str], threads: int) -> Exported:
    """The files of format ``name``, one of ``NAMES``, for images of the size of ``images`` [1, 3, H, W].

    Args:
        target: the files' path without their endings.
        threads: that the runtime may use.

    Raises:
        ExportError: a package is missing, or the format has no such layer.
    """
    if name == "onnx":
        path = export_onnx(network, images, target, outputs)
        return Exported(name, (path,), Onnx(path, outputs, threads), EXACT, is_exact=True)
    half = name == "ncnn-fp16"
    files = export_ncnn(network, images, target.with_name(f"{target.name}-fp16") if half else target, half)
    runtime = Ncnn(files, outputs, half, threads)
    return Exported(name, (files.param, files.bin), runtime, HALF if half else EXACT, is_exact=not half)
