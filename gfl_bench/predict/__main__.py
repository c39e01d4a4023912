"""What a detector finds in pictures and videos: ``python -m gfl_bench.predict``.

Boxes are drawn into copies in the output folder; ``detections.json`` there is a COCO data set with scores.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gfl_bench.command_line import one_sentence
from gfl_bench.data.error import DataError
from gfl_bench.data.images import read_upright
from gfl_bench.engine.trained import load_trained
from gfl_bench.predict.drawing import draw
from gfl_bench.predict.inputs import find_inputs, is_video
from gfl_bench.predict.output import Found, save_picture, targets
from gfl_bench.predict.predictor import Predictor
from gfl_bench.predict.video import redraw

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with a sentence where something is wrong, and with 1 where a file was skipped."""
    options = _parse(arguments)
    folder = f"{options.out}: nothing can be written there"
    with one_sentence(lambda why: f"{folder} ({why}): choose another folder with --out"):
        skipped = _Prediction(options).run()
    if skipped:
        sys.exit(f"{skipped} could not be read, see above")


class _Prediction:
    """One call of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        overrides = [word for word in options.what if _is_override(word)]
        self.paths = find_inputs(Path(word) for word in options.what if not _is_override(word))
        if not self.paths:
            raise DataError("say in what: a picture, a video, or a folder of them")
        if not any(word.startswith("checkpoint=") for word in overrides):
            raise DataError("say by what: checkpoint=FILE, or the folder of a run")
        self.out: Path = options.out
        self.trained = load_trained(overrides, options.classes)
        self.predictor = Predictor(self.trained, options.threshold)
        self.found = Found(self.trained.classes)

    def run(self) -> int:
        """Detect in all files; returns how many could not be read."""
        self.out.mkdir(parents=True, exist_ok=True)
        skipped = 0
        suffixes = [".mp4" if is_video(path) else ".jpg" for path in self.paths]
        for path, target in zip(self.paths, targets(self.out, self.paths, suffixes), strict=True):
            try:
                (self._video if is_video(path) else self._picture)(path, target)
            except DataError as error:
                skipped += 1
                log.error("skipped: %s", error)
        log.info("%d boxes in %d pictures: %s", self.found.boxes, len(self.found), self.found.save(self.out))
        return skipped

    def _picture(self, path: Path, target: Path) -> None:
        save_picture(target, self._drawn(path, read_upright(path)))

    def _video(self, path: Path, target: Path) -> None:
        redraw(path, target, lambda number, pixels: self._drawn(path, pixels, frame=number))

    def _drawn(self, path: Path, pixels: NDArray[np.uint8], **more: int) -> NDArray[np.uint8]:
        found = self.predictor(pixels)
        self.found.add(str(path), (pixels.shape[0], pixels.shape[1]), found, **more)
        return draw(pixels, found, self.trained.classes.names)


def _is_override(word: str) -> bool:
    return "=" in word and not Path(word).exists()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gfl_bench.predict", description=(__doc__ or "").partition("\n\n")[0]
    )
    add = parser.add_argument
    add("what", nargs="+", metavar="FILE, FOLDER or OVERRIDE",
        help="pictures, videos, folders of them; checkpoint=RUN or checkpoint=FILE, the latter with the options that "
        "it was trained with; machine.device=cpu, detector.postprocess.nms_iou=0.5, ...")  # fmt: skip
    add("--out", type=Path, default=Path("predictions"), metavar="DIR", help="folder for what is found (predictions)")
    add("--threshold", type=float, default=0.3, metavar="SCORE", help="least score that is shown (0.3)")
    add("--classes", type=Path, metavar="FILE",
        help="names of the classes, one a line, where the annotations of the data are not here")  # fmt: skip
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    main()
