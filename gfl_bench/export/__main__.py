"""A detector as files for ncnn and ONNX Runtime: ``python -m gfl_bench.export``.

Backbone, neck and head are exported, checked against PyTorch, and described in a JSON beside them; decoding and NMS
stay outside. With --evaluate each file's AP on the validation split.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate

from gfl_bench.atomic import replacing
from gfl_bench.command_line import one_sentence
from gfl_bench.engine.trained import load_trained
from gfl_bench.export.check import compare
from gfl_bench.export.error import ExportError
from gfl_bench.export.evaluation import Evaluation
from gfl_bench.export.formats import NAMES, Exported, export
from gfl_bench.export.input_size import input_size
from gfl_bench.export.manifest import entry, manifest, place
from gfl_bench.export.network import Network
from gfl_bench.export.runtimes import Runtime

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with one sentence where something is wrong with it."""
    options = _parse(arguments)
    folder = f"{options.out}: nothing can be written there"
    with one_sentence(lambda why: f"{folder} ({why}): choose another folder with --out"):
        _main(options)


def _main(options: argparse.Namespace) -> None:
    trained = load_trained(options.overrides, options.classes)
    if trained.checkpoint is None:
        log.warning("no checkpoint=FILE is given: the weights are random, of use for measuring speed only")
    size = options.size or input_size(trained.config.data)
    network, images = Network(trained.detector), torch.zeros(1, 3, *size)
    shapes = {name: tuple(part.shape) for name, part in network.said(images).items()}
    options.out.mkdir(parents=True, exist_ok=True)
    target = place(options.out, trained, size)
    entries: dict[str, dict[str, Any]] = {}
    runtimes: dict[str, Runtime | None] = {"torch": None}
    for name in options.formats:
        exported = export(name, network, images, target, list(shapes), options.threads)
        entries[name] = _checked(exported, network, size)
        runtimes[name] = exported.runtime
    told = manifest(trained, size, shapes, entries)
    if options.evaluate:
        told["metrics"] = _evaluated(runtimes, Evaluation(trained, size))
    path = target.with_name(f"{target.name}.json")
    with replacing(path) as file:
        file.write(json.dumps(told, indent=1).encode())
    print(path)


def _checked(exported: Exported, network: Network, size: tuple[int, int]) -> dict[str, Any]:
    """The manifest's entry.

    Raises:
        ExportError: the files say something else than PyTorch; they are removed.
    """
    difference = compare(network, exported.runtime, size)
    told = f"{exported.format}: {exported.size_mb:.2f} MB, differs from PyTorch by at most {difference}"
    log.info("%s", told)
    if difference.exceeds(exported.limit):
        if exported.is_exact:
            for path in exported.files:
                path.unlink()
            raise ExportError(f"{told}, beyond {exported.limit}: the files are removed; other versions may do better")
        log.warning("%s: this is beyond %s: look at its AP (--evaluate)", exported.format, exported.limit)
    return entry(exported, difference)


def _evaluated(runtimes: Mapping[str, Runtime | None], evaluation: Evaluation) -> dict[str, Any]:
    """AP and its kin of PyTorch and of each format, in percent; told as a table too."""
    found = {name: evaluation.metrics(runtime) for name, runtime in runtimes.items()}
    lines = [{"": name, **metrics} for name, metrics in found.items()]
    print(tabulate(lines, headers="keys", tablefmt="pipe", floatfmt=".4f"))
    return found


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gfl_bench.export", description=(__doc__ or "").partition("\n\n")[0]
    )
    add = parser.add_argument
    add("overrides", nargs="*", metavar="OVERRIDE",
        help="checkpoint=RUN or checkpoint=FILE, the latter with the options that it was trained with; "
        "cell=table15.nanodet_320, data.size=416, ...")  # fmt: skip
    add("--out", type=Path, default=Path("exported"), metavar="DIR", help="folder for the files (exported)")
    add("--formats", type=_formats, default=NAMES, metavar="FORMAT[,FORMAT]", help=f"{','.join(NAMES)}, which are all")
    add("--size", type=_size, metavar="HEIGHTxWIDTH", help="of the input, where the data has images of several")
    add("--evaluate", action="store_true", help="AP of each file on the validation split")
    add("--threads", type=int, default=1, help="of the runtimes (1)")
    add("--classes", type=Path, metavar="FILE",
        help="names of the classes, one a line, where the annotations of the data are not here")  # fmt: skip
    return parser.parse_intermixed_args(arguments)


def _formats(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(NAMES)}")
    return list(dict.fromkeys(names))


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no size such as 320x320")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    main()
