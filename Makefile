# make demo | test | lint | types | bench | lock | clean
# ARGS go to the program: make demo ARGS="--broker memory", make test ARGS="tests/router -x"
.DEFAULT_GOAL := help
.PHONY: help demo test lint types bench lock clean venv-demo venv-dev

BIN := .venv/bin
SOURCES := schemas router workers comparator understudy tests examples benchmarks
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header
export PYTHON

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv-demo ## release models on a stream of real flights, and show what happens
	@$(BIN)/understudy demo $(ARGS)

test: venv-dev ## run all tests; on real Kafka where Java and Maven are (ARGS="--broker memory" for none)
	@$(BIN)/python -m pytest $(ARGS)

lint: venv-dev ## check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile

types: venv-dev ## check the types, the tests' too
	$(BIN)/mypy $(SOURCES)

bench: venv-dev ## measure CPU time a record, beside other clients
	@set -e; for program in benchmarks/bench_*.py; do echo "== $$program"; $(BIN)/python $$program $(ARGS); done

lock: venv-dev ## pin the dependencies anew (needs the network)
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	$(UV_COMPILE) pyproject.toml requirements/build.in --extra demo -o requirements/demo.txt
	$(UV_COMPILE) pyproject.toml requirements/build.in --extra dev -c requirements/demo.txt -o requirements/dev.txt
	$(UV_COMPILE) pyproject.toml --extra image -c requirements/dev.txt -o requirements/image.txt
	$(UV_COMPILE) requirements/build.in -c requirements/dev.txt -o requirements/build.txt

clean: ## remove the virtual environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv-demo:
	@requirements/install.sh demo

venv-dev:
	@requirements/install.sh dev
