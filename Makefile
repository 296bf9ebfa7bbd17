# Carrel's commands. `make run` and `make test` are the only two a newcomer needs; both install what is
# missing, say what they do, and are quick when nothing has changed: steps depend on files, never on memory.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

export NEXT_TELEMETRY_DISABLED := 1
# Everything built stays inside the tree, wherever the caller's cargo would put it.
export CARGO_TARGET_DIR := $(CURDIR)/target
# Arguments for the server: make run ARGS='--listen 0.0.0.0:8080'
ARGS ?=
# Parts of the bench: make bench PARTS='echo saving'; the long ones, sandboxes and terminals, run only when named.
PARTS ?=

AGENT := target/sandbox/carrel-agent
PAGE := static/out/index.html
MODULES := static/node_modules/.carrel-installed
# What the page is made of: everything in static/ that is neither installed nor generated.
PAGE_SOURCES = $(shell find static \( -name node_modules -o -name out -o -name .next -o -name coverage -o -name e2e \
	-o -name vendor -o -name '*.tsbuildinfo' -o -name next-env.d.ts -o -path static/src/api/schema.ts \) -prune \
	-o -type f -print 2>/dev/null)

.PHONY: api help run test soak bench lint fmt image web agent rootfs down setup-run setup-test parts

help: ## list these targets
	@printf 'Carrel: isolated Python workspaces in the browser, with code review.\n\n'
	@sed -nE 's/^([a-z][a-z-]*):[^#]*## (.*)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: setup-run ## install what is missing, build, start the server and print its address
	@$(MAKE) -j3 --output-sync=none parts
	@cargo build --release --locked --bin carrel
	@exec target/release/carrel serve $(ARGS)

test: setup-test ## install what is missing, build, run every check (SUITES='rust page e2e' for some)
	@$(MAKE) -j3 --output-sync=none parts
	@# One set of features for tests and server: `cargo build` beside it would compile half of it twice.
	@cargo test --workspace --locked --no-run
	@[ -x target/debug/carrel ] || cargo build --locked --bin carrel
	@CARREL_BIN=$(CURDIR)/target/debug/carrel scripts/test $(SUITES)

soak: setup-test ## cut, kill, crowd and flood a server at full size, a quarter of an hour (CARREL_SOAK_SEED=… takes a failure's choices again)
	@$(MAKE) -j3 --output-sync=none parts
	@CARREL_SOAK=full cargo test --locked --test it -- soak:: --test-threads=1 --nocapture

bench: setup-run ## measure speed and memory against their floors (PARTS='echo output' for some)
	@$(MAKE) -j3 --output-sync=none parts
	@cargo build --release --locked --bin carrel
	@CARREL_BIN=$(CURDIR)/target/release/carrel cargo bench --locked --bench carrel -- $(PARTS)

lint: $(MODULES) ## formatting, clippy, shellcheck, eslint, prettier, types; changes nothing
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck scripts/* sandbox/rootfs/build .ci/run; else echo 'shellcheck is not installed; skipped'; fi
	@npm --prefix static run --if-present api
	@npm --prefix static run lint

fmt: $(MODULES) ## format Rust and TypeScript in place
	@cargo fmt --all
	@npm --prefix static run format

image: agent rootfs ## what a sandbox is made of: the agent and the root file system

web: $(PAGE) ## the page, exported to static/out

api: ## write the server's OpenAPI document to static/openapi.json, from which the page's client is generated
	@cargo run --quiet --locked --bin carrel -- openapi > target/openapi.json && mv target/openapi.json static/openapi.json

down: ## stop whatever a killed server left behind (containers, engine, database)
	@if [ -x target/release/carrel ]; then target/release/carrel down $(ARGS); \
	elif [ -x target/debug/carrel ]; then target/debug/carrel down $(ARGS); \
	else echo 'nothing is built, so nothing of ours is running'; fi

setup-run:
	@scripts/setup run

setup-test:
	@scripts/setup test

# Independent of each other, so they run side by side; the server's build needs the page and comes after.
parts: rootfs web agent

$(MODULES): static/package-lock.json
	@scripts/step npm 'installing npm packages from the lock file' npm --prefix static ci --no-audit --no-fund
	@touch $@

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	@scripts/step web 'building the page (two to four minutes)' npm --prefix static run build
	@touch $@

# cargo knows best whether anything changed; the copy keeps its time stamp when nothing did.
agent:
	@host=$$(rustc -vV | sed -n 's/^host: //p'); \
	build() { cargo rustc --quiet --locked -p carrel-agent --bin carrel-agent --release --target "$$host" -- -C target-feature=+crt-static; }; \
	if [ -e $(AGENT) ]; then build; else scripts/step agent 'building the sandbox agent' bash -c "$$(declare -f build); host=$$host build"; fi; \
	built=target/$$host/release/carrel-agent; \
	if ! cmp -s "$$built" $(AGENT); then mkdir -p target/sandbox; cp "$$built" $(AGENT).new; mv $(AGENT).new $(AGENT); fi

# The recipe itself knows whether its archive exists: the name is the recipe's hash.
rootfs:
	@hash=$$(sha256sum < sandbox/rootfs/build | cut -c1-16); \
	if [ ! -s "target/sandbox/rootfs-$$hash.tar" ]; then \
	  scripts/step rootfs 'building the sandbox root file system (two to four minutes)' sandbox/rootfs/build target/sandbox; fi
