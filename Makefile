# make test      what every change must pass; does its own set-up (Go is enough)
# make kafka     the part of make test that needs Java and Maven: a real Apache Kafka
# make test-all  the long version: many seeds, every mutant, a million small histories
# make bench     the figures of DESIGN.md
# make docs      generate the reference pages under docs/
# make track-record  let a real Kafka lose, and write README's table of what was found
# make screenshot  a run of a broken broker as its page shows it: docs/screenshot.png
# make mutate-checker  flip conditions of the checker; docs/checker-mutations.md says what the tests noticed
# make museum-table  run the museum with three seeds; its table goes into README.md

GO          ?= go
STATICCHECK  = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
TEST_FLAGS  ?=

.PHONY: all build test kafka test-all test-all-page bench docs lint museum-table track-record screenshot mutate-checker

all: build

build:
	$(GO) build -o bin/ackproof ./cmd/ackproof

lint:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt these files:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...

# One package at a time: runs that measure faults need the machine. The limits
# on heals hold without the race detector only.
test: lint
	$(GO) test -race -p 1 -timeout 30m $(TEST_FLAGS) ./...
	$(GO) test -run Churn $(TEST_FLAGS) ./nemesis

# One cluster of three nodes for all that is asked of a cluster, one node for what
# is asked from outside, one for its parent's death.
kafka:
	$(GO) test -race -p 1 -count 1 -timeout 20m -v -run '^TestKafka' $(TEST_FLAGS) ./internal/target ./internal/run ./internal/scenario

# One package at a time, so that the runs have the machine to themselves. What
# the healthy seeds and the mutants said is kept in docs/test-all.md.
test-all: lint
	@mkdir -p bin
	ACKPROOF_TEST_ALL=1 $(GO) test -p 1 -timeout 170m -v $(TEST_FLAGS) ./... > bin/test-all.log 2>&1; code=$$?; \
		$(MAKE) -s test-all-page; cat docs/test-all.md; exit $$code

test-all-page:
	@said() { sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: \('"$$1"'.*\)/\1/p' bin/test-all.log; }; { \
	echo '# What `make test-all` said last'; echo; \
	echo "$$(date -u +%Y-%m-%d), $$($(GO) version | cut -d' ' -f3-), $$(getconf _NPROCESSORS_ONLN) cores. A seed repeats its plan: see TestHealthySeeds and TestMutants in internal/run."; echo; \
	echo '## Healthy runs under all faults'; echo; echo '```'; said healthy; echo '```'; echo; \
	echo '## Broken brokers'; echo; \
	echo 'Each is convicted by the headline of its row, of nothing that is not in its ledger, and of all that is proven to have reached a client.'; echo; \
	echo '```'; said mutant; said twin; echo '```'; echo; \
	echo '## Museum'; echo; echo '```'; said exhibit; said kind; echo '```'; echo; \
	echo '## Flipped conditions of the checker'; echo; echo '```'; said flip; echo '```'; echo; \
	echo '## Positive controls'; echo; echo 'A real Kafka that loses or duplicates is convicted each time; used safely it is valid under every fault inside the contract.'; echo; echo '```'; said control; echo '```'; echo; \
	echo '## Packages'; echo; echo '```'; grep -E '^(ok|FAIL|panic:| *--- FAIL)' bin/test-all.log | grep -v '^FAIL$$'; echo '```'; \
	} > docs/test-all.md

bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x -count 3 ./...

docs:
	$(GO) test ./internal/report -run TestPages -update

museum-table: build
	bin/ackproof museum all --seeds 3 --quiet --markdown README.md --store bin/museum

track-record:
	ACKPROOF_TRACK_RECORD=$(CURDIR)/README.md $(GO) test ./internal/scenario -count 1 -run 'TestKafka$$' -v

# The same seed makes the same plan and the same operations; where the broker
# sins depends on the moment.
screenshot: build
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	bin/ackproof run --quiet --keep-going --mutant ack-and-drop --seed 5 --time-limit 12s --rate 1500 --store "$$dir/store" > "$$dir/summary" 2>&1; \
	test -f "$$dir/store/latest/report.html" || { cat "$$dir/summary"; exit 1; }; \
	ACKPROOF_REQUIRE_CHROMIUM=1 ACKPROOF_PAGE="$$(realpath "$$dir/store/latest")/report.html" ACKPROOF_SCREENSHOT="$(CURDIR)/docs/screenshot.png" \
		$(GO) test -count=1 -run 'TestScreenshot$$' ./internal/page && ls -l docs/screenshot.png

mutate-checker:
	ACKPROOF_TEST_ALL=1 $(GO) test -timeout 170m -v -run TestChecker ./internal/flips -update
