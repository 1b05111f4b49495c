#!/bin/sh
# sekmet-fhir, a FHIR R4 server that we did not write, on a free loopback port.
#   sekmet_server.sh start DIR [SETTINGS]   an empty one, its files in DIR, with more settings; prints its base URL
#   sekmet_server.sh stop DIR
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
peers="$root/target/peers"
action=${1:?start or stop}
folder=${2:?a folder for its data}
settings=${3:-/dev/null}
# shellcheck source=SCRIPTDIR/server.sh
. "$root/tests/peers/server.sh"

start() {
    [ -x "$peers/sekmet/python/bin/sekmet" ] || {
        echo "sekmet-fhir is not installed: run tests/peers/setup.sh sekmet" >&2
        exit 1
    }
    stop
    rm -rf "$folder/data" "$folder/keys"
    mkdir -p "$folder/data" "$folder/keys"
    port=$(free_port)
    url="http://127.0.0.1:$port/fhir"
    printf 'base_url: %s\nhost: 127.0.0.1\nport: %s\ndata_dir: %s/data\nsimulator: {enabled: false}\n' \
        "$url" "$port" "$folder" | cat - "$settings" >"$folder/settings.yaml"
    (cd "$folder" && exec "$peers/sekmet/python/bin/sekmet" serve -c settings.yaml >server.log 2>&1) &
    echo $! >"$folder/pid"
    python3 - "$url/metadata" <<'PY' || { echo "sekmet-fhir did not start: see $folder/server.log" >&2; stop; exit 1; }
import sys, time, urllib.request
for _ in range(240):
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5).read()
        sys.exit(0)
    except OSError:
        time.sleep(0.25)
sys.exit(1)
PY
    echo "$url"
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
case "$action" in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
