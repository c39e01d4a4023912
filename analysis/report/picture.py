"""A figure's PNG as part of the page."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

WIDEST = 1600  # pixels: twice the widest column


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, with its size in pixels so that the page does not jump."""

    uri: str
    width: int
    height: int


def embed(path: Path) -> Picture:
    """The PNG in ``path``, not wider than ``WIDEST``."""
    from PIL import Image  # a report without figures starts faster

    with Image.open(path) as image:
        width, height = image.size
        data = path.read_bytes()
        if width > WIDEST:
            width, height = WIDEST, round(height * WIDEST / width)
            shrunk = io.BytesIO()
            image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS).save(shrunk, "PNG", optimize=True)
            data = shrunk.getvalue()
    return Picture(f"data:image/png;base64,{b64encode(data).decode()}", width, height)
