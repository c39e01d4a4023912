"""Check a folder of CrowdHuman, say what to fetch, and write its COCO-format annotations to the cache.

    python -m gfl_bench.data.crowdhuman [FOLDER] [--cache DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gfl_bench.config.paths import cache_folder
from gfl_bench.data.crowdhuman.folder import IMAGES, SPLITS, lacks
from gfl_bench.data.crowdhuman.prepare import instances_file
from gfl_bench.data.error import DataError

FOLDER = Path("data/crowdhuman")  # as conf/data/crowdhuman.yaml has it


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with 1 after naming all that is missing."""
    parser = argparse.ArgumentParser(prog="gfl_bench.data.crowdhuman", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help=f"of the official files ({FOLDER})")
    parser.add_argument("--cache", help="folder of generated data, paths.cache of a run")
    options = parser.parse_args(arguments)
    try:
        missing = lacks(options.folder)
        if missing:
            sys.exit("\n".join(missing))
        print("\n".join(_prepared(options.folder, cache_folder(options.cache))))
    except DataError as error:
        sys.exit(str(error))


def _prepared(folder: Path, cache: Path) -> list[str]:
    """A line on each split."""
    written = [instances_file(folder / split.annotations, folder / IMAGES, cache) for split in SPLITS]
    return [f"{split.name}: {_counts(path)}: {path}" for split, path in zip(SPLITS, written, strict=True)]


def _counts(path: Path) -> str:
    content = json.loads(path.read_bytes())
    ignored = sum(one["iscrowd"] for one in content["annotations"])
    return f"{len(content['images'])} images, {len(content['annotations']) - ignored} persons, {ignored} ignored boxes"


if __name__ == "__main__":
    main()
