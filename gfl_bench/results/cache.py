"""What was read of a folder of records, so that only those that changed since are read again.

One JSON file in the folder itself, which goes where the records go, and is no code that loading it would run. It is a
copy: without it, or where it cannot be written, everything is read from the records.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gfl_bench.results.reading import SCHEMA

NAME = ".gfl_bench-cache"
LAYOUT = 1  # of the file: raise it when what is kept of a record, or how, changes
RACY = 2 * 10**9  # nanoseconds; a file that young may change again without a change of its time
WORTH_WRITING = 100  # records read anew; fewer are quicker to read again than the file is to write

Config = dict[str, Any]


class Known(NamedTuple):
    """A record as it was read.

    Attributes:
        stamp: time of change in nanoseconds and size of each file that it was read from.
        fields: what is kept of it, plain values.
        config: None where nobody knows it.
    """

    stamp: tuple[int, ...]
    fields: tuple[Any, ...]
    config: Config | None


def read_cache(folder: Path, fields: tuple[str, ...]) -> dict[str, Known]:
    """Records by their place below ``folder``; none where the cache is missing, damaged or of other ``fields``."""
    try:
        content = json.loads((folder / NAME).read_bytes())
        if content["version"] != _version(fields):
            return {}
        sections = content["sections"]
        shapes = [tuple(map(sys.intern, keys)) for keys in content["shapes"]]
        return {place: _known(entry, len(fields), shapes, sections) for place, entry in content["records"].items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return {}


def write_cache(folder: Path, fields: tuple[str, ...], records: Mapping[str, Known], now: int) -> None:
    """Keep ``records``, but none that changed within two seconds before ``now`` (nanoseconds since 1970).

    Several processes may write at a time: each puts a whole file in place. A folder that cannot be written is left as
    it is.
    """
    settled = {place: known for place, known in records.items() if max(known.stamp[::2], default=now) < now - RACY}
    with contextlib.suppress(OSError):
        _replace(folder / NAME, _encoded(fields, settled))


def _version(fields: tuple[str, ...]) -> list[Any]:
    return [LAYOUT, SCHEMA, *fields]


def _known(entry: list[Any], length: int, shapes: list[tuple[str, ...]], sections: list[Any]) -> Known:
    stamp, fields, shape, numbers = entry
    if len(fields) != length:
        raise ValueError("a record has not the fields that the file announces")
    if shape is None:
        return Known(tuple(stamp), tuple(fields), None)
    return Known(tuple(stamp), tuple(fields), dict(zip(shapes[shape], [sections[n] for n in numbers], strict=True)))


def _encoded(fields: tuple[str, ...], records: Mapping[str, Known]) -> bytes:
    """The file: a config is the number of its keys' tuple and the numbers of its sections, each written once."""
    shapes: dict[tuple[str, ...], int] = {}
    numbers: dict[int, int] = {}
    sections: list[Any] = []
    entries: dict[str, list[Any]] = {}
    for place, known in records.items():
        for value in (known.config or {}).values():
            if id(value) not in numbers:
                numbers[id(value)] = len(sections)
                sections.append(value)
        config = known.config or {}
        shape = None if known.config is None else shapes.setdefault(tuple(config), len(shapes))
        entries[place] = [known.stamp, known.fields, shape, [numbers[id(value)] for value in config.values()]]
    content = {"version": _version(fields), "shapes": list(shapes), "sections": sections, "records": entries}
    return json.dumps(content, separators=(",", ":")).encode()


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix=f"{path.name}.", dir=path.parent, delete=False) as file:
        partial = Path(file.name)
        try:
            file.write(content)
            file.close()
            partial.chmod(0o644)  # mkstemp's are private, a folder of records may be shared
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
