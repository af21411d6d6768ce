# `make run` and `make test` are all that a fresh machine needs: git, make and Python 3.11.
# Stamp files remember what is installed, so a second run starts at once.

PYTHON ?= python3
LISTEN ?= 127.0.0.1:8080
FUZZ_SEED ?= 1
PIP = -m pip --disable-pip-version-check --quiet
# --no-deps: a lock is complete, and resolving it again takes longer than installing it.
INSTALL = $(PIP) install --no-deps --require-hashes --requirement
LOCKS = $(addprefix requirements/,run.lock dev.lock e2e.lock bench.lock build.lock)
SQLITE = build/sqlite/libsqlite3.so.0

.PHONY: help run test lint format docs faults e2e attack fuzz bench binary sbom deb deb-test reproduce smoke lock clean needs

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /make \1\t/p' Makefile

run: .venv/run.stamp ## start the server on http://127.0.0.1:8080 (LISTEN=host:port)
	.venv/bin/python -m llmtrack serve --listen $(LISTEN)

test: .venv/dev.stamp ## tidy, types, lint, then every test that needs no browser
	.venv/bin/python -m pytest tests/test_tidy.py
	$(MAKE) --no-print-directory lint
	.venv/bin/python -m pytest --numprocesses auto --dist worksteal \
		--ignore=tests/test_tidy.py --ignore=tests/e2e --ignore=tests/attack

lint: .venv/dev.stamp ## types and style
	.venv/bin/mypy
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive llmtrack

format: .venv/dev.stamp ## put every file into the one form
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

docs: .venv/dev.stamp ## write the pages that come from the code: configuration, command line
	.venv/bin/python packaging/write_docs.py docs

faults: .venv/dev.stamp ## kills, power loss, failing disks, overload: real processes, long form
	FAULTS=long .venv/bin/python -m pytest tests/system -rs -s --timeout 0

e2e: .venv/e2e.stamp ## the pages in Debian's Chromium
	.venv/bin/python -m pytest tests/e2e --numprocesses 2 --dist worksteal

attack: .venv/e2e.stamp ## scanners that others wrote, against a server (ATTACK=long: half an hour)
	.venv/bin/python -m pytest tests/attack -rs --timeout 2400 --numprocesses 2 --dist worksteal

fuzz: .venv/dev.stamp ## 200,000 random queries against the wall (FUZZ_SEED=n)
	WALL_QUERIES=200000 WALL_SEED=$(FUZZ_SEED) .venv/bin/python -m pytest tests/storage/test_wall_fuzz.py

bench: $(if $(SHORT),.venv/dev.stamp,.venv/bench.stamp) ## speed against baselines (needs wrk; SHORT=1: three minutes)
	.venv/bin/python -m bench $(if $(SHORT),--short) $(BENCH)

binary: dist/llmtrack ## build dist/llmtrack

sbom: .venv-build/stamp ## dist/llmtrack.cdx.json (CycloneDX) and dist/THIRD-PARTY.txt: what a build contains
	.venv-build/bin/python packaging/sbom.py dist

deb: dist/tree/llmtrack sbom ## build a Debian package from a one-directory build
	packaging/deb $< dist

deb-test: deb ## install, use, upgrade, remove and purge the package under a real systemd (root)
	packaging/deb-test $(wildcard dist/llmtrack_*.deb) build/deb-test

reproduce: ## build the last commit twice in different folders: the same bytes, or exit code 1
	packaging/reproduce build/reproduce

smoke: dist/llmtrack ## run dist/llmtrack as a stranger would
	$(PYTHON) packaging/smoke.py dist/llmtrack

lock: .venv-lock/stamp ## pin every dependency anew, with hashes
	packaging/lock .venv-lock/bin/uv

clean: ## remove everything that was built or installed here
	rm -rf .venv .venv-build .venv-lock build dist *.egg-info \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- environments -----------------------------------------------------------------------

.venv/bin/python .venv-build/bin/python .venv-lock/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "LLMtrack needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "Python's venv is missing: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(@D)/..

# The interpreter is order-only: it is a link to the system's, whose age says nothing.
.venv/run.stamp: requirements/run.lock pyproject.toml | .venv/bin/python
	.venv/bin/python $(INSTALL) $<
	.venv/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev.stamp: requirements/dev.lock .venv/run.stamp
	.venv/bin/python $(INSTALL) $<
	touch $@

.venv/e2e.stamp: requirements/e2e.lock .venv/dev.stamp
	.venv/bin/python $(INSTALL) $<
	touch $@

.venv/bench.stamp: requirements/bench.lock .venv/dev.stamp
	.venv/bin/python $(INSTALL) $<
	touch $@

.venv-lock/stamp: | .venv-lock/bin/python
	.venv-lock/bin/python $(PIP) install uv
	touch $@

# --- the binary -------------------------------------------------------------------------

needs:
	@packaging/needs $(PYTHON)

# PyInstaller takes along optional imports merely because they are installed, so it gets an
# environment of its own with nothing but the default install.
.venv-build/stamp: requirements/build.lock | needs .venv-build/bin/python
	.venv-build/bin/python $(INSTALL) $<
	touch $@

$(SQLITE): packaging/sqlite | needs
	packaging/sqlite $@

# The date of the commit and a fixed hash seed: the same sources give the same bytes.
dist/llmtrack: llmtrack.spec pyproject.toml $(SQLITE) .venv-build/stamp \
		$(shell find llmtrack templates static -type f -not -name '*.pyc')
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PYTHONHASHSEED=1 \
		.venv-build/bin/python -m PyInstaller --clean --noconfirm --log-level WARN llmtrack.spec
	@ls -l $@

dist/tree/llmtrack: llmtrack.spec pyproject.toml $(SQLITE) .venv-build/stamp \
		$(shell find llmtrack templates static -type f -not -name '*.pyc')
	LLMTRACK_BUILD=directory SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PYTHONHASHSEED=1 \
		.venv-build/bin/python -m PyInstaller --clean --noconfirm --log-level WARN \
		--distpath dist/tree --workpath build/tree llmtrack.spec
	touch $@
