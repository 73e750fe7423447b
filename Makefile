# What a developer does here. `make test` is what the continuous integration runs.

CARGO ?= cargo

.PHONY: build test test-long lint format doc bench demo

build:                     ## The program, optimised: target/release/tearoff
	$(CARGO) build --release

test:                      ## Every test, and the examples in the documentation
	$(CARGO) test --all-targets --no-fail-fast
	$(CARGO) test --doc

test-long:                 ## The same with many more cases of the random tests
	TEAROFF_LONG=1 PROPTEST_CASES=2000 $(CARGO) test --release --all-targets --no-fail-fast

lint:                      ## Format, clippy and documentation, without a warning
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

format:
	$(CARGO) fmt

doc:                       ## The library's documentation in a browser
	$(CARGO) doc --no-deps --open

bench:                     ## How long rendering takes
	$(CARGO) bench

demo:                      ## The example campaign, rendered into out/
	$(CARGO) run --release -- campaign run examples/spring-sale/campaign.toml --out out
