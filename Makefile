# gofaxpy: the two commands are `make demo` and `make test`; with a real FreeSWITCH at hand also `make live`.
# Each installs what it needs first (Debian 12 or later; see tests/rig/setup.sh).

PYTHON := .venv/bin/python
# faxq and hfaxd can only be started by root.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n)
# Two cores are what the suite is measured on; `make test WORKERS=0` runs it in one process.
WORKERS ?= 2
# Further arguments for pytest, e.g. `make unit ARGS='-k qfile'`.
ARGS ?=
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help deps demo test lint types unit pytest live bench bench-compare reference deb dist fuzz crash model soak clean

help: ## show this list
	@echo 'make TARGET'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12

deps: ## install Debian packages and the virtual environment, as far as they are missing
	@bash tests/rig/setup.sh

demo: deps ## send a fax all the way, from sendfax to the received TIFF
	@$(AS_ROOT) env PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m demo

test: lint types pytest ## run all checks and tests

lint: deps ## check style (ruff)
	$(PYTHON) -m ruff check --no-cache .

types: deps ## check types (mypy)
	$(PYTHON) -m mypy --cache-dir=/dev/null

unit: deps ## run the tests that need neither root nor HylaFAX
	$(PYTHON) -m pytest tests/unit tests/standin tests/rigging $(ARGS)

pytest: deps
	$(AS_ROOT) env -u FREESWITCH PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# Time is real on a real FreeSWITCH, so most of it is waiting: more calls at once than cores are right.
LIVE_WORKERS ?= 6
LIVE_TESTS ?= tests/scenario tests/hylafax tests/live
REPORT := build/conformance

live: ## run the scenarios on a real FreeSWITCH and on the stand-in, and compare: make live FREESWITCH=/prefix
ifeq ($(strip $(FREESWITCH)),)
	@echo 'make live needs an installed FreeSWITCH 1.10 with mod_python3: say FREESWITCH=/prefix, e.g. FREESWITCH=/usr' >&2
	@exit 2
else
	@$(MAKE) --no-print-directory deps
	failed=0; \
	$(AS_ROOT) env FREESWITCH='$(FREESWITCH)' CONFORMANCE=$(REPORT)/real.json PYTHONDONTWRITEBYTECODE=1 \
	  $(PYTHON) -m pytest -n $(LIVE_WORKERS) --dist load --timeout 900 $(LIVE_TESTS) $(ARGS) || failed=1; \
	$(AS_ROOT) env -u FREESWITCH CONFORMANCE=$(REPORT)/standin.json PYTHONDONTWRITEBYTECODE=1 \
	  $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(LIVE_TESTS) $(ARGS) || failed=1; \
	$(AS_ROOT) env PYTHONPATH=tests $(PYTHON) -m rig.conformance $(REPORT)/real.json $(REPORT)/standin.json $(REPORT).md; \
	exit $$failed
endif

reference: deps ## write docs/configuration.md and what else is made from the code anew
	$(PYTHON) docs/reference.py

# FIGURES='start cpu' takes only these; `make bench FIGURES=--list` names them.
FIGURES ?=
BENCH = $(AS_ROOT) env PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 FREESWITCH='$(FREESWITCH)' $(PYTHON) -m

bench: deps ## measure speed and memory, each against a reference (some 5 minutes)
	@$(BENCH) bench $(FIGURES)

bench-compare: deps ## measure this checkout and the revision BASE in turn
	@test -n '$(BASE)' || { echo 'usage: make bench-compare BASE=<git revision> [FIGURES=...]'; exit 2; }
	@$(BENCH) bench.compare $(BASE) $(FIGURES)

# Where packages are made and left; tests have them made elsewhere.
BUILD ?= build
DIST ?= dist
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' lib/gofaxpy/__init__.py)
# What the Debian package is made from.
DEB_PARTS = bin lib fs_scripts dialplan conf docs debian README.md CHANGELOG.md LICENSE

# -d: no compiler is needed, which dpkg-buildpackage would insist on; the rest is among `make deps`.
deb: deps ## build the Debian package dist/gofaxpy_VERSION_all.deb
	rm -rf '$(BUILD)/deb'
	mkdir -p '$(BUILD)/deb/gofaxpy-$(VERSION)' '$(DIST)'
	tar -c --exclude='*.egg-info' --exclude=__pycache__ $(DEB_PARTS) | tar -x -C '$(BUILD)/deb/gofaxpy-$(VERSION)'
	cd '$(BUILD)/deb/gofaxpy-$(VERSION)' && dpkg-buildpackage --build=all --no-sign -d
	cp '$(BUILD)/deb/gofaxpy_$(VERSION)_all.deb' '$(DIST)'

# The wheel is built from the sdist, so that the sdist has what it takes.
dist: deps ## build dist/gofaxpy-VERSION.tar.gz (sdist) and the wheel
	$(PYTHON) -m build --no-isolation --outdir '$(DIST)' .
	rm -rf lib/gofaxpy.egg-info

# Seconds for `make fuzz`, all targets together.
TIME ?= 300

CRASH_TESTS ?= tests/crash tests/hylafax/test_competing_jobs.py

crash: deps ## kill, fail, cut, delay and lose power at every point, then audit (about an hour); see docs/reliability.md
	$(AS_ROOT) env CRASH=all PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -n $(WORKERS) --dist load $(CRASH_TESTS) $(ARGS)

# How many sequences at most, for how many seconds, from which seed on; MODEL='submit pages=3; …' runs this one instead.
SEQUENCES ?=
SECONDS ?= 600
SEED ?=
MODEL ?=

model: deps ## try random sequences of attempts, accidents and people for SECONDS seconds (600); see docs/testing.md
	@$(AS_ROOT) env PYTHONPATH=lib:tests PYTHONDONTWRITEBYTECODE=1 FREESWITCH='$(FREESWITCH)' WORKERS='$(WORKERS)' \
	  SEQUENCES='$(SEQUENCES)' SECONDS='$(SECONDS)' SEED='$(SEED)' MODEL='$(subst ','\'',$(MODEL))' $(PYTHON) -m model

# FAXES in a row, CALLS at once in either direction.
FAXES ?= 5000
CALLS ?= 200

soak: deps ## send and receive FAXES faxes in a row and CALLS at once; nothing may be lost or grow
	$(AS_ROOT) env FAXES=$(FAXES) CALLS=$(CALLS) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest tests/soak $(ARGS)

fuzz: deps ## try hostile input for TIME seconds (300), guided by coverage where atheris can be installed
	@$(PYTHON) -c 'import atheris' 2>/dev/null || $(PYTHON) -m pip install --quiet --only-binary :all: -r tests/fuzz/requirements.txt || \
		echo 'atheris cannot be installed here; inputs are Hypothesis'"'"' instead'
	@env PYTHONPATH=lib:tests $(PYTHON) -m fuzz --time $(TIME) $(ARGS)

clean: ## remove everything that make has made
	$(AS_ROOT) rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build demo-out dist lib/*.egg-info
	$(AS_ROOT) find . -name __pycache__ -type d -prune -exec rm -rf {} +
