# What a person needs: `make demo`, `make test`. Everything runs in ./.venv, which the first target makes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SEED   ?= 7
SECONDS ?= 60
TOWN   ?= demo
SQL    := $(shell find sql migrations examples bench tests/adventureworks tests/cycle -name '*.sql' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test test-server lint format faults fuzz sabotage bench clean

help: ## this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("notify needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once)" && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/ready: $(VENV)/base
	@echo "adding what tests and checks need (once)" && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[odbc]' 2>/dev/null || echo "no ODBC driver from here: the suite skips its mode pyodbc"
	@touch $@

demo: $(VENV)/base ## build ./demo, play a morning at the office, deliver its mail (SEED=n TOWN=folder FRESH=1)
	@$(BIN)/notify demo --directory $(TOWN) --seed $(SEED) $(if $(FRESH),--fresh)

test: $(VENV)/ready ## run the whole test suite: in process, and through Microsoft's ODBC driver
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

test-server: $(VENV)/ready ## the same tests on SQL Server: NOTIFY_TEST_MSSQL_URL, or Docker (docs/test-modes.md)
	@$(BIN)/python -m pytest -n 0 --mode server $(PYTEST)

lint: $(VENV)/ready ## ruff, mypy --strict, maxdop on every .sql
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy && $(BIN)/mypy -p bench
	@$(BIN)/maxdop --check --parser-version 2017 $(SQL)

format: $(VENV)/ready ## let ruff and maxdop format everything
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/maxdop --write --parser-version 2017 $(SQL)

faults: $(VENV)/ready ## kill and disturb at every statement boundary in turn (an hour or so)
	@NOTIFY_FAULTS=all $(BIN)/python -m pytest -n 2 --dist loadfile tests/faults

fuzz: $(VENV)/ready ## clients that misbehave against tsqlite's TDS server (SECONDS=600 SEED=n)
	@$(BIN)/python -m tests.tds.fuzz --seconds $(SECONDS) --seed $(SEED)

sabotage: $(VENV)/ready ## remove each safeguard in turn and show that a test fails
	@$(BIN)/python -m tests.sabotage

bench: $(VENV)/ready ## ratios against floors in the same run, into build/bench.json
	@$(BIN)/python -m bench

clean: ## remove what make made
	rm -rf $(VENV) build dist demo
