# run: play the default suite and leave out/report.html.   test: everything CI checks.   mutants: does the suite catch
# the bugs that it claims to?
.PHONY: run test lint bench bench-real fuzz generate mutants

run:
	go run . run

# The suite's trace hashes must come out the same in every way of running the same code.
HASHES = go test -count=1 -timeout 20m -run '^TestTraceHashes$$' ./sim

test: lint
	go test -timeout 20m ./...
	GOMAXPROCS=1 $(HASHES)
	GOARCH=386 $(HASHES)
	CGO_ENABLED=1 $(HASHES) -race
	CGO_ENABLED=1 go test -race -short -timeout 20m -skip '^TestTraceHashes$$' ./sim/... ./model/... ./scenarios/drill

lint:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...

# A takeover of ours on containers beside one of keepalived, on this machine; about eight minutes; let nothing else run. Needs root, and installs
# Debian's package keepalived if it is missing. Exit status 3: keepalived cannot run here.
bench-real:
	go build -o out/bench-real ./real/bench && out/bench-real -n 20

# Every fuzz target for a short while.
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 20s $$pkg || exit 1; \
		done; \
	done

# The generated files: the wire messages, the JSON Schema of scenarios, the trace hashes of the suite.
generate:
	go generate ./...
	go test ./sim -run '^TestTraceHashes$$' -update

# Every known bug, planted into a copy of the model: caught by what, after how many seeds. The next report shows the table.
mutants:
	go run . mutants --out out
