#!/bin/sh
# The hospital line against peers that we did not write: every bundle accepted by two validators, and one day at
# sekmet-fhir that leaves each request exactly once although each is delivered three times.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
peers="$root/target/peers"
"$here/setup.sh"
"$peers/python/bin/python" "$here/validate.py" "$root/tests/data/hospital" "$@"
NODE_PATH="$peers/node/node_modules" node "$here/validate.js" "$root/tests/data/hospital" "$@"

url=$("$here/fhir_server.sh" start "$peers/fhir-line")
trap '"$here/fhir_server.sh" stop "$peers/fhir-line"' EXIT
cd "$root"
PEER_FHIR_URL="$url" cargo test --test tests hospital::peer -- --include-ignored
for expected in "Task 2" "Invoice 2" "ChargeItem 4"; do
    kind=${expected% *}
    found=$("$peers/python/bin/python" "$here/count.py" "$url" "$kind")
    echo "sekmet-fhir: $found $kind"
    [ "$found" = "${expected#* }" ] || {
        echo "expected $expected" >&2
        exit 1
    }
done

echo "== a bad line and a kiosk killed again and again, in front of a fresh sekmet-fhir"
"$here/fhir_server.sh" stop "$peers/fhir-line"
url=$("$here/fhir_server.sh" start "$peers/fhir-chaos")
trap '"$here/fhir_server.sh" stop "$peers/fhir-chaos"' EXIT
PEER_FHIR_URL="$url" cargo test --test tests hospital::chaos::nor_do_they -- --include-ignored --nocapture
"$here/fhir_server.sh" stop "$peers/fhir-chaos"
url=$("$here/fhir_server.sh" start "$peers/fhir-chaos")
PEER_FHIR_URL="$url" cargo test --test tests hospital::chaos::in_parts_too -- --include-ignored --nocapture
PEER_FHIR_URL="$url" cargo test --test tests hospital::rates -- --include-ignored --nocapture --test-threads 1
