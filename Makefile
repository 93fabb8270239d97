# Two commands for a new user: `make demo` and `make test`. Each sets up .venv first, from Python >= 3.11 alone.
# PYTHON names the interpreter to build .venv with; left out, the newest of python3.13 … python3 that fits is taken.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup demo digits test lint lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found; install one or say PYTHON=/path/to/python3"; exit 2; }
	@echo "setting up .venv with $(PYTHON) (once, 1-3 minutes)"
	@rm -f $@
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: $(STAMP)
	@$(BIN)/python -m pytest

lint: $(STAMP)
	@$(BIN)/ruff check asr scripts tests
	@$(BIN)/mypy

clean:
	rm -rf .venv runs build *.egg-info
