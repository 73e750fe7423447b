# What a developer does here. `make test` is what the continuous integration runs.

CARGO ?= cargo

.PHONY: build test test-long fuzz tools lint format doc bench demo

build:                     ## The program, optimised: target/release/tearoff
	$(CARGO) build --release

test: tools                ## Every test, and the examples in the documentation
	$(CARGO) test --all-targets --no-fail-fast
	$(CARGO) test --doc

test-long: tools           ## The same with many more cases of the random tests
	TEAROFF_LONG=1 PROPTEST_CASES=2000 $(CARGO) test --release --all-targets --no-fail-fast

# Without a fuzzer, `cargo install cargo-fuzz` and a nightly compiler, the tests of the same properties make up more inputs than usual.
fuzz:                      ## Made-up inputs for what reads templates, files, bodies and tokens: a minute for each
	@if $(CARGO) +nightly fuzz --version >/dev/null 2>&1; then \
		for target in fuzz/fuzz_targets/*.rs; do \
			$(CARGO) +nightly fuzz run --release $$(basename $$target .rs) -- -max_total_time=60 -timeout=10 -rss_limit_mb=4096 || exit 1; \
		done; \
	else PROPTEST_CASES=20000 $(CARGO) test --release --test fuzz; fi

# The tests start servers of their own, compile what cuts their power, and look at web layers in a browser.
tools:                     ## What the tests need beside Rust: servers, a browser, and packages of Python and Node.js
	@missing=; for tool in redis-server:redis-server cc:gcc openssl:openssl promtool:prometheus chromium:chromium \
			node:nodejs npm:npm; do \
		command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	python3 -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	install="apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy$$missing"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ]; then sh -c "$$install"; \
	elif sudo -n true 2>/dev/null; then sudo -n sh -c "$$install"; \
	else echo "The tests need more than is here. Run: sudo apt-get install$$missing" >&2; exit 1; fi
	@cmp -s tests/browser/package-lock.json tests/browser/node_modules/.made-of || { \
		(cd tests/browser && npm ci --no-audit --no-fund) && cp tests/browser/package-lock.json tests/browser/node_modules/.made-of; }
	@$(MAKE) --no-print-directory target/python/requirements.txt

target/python/requirements.txt: tests/python/requirements.txt
	python3 -m venv target/python
	target/python/bin/pip install --quiet --disable-pip-version-check --requirement $<
	cp $< $@

lint:                      ## Format, clippy and documentation, without a warning
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

format:
	$(CARGO) fmt

doc:                       ## The library's documentation in a browser
	$(CARGO) doc --no-deps --open

bench: tools               ## How long the parts of a message take, then everything side by side: docs/PERFORMANCE.md
	$(CARGO) bench
	$(CARGO) run --release -- bench --chart docs/performance.svg

demo:                      ## The example campaign, rendered into out/
	$(CARGO) run --release -- campaign run examples/spring-sale/campaign.toml --out out
