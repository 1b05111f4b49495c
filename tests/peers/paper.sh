#!/bin/sh
# Receipts against emupos, a printer emulator that we did not write, and zxing, which reads their codes.
#   paper.sh FOLDER of NAME.escpos, NAME.png, NAME.claim
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv="$root/target/peers/paper"
emupos=0.4.0

find_python() {
    for python in python3.14 python3.13 python3 "$HOME"/.pyenv/versions/3.1[3-9].*/bin/python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

if [ ! -f "$venv/installed" ]; then
    python=$(find_python)
    [ -n "$python" ] || {
        echo "peers: no Python 3.13 or newer on PATH or in ~/.pyenv, which emupos needs: pyenv install 3.13" >&2
        exit 1
    }
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet "emupos==$emupos" zxing-cpp pillow
    touch "$venv/installed"
fi
"$venv/bin/python" "$root/tests/peers/emupos_check.py" "$1"
