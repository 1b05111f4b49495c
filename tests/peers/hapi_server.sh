#!/bin/sh
# HAPI FHIR, the R4 server that most hospitals' engineers try first, on a free loopback port, empty and in memory.
#   hapi_server.sh start DIR [validate]   its log in DIR; `validate`: it takes only what its own validator passes. Prints its base URL
#   hapi_server.sh stop DIR
# Its heap is bounded to 1 GiB, it is nice, and it compiles quickly rather than well: it starts in about 20 s of processor time.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
hapi="$root/target/peers/hapi"
action=${1:?start or stop}
folder=${2:?a folder for its log}
mode=${3:-}
# shellcheck source=SCRIPTDIR/server.sh
. "$root/tests/peers/server.sh"

start() {
    [ -f "$hapi/installed" ] || {
        echo "HAPI FHIR is not installed: run tests/peers/setup.sh hapi" >&2
        exit 1
    }
    stop
    port=$(free_port)
    url="http://127.0.0.1:$port/fhir"
    (
        cd "$folder"
        # shellcheck disable=SC2086
        exec nice java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
            -cp "$hapi/classes:$(cat "$hapi/classpath")" Hapi "$port" $mode >server.log 2>&1
    ) &
    echo $! >"$folder/pid"
    # The first question to its validator takes it a quarter of a minute; no kiosk waits for that.
    python3 - "$url" "$(cat "$folder/pid")" "$root/tests/data/hospital/seed.json" "$mode" <<'PY' || { echo "HAPI FHIR did not start: see $folder/server.log" >&2; stop; exit 1; }
import os, sys, time, urllib.request
url, process, example, mode = sys.argv[1:]
for _ in range(2400):
    os.kill(int(process), 0)
    try:
        urllib.request.urlopen(url + "/metadata", timeout=30).read()
        break
    except OSError:
        time.sleep(0.25)
else:
    sys.exit(1)
if mode == "validate":
    body = open(example, "rb").read()
    question = urllib.request.Request(url + "/Bundle/$validate", body, {"Content-Type": "application/fhir+json"})
    urllib.request.urlopen(question, timeout=120).read()
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
