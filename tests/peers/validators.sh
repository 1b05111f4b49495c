#!/bin/sh
# What the kiosk sends, held against two FHIR R4 validators that we did not write.
#   validators.sh FOLDER… of JSON files
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
tools="$root/target/peers/validators"
"$here/setup.sh" validators
"$tools/python/bin/python" "$here/validate.py" "$@"
NODE_PATH="$tools/node/node_modules" node "$here/validate.js" "$@"
