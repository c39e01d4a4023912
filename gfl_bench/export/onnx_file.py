"""The ONNX file of a network (the extra ``mobile``)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gfl_bench.export.error import ExportError
from gfl_bench.export.network import INPUT, Network


def export_onnx(network: Network, images: Tensor, target: Path, outputs: Sequence[str]) -> Path:
    """Write ``<target>.onnx`` for images of the size of ``images`` [1, 3, H, W]; its outputs have the names given.

    Raises:
        ExportError: onnx or onnxscript is not installed, or ONNX has no such operator.
    """
    path = target.with_name(f"{target.name}.onnx")
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                network, (images,), input_names=[INPUT], output_names=list(outputs), dynamo=True, verbose=False
            )
            assert program is not None
            program.save(str(path), external_data=False)
    except ImportError as error:
        raise ExportError(f"ONNX needs {error.name}: pip install 'gfl_bench[mobile]', or give --formats") from error
    except torch.onnx.OnnxExporterError as error:
        raise ExportError(f"ONNX has no file for this network ({str(error).splitlines()[0]})") from error
    return path


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's reports of each step: what it cannot do it raises."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
