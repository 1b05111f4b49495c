#!/bin/sh
# First frame and memory of the real window under Xvfb, built as the benches are: five starts, every figure printed.
set -eu
cd "$(dirname "$0")/../.."
# Beside the bench, so that its dependencies serve: alone, the binary has fewer features, and all of Slint is built again.
cargo build --profile bench --bench kiosk --bin kiosk
scratch=$(mktemp -d)
trap 'kill "$xvfb" 2>/dev/null || true; rm -rf "$scratch"' EXIT
Xvfb :97 -screen 0 1080x1920x24 >/dev/null 2>&1 &
xvfb=$!
sleep 1
sed -e "s#^folder *=.*#folder = \"$scratch/store\"#" -e "s#^key_file *=.*#key_file = \"$scratch/key/store.key\"#" \
    -e "s#^hospital_folder.*#hospital_folder = \"$PWD/config/hospital/onsaemi\"#" config/kiosk.toml >"$scratch/kiosk.toml"
for start in 1 2 3 4 5; do
    DISPLAY=:97 target/release/kiosk --config "$scratch/kiosk.toml" run --first-frame >"$scratch/out" 2>"$scratch/log" &
    kiosk=$!
    for _ in $(seq 100); do grep -q first-frame "$scratch/out" && break; sleep 0.1; done
    sleep 2
    pss=$(awk '/^Pss:/ { sum += $2 } END { print sum }' "/proc/$kiosk/smaps_rollup")
    cpu=$(awk '{ print ($14 + $15) * 10 }' "/proc/$kiosk/stat")
    echo "start $start: $(cat "$scratch/out") ms, PSS $pss KiB, CPU $cpu ms"
    kill "$kiosk"
    wait "$kiosk" 2>/dev/null || true
done
echo "binary before optimisation across crates: $(stat -c %s target/release/kiosk) bytes"
