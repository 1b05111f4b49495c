#!/bin/sh
# How many resources of ours a server has, as it lists them itself.
#   expect.sh NAME URL "Task 2" "Invoice 2"…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1
url=$2
shift 2
for expected in "$@"; do
    kind=${expected% *}
    found=$(python3 "$here/count.py" "$url" "$kind")
    echo "$name: $found $kind"
    [ "$found" = "${expected#* }" ] || {
        echo "$name: expected $expected" >&2
        exit 1
    }
done
