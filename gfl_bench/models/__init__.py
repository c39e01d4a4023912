"""Detectors put together from parts: backbone, neck, head, assigner, quality, box distribution, guidance."""
