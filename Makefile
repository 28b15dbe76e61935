# needs Python 3.11 or newer and make; with a C++ compiler the layers are several times faster
PYTHON ?= python3
BIN := .venv/bin
OPS := src/lockgate/ops
KERNELS := CMakeLists.txt $(wildcard $(OPS)/_cpu/*.cpp $(OPS)/_cpu/*.h $(OPS)/*/cpu.cpp)

.PHONY: demo docs test kernels
demo: .venv/installed
	$(BIN)/lockgate study --sample co2 --rounds 6 --out runs/demo --resume \
	  --rungs lstm,input-dropout,recurrent-dropout,both,stacked

test: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

# the site in build/site; a link that leads nowhere ends it
docs: .venv/docs
	$(BIN)/mkdocs build

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
	  --no-build-isolation --check-build-dependencies --config-settings build-dir=build/kernels \
	  --editable ".[docs]"
	touch $@

# after a change of the C++: what has not changed is not compiled again
kernels: .venv/installed

# torch comes first and pinned: an unpinned torch may bring gigabytes of CUDA packages
.venv/tools: pyproject.toml runtime/pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt \
	  cmake editables hatchling nanobind ninja scikit-build-core
	touch $@

# built with the tools in .venv: those of an isolated build are gone when the next one looks for them
.venv/installed: .venv/tools $(KERNELS)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
	  --no-build-isolation --check-build-dependencies --config-settings build-dir=build/kernels \
	  --editable "./runtime" --editable ".[dev]"
	touch $@
