"""What an evaluation saw (``evidence.npz``, see ``gfl_bench.evaluate.evidence``), for figures and statistics."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "evidence.npz"
PER_POSITIVE = ("positive_", "side_")  # arrays with a row for each positive location
NEEDED = ("image_id", "positive_image", "positive_predicted", "positive_iou", "side_target")

Arrays = Mapping[str, NDArray[Any]]


def load_evidence(run_folder: Path, warnings: list[str] | None = None) -> Arrays | None:
    """The arrays of a run's evidence by name, or None where there is none that can be used.

    Args:
        warnings: gets a sentence that says what is missing or wrong.
    """
    path = run_folder / NAME
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        fault = _fault(arrays)
    except FileNotFoundError:
        fault = "is missing"
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError, NotImplementedError, zipfile.BadZipFile,
            zlib.error) as error:  # fmt: skip
        fault = f"cannot be read ({error})"
    if fault is None:
        return arrays
    if warnings is not None:
        warnings.append(f"{path} {fault}: evaluate the run again, with mode=evaluate and checkpoint=FILE.")
    return None


def _fault(arrays: Arrays) -> str | None:
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        return f"lacks {', '.join(missing)}"
    lengths = {name: len(array) for name, array in arrays.items() if name.startswith(PER_POSITIVE)}
    if len(set(lengths.values())) > 1:
        return f"has columns of different lengths ({lengths})"
    return None
