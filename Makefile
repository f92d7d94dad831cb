# Two commands do everything:
#   make course   the environment, the notebooks, a graded sample class, the book
#   make test     every test
# `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help course environment test test-fast book check-book lint format lock hooks bench clean distclean sandbox browser

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

course: $(VENV)/installed sandbox ## set up, release, grade a sample class, build the book
	@$(BIN)/cs-infer course --workers $(WORKERS)

environment: $(VENV)/installed sandbox ## set up Python's environment and the sandbox, and nothing else

test: $(VENV)/installed sandbox browser ## run every test
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup

test-fast: $(VENV)/installed ## run the tests that take less than a minute
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not slow and not browser and not sandbox"

book: $(VENV)/installed ## build the book only
	@$(BIN)/cs-infer book

check-book: $(VENV)/installed ## build the book from nothing, executing every chapter
	@$(BIN)/cs-infer book --check

bench: $(VENV)/bench-installed ## measure the library beside its peers; under five minutes
	@$(BIN)/python -m benchmarks $(CASES)

lint: $(VENV)/installed ## check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/installed ## mend style
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

hooks: $(VENV)/installed ## run the checks before each commit
	@$(BIN)/pre-commit install

lock: ## make the lock file anew from pyproject.toml
	@.ci/lock $(PYTHON) > requirements.lock.new && mv requirements.lock.new requirements.lock

clean: ## remove the built book and the caches; submissions and grades stay
	rm -rf _build/html _build/.doctrees _build/.jupyter_cache _build/jupyter_execute _build/book.log \
	  .pytest_cache .ruff_cache .hypothesis

distclean: clean ## remove the environment as well; submissions and grades stay
	rm -rf $(VENV) *.egg-info

PEERS := scipy numba quantecon hmmlearn pgmpy

# A peer that cannot be installed is left out, and the table says so.
$(VENV)/bench-installed: $(VENV)/installed requirements-bench.lock
	@echo "peers to measure: into $(VENV), from requirements-bench.lock"
	@left= ; for peer in $(PEERS); do \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint requirements.lock \
	    --constraint requirements-bench.lock $$peer || { echo "$$peer could not be installed" ; left=1 ; } ; \
	done ; [ -n "$$left" ] || touch $@

sandbox: ## install bubblewrap, where the system's package manager can
	@.ci/system-packages sandbox

browser: ## install Chromium for the tests, where the package manager can
	@.ci/system-packages browser

$(VENV)/installed: requirements.lock pyproject.toml
	@echo "environment: $(VENV), from requirements.lock"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
