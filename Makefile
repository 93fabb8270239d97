# Two commands for a new user: `make demo` and `make test`. Each sets up .venv first, from Python >= 3.11 alone.
# PYTHON names the interpreter to build .venv with; left out, the newest of python3.13 … python3 that fits is taken.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup demo digits read test lint lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found; install one or say PYTHON=/path/to/python3"; exit 2; }
	@echo "setting up .venv with $(PYTHON) (once, 1-3 minutes)"
	@rm -f $@
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Voice-assistant commands spoken by eSpeak NG: synthesise, train, evaluate, show three transcripts.
demo: $(STAMP)
	@$(BIN)/asr prepare espeak --out data/demo --voices 100
	@$(BIN)/asr train configs/demo.yaml --resume
	@$(BIN)/asr evaluate runs/demo data/demo --split test
	@$(BIN)/python scripts/show.py runs/demo data/demo/test.jsonl

# Connected digits from real recordings; SOURCE names the recordings folder, without it they are downloaded.
digits: $(STAMP)
	@$(BIN)/asr prepare digits --out data/digits $(if $(SOURCE),--source "$(SOURCE)")
	@$(BIN)/asr train configs/digits.yaml --resume
	@$(BIN)/asr evaluate runs/digits data/digits --split test
	@$(BIN)/python scripts/show.py runs/digits data/digits/test.jsonl

# Read sentences spoken by eSpeak NG; TEXT names a file of sentences, one a line.
read: $(STAMP)
	@test -n "$(TEXT)" || { echo "make read: say TEXT=a file of sentences, one a line"; exit 2; }
	@$(BIN)/asr prepare espeak --text "$(TEXT)" --out data/read
	@$(BIN)/asr train configs/read.yaml --resume
	@$(BIN)/asr evaluate runs/read data/read --split test
	@$(BIN)/python scripts/show.py runs/read data/read/test.jsonl

test: $(STAMP)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check asr scripts tests
	@$(BIN)/mypy

# requirements.lock: the newest versions pyproject.toml admits, for Linux and macOS and every Python it names, with
# hashes and without any registry's address. Needs the network; uv goes into a folder of its own.
lock:
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras \
		--generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv build *.egg-info
