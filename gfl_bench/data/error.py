"""What is wrong with the data, in one sentence that names the file."""

from __future__ import annotations


class DataError(ValueError):
    """Images or annotations that cannot be used; the message says which, why, and what to do."""
