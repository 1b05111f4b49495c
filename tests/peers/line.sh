#!/bin/sh
# The hospital line at a server that we did not write.
#   line.sh day SERVER      one day, and arrivals against what the desk changes; each request is there once though sent three times
#   line.sh chaos SERVER    a bad line, and a kiosk killed again and again
#   line.sh parts SERVER    the same, with every request in parts, as for a server that takes few entries at once
#   line.sh rates SERVER    how fast a full queue is emptied: measured, not judged
# SERVER is sekmet or hapi. HAPI holds the day's writes against its own validator; before the chaos it gets the unique index of
# hapi/unique-index.json.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
what=${1:?day, chaos, parts or rates}
server=${2:?sekmet or hapi}
folder="$root/target/peers/$server-$what"
"$here/setup.sh" "$server"
cd "$root"

validate=
[ "$server $what" != "hapi day" ] || validate=validate
# shellcheck disable=SC2086
PEER_FHIR_URL=$("$here/${server}_server.sh" start "$folder" $validate)
export PEER_FHIR_URL
trap '"$here/${server}_server.sh" stop "$folder"' EXIT

case "$what" in
    day)
        cargo test --test tests hospital::peer -- --include-ignored --nocapture --test-threads 1
        "$here/expect.sh" "$server" "$PEER_FHIR_URL" "Task 2" "Invoice 2" "ChargeItem 4"
        ;;
    chaos)
        [ "$server" != hapi ] || python3 "$here/hapi/unique_index.py" "$PEER_FHIR_URL"
        cargo test --test tests hospital::chaos::nor_do_they -- --include-ignored --nocapture
        ;;
    parts)
        [ "$server" != hapi ] || python3 "$here/hapi/unique_index.py" "$PEER_FHIR_URL"
        cargo test --test tests hospital::chaos::in_parts_too -- --include-ignored --nocapture
        ;;
    rates) cargo test --test tests hospital::rates -- --include-ignored --nocapture --test-threads 1 ;;
    *)
        echo "day, chaos, parts or rates" >&2
        exit 2
        ;;
esac
