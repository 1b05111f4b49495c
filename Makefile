# Two commands do everything: `make demo` and `make test`. Each installs by apt what the system lacks, naming what and why.
.PHONY: demo test check peers bench package tools
CARGO ?= cargo
export LC_ALL = C.UTF-8

tools:
	@sh tests/tools.sh build

demo: tools
	$(CARGO) build --bins
	target/debug/demo

test: tools
	$(CARGO) test

check: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) test

peers: tools
	@sh tests/tools.sh peers
	sh tests/peers/run.sh

bench: tools
	@sh tests/tools.sh window
	$(CARGO) bench --bench kiosk
	sh tests/benches/window.sh

package: tools
	$(CARGO) build --release --bin kiosk
	@ls -l target/release/kiosk
