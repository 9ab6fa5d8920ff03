PYTHON := .venv/bin/python

.PHONY: setup check test
setup: .venv/.ready
.venv/.ready: requirements.lock
	python3 -m venv .venv
	.venv/bin/pip install -q --require-hashes -r requirements.lock
	touch $@

check: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(PYTHON) -m pytest -q tests/laws

test: check
	$(PYTHON) -m pytest -q
