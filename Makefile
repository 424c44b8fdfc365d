# Set-up, tests and the main job. PYTHON names another interpreter than python3; it must be 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
INSTALLED_FOR_TESTS := $(VENV)/installed-for-tests
INSTALLED_FOR_DOCS := $(VENV)/installed-for-docs
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: reproduce test test-processors docs wheel clean

reproduce: $(INSTALLED)
	$(BIN)/lissnas reproduce
	$(BIN)/lissnas report results --out results/report.html

test: $(INSTALLED_FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile

# As if on other x86 processors: each run sums in another order. Every setting is in one run; a failure can be split.
test-processors: $(INSTALLED_FOR_TESTS)
	@failed=; \
	for settings in \
		"ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=1" \
		"ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Prescott OMP_NUM_THREADS=2"; \
	do \
		printf '\n=== %s ===\n' "$$settings"; \
		env $$settings $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile || \
			failed="$$failed$$settings: failed\n"; \
	done; \
	printf "\n$$failed"; \
	test -z "$$failed"

docs: $(INSTALLED_FOR_DOCS)
	rm -rf docs/reference/generated
	$(BIN)/sphinx-build -W --keep-going --quiet --jobs auto docs docs/_build/html
	@echo "the documentation: docs/_build/html/index.html"

wheel: $(INSTALLED_FOR_TESTS)
	$(BIN)/python tests/installation/wheel.py

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lissnas needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) 'pip>=25.1'
	$(PIP) --editable '.[report]'
	@touch $@

$(INSTALLED_FOR_TESTS): $(INSTALLED)
	$(PIP) --group test
	@touch $@

$(INSTALLED_FOR_DOCS): $(INSTALLED_FOR_TESTS)
	$(PIP) --group docs
	@touch $@

clean:
	rm -rf $(VENV) docs/_build docs/reference/generated
