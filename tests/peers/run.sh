#!/bin/sh
# `make peers`: the kiosk against third-party software. Every figure printed is counted by somebody else's code.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
peers="$root/target/peers"
demo="$root/target/debug/demo"
cd "$root"
cargo build --bins
"$here/setup.sh"

echo "== the demo's own day: bundles to two validators, receipts to a printer emulator"
rm -rf "$peers/own" "$peers/foreign"
"$demo" --headless --out "$peers/own"
"$here/hospital.sh" "$peers/own/bundles"
"$here/paper.sh" "$peers/own/receipts"

echo "== who the kiosk is: keys, tokens and a change of keys at sekmet-fhir"
"$here/smart.sh"

echo "== a fixed price at sekmet-fhir, with the kiosk killed and restarted in between"
url=$("$here/fhir_server.sh" start "$peers/fhir-demo")
trap '"$here/fhir_server.sh" stop "$peers/fhir-demo"' EXIT
"$demo" --headless --hospital "$url" --script "$here/fixed-price.script" --out "$peers/foreign"
sleep 3
for expected in "Task 1" "Invoice 1" "ChargeItem 1"; do
    kind=${expected% *}
    found=$("$peers/python/bin/python" "$here/count.py" "$url" "$kind")
    echo "sekmet-fhir after the power cuts: $found $kind"
    [ "$found" = "${expected#* }" ] || {
        echo "expected $expected" >&2
        exit 1
    }
done
"$here/paper.sh" "$peers/foreign/receipts"
echo "peers: all passed"
