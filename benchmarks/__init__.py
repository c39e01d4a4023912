"""Speed by hand: ``python -m benchmarks.NAME`` in a checkout."""
