# Every target brings what it needs: a virtual environment in .venv, uv in it, the locked packages.
PYTHON ?= python3
PORT ?= 8080
DATA ?= .rondo
MINUTES ?= 30
VENV := .venv
SDK := .venv-sdk
BIN := $(VENV)/bin
UV := $(BIN)/uv

# Images set it; here it has each process of the tests compile anew what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test test-sdk check bench chaos coverage mutants audit docs lock clean

run: $(VENV)/.platform
	$(BIN)/python -m examples.demo --data $(DATA) --port $(PORT) --keep-serving

demo: $(VENV)/.platform
	$(BIN)/python -m examples.demo

# Most of them wait for servers half of the time, so four at once suit two cores. Each gets one try
# (docs/adr/0005). Which goes where and when: tests/conftest.py.
test: $(VENV)/.dev
	$(BIN)/pytest -q -n 4 --dist loadgroup --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file libs/sdk/pyproject.toml
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# The published SDK that we are compatible with, in an environment of its own: half a gigabyte.
test-sdk: $(VENV)/.dev $(SDK)/.installed
	$(BIN)/pytest -q tests/sdk_acceptance

chaos: $(VENV)/.dev
	RONDO_TESTS=long $(BIN)/pytest -q tests/domain tests/scheduler tests/events tests/subscriptions \
		tests/system/test_main_py.py tests/operations/test_stop.py
	$(BIN)/pytest -q -s tests/chaos --chaos-minutes=$(MINUTES)

# Lines and branches of the rooms that must not be wrong, by the tests that need no platform.
coverage: $(VENV)/.habits
	$(BIN)/pytest -q -n 4 --dist loadgroup --no-loadscope-reorder --cov --cov-report=term \
		tests/domain tests/golden tests/eventlog tests/projections tests/contracts/test_eventlog.py \
		tests/contracts/test_append_pair.py tests/contracts/test_react.py \
		tests/contracts/test_snapshot.py tests/operations/test_parked.py tests/scheduler

# Changes the domain and the scheduler's decisions a little, and tells which change no test notices.
mutants: $(VENV)/.habits
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# Known vulnerabilities of what is locked; asks the advisory service of PyPI.
audit: $(VENV)/.habits
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/platform.txt
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/dev.txt

docs: $(VENV)/.habits
	$(BIN)/zensical build --strict

lock: $(UV)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements/dev.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links -c requirements/dev.txt pyproject.toml -o requirements/platform.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links -c requirements/dev.txt --extra dev --extra habits pyproject.toml -o requirements/habits.txt
	$(UV) pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links requirements/sdk.in -o requirements/sdk.txt

clean:
	rm -rf $(VENV) $(SDK) .rondo build *.egg-info

$(UV):
	$(PYTHON) -c 'import sys; sys.exit("Rondo needs Python 3.11 or newer; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements/platform.txt)"

# The lock says which packages, the stamp says they are in.
$(VENV)/.platform: requirements/platform.txt pyproject.toml | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/platform.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.platform
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.habits: requirements/habits.txt $(VENV)/.dev
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/habits.txt
	@touch $@

$(SDK)/.installed: requirements/sdk.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 $(SDK)
	$(UV) pip install --quiet --python $(SDK)/bin/python --require-hashes -r requirements/sdk.txt
	@touch $@
