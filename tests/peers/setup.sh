#!/bin/sh
# Installs third-party peers under target/peers by their package managers; a second run changes nothing.
#   setup.sh sekmet       sekmet-fhir (PyPI), a FHIR R4 server                            needs Python 3.11 or newer
#   setup.sh validators   fhirkit-rs (PyPI) and fhir (npm), two FHIR R4 validators        need Python 3.11 or newer, Node.js
#   setup.sh hapi         HAPI FHIR (Maven Central, 320 MB the first time), a FHIR R4 server   needs a JDK of 17 or newer, Maven
#   setup.sh paper        emupos and zxing-cpp (PyPI), a printer emulator and a code reader    need Python 3.13 or newer
# Exit status 69: this machine lacks what it needs, and it says what; the other peers do without.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
peers="$root/target/peers"
sekmet=0.1.1
fhirkit=0.1.0
fhir=4.12.0
emupos=0.4.0
java=17
what=${1:?sekmet, validators, hapi or paper}
folder="$peers/$what"

lacking() {
    echo "peers: $what cannot run here: $1" >&2
    mkdir -p "$peers"
    echo "$what: $1" >>"$peers/lacking"
    exit 69
}

# find_python MINOR: the first Python 3.MINOR or newer, on PATH or of pyenv
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 "$HOME"/.pyenv/versions/3.1[1-9].*/bin/python; do
        if "$python" -c "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, $1))" 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

# from_pypi MINOR PACKAGE…
from_pypi() {
    python=$(find_python "$1")
    [ -n "$python" ] || lacking "no Python 3.$1 or newer with venv on PATH or in ~/.pyenv (Debian: apt-get install python3-venv)"
    shift
    rm -rf "$folder/python"
    "$python" -m venv "$folder/python"
    "$folder/python/bin/python" -m pip install --quiet "$@" || lacking "pip could not install $*"
}

bring() {
    case "$what" in
        sekmet) from_pypi 11 "sekmet-fhir==$sekmet" ;;
        paper) from_pypi 13 "emupos==$emupos" zxing-cpp pillow ;;
        validators)
            from_pypi 11 "fhirkit-rs==$fhirkit"
            command -v npm >/dev/null && command -v node >/dev/null || lacking "no Node.js with npm (Debian: apt-get install npm)"
            mkdir -p "$folder/node"
            echo '{"private": true}' >"$folder/node/package.json"
            (cd "$folder/node" && npm install --silent --no-audit --no-fund "fhir@$fhir") || lacking "npm could not install fhir $fhir"
            ;;
        hapi)
            found=$(javac -version 2>/dev/null | sed 's/^javac \([0-9]*\).*/\1/')
            [ "${found:-0}" -ge $java ] || lacking "no JDK of $java or newer (Debian: apt-get install openjdk-17-jdk-headless)"
            command -v mvn >/dev/null || lacking "no Maven (Debian: apt-get install maven)"
            mkdir -p "$folder/classes"
            mvn --batch-mode --quiet --file "$root/tests/peers/hapi/pom.xml" dependency:build-classpath \
                -Dmdep.outputFile="$folder/classpath" >"$folder/maven.log" 2>&1 \
                || lacking "Maven could not bring HAPI FHIR: $(grep -o 'Could not [a-z]* .*' "$folder/maven.log" | cut -c 1-200 | head -n 1)"
            javac -proc:none -d "$folder/classes" -cp "$(cat "$folder/classpath")" "$root/tests/peers/hapi/Hapi.java"
            ;;
        *)
            echo "setup.sh: no peer is called $what" >&2
            exit 2
            ;;
    esac
}

# What is installed is this script's and Maven's word for it; the jars lie in ~/.m2 and may be gone.
is_installed() {
    [ "$(cat "$folder/installed" 2>/dev/null || true)" = "$want" ] || return 1
    [ "$what" != hapi ] || tr ':' '\n' <"$folder/classpath" | while read -r jar; do [ -f "$jar" ] || exit 1; done
}

want=$(cat "$0" "$root/tests/peers/$what"/* 2>/dev/null | cksum)
is_installed || {
    mkdir -p "$folder"
    rm -f "$folder/installed"
    bring
    echo "$want" >"$folder/installed"
    echo "peers: $what is installed"
}
