# Everything a developer types. All of it works in .venv, which is made once and again when setup.py changes.
# What the targets install is reported on standard error: the standard output of `make demo ONCE=1` is the demo's alone.

PYTHON ?= python3
BIN := .venv/bin
PACKAGES := shared sync node hub
# Tests wait for the disk more than for the processor; what they write is nobody's, so memory will do.
SCRATCH := $(shell test -w /dev/shm && echo /dev/shm || echo /tmp)

.PHONY: help demo test lint faults bench pictures guides dictionary locale

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mektep needs Python 3.11 or later")'
@echo "Installing Mektep into .venv; this takes a minute, once." >&2
@test -x $(BIN)/pip || $(PYTHON) -m venv .venv >&2
@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.$(1)' >&2
@touch .venv/installed
endef

.venv/installed: setup.py
	$(call install,)

.venv/installed-test: setup.py
	$(call install,[test])
	@touch $@

demo: .venv/installed  ## a hub and three schools on this machine; ONCE=1 prints the figures as JSON and stops
	@$(BIN)/python -m demo $(if $(ONCE),--once)

test: .venv/installed-test  ## every test; says which are left out for want of Chromium or PostgreSQL
	@TMPDIR=$(SCRATCH) $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

lint: .venv/installed-test  ## style, types, layers, generated files
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/mypy $(PACKAGES) demo
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m shared.schema | diff -u docs/data-dictionary.md - || { echo "Run make dictionary." >&2; exit 1; }
	@$(BIN)/python -m node.guide.pages --check
	@$(BIN)/python -m pytest tests/test_house.py

faults: .venv/installed-test  ## the long way: 10,000 random histories, then 200 of killed processes
	@$(BIN)/python -m tests.properties; histories=$$?; \
		TMPDIR=$(SCRATCH) MEKTEP_FAULTS=full $(BIN)/python -m pytest -n 2 --durations 15 tests/properties tests/faults \
		&& exit $$histories

bench: .venv/installed-test  ## sizes and times against their limits
	@$(BIN)/python -m tests.bench

pictures: .venv/installed-test  ## take the pictures of the guides anew
	@TMPDIR=$(SCRATCH) MEKTEP_PICTURES=1 $(BIN)/python -m pytest tests/browser/test_guide.py

guides: .venv/installed  ## write docs/guides from the app's guides and their translations
	@$(BIN)/python -m node.guide.pages

dictionary: .venv/installed  ## write docs/data-dictionary.md from the schema
	@$(BIN)/python -m shared.schema > .venv/dictionary && cp .venv/dictionary docs/data-dictionary.md

locale: .venv/installed  ## gather the sentences to translate; compile what is translated
	@$(BIN)/pybabel --quiet extract -F pyproject.toml --sort-by-file --add-location file \
		--project=Mektep --copyright-holder="The Mektep authors" -o .venv/messages.pot $(PACKAGES)
	@for language in ky ru; do $(BIN)/pybabel --quiet update --init-missing --no-fuzzy-matching --ignore-obsolete \
		--ignore-pot-creation-date -i .venv/messages.pot -d shared/locale -l $$language || exit 1; done
	@$(BIN)/pybabel compile --statistics -d shared/locale
