# make demo   train the five rows of Table 11 on generated scenes and print the table
# make test   lint, types and the whole test suite
# make quick  the tests that take seconds
# Each sets up its environment in .venv first; only python3 (3.10 or newer, with venv) and make are needed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready

.PHONY: demo test quick lint types

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "gfl_bench needs Python 3.10 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 has no venv; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(PY) -m gfl_bench.run -m sweep=table11 seed=0
	$(PY) analysis/make_tables.py --print table11

test: lint types
	$(PY) -m pytest

quick: $(READY)
	$(PY) -m pytest -m "not slow"

lint: $(READY)
	$(PY) -m ruff check .

types: $(READY)
	$(PY) -m mypy
