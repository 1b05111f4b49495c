#!/bin/sh
# Who the kiosk is, to somebody else: `kiosk enroll` makes the keys, sekmet-fhir registers them and gives tokens only to
# them (SMART Backend Services).
#   smart.sh sekmet   the key is changed while the kiosk is in use; at last a gateway made of OpenSSL stands before the server,
#                     which lets in only certificates of the hospital's CA
#   smart.sh hapi     HAPI FHIR, which asks nobody, behind that gateway and a door that asks sekmet-fhir about every token; a
#                     whole day goes through both
set -eu
server=${1:?sekmet or hapi}
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/peers"
peers="$root/target/peers"
kiosk="$root/target/debug/kiosk"
folder="$peers/$server-smart"
client=kiosk-k3
"$here/setup.sh" sekmet
"$here/setup.sh" "$server"
rm -rf "$folder"
mkdir -p "$folder"
# shellcheck source=SCRIPTDIR/server.sh
. "$here/server.sh"
gateway=
door=
leave() {
    for process in $gateway $door; do kill "$process"; done
    "$here/sekmet_server.sh" stop "$folder/server"
    "$here/hapi_server.sh" stop "$folder/hapi"
}
trap leave EXIT

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
        -e "s|^ca_file = .*|ca_file = \"${ca_file:-}\"|" -e "s|^certificate_file = .*|certificate_file = \"${certificate_file:-}\"|" \
        -e "s|^key_file = .*|key_file = \"$folder/store-key/key\"|" "$root/config/kiosk.toml" >"$folder/kiosk.toml"
}

# One field of the JSON object on standard input.
field() {
    python3 -c 'import json, sys; found = json.load(sys.stdin)[sys.argv[1]]; print(found if isinstance(found, str) else json.dumps(found))' "$1"
}

enroll() {
    "$kiosk" --config "$folder/kiosk.toml" enroll --json "$@"
}

# A server that knows these keys, and a kiosk that knows the server.
serve() {
    printf 'server_auth: {types: [smart], enforce_scopes: true, smart_clients: [{client_id: %s, jwks: %s}]}\n' \
        "$client" "$1" >"$folder/auth.yaml"
    write_config "$("$here/sekmet_server.sh" start "$folder/server" "$folder/auth.yaml")"
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

# Two keys of one kiosk, and a kiosk that nobody knows.
keys_change() {
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
}

# A certificate of $1 for the kiosk's request; without extensions it would be one of version 1, which rustls refuses.
issue() {
    openssl x509 -req -days 2 -in "$folder/kiosk.csr" -CA "$1.pem" -CAkey "$1.key" -set_serial 2 \
        -extfile "$folder/client.ext" -out "$certificate_file" 2>"$folder/openssl.log" \
        || fail "no certificate: $(cat "$folder/openssl.log")"
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 2 -subj "/CN=$2" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# The port of a URL of this machine.
port_of() {
    port_and_path=${1#http://127.0.0.1:}
    echo "${port_and_path%/fhir}"
}

if [ "$server" = sekmet ]; then keys_change; else write_config "http://127.0.0.1:9/fhir"; fi
printf 'extendedKeyUsage = clientAuth\n' >"$folder/client.ext"
authority "$folder/hospital" "the hospital's CA"
authority "$folder/stranger" "somebody else's CA"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=127.0.0.1 -keyout "$folder/gateway.key" \
    -out "$folder/gateway.csr" 2>/dev/null
printf 'subjectAltName = IP:127.0.0.1\n' >"$folder/gateway.ext"
openssl x509 -req -days 2 -in "$folder/gateway.csr" -CA "$folder/hospital.pem" -CAkey "$folder/hospital.key" \
    -set_serial 1 -extfile "$folder/gateway.ext" -out "$folder/gateway.pem" 2>/dev/null
port=$(free_port)
url="https://127.0.0.1:$port/fhir"

keys=$(enroll --tls)
printf 'base_url: %s\nserver_auth: {types: [smart], enforce_scopes: true, smart_clients: [{client_id: %s, jwks: %s}]}\n' \
    "$url" "$client" "$(printf '%s' "$keys" | field jwks)" >"$folder/auth.yaml"
upstream=$("$here/sekmet_server.sh" start "$folder/server" "$folder/auth.yaml")
upstream=$(port_of "$upstream")
if [ "$server" = hapi ]; then
    behind=$("$here/hapi_server.sh" start "$folder/hapi")
    tokens=$upstream
    upstream=$(free_port)
    python3 "$here/doorman.py" "$upstream" "$tokens" "$(port_of "$behind")" >"$folder/door.log" 2>&1 &
    door=$!
    until grep -q ready "$folder/door.log"; do sleep 0.1; done
fi
python3 "$here/gateway.py" "$port" "$upstream" "$folder/gateway.pem" "$folder/gateway.key" \
    "$folder/hospital.pem" >"$folder/gateway.log" 2>&1 &
gateway=$!
until grep -q ready "$folder/gateway.log"; do sleep 0.1; done

write_config "$url"
expect "a gateway of a CA nobody named" "certificate is not trusted"
ca_file="$folder/hospital.pem"
write_config "$url"
expect "the CA is named, and no certificate shown" "[identity] certificate_file"
certificate_file="$folder/kiosk.pem"
printf '%s' "$keys" | field certificate_request >"$folder/kiosk.csr"
issue "$folder/stranger"
write_config "$url"
expect "a certificate of somebody else's CA" "[identity] certificate_file"
issue "$folder/hospital"
expect "the hospital's certificate, and a token" "signed in as"

if [ "$server" = hapi ]; then
    client=
    write_config "$url"
    expect "the certificate, and no token" "401"
    PEER_FHIR_URL=$url PEER_DESK_URL=$behind PEER_CA_FILE=$ca_file PEER_CERTIFICATE_FILE=$certificate_file \
        PEER_KEY_FOLDER="$folder/keys" PEER_CLIENT_ID=kiosk-k3 \
        cargo test --test tests hospital::peer -- --include-ignored --nocapture --test-threads 1
    "$here/expect.sh" "hapi, behind the door" "$behind" "Task 2" "Invoice 2" "ChargeItem 4"
fi
echo "smart: all passed"
