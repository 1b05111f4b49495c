#!/bin/sh
# Installs by apt what this machine lacks for `make $1`, naming what and why. Debian 12; asks for sudo when not root.
set -eu
wanted=${1:-build}
missing=""

need() { # need PACKAGE WHY
    if ! dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; then
        echo "needed: $1 ($2)"
        missing="$missing $1"
    fi
}

if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system. Install by hand what tests/tools.sh lists, then call cargo directly." >&2
    exit 0
fi
need gcc "compiles the bundled database"
need make "builds the bundled cryptography"
need perl "configures the bundled cryptography"
need pkg-config "finds fontconfig"
need libfontconfig-dev "finds fonts on screen and paper"
need fonts-noto-core "Latin, Cyrillic, Arabic and Vietnamese letters"
need fonts-noto-cjk "Korean, Chinese and Japanese letters"
need libxcursor1 "the window's pointer"
need libxi6 "touch input"
need libxkbcommon-x11-0 "keys"
if [ "$wanted" = peers ]; then
    need python3-venv "keeps the third-party peers apart"
    command -v npm >/dev/null || need npm "installs the FHIR validator"
    command -v javac >/dev/null || need default-jdk-headless "runs HAPI FHIR, a hospital's server, and compiles its launcher"
    command -v mvn >/dev/null || need maven "brings HAPI FHIR"
fi
if [ "$wanted" = notices ]; then
    need python3 "collects licences and reads the bill of materials"
fi
if [ "$wanted" = window ]; then
    need xvfb "shows the real window to benches and kill tests"
    need xdotool "presses real keys and buttons in that window"
fi
if ! command -v cargo >/dev/null; then
    echo "Rust is missing: install it with rustup (rustup.rs), then run this again." >&2
    exit 1
fi
cargo_tool() { # cargo_tool NAME VERSION WHY [OPTION…]
    name=$1 version=$2 why=$3
    shift 3
    case "$("target/tools/bin/$name" --version 2>/dev/null || "target/tools/bin/$name" "${name#cargo-}" --version 2>/dev/null)" in
    *" $version") return 0 ;;
    esac
    echo "needed: $name $version ($why); built once, some minutes"
    cargo install "$name" --version "$version" --locked --debug --root target/tools --quiet "$@"
}
cargo_tools() {
    case "$wanted" in
    # Without its own HTTP client: advisories are not asked.
    deny) cargo_tool cargo-deny 0.20.2 "reads the licences and sources of all dependencies" --no-default-features ;;
    notices) cargo_tool cargo-cyclonedx 0.5.9 "writes the program's bill of materials" ;;
    esac
}
[ -n "$missing" ] || {
    cargo_tools
    exit 0
}
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    echo "apt needs administrator rights for that; sudo will ask."
    sudo=sudo
fi
$sudo apt-get update -q >/dev/null
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing >/dev/null
echo "installed:$missing"
cargo_tools
