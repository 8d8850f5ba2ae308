PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# On Linux, PyPI's torch brings gigabytes of CUDA libraries; PyTorch's own index has it without them.
# A machine whose pip is pointed at a folder of wheels has chosen already.
ifeq ($(shell uname -s),Linux)
ifeq ($(shell $(PYTHON) -m pip config list 2>/dev/null | grep -c find-links),0)
TORCH_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu
endif
endif

.PHONY: install web test check bench bench-reader clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(TORCH_INDEX) --editable . --group dev
	touch $@

web: install
	$(BIN)/observer web --open

test: install
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --cov --cov-fail-under=95

bench: install
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python -m tests.benchmarks.speed

bench-reader: install
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python -m tests.benchmarks.reader $(if $(DATA),--data $(DATA)) $(if $(HELD_OUT),--held-out $(HELD_OUT))

clean:
	rm -rf $(VENV) build dist .coverage .*_cache *.egg-info
