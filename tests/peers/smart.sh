#!/bin/sh
# Who the kiosk is, to somebody else: `kiosk enroll` makes the keys, sekmet-fhir registers them and gives tokens only to
# them (SMART Backend Services); then the key is changed while the kiosk is in use.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
peers="$root/target/peers"
kiosk="$root/target/debug/kiosk"
folder="$peers/smart"
client=kiosk-k3
"$here/setup.sh"
rm -rf "$folder"
mkdir -p "$folder"
trap '"$here/fhir_server.sh" stop "$folder/server"' EXIT

fail() {
    echo "smart: $1" >&2
    exit 1
}

# A kiosk without devices: only the hospital is asked.
write_config() {
    sed -e "s|^hospital_folder = .*|hospital_folder = \"$root/config/hospital/onsaemi\"|" \
        -e 's|^protocol = .*|protocol = ""|' -e 's|^port = .*|port = ""|' \
        -e "s|^url = .*|url = \"$1\"|" -e "s|^client_id = .*|client_id = \"$client\"|" \
        -e "s|^key_folder = .*|key_folder = \"$folder/keys\"|" -e "s|^folder = .*|folder = \"$folder/store\"|" \
        -e "s|^key_file = .*|key_file = \"$folder/store-key/key\"|" "$root/config/kiosk.toml" >"$folder/kiosk.toml"
}

# One field of the JSON object on standard input.
field() {
    "$peers/python/bin/python" -c 'import json, sys; found = json.load(sys.stdin)[sys.argv[1]]; print(found if isinstance(found, str) else json.dumps(found))' "$1"
}

enroll() {
    "$kiosk" --config "$folder/kiosk.toml" enroll --json "$@"
}

# A server that knows these keys, and a kiosk that knows the server.
serve() {
    printf 'server_auth: {types: [smart], enforce_scopes: true, smart_clients: [{client_id: %s, jwks: %s}]}\n' \
        "$client" "$1" >"$folder/auth.yaml"
    write_config "$("$here/fhir_server.sh" start "$folder/server" "$folder/auth.yaml")"
}

# What `kiosk check --devices` says of the hospital.
check() {
    "$kiosk" --config "$folder/kiosk.toml" check --devices --json | grep '"hospital"' || true
}

expect() {
    said=$(check)
    echo "smart: $1: $said"
    case "$said" in *"$2"*) ;; *) fail "expected $2" ;; esac
}

write_config "http://127.0.0.1:9/fhir"
first=$(enroll)
serve "$(echo "$first" | field jwks)"
expect "the first key" "with key $(echo "$first" | field kid)"

both=$(enroll --rotate)
next=$(echo "$both" | field next_kid)
expect "the next key is made, the old one serves" "not registered"
serve "$(echo "$both" | field jwks)"
expect "both are registered: the next key" "with key $next"
[ "$(enroll | field kid)" = "$next" ] || fail "the next key did not take the old one's place"
expect "and from now on" "with key $next"

mv "$folder/keys" "$folder/keys-before"
enroll >/dev/null
expect "a stranger" "invalid_client"
[ -z "$(check | grep '"ok":true' || true)" ] || fail "a stranger was let in"
echo "smart: all passed"
