#!/bin/sh
# The notices of third parties and the bill of materials (CycloneDX) of the program as it is shipped, in target/package. Fails
# where a crate that is linked into it, or a text, is missing.
set -eu
out=target/package
triple=x86_64-unknown-linux-gnu
mkdir -p "$out"

linked() { # name and version of every crate in the program
    cargo tree --edges normal --target "$triple" --prefix none --format '{p}' --locked |
        awk '{ sub(/^v/, "", $2); print $1, $2 }' | grep -v '^hospital-kiosk ' | sort -u
}

folder_of() { # folder_of CRATE: where its sources lie
    cargo metadata --format-version 1 --locked --filter-platform "$triple" | tr ',' '\n' |
        sed -n "s|.*\"manifest_path\":\"\(.*/$1-[^/]*\)/Cargo.toml\".*|\1|p" | head -n 1
}

# C sources that two build dependencies carry, and that are in the program.
openssl=$(folder_of openssl-src)
sqlcipher=$(folder_of sqlcipher-src)

linked | python3 tests/notices/licences.py "$out/THIRD-PARTY.txt" \
    "OpenSSL, as $(basename "$openssl") brings it" "$openssl/openssl/LICENSE.txt" \
    "SQLCipher, as $(basename "$sqlcipher") brings it" "$sqlcipher/sqlcipher/LICENSE-sqlcipher" \
    "LibTomCrypt, with SQLCipher" "$sqlcipher/sqlcipher/LICENSE-libtomcrypt"

target/tools/bin/cargo-cyclonedx cyclonedx --format json --spec-version 1.5 --target "$triple" --no-build-deps \
    --override-filename sbom-of-hospital-kiosk --quiet
mv sbom-of-hospital-kiosk.json "$out/sbom.cdx.json"
linked | python3 tests/notices/sbom.py "$out/sbom.cdx.json" "$openssl" "$sqlcipher"

echo "$(linked | wc -l) crates and 4 C libraries: $out/THIRD-PARTY.txt, $out/sbom.cdx.json"
