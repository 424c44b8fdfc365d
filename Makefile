# Set-up, tests and the main job. PYTHON names another interpreter than python3; it must be 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
INSTALLED_FOR_TESTS := $(VENV)/installed-for-tests
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: reproduce test clean

reproduce: $(INSTALLED)
	$(BIN)/lissnas reproduce

test: $(INSTALLED_FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lissnas needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) 'pip>=25.1'
	$(PIP) --editable .
	@touch $@

$(INSTALLED_FOR_TESTS): $(INSTALLED)
	$(PIP) --group test
	@touch $@

clean:
	rm -rf $(VENV)
