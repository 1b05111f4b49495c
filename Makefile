# Two commands do everything: `make demo` and `make test`. Each installs by apt what the system lacks, naming what and why.
.PHONY: demo test kill soak lint check peers bench long notices package tools
CARGO ?= cargo
export LC_ALL = C.UTF-8

tools:
	@sh tests/tools.sh build

demo: tools
	$(CARGO) build --bins --test house
	target/debug/demo

test: tools
	$(CARGO) test

# The kiosk killed in the middle of payments: 200 times as the demo's child and 100 times more at a
# ZVT terminal, 20 times as the product in a real window.
kill: tools
	@sh tests/tools.sh window
	KILL_ROUNDS=$${KILL_ROUNDS:-200} $(CARGO) test --test tests kill:: -- --include-ignored --nocapture --test-threads 1

# 10,000 visits in one life of the process, on days that pass as they are played: nothing may be left behind. Optimised as
# the benches are, or it takes twice as long; with as many heaps as the unit allows.
soak: tools
	MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=262144 SOAK_VISITS=$${SOAK_VISITS:-10000} $(CARGO) test --profile bench --test tests soak:: -- \
		--include-ignored --nocapture

lint: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	@sh tests/tools.sh deny
	target/tools/bin/cargo-deny --log-level error check licenses bans sources

check: lint test

peers: tools
	@sh tests/tools.sh peers
	sh tests/peers/run.sh

bench: tools
	@sh tests/tools.sh window
	$(CARGO) bench --bench kiosk
	$(CARGO) bench --bench frames
	sh tests/benches/window.sh

# Before a release, most of a night: what CI does in short, whole. A stage that fails ends it; each can be called alone.
long: check kill peers soak
	$(CARGO) build --release --bins
	target/release/demo --headless --out target/demo-release
	$(CARGO) build --profile rehearse --no-default-features --bin rehearse
	target/rehearse/rehearse --seeds 1..$${LONG_SEEDS:-26000}
	target/rehearse/rehearse --seeds 1..2000 --store sqlite
	sh tests/mutations.sh
	sh tests/fuzz/guided/run.sh $${FUZZ_SECONDS:-600}

# Whose software is in the program, with their licences, and its bill of materials: target/package.
notices: tools
	@sh tests/tools.sh notices
	sh tests/notices/make.sh

package: notices
	$(CARGO) build --release --bin kiosk
	cp target/release/kiosk LICENSE target/package/
	@ls -l target/package
