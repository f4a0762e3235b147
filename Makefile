# Everything runs in an environment of its own, whatever the current directory: make -C path/to/steelyard demo
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV ?= $(ROOT).venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check golden bench slow wheel clean help

help: ## what each target does
	@grep -E '^[a-z]+:.*##' $(ROOT)Makefile | sed 's/:.*## /\t/'

$(READY): $(ROOT)pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed; set PYTHON=..." && false)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	cd $(ROOT) && $(BIN)/python -m pip install -q -e . --group dev
	touch $(READY)

demo: $(READY) ## environment, fixtures, run, report
	cd $(ROOT) && $(BIN)/python fixtures/generate.py
	cd $(ROOT) && $(BIN)/steelyard seed
	cd $(ROOT) && $(BIN)/steelyard run --as-of 2026-05-12 || test $$? -eq 3
	cd $(ROOT) && $(BIN)/steelyard report

test: $(READY) ## all tests that need no hour
	cd $(ROOT) && $(BIN)/python -m pytest -q -n auto -m "not slow"

check: $(READY) ## format, lint, types and the quick tests; under a minute
	cd $(ROOT) && $(BIN)/ruff format --check . && $(BIN)/ruff check .
	cd $(ROOT) && $(BIN)/mypy --strict engine
	cd $(ROOT) && $(BIN)/python -m pytest -q -n auto -m "not slow and not long"

golden: $(READY) ## rewrite golden SQL; then read the difference
	cd $(ROOT) && $(BIN)/python -m pytest -q tests -k golden --update-golden

slow: $(READY) ## calibration and simulations
	cd $(ROOT) && $(BIN)/python -m pytest -q -m slow

bench: $(READY) ## measure speed side by side
	cd $(ROOT) && $(BIN)/python -m benchmarks

wheel: $(READY) ## build the wheel, install it alone, run a new project with it
	cd $(ROOT) && $(BIN)/python -m pytest -q tests/test_wheel.py -m "slow or not slow"

clean: ## remove what was generated
	rm -rf $(VENV) $(ROOT)target $(ROOT)fixtures/data $(ROOT)build $(ROOT)dist $(ROOT)*.duckdb $(ROOT)*.duckdb.wal
