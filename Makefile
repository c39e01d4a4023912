# make demo          train the five rows of Table 11 on generated scenes and print the table
# make test          lint, types and all tests; of those on a cluster the short ones, where SLURM is installed
# make quick         the tests that take seconds
# make test-cluster  all tests on a cluster of this machine alone; installs SLURM first (Debian, as root)
# Each sets up its environment in .venv first; only python3 (3.10 or newer, with venv) and make are needed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
# One thread each: two processes of two threads on two cores wait for each other most of the time.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest
SLURM := $(shell cat tests/cluster/packages.txt)

.PHONY: demo test test-cluster quick lint types

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "gfl_bench needs Python 3.10 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 has no venv; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[dev,mobile,video]"
	@touch $(READY)

demo: $(READY)
	$(PY) -m gfl_bench.run -m sweep=table11 seed=0
	$(PY) analysis/make_tables.py --print table11

test: lint types
	$(PYTEST) -n 2 -m "not cluster"
	$(PYTEST) -rs -m "cluster and not slow" tests/cluster

test-cluster: $(READY)
	@dpkg --status $(SLURM) > /dev/null 2>&1 || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(SLURM); } || \
	  { echo "SLURM could not be installed; as root on Debian: apt-get install $(SLURM)"; exit 1; }
	GFL_BENCH_CLUSTER=dbd $(PYTEST) --durations=5 tests/cluster

quick: $(READY)
	$(PYTEST) -n 2 -m "not slow and not cluster"

lint: $(READY)
	$(PY) -m ruff check .

types: $(READY)
	$(PY) -m mypy
