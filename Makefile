# The menu. Needs only Python >= 3.11 and make; everything else goes into .venv in this checkout.
.DEFAULT_GOAL := help
.PHONY: help up test test-all lint format bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"; }
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --frozen --inexact --all-groups
	@touch $@

help: ## Show this menu
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

up: $(READY) ## Run a live testnet with moving markets, demo keys and a small trading bot
	@$(BIN)/watchword demo up --home .watchword

test: $(READY) ## The whole suite, under five minutes on two cores
	@$(PYTEST) -q -n 2 --dist worksteal -m "not long"

test-all: $(READY) ## Everything, with long fuzzing, soaks and many crashes (up to 30 minutes)
	@$(PYTEST) -q -n 2 --dist worksteal

lint: $(READY) ## Style, types and layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(READY) ## Let the formatter decide
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(READY) ## Every measured claim, one run; results also as JSON in bench/results
	@$(BIN)/python -m bench

clean: ## Remove the environment, caches and the local testnet
	@rm -rf $(VENV) .watchword .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results
