# Thin lines over CMake presets. PRESET picks another build: make test PRESET=debug.
PRESET ?= release
BUILD := build/$(PRESET)
PYTHON := .venv/bin/python
export PYTHONPATH := $(CURDIR)/$(BUILD)/python
JOBS ?= $(shell nproc)
# Names of types, parts of string literals and mistakes that tests make on purpose.
NOT_MISSPELT := doub,nin,mane,colums,reencode,bu
# Paths inside the tree count as relative, so that every clone shares what the compiler cache holds.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help setup build demo test bench compare abi soak lint format tidy docs stubs asan tsan fuzz wheel clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install Debian and Python packages that are missing
	@.ci/setup

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json
	cmake --preset $(PRESET)

build: setup $(BUILD)/build.ninja  ## Compile everything
	@cmake --build $(BUILD) -j $(JOBS)

demo: setup $(BUILD)/build.ninja  ## The main job, end to end: ARGS="--images DIR --budget 8MiB"
	@cmake --build $(BUILD) -j $(JOBS) --target demo_runtime -- --quiet
	@$(PYTHON) -m consilia demo --report $(BUILD)/demo/report.html --heat-maps 4 $(ARGS)

test: build  ## All tests, C++, C and Python
	ctest --preset $(PRESET) -j $(JOBS)
	$(PYTHON) -m pytest

bench: build  ## Google Benchmark programs
	@set -e; for program in $(BUILD)/benchmarks/*_bench; do $$program --benchmark_min_time=0.2; done

compare: build  ## Side by side with peers: AREA=data for one area
	@.ci/setup compare
	$(PYTHON) benchmarks/compare/run.py $(AREA)

abi: build  ## Renews tests/abi/baseline.xml: after a change of the C ABI that is meant
	@tests/abi/abi.sh renew $(BUILD)/capi/libconsilia.so

soak: build  ## 8 processes write one SQLite file for a minute
	$(BUILD)/benchmarks/soak_sqlite

lint:  ## Formats, types and spelling; nothing is changed
lint: setup
	git ls-files '*.cpp' '*.hpp' '*.c' '*.h' | xargs -r clang-format --dry-run --Werror
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	git ls-files | grep -vE '\.(png|dcm|pt|safetensors)$$|^LICENSE$$|^tests/fuzz/(corpus|dictionary)/|^src/validation/messages.cpp$$' | xargs codespell -L '$(NOT_MISSPELT)'

format: setup  ## Reformat C++ and Python
	git ls-files '*.cpp' '*.hpp' '*.c' '*.h' | xargs -r clang-format -i
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

tidy: build  ## clang-tidy over the library's sources
	run-clang-tidy -quiet -p $(BUILD) '/src/(?!backends)|/capi/'

stubs: build  ## Regenerate the type stubs of the extension
	$(PYTHON) -m consilia._stubs

docs: build  ## Check that the links between the pages hold and that their examples run
	$(PYTHON) -m pytest tests/python/test_docs.py

asan tsan: setup  ## C++ tests under the address + undefined or the thread sanitizer
	cmake --preset $@
	cmake --build build/$@ -j $(JOBS)
	ctest --preset $@ -j $(JOBS)

fuzz: setup  ## libFuzzer over every entry of outside bytes: SECONDS=30 a target, TARGET=jpeg for one
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	tests/fuzz/fuzz.sh run build/fuzz $(or $(SECONDS),30) $(TARGET)

wheel: setup  ## A wheel under dist/
	$(PYTHON) -m pip wheel . --no-build-isolation --no-deps -w dist

clean:  ## Remove what was built; .venv stays
	rm -rf build dist
