# Two commands do all the set-up on a fresh machine, each by itself: `make demo` and `make test`.
# Settable: HOST, PORT (demo, dashboard); RECORDS, DATA (dashboard); PYTHON (makes the environment), VENV (where it
# lies), CHROMIUM (browser tests).

SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
HOST ?= 127.0.0.1
CHROMIUM ?= /usr/bin/chromium

VENV_PYTHON := $(VENV)/bin/python
# Empty files, newer than the requirements that were last installed.
INSTALLED := $(VENV)/.requirements-installed
INSTALLED_DEV := $(VENV)/.requirements-dev-installed

.PHONY: help demo dashboard test test-spaces check bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    start the demo on http://$(HOST):$(or $(PORT),7860)"
	@echo "make dashboard  start the dashboard on http://$(HOST):$(or $(PORT),8501)"
	@echo "make test    run all tests"
	@echo "make test-spaces  start the staged Spaces in fresh environments (minutes, gigabytes, network)"
	@echo "make check   run ruff, mypy and the import rules"
	@echo "make bench   run the benchmarks"
	@echo "make clean   remove caches and build leftovers (not $(VENV), not runs/)"

demo: $(INSTALLED)
	$(VENV_PYTHON) -m apps.demo --host $(HOST) --port $(or $(PORT),7860)

dashboard: $(INSTALLED)
	$(VENV_PYTHON) -m apps.dashboard --host $(HOST) --port $(or $(PORT),8501)

test: $(CHROMIUM) $(INSTALLED_DEV)
	CHROMIUM=$(CHROMIUM) $(VENV_PYTHON) -m pytest -n auto --dist loadfile

test-spaces: $(INSTALLED_DEV)
	$(VENV_PYTHON) -m tests.fresh_spaces --python $(PYTHON)

check: $(INSTALLED_DEV)
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV)/bin/lint-imports

bench: $(INSTALLED_DEV)
	@for file in tests/benchmarks/bench_*.py; do \
		$(VENV_PYTHON) -m "tests.benchmarks.$$(basename "$$file" .py)" || exit; \
	done

clean:
	rm -rf build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache test-results
	find anime_models apps training spaces tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV_PYTHON):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements.txt | $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install -r requirements.txt
	touch $@

# The development requirements include the others, so both count as installed.
$(INSTALLED_DEV): requirements.txt requirements-dev.txt | $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install -r requirements-dev.txt
	touch $(INSTALLED) $@

# The browser tests drive the distribution's Chromium; fonts so that screenshots have letters.
$(CHROMIUM):
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation; \
	fi
	@[ -x "$@" ] || { \
		echo "The browser tests need Chromium at $@. Install it (Debian: sudo apt-get install chromium)" \
			"or name another one: make test CHROMIUM=/path/to/chromium" >&2; \
		exit 1; \
	}
