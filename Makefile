# needs Python 3.11 or newer and make, nothing else
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test
demo: .venv/installed
	$(BIN)/lockgate study --sample co2 --seeds 3 --out runs/demo --resume \
	  --rungs lstm,input-dropout,recurrent-dropout,both,stacked

test: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

# torch comes first and pinned: an unpinned torch may bring gigabytes of CUDA packages
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
