.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/bin/
STAMP := $(VENV)/.synced

# Hundreds of short processes are started here, by the tests most of all, and where nothing may keep
# its bytecode each compiles all that it imports: a third of what a demo cost. It is kept beside the
# packages, so that nothing is left among the sources, whatever the caller's environment says.
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The project's own environment: uv comes from the package index into the same folder.
$(STAMP): pyproject.toml uv.lock scripts/bootstrap.sh
	@bash scripts/bootstrap.sh $(VENV)
	@touch $(STAMP)

.PHONY: setup
setup: $(STAMP) ## make the project's environment in .venv

.PHONY: tools
tools: $(STAMP)
	@bash scripts/tools.sh

.PHONY: demo
demo: $(STAMP) ## run the whole way of a press on this machine (ARGS="--once" presses once and exits)
	@$(RUN)zodra demo $(ARGS)

.PHONY: test
test: tools ## run the tests; installs what they need
	@$(PY) -m pytest -n auto --dist worksteal $(ARGS)

# Counts and the seed of the faults: make faults KILLS=10000 CUTS=1000 EVENTS=1000000 FUZZ=1000000 HEALS=100 SEED=7
export KILLS CUTS EVENTS FUZZ HEALS ORDERS SEED

.PHONY: faults
faults: $(STAMP) ## break everything that can break, many times (KILLS=10000 CUTS=1000 EVENTS=1000000 SEED=7)
	@bash scripts/tools.sh faults
	@FAULTS=full $(PY) -m pytest -n auto -m "" --timeout 3600 tests/faults tests/system/test_kills.py $(ARGS)

.PHONY: api-fuzz
api-fuzz: tools ## generated calls against the API's own description, many of them (FUZZ_EXAMPLES=300 FUZZ_SEED=7)
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} FUZZ_SEED=$${FUZZ_SEED:-7} $(PY) -m pytest -n auto --timeout 3600 tests/cloud/api/test_fuzz.py $(ARGS)

.PHONY: orders
orders: tools ## 100,000 orders on each database, every process killed, the shop broken (ORDERS=100000 SEED=7 ARGS="--minutes 60")
	@cd tests && ../$(PY) -m faults.orders --orders $(or $(ORDERS),100000) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: merchants
merchants: tools ## every connector against its real shop, Medusa on PostgreSQL included (brings Node and Medusa)
	@MEDUSA_FOLDER="$$(bash scripts/merchants.sh $(VENV))" && export MEDUSA_FOLDER && \
		$(PY) -m pytest -n auto --dist loadfile -m "" --timeout 900 tests/merchants tests/cloud/merchants $(ARGS)

.PHONY: home-assistant
home-assistant: tools ## the gateway before a real Home Assistant on a real broker (brings Home Assistant; needs Python 3.13)
	@HOME_ASSISTANT="$$(bash scripts/home_assistant.sh $(VENV))" && export HOME_ASSISTANT && \
		$(PY) -m pytest -m needs_home_assistant -p no:randomly tests/assistant $(ARGS)

.PHONY: radio-kernel
radio-kernel: $(STAMP) ## the radio's code under a real kernel and BlueZ, in QEMU; minutes (ARGS="-k matrix --junit radio.xml")
	@bash scripts/tools.sh radio-kernel
	@cd tests && ../$(PY) -m radio_kernel $(ARGS)

.PHONY: check
check: $(STAMP) ## format, lint, types, import rules, docs
	@$(RUN)ruff format --check .
	@$(RUN)ruff check .
	@$(RUN)mypy
	@$(RUN)lint-imports
	@$(RUN)codespell
	@bash scripts/tools.sh check
	@$(PY) -m pytest -q tests/architecture tests/docs tests/packaging -p no:randomly

.PHONY: docs
docs: $(STAMP) ## write docs/reference.md, docs/devices.md and docs/openapi.json from the code
	@$(PY) scripts/reference.py
	@$(PY) scripts/openapi.py
	@$(PY) scripts/schemas.py
	@$(PY) scripts/devices.py

.PHONY: deb
deb: $(STAMP) ## build the gateway's Debian packages for arm64 and amd64 into dist/
	@bash scripts/tools.sh deb
	@$(PY) scripts/deb.py $(ARGS)

.PHONY: deb-test
deb-test: $(STAMP) ## the packages in a Debian that boots, and on a Pi's processor; as root, minutes (ARGS="-k upgrade")
	@$(MAKE) --no-print-directory deb ARGS=
	@bash scripts/tools.sh deb-test
	@$(PY) -m pytest -m deb -n 2 --dist loadfile --timeout 1800 tests/packaging $(ARGS)

.PHONY: bench
bench: tools ## measure, and print one table
	@$(PY) -m bench $(ARGS)

.PHONY: clean
clean: ## remove the environment and everything the demo wrote
	rm -rf $(VENV) .tools demo-data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
