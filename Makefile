# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test lint types format crash bench corpus clean

## a whole drill on the embedded default, no Docker needed
demo: $(READY)
	$(BIN)/drillctl run drills/ledger-restore.yaml --provider $(or $(PROVIDER),process)

## every test; those that need Docker say so loudly where there is none
test: $(READY)
	$(BIN)/pytest -m "not bench" -rfEs $(ARGS)

## kill -9 between every two facts of a drill, with and without a lab, and 300 times at any moment
crash: $(READY)
	DRILLCTL_CRASH=full $(BIN)/pytest -rs tests/sabotage/test_crash.py tests/sabotage/test_faults_*.py

## seeded damage of every backup format, in full
corpus: $(READY)
	DRILLCTL_CORPUS=full $(BIN)/pytest -rs tests/sabotage tests/story/test_sample_databases.py

## side by side with plain pg_restore and with firedrill
bench: $(READY)
	$(BIN)/pytest -s -m bench tests/benchmarks

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "drillctl needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
