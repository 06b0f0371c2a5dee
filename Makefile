# run: play the default suite and leave out/report.html.   test: everything CI checks.
.PHONY: run test lint bench fuzz generate

run:
	go run . run

test: lint
	go test ./...
	go test -race -short ./sim/... ./model/...

lint:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Every fuzz target for a short while.
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 20s $$pkg || exit 1; \
		done; \
	done

# The generated files: the wire messages and the JSON Schema of scenarios.
generate:
	go generate ./...
