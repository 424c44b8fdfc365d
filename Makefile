# PYTHON names another interpreter than python3; it must be 3.11 or newer. NEWEST is the interpreter of test-newest.
PYTHON ?= python3
NEWEST ?= $(PYTHON)
# Tests start a hundred Python processes. Without byte code, each of them would compile our modules again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DEVELOPMENT := $(VENV)/installed-for-development
PIP := $(BIN)/python -m pip install --quiet
CHECKOUT := --no-deps --no-build-isolation --editable .
PYTEST := $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile
QUICK := -m "not slow" tests/toolkit tests/benchmarks --ignore=tests/toolkit/supernet --ignore=tests/benchmarks/adapters
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --universal --no-header --no-annotate --quiet $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help reproduce lint test pytest test-fast test-processors test-oldest test-newest verify verify-long docs wheel docker lock audit clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

reproduce: $(INSTALLED)  ## run the main job on the bundled benchmarks and write results/report.html
	$(BIN)/lissnas reproduce
	$(BIN)/lissnas report results --out results/report.html

lint: $(DEVELOPMENT)  ## check style and types: ruff, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint pytest  ## run every check and test

pytest: $(DEVELOPMENT)
	OMP_NUM_THREADS=1 $(PYTEST)

test-fast: $(DEVELOPMENT)  ## run the quick tests of the core, in under a minute
	OMP_NUM_THREADS=1 $(PYTEST) -m "not slow" tests/test_layers.py tests/test_public_api.py tests/toolkit \
		--ignore=tests/toolkit/supernet

# Each processor adds floating-point numbers in another order. To find which setting fails, set one at a time.
test-processors: $(DEVELOPMENT)  ## run all tests as on other x86 processors, with one and two threads
	@failed=; \
	for settings in \
		"ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=1" \
		"ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Prescott OMP_NUM_THREADS=2"; \
	do \
		printf '\n=== %s ===\n' "$$settings"; \
		env $$settings $(PYTEST) || failed="$$failed$$settings: failed\n"; \
	done; \
	printf "\n$$failed"; \
	test -z "$$failed"

test-oldest:  ## run the quick tests with the oldest dependencies that pyproject.toml allows
	$(MAKE) VENV=.venv-oldest .venv-oldest/installed-oldest
	OMP_NUM_THREADS=1 .venv-oldest/bin/pytest --override-ini filterwarnings=default --numprocesses=logical $(QUICK)

test-newest:  ## run the quick tests with the newest dependencies; PYTHON names the interpreter
	$(MAKE) PYTHON=$(NEWEST) VENV=.venv-newest .venv-newest/installed-newest
	OMP_NUM_THREADS=1 .venv-newest/bin/pytest --override-ini filterwarnings=default --numprocesses=logical $(QUICK)

# The readers are fuzzed with atheris, which has no build for every computer; without it those claims are skipped.
verify: $(DEVELOPMENT)  ## check a share of every claim of docs/trust.md in under 30 minutes, and print one table; resumes
	-$(PIP) 'atheris>=3.0'
	OMP_NUM_THREADS=1 $(BIN)/python tests/verify/verify.py

verify-long: $(DEVELOPMENT)  ## check every claim in full, and write docs/measured/verify.csv; takes hours, resumes
	-$(PIP) 'atheris>=3.0'
	OMP_NUM_THREADS=1 $(BIN)/python tests/verify/verify.py --long --csv docs/measured/verify.csv

docs: $(DEVELOPMENT)  ## build the documentation: docs/_build/html/index.html
	rm -rf docs/reference/generated
	$(BIN)/sphinx-build -W --keep-going --quiet --jobs auto docs docs/_build/html
	@echo "the documentation: docs/_build/html/index.html"

wheel: $(DEVELOPMENT)  ## build the wheel, install it into an empty environment, and run the main job there
	$(BIN)/python tests/installation/wheel.py

docker: $(INSTALLED)  ## run the steps of the Dockerfile in an empty environment
	$(BIN)/python tests/installation/docker.py

lock: $(INSTALLED)  ## write the files in requirements/; UPGRADE=--upgrade moves to newer versions
	$(PIP) 'uv>=0.9'
	$(LOCK) --python-version 3.11 --generate-hashes --group build \
		--output-file requirements/reproduce.txt
	$(LOCK) --python-version 3.11.5 --generate-hashes --extra export --group build --group test --group docs \
		--constraint requirements/reproduce.txt --excludes requirements/without-torch.txt \
		--output-file requirements/development.txt
	$(LOCK) --python-version 3.11 --resolution lowest-direct --extra bridges --extra search --group build \
		--group test --excludes requirements/without-torch.txt \
		--output-file requirements/oldest.txt
	$(BIN)/python requirements/bill_of_materials.py

audit: $(INSTALLED)  ## look up known vulnerabilities of the locked packages; needs the network
	$(PIP) 'pip-audit>=2.9'
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements/reproduce.txt

clean:  ## delete the environments and the built documentation
	rm -rf .venv .venv-oldest .venv-newest docs/_build docs/reference/generated

$(INSTALLED): pyproject.toml requirements/reproduce.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lissnas needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements/reproduce.txt
	$(PIP) $(CHECKOUT)
	@touch $@

$(DEVELOPMENT): $(INSTALLED) requirements/development.txt requirements/torch.txt
	$(PIP) --require-hashes --requirement requirements/development.txt
	$(PIP) --requirement requirements/torch.txt
	@touch $@

$(VENV)/installed-newest: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[bridges,search]' lightgbm xgboost-cpu==3.0.5 pytest pytest-xdist hypothesis lonkit distributed \
		nas-bench-201==2.1 nats-bench==1.8
	@touch $@

$(VENV)/installed-oldest: pyproject.toml requirements/oldest.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --requirement requirements/oldest.txt
	$(PIP) $(CHECKOUT)
	@touch $@
