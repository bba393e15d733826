# make demo       the shortest way to see it work: one system, end to end, on this machine
# make test       the tests that are quick; make test-all adds the slow ones, with the SDKs and systems in environments of their own
# make fuzz       searches for bytes that our parsers do not stand; FUZZ_SECONDS=60 for each of them
# make check      what must hold for every commit: types, style, layers
# Every environment is a folder with a stamp: delete the folder, or change what it is made from, and it is made again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = -m pip install --quiet --no-compile --disable-pip-version-check

.PHONY: demo test test-all check fuzz bench setup stubs clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(VENV)/stamp
demo: setup
	@$(BIN)/skylab run mlops

$(VENV)/stamp: pyproject.toml
	@echo "Making $(VENV) (a minute or two on a fresh machine) …"
	@$(PYTHON) -c 'import sys; sys.exit("Skylab needs Python 3.11 to 3.13; name one: make PYTHON=python3.12") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) --upgrade 'pip>=25.1'
	@$(BIN)/python $(PIP) -e '.[tabular,tuning,algorithms]' || { echo "The packages could not be installed: check the internet connection and the disk ($$(df -h . | awk 'NR==2{print $$4}') free), then run make again."; exit 1; }
	@touch $@

$(VENV)/stamp-dev: $(VENV)/stamp
	@echo "Adding what the tests need …"
	@$(BIN)/python $(PIP) -e '.[tabular,tuning,algorithms,cards]' --group dev
	@touch $@

# Tools that pin other versions of our libraries live apart: the AWS CLI pins botocore, the SageMaker SDK exists twice.
.venvs/%/stamp: scripts/environments/%.txt
	@echo "Making .venvs/$* …"
	@test -x .venvs/$*/bin/python || $(PYTHON) -m venv .venvs/$*
	@.venvs/$*/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venvs/$*/bin/python $(PIP) -r $<
	@touch $@

TOOLS := .venvs/awscli/stamp .venvs/sdk2/stamp .venvs/sdk3/stamp .venvs/smdebug/stamp .venvs/fallback/stamp
.PHONY: awscli sdk2 sdk3 peers
peers: .venvs/fallback/stamp $(patsubst scripts/environments/%.txt,.venvs/%/stamp,$(wildcard scripts/environments/peers-*.txt))
awscli sdk2 sdk3: %: .venvs/%/stamp

test: $(VENV)/stamp-dev
	@$(BIN)/python -m pytest -q -m 'not slow'

test-all: $(VENV)/stamp-dev $(TOOLS)
	@$(BIN)/python scripts/systems.py
	@$(BIN)/python -m pytest -q
	@PYTHONPATH=src .venvs/fallback/bin/python -m pytest -q tests/gateway/test_fallback.py

stubs: $(VENV)/stamp-dev
	@$(BIN)/python scripts/stubs.py

check: stubs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy src/skylab
	@$(BIN)/python -m pytest -q tests/test_architecture.py

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/stamp-dev
	@$(BIN)/python $(PIP) --group fuzz
	@for target in signatures canonicals chunks documents archives policies; do \
	  echo "== $$target"; PYTHONPATH=src:fuzz $(BIN)/python fuzz/run.py $$target $(FUZZ_SECONDS) || exit 1; done

bench: $(VENV)/stamp-dev
	@for question in bench/*.py; do echo "== $$question"; $(BIN)/python "$$question" || exit 1; done

clean:
	rm -rf $(VENV) .venvs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info src/skylab/shapes/*.pyi
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
