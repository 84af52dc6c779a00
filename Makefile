# The two commands of the README are `run` and `test`; both need Python 3.11, make and a package registry, nothing more.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The locks are complete, so nothing is resolved (--no-deps) and our own package is built with the locked backend
# (--no-build-isolation). Bytecode is left to the first import: most of it is never needed.
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
WANTED := Clampdown needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 …
UNREACHED := The packages could not be had. Is this machine on the network, and is there room? Run it again: it goes on.
COMPILE := $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet
# Peers live apart: their pins are not ours. Where they read the same libraries as we do, they get the same versions.
PEERS := .venv-bench
COMPILE_PEERS := $(subst compile pyproject.toml,compile --group pyproject.toml:bench,$(COMPILE)) \
	--override benchmarks/versus/overrides.txt --constraint requirements.lock

.PHONY: run test docs lint format lock bench bench-quick train clean help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

run: $(VENV)/.run ## Set up, run the main job on the bundled sample, show the events found
	@$(BIN)/clampdown run --sample

test: $(VENV)/.test lint ## Set up, check style, types and imports, run all tests
	@$(BIN)/python -m pytest -n 2

lint: $(VENV)/.test ## Lint, format check, strict types, who may import whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo | tail -n 2

docs: $(VENV)/.test ## Build the documentation into build/site, to be opened in a browser
	@$(BIN)/python docs/site/gather.py
	@$(BIN)/zensical build --clean --strict
	@echo build/site/index.html

format: $(VENV)/.test ## Let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

lock: $(VENV)/.test ## Resolve the locks anew, with hashes and without any registry's address
	@$(COMPILE) --group build --upgrade --output-file requirements.lock
	@$(COMPILE) --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(COMPILE_PEERS) --output-file requirements-bench.lock

bench: $(VENV)/.test $(PEERS)/.bench ## Measure beside what others made (15 minutes, a quiet machine), write docs/benchmarks.md
	@$(BIN)/python -m benchmarks.versus
	@$(BIN)/python -m benchmarks.versus --page > docs/benchmarks.md

bench-quick: $(VENV)/.test $(PEERS)/.bench ## See whether all of that works: small, once, nothing is kept
	@$(BIN)/python -m benchmarks.versus --quick

train: $(VENV)/.train ## Train the extraction model and export its weights
	@$(BIN)/python -m extractors.training.train --out build/training
	@$(BIN)/python -m extractors.training.export --from build/training --to extractors/weights
	@$(BIN)/python -m extractors.training.relevance --to extractors/weights

$(VENV)/bin/python:
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON): $(WANTED)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { $(PYTHON) --version; echo "$(WANTED)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) lacks venv: on Debian, apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV) …"
	@$(PIP) --version > /dev/null 2>&1 || $(BIN)/python -m ensurepip > /dev/null # an earlier try was cut short
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements.lock || { echo "$(UNREACHED)" >&2; exit 1; }
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.run
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

$(PEERS)/.bench: requirements-bench.lock
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@echo "Setting up $(PEERS) …"
	@$(PEERS)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --no-compile --require-hashes \
		-r requirements-bench.lock
	@touch $@

$(VENV)/.train: $(VENV)/.run
	@$(PIP) install "torch==2.13.0" ".[train]"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## Remove what was built
	@rm -rf $(VENV) $(PEERS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
