PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint docs numbers pictures clean

install: .venv/.installed

# A plain "torch" would pull the CUDA build with several GB of libraries where one version is not pinned.
.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/whichnorm compare --epochs 5 --seeds 8 --out runs/demo

# Compiled once, not again by every process that a test starts.
unexport PYTHONDONTWRITEBYTECODE

# A worker takes about 1 GB of memory, so there are eight at most. They take over each other's last tests, so that the
# tests of one file, which share what is slow to make, mostly stay together.
test: install
	bash tests/install_chromium.sh
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install
	$(BIN)/mkdocs build --strict --quiet
	@echo "the documents: build/site/index.html"

# The measured numbers of the documents, from results/; and their pictures, for which Chromium is needed.
numbers: install
	$(BIN)/python -m docs.make.numbers

pictures: install
	$(BIN)/python -m docs.make.pictures

clean:
	rm -rf .venv build src/*.egg-info
