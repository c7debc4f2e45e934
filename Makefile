# Everything a person or CI types. Needs Python >= 3.10 and Rust >= 1.88; installs into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKED := --config profile.release.debug-assertions=true --config profile.release.overflow-checks=true
SOURCES := $(shell find rust python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' -o -name '*.csv') Cargo.toml Cargo.lock pyproject.toml

.PHONY: install demo test test-rust test-python lint format bench docs clean

install: $(VENV)/installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	touch $@

# Tools of the tests, the linters and the docs.
$(VENV)/%-tools: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --group $*
	touch $@

demo: install
	$(BIN)/getframes demo -o demo

test: test-rust test-python

# In the profile of the wheel, whose dependencies are compiled already; with the assertions and the checks of overflow that the wheel does without.
test-rust:
	cargo test --release $(CHECKED) --workspace

test-python: install $(VENV)/test-tools
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile

lint: install $(VENV)/lint-tools $(VENV)/test-tools
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/stubtest getframes._native

format:
	cargo fmt
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	cargo bench --workspace --exclude getframes-py
	$(BIN)/python benches/run.py

docs: install $(VENV)/docs-tools
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) target site demo
