# make demo   train the five rows of Table 11 on generated scenes and print the table
# make test   lint, types and the whole test suite
# make quick  the tests that take seconds
# Each sets up its environment in .venv first; only python3 (3.10 or newer, with venv) and make are needed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
# One thread each: two processes of two threads on two cores wait for each other most of the time.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -n 2

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
	$(PYTEST)

quick: $(READY)
	$(PYTEST) -m "not slow"

lint: $(READY)
	$(PY) -m ruff check .

types: $(READY)
	$(PY) -m mypy
