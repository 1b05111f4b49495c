#!/bin/sh
# `make peers`: the kiosk against third-party software. Every figure printed is counted by somebody else's code.
# A peer that this machine cannot run is told, with what it lacks, and the others run.
#   run.sh [SERVER…]     only these FHIR servers: sekmet, hapi
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
peers="$root/target/peers"
cd "$root"
cargo build --bins --test house
mkdir -p "$peers"
rm -f "$peers/lacking"
passed=0
failed=0
skipped=0

# part NAME COMMAND…
part() {
    name=$1
    shift
    echo "== $name"
    began=$(date +%s)
    status=0
    "$@" || status=$?
    case $status in
        0)
            passed=$((passed + 1))
            echo "-- $name: passed in $(($(date +%s) - began)) s"
            ;;
        69) skipped=$((skipped + 1)) ;;
        *)
            failed=$((failed + 1))
            echo "-- $name: FAILED" >&2
            ;;
    esac
}

own_day() {
    rm -rf "$peers/own"
    target/debug/demo --headless --out "$peers/own"
}

part "the demo's own day" own_day
part "its bundles, to two validators" "$here/validators.sh" tests/data/hospital "$peers/own/bundles"
[ $# -gt 0 ] || set -- sekmet hapi
papers="$peers/own/receipts"
for server in "$@"; do
    part "$server: who the kiosk is: keys, tokens, a change of keys, a gateway" "$here/smart.sh" "$server"
    part "$server: a paid order under power cuts" "$here/order.sh" "$server"
    part "$server: a day, and arrivals against the desk" "$here/line.sh" day "$server"
    part "$server: a bad line and a kiosk killed again and again" "$here/line.sh" chaos "$server"
    part "$server: the same with every request in parts" "$here/line.sh" parts "$server"
    papers="$papers $peers/$server-order/demo/receipts"
done
[ "$*" != "sekmet hapi" ] || part "sekmet: how fast a full queue is emptied" "$here/line.sh" rates sekmet
# shellcheck disable=SC2086
part "all receipts, to a printer emulator" "$here/paper.sh" $papers

[ ! -f "$peers/lacking" ] || sort -u "$peers/lacking" | sed 's/^/not run here: /'
echo "peers: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 1 ]
