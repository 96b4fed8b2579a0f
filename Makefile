# `make demo` and `make test` set up all that they need; set-up that is done already costs nothing.

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := bash
BIN := .venv/bin
PATH := $(CURDIR)/$(BIN):$(PATH)
export PATH

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: demo
demo: setup-python setup-browser ## compile a small model and run it in a browser
	python examples/digits/demo.py

.PHONY: serve
serve: setup-python ## build the demo page and serve it on localhost
	python examples/digits/demo.py --serve

.PHONY: test
test: setup lint filecheck unit ## every check there is

.PHONY: lint
lint: setup-python setup-web ## style, types and layers, of Python and JavaScript
	ruff check .
	ruff format --check .
	pyright
	lint-imports
	if [ -f runner/web/package.json ]; then cd runner/web && npx tsc -p . && npx eslint . && npx tsc -p ../../tools/pages/view \
		&& cd ../.. && runner/web/node_modules/.bin/eslint --config runner/web/eslint.config.mjs tools/pages/view; fi

.PHONY: filecheck
filecheck: setup-python ## the FileCheck suite (lit)
	lit --verbose --succinct test/filecheck

.PHONY: unit
unit: setup ## the Python tests, in browsers too (pytest)
	pytest -n auto

.PHONY: docs
docs: setup-python ## write docs/passes.md and docs/dialects.md anew
	python -m webdnn.tools.docs

MODELS := build/bench/models
ARGUMENTS := --threads 1,2 --profile

.PHONY: bench
bench: setup-python setup-browser setup-peers ## time models beside other engines, and write docs/results.md
	[ $(MODELS) != build/bench/models ] || python -m bench.models $(MODELS)
	webdnn bench $(MODELS) --peer-packages build/bench/peers $(ARGUMENTS) \
		--json build/bench/results.json --markdown docs/results.md

ABLATED := $(MODELS)

.PHONY: ablation
ablation: setup-python setup-browser ## measure what each optimisation gains, and write docs/ablation.md
	webdnn ablate $(ABLATED) --rounds 60 --json build/bench/ablation.json --html build/bench/ablation.html \
		--markdown docs/ablation.md --svg docs/ablation.svg

.PHONY: setup setup-python setup-web setup-browser setup-shaders setup-peers
setup: setup-python setup-web setup-browser setup-shaders ## all set-up, and nothing else
setup-python:
	@tools/setup/python.sh
setup-web:
	@tools/setup/web.sh
setup-browser:
	@tools/setup/system.sh browser
setup-shaders:
	@tools/setup/system.sh shaders
setup-peers:
	@tools/setup/peers.sh build/bench/peers wasm
