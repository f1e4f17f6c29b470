# Every target makes what it needs; only Python 3.11+, make and git are expected.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check format bench docs clean

help: ## print these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

install: $(READY) ## make .venv with everything in it

demo: $(READY) ## three teams' labels, searched and frozen, offline, in ./demo
	$(BIN)/datacat demo

# Two tests at once on two cores: with a thread each they take 0.6 of the time. `make test-all` uses every core in each.
test: $(READY) ## the tests of every commit (minutes)
	DATACAT_THREADS=1 $(BIN)/python -m pytest -n 2 -m 'not slow'

test-all: $(READY) $(VENV)/duckdb-2.0 ## every test, the slow ones too, and queries on the next DuckDB
	$(BIN)/python -m pytest -n 2
	PYTHONPATH=$(VENV)/duckdb-2.0 $(BIN)/python -m pytest -n 2 tests/query tests/sandbox tests/tables/test_link.py tests/catalog/test_search.py \
		-W "ignore:Arrow output on a DB-API"

$(VENV)/duckdb-2.0: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $@ --no-deps duckdb==2.0.0

check: $(READY) ## format, lint, types, imports, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house -k 'not blocks_run'

format: $(READY) ## rewrite to the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## speed and memory, as ratios in one run; 100 million: bench/search.py 100m
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/ingest_and_search.py
	$(BIN)/python bench/search.py 1m 10m

docs: $(READY) ## write the generated pages of docs/reference
	$(BIN)/python scripts/reference.py

clean: ## remove what the targets made
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
