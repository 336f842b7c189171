# Commands for people and for CI. `make run` and `make test` do all the set-up themselves.
PYTHON ?= python3
BIN := .venv/bin
# Some machines keep Python from writing compiled modules; every process would compile them anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-clocks check bench setup screenshots lock clean

# First, so that a bare `make` shows the dashboard.
run: setup
	@$(BIN)/python manage.py run

# More workers than cores: many tests wait for another process.
WORKERS ?= 4

test: .venv/dev
	@$(BIN)/pytest -n $(WORKERS)
	@$(BIN)/python -m tests.postgresql -n $(WORKERS)

# What depends on the time of day, at ten awkward hours in three zones; a minute each.
test-clocks: .venv/dev
	@$(BIN)/python -m tests.clock -n $(WORKERS)

check: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/djade --target-version 5.2 --check templates/*.html templates/dashboard/*.html
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run

bench: .venv/dev .venv/bench/.made var/static/.made
	@$(BIN)/python -m tests.bench

# What the bench compares with: in an environment of its own, so that nothing of ours depends on it.
.venv/bench/.made: requirements-bench.txt
	@$(PYTHON) -m venv .venv/bench
	@.venv/bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $< || $(NO_NETWORK)
	@touch $@

screenshots: .venv/dev
	@$(BIN)/python -m tests.browser.screenshots

# The virtual environment, the database, the static files.
setup: .venv/run var/static/.made
	@$(BIN)/python manage.py migrate --verbosity 0

.venv/run: requirements.txt
	@echo "Installing what Reconciler needs into .venv; this takes a minute, once."
	@$(PYTHON) -m venv .venv
	@$(INSTALL) requirements.txt || $(NO_NETWORK)
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	@echo "Installing what the checks and tests need into .venv; once."
	@$(INSTALL) requirements-dev.txt || $(NO_NETWORK)
	@touch $@

INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r
NO_NETWORK = { echo "The packages could not be installed: see above. With a network, try again." >&2; exit 1; }

# Compressed anew only when one of them changed: that takes seconds of a processor.
var/static/.made: $(shell find static) .venv/run
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@touch $@

# Pins and hashes, with uv, for Python 3.11 to 3.13; the files carry no index address.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements.in -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements-postgresql.in -o requirements-postgresql.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements-bench.in -o requirements-bench.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/*/target
