"""The notices of third parties: of every crate that is linked into the program (name and version a line on standard input) what
`cargo metadata` tells of it, and each licence text that lies in its sources, once. Further arguments are the C libraries: a
name, and the file of its licence. Fails where a crate brings no text and none of the licence's standard ones is known here.
"""

import json
import pathlib
import re
import subprocess
import sys

out, *c_parts = sys.argv[1:]
TRIPLE = "x86_64-unknown-linux-gnu"
linked = [tuple(line.split()) for line in sys.stdin if line.strip()]
told = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TRIPLE]))
packages = {(package["name"], package["version"]): package for package in told["packages"]}
NAMES = re.compile(r"(?i)^(un)?(licen[cs]e|copying|copyright|notice)")


def texts_of(package: dict) -> list[str]:
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in folder.iterdir() if path.is_file() and NAMES.match(path.name)]
    files += [path for path in folder.glob("LICENSES/*") if path.is_file()]
    if package["license_file"]:
        files.append(folder / package["license_file"])
    return [path.read_text(errors="replace").strip() for path in sorted(set(files))]


def title(package: dict) -> str:
    authors = ", ".join(author.split(" <")[0] for author in package["authors"])
    licence = package["license"] or package["license_file"]
    line = f"{package['name']} {package['version']}  {licence}  {package['repository'] or ''}"
    return line.rstrip() + (f"\n    by {authors}" if authors else "")


texts: dict[str, list[str]] = {}
bare: list[dict] = []
for name, version in linked:
    package = packages[name, version]
    own = texts_of(package)
    for text in own:
        texts.setdefault(text, []).append(title(package))
    if not own:
        bare.append(package)
for name, file in zip(c_parts[::2], c_parts[1::2], strict=True):
    texts.setdefault(pathlib.Path(file).read_text(errors="replace").strip(), []).append(name)

# Some crates of a workspace leave the text in its repository: it is that of their licence, as others here bring it.
MARKS = {
    "MIT": "Permission is hereby granted, free of charge",
    "Apache-2.0": "Apache License",
    "ISC": "Permission to use, copy, modify, and",
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "BSL-1.0": "Boost Software License",
    "Zlib": "This software is provided 'as-is'",
    "MPL-2.0": "Mozilla Public License Version 2.0",
    "CC0-1.0": "CC0 1.0 Universal",
    "Unlicense": "This is free and unencumbered software",
    "GPL-3.0-only": "GNU GENERAL PUBLIC LICENSE",
    "Unicode-3.0": "UNICODE LICENSE V3",
}
texts_known = [*texts, pathlib.Path("LICENSE").read_text()]
lost = []
for package in bare:
    ids = re.split(r"[ /()]+|OR|AND|WITH", package["license"] or "")
    if not any(mark in text for id, mark in MARKS.items() if id in ids for text in texts_known):
        lost.append(f"{package['name']} {package['version']}: no text of {package['license']}")
if lost:
    sys.exit("\n".join(lost))

rule = "=" * 90
with open(out, "w", encoding="utf-8") as file:
    print("hospital-kiosk is free software under the GNU General Public License, version 3 (LICENSE).", file=file)
    print("These parts of the program are by others. No font is in it: it draws with those of the system.\n", file=file)
    for text, users in sorted(texts.items(), key=lambda pair: pair[1]):
        print(rule, *sorted(users), "-" * 90, text, "", sep="\n", file=file)
    if bare:
        print(rule, "Their licences' texts stand above; their own sources bring none:", sep="\n", file=file)
        print(*map(title, bare), sep="\n", file=file)
    print(rule, "SQLite, in SQLCipher, is in the public domain (https://sqlite.org/copyright.html).", sep="\n", file=file)
