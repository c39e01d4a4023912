"""The error of an export."""

from __future__ import annotations


class ExportError(ValueError):
    """A detector that has no such file, or one that does not say what PyTorch says."""
