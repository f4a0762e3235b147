# Everything runs in an environment of its own, from anywhere: make -C path/to/steelyard demo
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Compiled tests and templates are kept: without, each process compiles them again, which doubles the time to collect.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check golden engines kills bench slow wheel clean help

help: ## what each target does
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed; set PYTHON=..." && false)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	$(BIN)/python -m pip install -q -e . --group dev
	touch $(READY)

demo: $(READY) ## environment, fixtures, run, report
	$(BIN)/python fixtures/generate.py
	$(BIN)/steelyard seed
	$(BIN)/steelyard run --as-of 2026-05-12 || test $$? -eq 3
	$(BIN)/steelyard report

test: $(READY) ## all tests that need no hour
	$(BIN)/python -m pytest -q -n auto --dist loadscope --no-loadscope-reorder -m "not slow"

check: $(READY) ## format, lint, types and the quick tests; under a minute
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy --strict engine
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "quick or not (slow or long)"

golden: $(READY) ## rewrite golden files; then read the difference
	$(BIN)/python -m pytest -q tests -k "golden or readme or docs" --update-golden

slow: $(READY) ## calibration and simulations
	$(BIN)/python -m pytest -q -m slow

engines: $(READY) ## run the demo on every warehouse that is there and compare
	$(BIN)/python -m tests.warehouses

kills: $(READY) ## kill runs at random moments, and say what each left
	$(BIN)/python -m pytest -q -s tests/e2e/test_not_to_be_broken.py -k is_killed

bench: $(READY) ## measure speed side by side
	$(BIN)/python -m benchmarks

wheel: $(READY) ## build the wheel, install it alone, run a new project with it
	$(BIN)/python -m pytest -q tests/test_wheel.py -m "slow or not slow"

clean: ## remove what was generated
	rm -rf $(VENV) target fixtures/data build dist *.duckdb *.duckdb.wal *.clickhouse *.spark
