#!/bin/sh
# Installs the third-party peers under target/peers by their package managers; a second run changes nothing.
#   sekmet-fhir (PyPI)  a FHIR R4 server        needs Python 3.11 or newer
#   fhirkit-rs  (PyPI)  a FHIR R4 validator
#   fhir        (npm)   a FHIR R4 validator     needs Node.js
# Says what is missing, and fails.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
peers="$root/target/peers"
sekmet=0.1.1
fhirkit=0.1.0
fhir=4.12.0

fail() {
    echo "peers: $1" >&2
    exit 1
}

find_python() {
    for python in python3 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

python=$(find_python)
[ -n "$python" ] || fail "no Python 3.11 or newer, which sekmet-fhir needs: apt-get install python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python has no venv: apt-get install python3-venv"
command -v node >/dev/null || fail "no Node.js, which the npm validator needs: apt-get install nodejs npm"
command -v npm >/dev/null || fail "no npm: apt-get install npm"

mkdir -p "$peers"
stamp="$peers/installed"
want="sekmet-fhir $sekmet fhirkit-rs $fhirkit fhir $fhir"
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ]; then
    exit 0
fi
[ -x "$peers/python/bin/python" ] || "$python" -m venv "$peers/python"
"$peers/python/bin/python" -m pip install --quiet "sekmet-fhir==$sekmet" "fhirkit-rs==$fhirkit" \
    || fail "pip could not install sekmet-fhir $sekmet and fhirkit-rs $fhirkit"
mkdir -p "$peers/node"
(cd "$peers/node" && { [ -f package.json ] || echo '{"private": true}' >package.json; } \
    && npm install --silent --no-audit --no-fund "fhir@$fhir") || fail "npm could not install fhir $fhir"
echo "$want" >"$stamp"
echo "peers: $want"
