# make demo            the whole walk on a simulated scene (or INPUT=my.tif), with a picture: demo/
# make test            all tests that need no torch
# make test-train      those that need it
# make test-tools      those of other tools: xarray, Dask, STAC, notebooks, distributions; gdal-bin, nginx, chromium, qgis with xvfb, where Debian's are installed
# make lint            ruff, the contracts between rooms, types
# make docs            the site: build/site/index.html
# make dist            sdist and wheel of this machine, checked: dist/
# make golden          golden files that are missing (those that are there are frozen), and the example of docs/format.md
# make library         compile libsarcodec alone, after a change of native/ (SARCODEC_NATIVE=off leaves it out: CONTRIBUTING.md)
# make clean           forget the virtual environment, the demo and the site
# Everything is installed into .venv; a second run installs nothing unless pyproject.toml or native/ changed.

PYTHON ?= python3
BIN := .venv/bin
# Python compiles what is imported; compiling all of every package beforehand would take 50 MB.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable

.PHONY: demo test test-train test-tools lint docs dist golden library clean

demo: .venv/.with-plot
	$(BIN)/python examples/demo.py $(if $(INPUT),--input "$(INPUT)")

test: .venv/.with-test
	@echo "make test: tests marked 'train' need torch and are left out here; make test-train runs them"
	@echo "make test: tests marked 'tools' need xarray, Dask and others and are left out here; make test-tools runs them"
	@echo "make test: tests marked 'slow' run whole archives for minutes; make test-tools runs them"
	$(BIN)/python -m pytest -m "not train and not tools and not slow"

test-train: .venv/.with-train
	$(BIN)/python -m pytest -m train

test-tools: .venv/.with-tools
	$(BIN)/python -m pytest -m "tools or slow" tests/doors tests/viewer tests/qgis tests/packages tests/notebooks tests/archiving tests/products

lint: .venv/.with-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy --strict src/sarcodec

docs: .venv/.with-docs
	$(BIN)/python tools/site/figures.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: .venv/.made
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python tools/wheels/check.py dist/*

golden:
	$(BIN)/python tests/golden/make.py
	$(BIN)/python tools/site/example.py

library:
	$(PYTHON) native/build_library.py

clean:
	rm -rf .venv demo build/site

NATIVE := $(wildcard native/*.c native/*.h native/*.py) setup.py

.venv/.with-plot: .venv/.made pyproject.toml $(NATIVE)
	$(PIP_INSTALL) '.[plot]'
	@touch $@

.venv/.with-test: .venv/.made pyproject.toml lab/pyproject.toml $(NATIVE)
	$(PIP_INSTALL) '.[test]' --editable './lab[bench]'
	@touch $@

.venv/.with-train: .venv/.made pyproject.toml lab/pyproject.toml $(NATIVE)
	$(PIP_INSTALL) '.[test]' --editable './lab[bench,train]'
	@touch $@

.venv/.with-tools: .venv/.made pyproject.toml lab/pyproject.toml $(NATIVE)
	$(PIP_INSTALL) '.[test,tools]'
	@touch $@

.venv/.with-docs: .venv/.made pyproject.toml
	$(PIP_INSTALL) '.[docs]'
	@touch $@

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: sarcodec needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@
