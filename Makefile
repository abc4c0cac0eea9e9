# Two commands do everything, set-up included: `make demo` and `make test`.
# From the operating system: Python >= 3.11 with venv, make, a C++ compiler and perl. The rest comes from pip.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

# The newest Python that the pinned wheels exist for; PYTHON=... overrides.
# Looked for once: a deferred variable would run Python again at each use.
ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
endif

BOARD ?= icebreaker
DEMO_DIR ?= build/demo
# loadgroup: tests that share a compiled simulation stay on one worker.
PYTEST_FLAGS ?= -n 2 --dist loadgroup

.PHONY: help setup demo test lint docs bench clean check-os check-venv

help:
	@echo "make demo    set up, then the whole pipeline: train, import, fold, generate, simulate, build, report"
	@echo "make test    set up, then all tests"
	@echo "make setup   only the set-up: $(VENV), pinned by constraints.txt"
	@echo "make lint    ruff, basedpyright, import-linter"
	@echo "make docs    the documentation as a site, in build/docs"
	@echo "make bench   all of benchmarks/ (long)"
	@echo "make clean   removes $(VENV), build/ and caches"

check-os:
	@missing=""; \
	[ -n "$(PYTHON)" ] || missing="$$missing Python>=3.11"; \
	if [ -n "$(PYTHON)" ] && ! $(PYTHON) -c 'import venv, ensurepip' >/dev/null 2>&1; then missing="$$missing Python's-venv-module"; fi; \
	if ! command -v "$${CXX:-c++}" >/dev/null 2>&1 && ! command -v g++ >/dev/null 2>&1 && ! command -v clang++ >/dev/null 2>&1; then \
		missing="$$missing C++-compiler"; fi; \
	command -v perl >/dev/null 2>&1 || missing="$$missing perl"; \
	if [ -n "$$missing" ]; then \
		echo "make: missing from the operating system:$$missing" >&2; \
		echo "  Debian, Ubuntu:  sudo apt-get install python3 python3-venv make g++ perl" >&2; \
		echo "  Fedora:          sudo dnf install python3 make gcc-c++ perl" >&2; \
		echo "  macOS:           xcode-select --install && brew install python@3.13" >&2; \
		exit 3; \
	fi

setup: check-os check-venv
	@$(MAKE) --no-print-directory $(STAMP)

# One that another Python made, or one that is gone since, is made anew; a user's own is named and stays.
WHICH := import sys; print("%d.%d of %s" % (*sys.version_info[:2], sys.base_prefix))
check-venv:
	@if [ -e $(VENV) ]; then \
		is=$$($(BIN)/python -c '$(WHICH)' 2>/dev/null || echo "a version that does not run"); \
		wanted=$$($(PYTHON) -c '$(WHICH)'); \
		if [ "$$is" = "$$wanted" ]; then :; \
		elif [ -e $(VENV)/.bnnhw ] || [ -e $(STAMP) ]; then \
			echo "setup: $(VENV) was made by Python $$is; made anew by Python $$wanted"; \
			rm -rf $(VENV); \
		else \
			echo "make: $(VENV) is another's, of Python $$is, and Python $$wanted is used; move it away, or: make VENV=.venv-bnnhw" >&2; \
			exit 2; \
		fi; \
	fi

# A changed pin or dependency installs again; otherwise this costs nothing.
$(STAMP): pyproject.toml constraints.txt | check-os
	@echo "setup: $(VENV) from $(PYTHON); once, a few minutes"
	@$(PYTHON) -m venv $(VENV)
	@touch $(VENV)/.bnnhw
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: setup
	@$(BIN)/bnnhw demo --board $(BOARD) -o $(DEMO_DIR)

test: setup
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: setup
	@$(BIN)/python tests/lint.py

docs: setup
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs && echo "build/docs/index.html"

bench: setup
	@set -e; for script in benchmarks/measure_*.py benchmarks/study_accuracy_cost.py benchmarks/document.py; do echo "bench: $$script"; $(BIN)/python "$$script"; done

clean:
	rm -rf $(VENV) build dist bnnhw.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
