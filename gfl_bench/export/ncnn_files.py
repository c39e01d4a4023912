"""ncnn's files of a network, by pnnx (the extra ``mobile``)."""

from __future__ import annotations

import re
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.jit._trace import TracerWarning

from gfl_bench.export.error import ExportError
from gfl_bench.export.network import Network

_FOREIGN = re.compile(r"^(?:\w+\.|pnnx|aten|prim)\S*", re.MULTILINE)  # a layer that pnnx passed on as PyTorch's
_LOG_TAIL = 400  # characters


@dataclass(frozen=True)
class NcnnFiles:
    """A network's layers as text, and its weights."""

    param: Path
    bin: Path


def export_ncnn(network: Network, images: Tensor, target: Path, half: bool) -> NcnnFiles:
    """Write ``<target>.param`` and ``<target>.bin`` for images of the size of ``images`` [1, 3, H, W].

    Args:
        half: weights in 16 bits, half the size; where the processor has no such arithmetic they are widened again.

    Raises:
        ExportError: pnnx is not installed or fails, or ncnn has no such layer.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "network.pt"
        _trace(network, images, source)
        shape = ",".join(map(str, images.shape))
        # Not pnnx.export: it passes over the exit code of this binary, and over fp16 where the shape is not given.
        _run([_binary(), str(source), f"inputshape=[{shape}]f32", f"fp16={int(half)}"])
        made = NcnnFiles(source.with_suffix(".ncnn.param"), source.with_suffix(".ncnn.bin"))
        _check(made)
        return NcnnFiles(_kept(made.param, target, ".param"), _kept(made.bin, target, ".bin"))


def _trace(network: Network, images: Tensor, path: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", TracerWarning)  # sizes are constants, as they are meant to be
        for kind in (DeprecationWarning, FutureWarning):  # TorchScript is what pnnx reads
            warnings.simplefilter("ignore", kind)
        traced = torch.jit.trace(network, images, check_trace=False)
        torch.jit.save(traced, str(path))


def _binary() -> str:
    try:
        import pnnx
    except ImportError as error:
        raise ExportError("ncnn's files need pnnx: pip install 'gfl_bench[mobile]', or give --formats onnx") from error
    return str(pnnx.EXEC_PATH)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=Path(command[1]).parent)
    if done.returncode:
        tail = (done.stdout + done.stderr)[-_LOG_TAIL:].strip()
        raise ExportError(f"pnnx ended with code {done.returncode}: {tail}")


def _check(made: NcnnFiles) -> None:
    """Refuse what ncnn could not load."""
    if not made.param.is_file() or not made.bin.is_file():
        raise ExportError("pnnx ended without a word and without ncnn's files: another version may do better")
    foreign = sorted(set(_FOREIGN.findall(made.param.read_text(encoding="utf-8"))))
    if foreign:
        raise ExportError(f"ncnn has no layer for {', '.join(foreign)}: choose other parts, or --formats onnx")


def _kept(made: Path, target: Path, suffix: str) -> Path:
    path = target.with_name(target.name + suffix)
    path.write_bytes(made.read_bytes())
    return path
