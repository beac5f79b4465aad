# hal-auto: set up, serve, test. `make` alone lists the targets.
# Packages come from where pip is configured to look; constraints.txt pins what was tested.

PORT   ?= 9099
# Where Open WebUI listens (make webui); SearXNG's usual port is 8080.
WEBUI_PORT ?= 8081
HOST   ?= 127.0.0.1
PYTHON ?=
# Passed on to pytest, for example: make test PYTEST="-x -k compose"
PYTEST ?=
# Processes that share the tests, by file: a third of the time of each is spent waiting for servers.
WORKERS ?= 3

# In the order that tests/conftest.py gives, not the files with the most tests first.
SHARED  = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

VENV    := .venv
PINNED  := .venv-pinned
SEARXNG := .venv-searxng
WEBUI   := .venv-webui
# What Open WebUI installs for a Function of ours when it is imported; offline it cannot.
FUNCTION_NEEDS := ollama phonenumberslite python-stdnum trafilatura lxml_html_clean
PIP     := -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run webui env e2e test setup lint types imports unit unit-pinned bench clean

help: ## Show this list
	@printf 'hal-auto\n\n'
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@printf '\nVariables: PORT=9099 WEBUI_PORT=8081 HOST=127.0.0.1 PYTHON=python3.12 ARGS="--engine embedded"\n'

run: $(VENV)/.installed-run ## Set up and serve in the foreground; Ctrl-C ends all of it
	@exec $(VENV)/bin/hal serve --port $(PORT) --host $(HOST) $(ARGS)

webui: $(VENV)/.installed-run $(WEBUI)/.installed ## Open WebUI beside `make run`, in another terminal
	@exec $(VENV)/bin/python -m webui --python $(WEBUI)/bin/python \
	  --port $(WEBUI_PORT) --pipelines-port $(PORT)

env: .env ## Make .env for docker compose, with random secrets

.env: | .env.example
	@$(find_python); umask 077; "$$python" -c "$$fill_in_secrets" < .env.example > .env.new && mv .env.new .env
	@echo ".env is there; put your XAI_API_KEY and model names in it"

test: ## Everything that has to be green
	@start=$$(date +%s); for step in setup lint types imports unit unit-pinned; do \
	  began=$$(date +%s); \
	  $(MAKE) --no-print-directory $$step || { echo "FAILED: $$step"; exit 1; }; \
	  echo "== $$step: $$(( $$(date +%s) - began )) s"; \
	done; echo "== all: $$(( $$(date +%s) - start )) s"

setup: $(VENV)/.installed-test $(PINNED)/.installed $(SEARXNG)/.installed ## Install the test environments

lint: $(VENV)/.installed-test ## Format and style
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .

types: $(VENV)/.installed-test ## mypy --strict
	@$(VENV)/bin/mypy

imports: $(VENV)/.installed-test ## The boundaries between the packages
	@$(VENV)/bin/lint-imports

unit: $(VENV)/.installed-test ## All tests, with the newest libraries
	@$(VENV)/bin/python -m pytest $(SHARED) $(PYTEST)

# `server` tests choose their interpreters themselves, both of them, and nothing in `privacy`, `lab`, the
# tests of the scripted servers and, but for its import, `sessions` uses a library of the image, nor does
# `hal improve` or a look at the sources: once is enough.
unit-pinned: $(PINNED)/.installed ## Unit tests, with the libraries of the official image
	@test ! -x $(PINNED)/bin/python || \
	  PYTHONPATH=pipelines $(PINNED)/bin/python -m pytest $(SHARED) \
	    -m "not engine and not server" --ignore tests/privacy --ignore tests/lab --ignore tests/servers_test \
	    --ignore-glob 'tests/sessions/test_[!e]*.py' --ignore tests/commands/test_improve.py \
	    --ignore tests/core/test_architecture.py $(PYTEST)

# Not a part of `make test`: Open WebUI alone is 3 GB, and the browser is the machine's own.
e2e: $(VENV)/.installed-e2e $(SEARXNG)/.installed $(WEBUI)/.installed ## Browser tests; pictures in build/e2e
	@$(WEBUI)/bin/python $(PIP) $(FUNCTION_NEEDS)
	@$(VENV)/bin/python -m pytest tests/e2e $(PYTEST)

bench: $(VENV)/.installed-bench ## The benchmarks, one after the other
	@for file in bench/*.py; do \
	  case $$file in */_*|*'*'*) continue ;; esac; \
	  echo "== $$file"; $(VENV)/bin/python $$file || exit 1; \
	done

clean: ## Remove environments and caches; the data folder stays
	rm -rf $(VENV) $(PINNED) $(SEARXNG) $(WEBUI) build dist .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Environments: installed anew only when what they are made from has changed -----------------

$(VENV)/.installed-run: pyproject.toml constraints.txt
	@$(find_python); $(make_venv)
	@echo "Installing hal-auto into $(VENV)" >&2
	@$(VENV)/bin/python $(PIP) -c constraints.txt -e '.[server,embedded]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt
	@$(find_python); $(make_venv)
	@echo "Installing hal-auto and its checks into $(VENV)" >&2
	@$(VENV)/bin/python $(PIP) -c constraints.txt -e '.[server,embedded,pdf,otel,metrics,lab,dev]'
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-bench: $(VENV)/.installed-test
	@$(VENV)/bin/python $(PIP) -c constraints.txt -e '.[server,embedded,pdf,otel,metrics,lab,dev,bench]'
	@touch $@

$(VENV)/.installed-e2e: $(VENV)/.installed-test
	@$(VENV)/bin/python $(PIP) -c constraints.txt -e '.[server,embedded,pdf,otel,metrics,lab,dev,e2e]'
	@touch $@

# The image's pydantic_core has wheels up to Python 3.12; a newer Python tests the newest set only.
$(PINNED)/.installed: tests/pinned.txt
	@mkdir -p $(PINNED); \
	for candidate in $(PYTHON) python3.11 python3.12 python3; do \
	  if "$$candidate" -c "$$is_pinnable" 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "NOTE: no Python 3.11 or 3.12 here: the tests of the image's library versions are left out"; \
	  exit 0; \
	fi; \
	echo "Installing the image's library versions into $(PINNED)" >&2; \
	"$$python" -m venv $(PINNED) && \
	  $(PINNED)/bin/python $(PIP) --no-deps -r tests/pinned.txt && touch $@

# The real SearXNG for the tests alone: AGPL, and another's to keep, so that nothing else may wait
# for it. Without it its tests are skipped.
$(SEARXNG)/.installed: tests/searxng.txt
	@$(find_python); \
	echo "Installing SearXNG for the tests into $(SEARXNG)" >&2; \
	rm -rf $(SEARXNG); "$$python" -m venv $(SEARXNG) && \
	  $(SEARXNG)/bin/python $(PIP) --timeout 15 --retries 1 --no-deps -r tests/searxng.txt \
	  && touch $@ || { rm -rf $(SEARXNG); \
	    echo "NOTE: SearXNG cannot be had here: the tests with the real one are skipped"; }

# Open WebUI has packages of its own versions, and runs on Python 3.11 and 3.12 alone.
$(WEBUI)/.installed: webui/requirements.txt
	@for candidate in $(PYTHON) python3.12 python3.11 python3; do \
	  if "$$candidate" -c "$$is_pinnable" 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Open WebUI needs Python 3.11 or 3.12 with its venv module, and there is none here." >&2; \
	  echo "Install one, or: make webui PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	echo "Installing Open WebUI into $(WEBUI): 3 GB, some minutes" >&2; \
	if [ "$$(uname -s)" = Linux ] && [ -z "$$PIP_EXTRA_INDEX_URL" ]; then \
	  echo "pip may take torch with CUDA here, 2.6 GB more: docs/compose.md says how to avoid it" >&2; \
	fi; \
	rm -rf $(WEBUI); "$$python" -m venv $(WEBUI) && \
	  $(WEBUI)/bin/python $(PIP) -r webui/requirements.txt && touch $@

# --- Python: 3.11 or newer, with the venv module -------------------------------------------------

define find_python
for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
  if "$$candidate" -c "$$is_usable" 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "hal-auto needs Python 3.11 or newer with its venv module, and found none." >&2; \
  echo "Install it (on Debian and Ubuntu: python3 and python3-venv), or: make PYTHON=/path/to/python3" >&2; \
  exit 1; \
fi
endef

define make_venv
test -x $(VENV)/bin/python || "$$python" -m venv $(VENV)
endef

define is_usable
import ensurepip, sys, venv
sys.exit(sys.version_info < (3, 11))
endef
export is_usable

define is_pinnable
import ensurepip, sys, venv
sys.exit(not (3, 11) <= sys.version_info < (3, 13))
endef
export is_pinnable

define fill_in_secrets
import re, secrets, sys
names = "PIPELINES_API_KEY|WEBUI_SECRET_KEY|SEARXNG_SECRET"
for line in sys.stdin:
    print(re.sub(f"^({names})=$$", lambda m: m[0] + secrets.token_urlsafe(24), line), end="")
endef
export fill_in_secrets
