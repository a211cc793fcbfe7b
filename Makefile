# Isthmus: `make help` lists what can be made. `make run` and `make test` do all set-up themselves on Debian.

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := bin
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
PGO := bench/isthmus.pgo
LDFLAGS := -X main.version=$(VERSION)
# ST1005: our errors are sentences for people, so they begin with a capital and end with a full stop.
STATICCHECK := all,-ST1000,-ST1003,-ST1005,-ST1016,-ST1020,-ST1021,-ST1022

# Of make soak. The seed chooses the changes; RANDOM is the shell's.
CHANGES := 1000
DURATION := 3m
COUNT := 1
SEED ?= $(shell echo $$RANDOM)

# Of make outages, together an hour.
EDITS := 10000
KILLS := 1000
TIMED := 500
REQUESTS := 100000

# Tests of the whole that run beside each other. They wait for clocks and processes more than they work.
TOGETHER := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# What decides who is let in and where a request goes: `make mutation` takes each behaviour out of it once.
DECISIONS := internal/routing internal/certs/policy.go internal/certs/verify.go \
	$(addprefix internal/names/,book.go lookup.go peer.go) \
	$(addprefix internal/proxy/,admit.go bans.go known.go load.go named.go)

# install names Debian packages that are missing; elsewhere it says what to install.
define install
	@if command -v apt-get >/dev/null; then \
	  run=; [ "$$(id -u)" = 0 ] || run=sudo; \
	  $$run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq $(1) >/dev/null; \
	else echo "Install $(1), or what your system calls it, and try again." >&2; exit 1; fi
endef

.PHONY: help run test check demo bench profile bench-micro bench-packages e2e fuzz mutation soak flood outages oracle build release generate postgres e2e-packages clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build bin/isthmus and bin/lyncsim
	@mkdir -p $(BIN)
	go build -ldflags "$(LDFLAGS)" -o $(BIN)/ ./cmd/...

# With the profile all that is imported is compiled once more, which takes minutes.
release: ## build the same as the image has it, compiled for what the SIP core calls most
	@mkdir -p $(BIN)
	go build -pgo $(PGO) -ldflags "$(LDFLAGS)" -o $(BIN)/ ./cmd/...

run: postgres build ## serve the console on http://127.0.0.1:8080 and this node's SIP services
	$(BIN)/isthmus serve

# The tests of the whole build the programs themselves, which the cache of test results does not see.
test: postgres ## run the tests
	go test $$(go list ./... | grep -v '/internal/e2e$$')
	go test -count=1 -parallel $(TOGETHER) ./internal/e2e

# Without what does one thing after the other: the scripts and the shell that their tests run them in. Of the tests of the whole
# only the one with nodes in its own process; the others drive programs that were built without the race detector.
check: postgres ## generate and compare, format, vet, staticcheck, test with the race detector
	$(MAKE) --no-print-directory generate
	git diff --exit-code --stat -- '*_templ.go'
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "Run gofmt on:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./... ./.tools/mutate
	go vet -tags e2e ./internal/e2e
	go vet -tags outages ./internal/e2e
	go vet -tags oracle ./internal/sip
	go vet -tags profile ./cmd/isthmus
	go tool staticcheck -checks $(STATICCHECK) ./... ./.tools/mutate
	go test -race -vet=off $$(go list ./... ./.tools/mutate | grep -v -e '/internal/e2e$$' -e '/internal/powershell$$' -e '/internal/pstest$$')
	go test -race -vet=off -count=1 -run '^TestRandomEdits' ./internal/e2e

generate: ## write the Go code of the templates
	go tool templ generate -log-level error

demo: postgres build ## one node, two pretend front ends, users and traffic
	.make/demo

bench: postgres bench-packages release ## compare the SIP core with Kamailio and a bare relay; BENCH='-write' keeps the figures
	go run ./bench $(BENCH)

# As a default.pgo beside main, every test and vet of it would compile all that it imports once more.
profile: postgres ## measure what the SIP core calls most under load, for the compiler
	@mkdir -p $(BIN)
	go build -tags profile -o $(BIN)/isthmus-profile ./cmd/isthmus
	go run ./bench -isthmus $(BIN)/isthmus-profile -profile $(BIN)/isthmus.pprof -parts cost -proxies Isthmus -run saturated -rounds 2
	go tool pprof -proto $(BIN)/isthmus-profile $(BIN)/isthmus.pprof > $(PGO)

bench-micro: ## measure the SIP core's parts, COUNT times (1), in a form that benchstat compares
	go test -p 1 -run '^$$' -bench . -benchmem -count $(COUNT) ./internal/sip/... ./internal/routing/... ./internal/proxy/... ./internal/node

# Those that need nothing but Go and Postgres are in make test.
e2e: postgres e2e-packages ## drive the console in a browser and the core with SIPp, OpenSSL, Kamailio and HAProxy
	go test -count=1 -parallel $(TOGETHER) -tags e2e -run "^($$(sed -n 's/^func \(Test[A-Za-z0-9]*\)(.*/\1/p' $$(grep -l '^//go:build e2e' internal/e2e/*_test.go) | paste -sd '|'))\$$" ./internal/e2e

fuzz: ## fuzz the readers, a minute each, and keep what was found
	@for f in FuzzMessage FuzzStream FuzzURI FuzzNameAddr FuzzVia; do go test -run '^$$' -fuzz "^$$f$$" -fuzztime 1m ./internal/sip || exit 1; done
	go test -run '^$$' -fuzz '^FuzzQuote$$' -fuzztime 1m ./internal/powershell
	.make/keep-corpus

mutation: ## take each behaviour out of routing and admission once; fail when no test notices one
	go run ./.tools/mutate $(DECISIONS)

oracle: ## compare what the reader makes of messages with Kamailio's reading
	@command -v kamailio >/dev/null || $(MAKE) --no-print-directory install-oracle
	go test -count=1 -tags oracle -run Kamailio -v ./internal/sip

soak: ## change the configuration CHANGES times in DURATION under 500 transactions a second (1000, 3m)
	go test -race -count=1 -timeout 60m -v ./internal/soak -changes $(CHANGES) -duration $(DURATION) -seed $(SEED) -settle

outages: postgres ## fail nodes, machines and databases at length, as root: EDITS, KILLS, TIMED changes, REQUESTS
	go test -count=1 -tags outages -timeout 3h -v -run "^($$(sed -n 's/^func \(Test[A-Za-z0-9]*\)(.*/\1/p' internal/e2e/outage_*_test.go | paste -sd '|'))\$$" \
	  ./internal/e2e -edits $(EDITS) -kills $(KILLS) -changes $(TIMED) -requests $(REQUESTS) -seed $(SEED)

flood: ## measure what listed peers notice of 2,000 TLS handshakes a second of strangers
	go test -run '^$$' -bench WhileStrangersShakeHands -benchtime 1x -timeout 10m ./internal/soak

postgres:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || $(MAKE) --no-print-directory install-postgres

install-postgres:
	$(call install,postgresql)

e2e-packages:
	@command -v chromium >/dev/null && command -v sipp >/dev/null && command -v openssl >/dev/null && command -v kamailio >/dev/null && command -v haproxy >/dev/null && command -v systemd-analyze >/dev/null && \
	  ls /usr/lib*/{,*/}kamailio/modules/tls.so 2>/dev/null | grep -q . || $(MAKE) --no-print-directory install-e2e

install-e2e: no-kamailio-service no-haproxy-service
	$(call install,chromium sip-tester openssl kamailio kamailio-tls-modules haproxy systemd)

# Debian's modules lie in a directory that is named for the processor.
bench-packages:
	@command -v kamailio >/dev/null && ls /usr/lib*/{,*/}kamailio/modules/tls.so 2>/dev/null | grep -q . || $(MAKE) --no-print-directory install-bench

install-bench: no-kamailio-service
	$(call install,kamailio kamailio-tls-modules)

install-oracle: no-kamailio-service
	$(call install,kamailio)

# The packages would start services, Kamailio's on port 5060 of 127.0.0.1, where make run listens. What is there is left alone.
no-%-service:
	@command -v $* >/dev/null || [ ! -d /run/systemd/system ] || { \
	  run=; [ "$$(id -u)" = 0 ] || run=sudo; $$run systemctl mask --quiet $*; }

clean: ## remove what was built; the data in var stays
	rm -rf $(BIN)
