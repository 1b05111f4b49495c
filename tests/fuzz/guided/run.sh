#!/bin/sh
# Guided fuzzing by hand: `sh tests/fuzz/guided/run.sh SECONDS [TARGET…]`, each target for so long, one after the other.
# libFuzzer's own instrumentation is chosen by flags that the stable compiler has, so no other toolchain is needed.
set -eu
cd "$(dirname "$0")"
seconds=${1:?how many seconds for each target}
shift
targets=${*:-$(sed -n 's/.*name: "\([a-z_]*\)".*/\1/p' ../targets/mod.rs)}
cp ../../../Cargo.lock Cargo.lock
target_dir=${CARGO_TARGET_DIR:-$PWD/../../../target/guided}
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares" \
    cargo build --quiet --release --target "$(rustc -vV | sed -n 's/^host: //p')" --target-dir "$target_dir"
program=$(find "$target_dir" -path '*/release/guided' -type f | head -n 1)
[ "$seconds" -gt 0 ] || exit 0
for target in $targets; do
    folder="$target_dir/found/$target"
    mkdir -p "$folder"
    echo "== $target: $seconds s"
    FUZZ_TARGET=$target FUZZ_FOLDER=$folder "$program" "$folder/corpus" -dict="$folder/words.dict" -max_total_time="$seconds" \
        -max_len=8192 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$folder/" -print_final_stats=1 -verbosity=0 2>"$folder/log" || {
        echo "FOUND something; see $folder"
        grep -E "panicked|ERROR|SUMMARY" -A 3 "$folder/log" | head -n 20
        failed=1
    }
    grep "stat::number_of_executed_units\|stat::average_exec" "$folder/log" || true
    echo "$(find "$folder/corpus" -type f | wc -l) inputs kept"
done
[ -z "${failed:-}" ]
