# make test      what every change must pass; does its own set-up (Go is enough)
# make test-all  the long version: many seeds, every mutant, a million small histories
# make bench     the figures of DESIGN.md
# make docs      generate the reference pages under docs/

GO          ?= go
STATICCHECK  = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
TEST_FLAGS  ?=

.PHONY: all build test test-all bench docs lint kafka-test

all: build

build:
	$(GO) build -o bin/ackproof ./cmd/ackproof

lint:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt these files:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...

test: lint
	$(GO) test -race -timeout 18m $(TEST_FLAGS) ./...

test-all: lint
	ACKPROOF_TEST_ALL=1 $(GO) test -timeout 170m -v $(TEST_FLAGS) ./... 2>&1 | tee bin/test-all.log

bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x -count 3 ./...

docs:
	$(GO) test ./internal/report -run TestPages -update
