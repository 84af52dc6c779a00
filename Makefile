# The two commands of the README are `run` and `test`; both need Python 3.11, make and a package registry, nothing more.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The locks are complete, so nothing is resolved (--no-deps) and our own package is built with the locked backend
# (--no-build-isolation). Bytecode is left to the first import: most of it is never needed.
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
COMPILE := $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet

.PHONY: run test lint format lock train clean help

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

run: $(VENV)/.run ## Set up, run the main job on the bundled sample, show the events found
	@$(BIN)/clampdown run --sample

test: $(VENV)/.test lint ## Set up, check style, types and imports, run all tests
	@$(BIN)/python -m pytest -n 2

lint: $(VENV)/.test ## Lint, format check, strict types, who may import whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo | tail -n 2

format: $(VENV)/.test ## Let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

lock: $(VENV)/.test ## Resolve the locks anew, with hashes and without any registry's address
	@$(COMPILE) --group build --upgrade --output-file requirements.lock
	@$(COMPILE) --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock

train: $(VENV)/.train ## Train the extraction model and export its weights
	@$(BIN)/python -m extractors.training.train --out build/training
	@$(BIN)/python -m extractors.training.export --from build/training --to extractors/weights
	@$(BIN)/python -m extractors.training.relevance --to extractors/weights

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Clampdown needs Python 3.11 or newer; set PYTHON=…")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV) …"
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.run
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.train: $(VENV)/.run
	@$(PIP) install "torch==2.13.0" ".[train]"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## Remove what was built
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
