# The two commands are `make run` and `make test`; they install what is missing and say so.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test test-store check lint deadcode vuln soak bench benchmarks eliza-ui

BIN := bin/annals
# Debian's Go, Homebrew's, or the one that was unpacked to its usual place.
export PATH := $(PATH):/usr/local/go/bin:/opt/homebrew/bin
export CGO_ENABLED := 0
# Leaves out what is linked in through others and never used: gin's MessagePack, 6 MB of the binary.
# Tests that ask go about the sources ask with the same flags: with others all would be built twice.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -tags=nomsgpack
BENCHED := ./cmd/... ./events/... ./projections/... ./queries/... ./transport/...
LINT := .build/golangci-lint
LINT_VERSION := v2.15.0
DEADCODE := .build/deadcode
DEADCODE_VERSION := v0.52.0
VULN := .build/govulncheck
VULN_VERSION := v1.9.0

help: ## What can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Start everything; SERVER_PORT, DATA_DIR and the rest of `bin/annals serve --help` are settings.
	@exec $(BIN) serve

build: ## Build bin/annals.
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or later, or 'brew install go'" >&2; exit 1; }
	@go build -v -o $(BIN) ./cmd/annals 2>&1 | { modules=0 packages=0; while IFS= read -r line; do \
	  case $$line in \
	  'go: downloading go1'*) echo "$$line …" ;; \
	  'go: downloading '*) [ $$((modules++ % 50)) != 0 ] || echo "downloading module $$modules …" ;; \
	  *[' #:']*) echo "$$line" ;; \
	  *) [ $$((packages++ % 100)) != 0 ] || echo "building package $$packages …" ;; \
	  esac; done; } >&2

# Tests write much that is thrown away: to memory, where the machine has plenty and programs may run from there. Most of them wait
# for something most of the time, so that more run at once than there are cores.
MEMORY = $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 6000000 { print $$6 }' | while read -r dir; do \
  [ -w "$$dir" ] && ! grep -q " $$dir [^ ]* [^ ]*noexec" /proc/mounts && echo "$$dir"; done)
test: ## Run all tests that need nothing outside the repository: about 6 minutes on two cores. Vetting is make lint.
	@temp='$(MEMORY)'; TMPDIR="$${temp:-$${TMPDIR:-/tmp}}" GOTMPDIR="$${GOTMPDIR:-$${TMPDIR:-/tmp}}" go test -vet off -parallel 4 -timeout 10m ./...

test-store: ## Run the store's tests against a real EventStoreDB: make test-store EVENTSTORE_URL=esdb://host:2113?tls=false
	@[ -n "$(EVENTSTORE_URL)" ] || { echo "name it: make test-store EVENTSTORE_URL='esdb://host:2113?tls=false'" >&2; exit 1; }
	EVENTSTORE_URL='$(EVENTSTORE_URL)' go test -count 1 -v -run TestStore ./events/esdb

check: lint deadcode vuln ## What a careful colleague runs before pushing: format, vet, lint, import rules, dead code, vulnerabilities, race detector.
	go vet ./...
	CGO_ENABLED=1 go test -race -timeout 15m ./...

lint: $(LINT) ## Format, imports, errors, contexts, and which package may import which.
	$(LINT) run --allow-parallel-runners ./...

$(LINT):
	GOBIN=$(CURDIR)/.build go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

deadcode: $(DEADCODE) ## Find functions that neither annals nor a test reaches.
	@found=$$($(DEADCODE) -test ./...); [ -z "$$found" ] || { echo "$$found" >&2; exit 1; }

$(DEADCODE):
	GOBIN=$(CURDIR)/.build go install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION)

vuln: $(VULN) ## Known vulnerabilities in what is called, where the database of them can be reached.
	@said=$$($(VULN) -scan package ./deploy/host 2>&1) || case $$said in \
	  *"fetching vulnerabilities:"*) echo "vuln: not looked for, since the database cannot be reached: $${said##*: }"; exit 0 ;; \
	esac; $(VULN) ./...

$(VULN):
	GOBIN=$(CURDIR)/.build go install golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION)

soak: ## All tests, each campaign at full length: 100 crashes, outages of 10 s, a model that takes 90 s. Takes hours.
	ANNALS_SOAK=1 go test -timeout 6h -count 1 -p 1 -v ./...

bench: ## Measure: each figure beside its bare counterpart in the same run.
	go test -run '^$$' -bench . -benchtime 2s $(BENCHED)

benchmarks: ## List what make bench measures; fails when a package that it names has nothing.
	@for packages in $(BENCHED); do \
	  go test -list '^Benchmark' $$packages | grep '^Benchmark' || { echo "$$packages has no benchmarks" >&2; exit 1; }; \
	done

DATA_DIR ?= .annals
ELIZA_UI ?= 1.2.0
eliza-ui: ## Fetch ElizaOS's web client into DATA_DIR, and say how to serve it; ELIZA_UI=1.7.2 fetches that version.
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js" >&2; exit 1; }
	@mkdir -p '$(DATA_DIR)' && dir=$$(cd '$(DATA_DIR)' && pwd) && work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && cd "$$work" && \
	  npm pack --silent @elizaos/server@$(ELIZA_UI) >/dev/null && tar xzf elizaos-server-$(ELIZA_UI).tgz package/dist/client && \
	  rm -rf "$$dir/eliza-ui" && mv package/dist/client "$$dir/eliza-ui" && echo "start with: ELIZA_UI_DIR='$$dir/eliza-ui' make run"
