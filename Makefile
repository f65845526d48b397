# What there is to do with a checkout. Everything that is installed goes to .venv; what is there
# already is not asked for again, so that all of it works without a network the second time.

PORT ?= 8080
MAJORS ?= 14 15 16 17 18
EXAMPLES ?= 20000
ROUNDS ?= 10
SEED ?=
BIN := .venv/bin
BROWSERS := chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable

# An interpreter that went away with an upgrade takes .venv with it.
$(shell [ -x $(BIN)/python ] || rm -rf .venv)

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test test-matrix attacks replay lint lapse crash bench bench-viewer bench-seal clean chromium pgbouncer

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do \
	    printf '  make %-12s %s\n' "$$target" "$$text"; done

demo: .venv/.demo ## Start the demo on 127.0.0.1 (PORT=8080), with a PostgreSQL of its own
	@exec $(BIN)/python -m auditviewer.demo --port $(PORT)

demo-reset: .venv/.demo ## Start the demo with a new database
	@exec $(BIN)/python -m auditviewer.demo --port $(PORT) --reset

test: .venv/.test chromium pgbouncer ## Run the tests
	@echo "==> running the tests"
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-matrix: .venv/.test ## Run what depends on the server on each PostgreSQL (MAJORS="14 15 16 17 18")
	@exec .ci/matrix "$(MAJORS)"

attacks: .venv/.test ## Attack the log in every way we know of (outcomes in build/attacks.json)
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile tests/attacks

replay: .venv/.test ## Run the replay property for long (EXAMPLES=20000, SEED=1 for other schemas)
	@PGWITNESS_REPLAY_EXAMPLES=$(EXAMPLES) PGWITNESS_REPLAY_SEED=$(SEED) \
	    $(BIN)/python -m pytest tests/replay

lapse: .venv/.test ## Run 70 days of traffic and maintenance in minutes (figures in build/lapse.json)
	@exec $(BIN)/python -m tests.lapse

crash: .venv/.test ## Kill a server under load (ROUNDS=10; as root POWER=1: with its power; figures in build/crash.json)
	@exec $(BIN)/python -m tests.crash --rounds $(ROUNDS) $(if $(POWER),--power)

lint: .venv/.test ## Check style and types
	@echo "==> checking style"
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@echo "==> checking types"
	@$(BIN)/python -m mypy

bench: .venv/.test build/peers/.installed ## Measure what capture costs, and peers (QUICK=1: a minute)
	@exec $(BIN)/python -m tests.benchmarks.capture $(if $(QUICK),--quick)

# The peers have a virtual environment of their own. One that can't be had is left out of the table.
PEERS := tests/benchmarks/capture/peers/requirements.txt

build/peers/.installed: $(PEERS) | .venv/.test
	@echo "==> installing the peers into build/peers"
	@$(BIN)/python -m venv --clear build/peers
	@grep '^[a-z]' $(PEERS) | while read -r peer; do \
	    build/peers/bin/python -m pip install --quiet --disable-pip-version-check "$$peer" \
	        || echo "make bench: no $$peer" >&2; done
	@touch $@

bench-viewer: .venv/.test ## Measure the pages over 10 million entries (QUICK=1: a million)
	@exec $(BIN)/python -m tests.benchmarks.viewer $(if $(QUICK),--entries 1000000)

bench-seal: .venv/.test ## Measure sealing and verifying over 10 million entries (QUICK=1: a million)
	@exec $(BIN)/python -m tests.benchmarks.seals $(if $(QUICK),--entries 1000000 --seals 20000)

clean: ## Remove what was built and installed, the demo's database too
	@# The demo's database may lie elsewhere, and its server may still run.
	@if [ -x $(BIN)/python ]; then $(BIN)/python -c 'from pathlib import Path; \
	    from auditviewer.demo.cluster import remove; remove(Path(".demo"))'; fi
	@rm -rf .demo .venv .pg build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.demo .venv/.test: pyproject.toml .ci/venv
	@.ci/venv $(@:.venv/.%=%)

chromium: .venv/.test
	@for name in $(BROWSERS); do "$$name" --version >/dev/null 2>&1 && exit; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "==> installing Chromium with apt-get"; \
	    apt-get update -qq && for name in chromium-headless-shell chromium; do \
	        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	            "$$name" fonts-dejavu-core >/dev/null && exit; \
	    done; \
	fi; \
	echo "==> looking for Playwright's Chromium"; \
	$(BIN)/python -m playwright install chromium && exit; \
	echo "make test: no Chromium for the tests of the pages; install one, such as by" >&2; \
	echo "    sudo apt-get install chromium" >&2; \
	exit 1

# Its tests say so where there is none.
pgbouncer:
	@PATH="$$PATH:/usr/sbin"; command -v pgbouncer >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "==> installing PgBouncer with apt-get"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	        --no-install-recommends pgbouncer >/dev/null && exit; \
	fi; \
	echo "make test: no PgBouncer, so its tests are skipped; install it by" >&2; \
	echo "    sudo apt-get install pgbouncer" >&2
