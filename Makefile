# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
# Addresses of registries are the machine's affair; nothing here names one.

.DEFAULT_GOAL := help
.PHONY: help system setup demo smoke test check format web-types web-test bench-setup bench fuzz simulate pictures backup restore verify-books reset-second-factor units

help: ## say what each command does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

system: ## install the Debian packages that are missing (root or passwordless sudo)
	@tools/system.sh

setup: ## make .venv from requirements.lock and build the native twins
	@tools/setup.sh

demo: system setup ## run everything on this machine with a show on air (DEMO_SECONDS=N, HTTPS=1, SOURCE=…)
	@exec $(PYTHON) -m demo

smoke: system setup ## let a browser watch, buy and pay; one JSON line last
	@exec $(PYTHON) -m demo.smoke

check: setup web-types ## format, lint, types, laws and unit tests: before every commit
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTEST) tests -m "not browser and not server and not slow"

format: setup ## let ruff write the format and mend what it can
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

web-types: ## the types of web/, where Node is there
	@if command -v npm >/dev/null; then { [ -d node_modules/typescript ] || npm ci --silent; } && npx tsc -p web; else echo "no Node: the types of web/ are left out"; fi

web-test: ## the tests of web/ that need Node alone
	@if command -v node >/dev/null; then node --test --test-reporter=dot tests/web/*.test.js; else echo "no Node: the tests of web/ in Node are left out"; fi

test: system setup web-types web-test ## all that has to hold before a change lands
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTEST) tests

bench-setup: system setup ## install the peers that benchmarks compare with
	@if [ -x benchmarks/setup.sh ]; then exec benchmarks/setup.sh; else echo "no benchmark has a peer yet"; fi

bench: setup ## run every benchmark; each prints one JSON line last
	@for file in benchmarks/[a-z]*.py; do \
	  if grep -q __main__ "$$file"; then $(PYTHON) -m "benchmarks.$$(basename "$$file" .py)" --json; fi; done

fuzz: setup ## fuzz all that strangers may say, by coverage and by chance (SECONDS=… a target, EXAMPLES=…)
	@$(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r tests/fuzz/requirements.lock
	$(PYTHON) -m tests.fuzz --seconds $(or $(SECONDS),60)
	FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(PYTEST) tests -m fuzz --timeout=0

simulate: setup ## play many more seeded evenings that crash, on all cores (SEEDS=… FROM=…)
	$(PYTHON) -m tests.simulation --seeds $(or $(SEEDS),1000000) --from $(or $(FROM),0)

pictures: system setup ## take the pictures of the README from the running demo
	@exec $(PYTHON) -m demo.pictures

backup: setup ## save log and books of the running shop to TO=file (default var/backups/<time>.tar)
	@exec $(PYTHON) -m commerce.backup save $(TO)

restore: setup ## lay FROM=file back into an empty shop
	@test -n "$(FROM)" || { echo "make restore: name the file: make restore FROM=var/backups/….tar" >&2; exit 2; }; exec $(PYTHON) -m commerce.backup restore $(FROM)

verify-books: setup ## compare the logs with the books of the running shop and name every difference
	@exec $(PYTHON) -m commerce.books.verify

reset-second-factor: setup ## take the lost second factor of NAME=… off, on this machine (the last operator's way back)
	@test -n "$(NAME)" || { echo "make reset-second-factor: name the account: NAME=…" >&2; exit 2; }; exec $(PYTHON) -m commerce.reset "$(NAME)"

units: setup ## write systemd units made from the Procfile to TO=folder (default var/systemd)
	@exec $(PYTHON) -m demo.procfile systemd $(or $(TO),var/systemd)
