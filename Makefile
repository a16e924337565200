# Everything that is done with this repository. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help install rehearse test unit journal harness page lint bench mutate soak lock clean

PYTHON ?= python3
ENVIRONMENT := .venv/installed

# One seed for all that is drawn: samples and examples. RUNBOOK_SEED=… draws the same again.
ifndef RUNBOOK_SEED
RUNBOOK_SEED := $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
endif
export RUNBOOK_SEED

SHARD ?= 1/1

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

install: $(ENVIRONMENT) ## Python and the libraries, the lab's and the tests' among them

rehearse: $(ENVIRONMENT) ## the whole runbook on a disposable server: lab up, report, lab down
	.venv/bin/runbook rehearse

test: $(ENVIRONMENT) lint unit journal harness page ## all tests: lint, unit, the journal, the report's page, then a sample of the faults on a lab
	.venv/bin/python -m pytest tests/lab -m "not soak" --numprocesses=2 --durations=25

unit: $(ENVIRONMENT) ## the tests that need no Docker
	.venv/bin/python -m pytest tests/unit --numprocesses=3 --dist=worksteal

journal: $(ENVIRONMENT) ## the journal's scripts as a state machine, and what is noticed where one is weaker
	.venv/bin/python -m pytest tests/journal -m "not soak" --numprocesses=2 --dist=worksteal

harness: $(ENVIRONMENT) ## the tests of the tests: healthy labs, what a run says at its end, how soak is cut
	.venv/bin/python -m pytest tests/harness --numprocesses=2 --dist=worksteal

page: $(ENVIRONMENT) ## the report in a headless Chromium, which is installed where that can be done
	.venv/bin/python -m pytest tests/page

lint: $(ENVIRONMENT) ## style, types, the arrows between the rooms, what is imported and declared
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry . --extend-exclude lab/ --optional-dependencies-dev-groups lab,bench,dev
	.venv/bin/deptry . --exclude '\.venv|lab/psyfit/'

bench: $(ENVIRONMENT) ## speed, as ratios against peers in the same run
	.venv/bin/python -m tests.bench

mutate: $(ENVIRONMENT) ## weaken checks and steps, one change at a time: which one does nobody notice?
	.venv/bin/python -m tests.mutation

soak: $(ENVIRONMENT) ## everything, whole, or one piece of it: SHARD=3/12; again what has passed: AFRESH=1
	.venv/bin/python -m pytest tests/unit tests/journal tests/harness tests/page tests/lab --hypothesis-profile=soak --shard=$(SHARD) \
	  $(if $(AFRESH),--afresh)

lock: $(ENVIRONMENT) ## pin what pyproject.toml asks for, with hashes
	.venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --all-extras \
	  --output-file requirements.lock pyproject.toml

clean: ## remove the environment and the caches (not the reports)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

$(ENVIRONMENT): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "needed: Python 3.11 or newer with venv (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat --editable .
	@touch $@
