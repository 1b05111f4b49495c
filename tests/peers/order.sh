#!/bin/sh
# A fixed price at a server that we did not write, with the kiosk killed and restarted in between.
#   order.sh SERVER      sekmet or hapi; the receipts stay in target/peers/SERVER-order/demo/receipts
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
server=${1:?sekmet or hapi}
folder="$root/target/peers/$server-order"
"$here/setup.sh" "$server"
cd "$root"
url=$("$here/${server}_server.sh" start "$folder")
trap '"$here/${server}_server.sh" stop "$folder"' EXIT
[ "$server" != hapi ] || python3 "$here/hapi/unique_index.py" "$url"
rm -rf "$folder/demo"
target/debug/demo --headless --hospital "$url" --script "$here/fixed-price.script" --out "$folder/demo"
sleep 3
"$here/expect.sh" "$server, after the power cuts" "$url" "Task 1" "Invoice 1" "ChargeItem 1"
