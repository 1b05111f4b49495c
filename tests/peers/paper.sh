#!/bin/sh
# Receipts against emupos, a printer emulator that we did not write, and zxing, which reads their codes.
#   paper.sh FOLDER… of NAME.escpos, NAME.png, NAME.claim; one that is not there was not made
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
"$here/setup.sh" paper
for folder in "$@"; do
    [ ! -d "$folder" ] || "$root/target/peers/paper/python/bin/python" "$here/emupos_check.py" "$folder"
done
