# make demo   is all a newcomer needs: Python 3.11 or newer, make, and once the network.

SCENARIO ?= scenarios/income-drift.yaml
VENV     ?= .venv
PYTHON   ?=

BIN := $(VENV)/bin
export SIMLAB_VENV := $(VENV)

.DEFAULT_GOAL := help
.PHONY: help install demo test slow check format schema lock bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Make .venv from requirements.lock; does nothing if that is done (PYTHON=python3.12 chooses one)
	@scripts/install "$(PYTHON)" "$(VENV)"

demo: install ## Live through a scenario and say where its report is (SCENARIO=file chooses another)
	@$(BIN)/simlab run $(SCENARIO)
	@echo "The report is a page for your browser: $$(ls -t "$${SIMLAB_HOME:-.simlab}"/runs/*/report.html | head -n 1)"

test: install ## The tests, without the slow ones
	@scripts/test -m "not slow"

slow: install ## The slow tests: every scenario and its mutants, kill -9, no network, benchmarks' promises
	@scripts/test -m slow

check: install ## Format, lint, types, import contracts, generated files
	@scripts/check

format: install ## Put the code into the one format
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

schema: install ## Generate the scenario file's JSON Schema anew
	@$(BIN)/simlab schema --write scenarios/scenario.schema.json

bench: install ## The same lifecycle in simlab and in a bare script, timed in one sitting
	@$(BIN)/python benchmarks/lifecycle.py

lock: ## Pin everything anew from pyproject.toml (needs uv; nothing else here does)
	uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras --generate-hashes \
		--no-annotate --no-header pyproject.toml --output-file requirements.lock $(LOCKARGS)

clean: ## Remove .venv and caches; runs (.simlab) stay
	rm -rf $(VENV) .venv-3.* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
