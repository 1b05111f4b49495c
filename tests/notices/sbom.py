"""Makes a crate's bill of materials (CycloneDX) that of the program: only what is linked into it (name and version a line on
standard input), and the C libraries in it; and looks whether it is one."""

import json
import pathlib
import re
import sys

path, *folders = sys.argv[1:]
linked = {tuple(line.split()) for line in sys.stdin if line.strip()}
# Where it was built is nobody's business.
text = re.sub(r"path\+file://[^#\"]*#", "path+#", pathlib.Path(path).read_text())
bom = json.loads(text.replace("?download_url=file://.", ""))
program = bom["metadata"]["component"]
program.pop("components", None)
bom["components"] = [part for part in bom["components"] if (part["name"], part["version"]) in linked]


def library(name: str, version: str, licence: str, purl: str) -> dict:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [{"license": licence}],
        "purl": purl,
    }


# openssl-src-300.6.1+3.6.3, sqlcipher-src-419.0.6+sqlcipher-4.19.0-sqlite-3.53.4-libtomcrypt-1.18.2
openssl = re.search(r"openssl-src-[^+]*\+([\w.]+)", folders[0]).group(1)
told = dict(re.findall(r"(sqlcipher|sqlite|libtomcrypt)-(\d[\d.]*\d)", folders[1].split("+")[1]))
bom["components"] += [
    library("openssl", openssl, {"id": "Apache-2.0"}, f"pkg:generic/openssl@{openssl}"),
    library("sqlcipher", told["sqlcipher"], {"id": "BSD-3-Clause"}, f"pkg:generic/sqlcipher@{told['sqlcipher']}"),
    library("sqlite", told["sqlite"], {"id": "blessing"}, f"pkg:generic/sqlite@{told['sqlite']}"),
    library("libtomcrypt", told["libtomcrypt"], {"id": "Unlicense"}, f"pkg:generic/libtomcrypt@{told['libtomcrypt']}"),
]

known = [part["bom-ref"] for part in bom["components"]] + [program["bom-ref"]]
bom["dependencies"] = [node for node in bom["dependencies"] if node["ref"] in known]
for node in bom["dependencies"]:
    node["dependsOn"] = [end for end in node.get("dependsOn", []) if end in known]

faults = []
if bom.get("bomFormat") != "CycloneDX" or bom.get("specVersion") != "1.5":
    faults.append("it is no CycloneDX 1.5")
if program["name"] != "hospital-kiosk":
    faults.append("it is not of hospital-kiosk")
lost = linked - {(part["name"], part["version"]) for part in bom["components"]}
faults += [f"{name} {version} is in the program and not told" for name, version in sorted(lost)]
if len(set(known)) != len(known):
    faults.append("a component is named twice")
for component in bom["components"]:
    if component["type"] not in ("library", "application") or not component.get("version"):
        faults.append(f"{component['name']}: no type or version")
    if not component.get("licenses"):
        faults.append(f"{component['name']}: no licence")
reached, ahead = set(), [program["bom-ref"]]
graph = {node["ref"]: node["dependsOn"] for node in bom["dependencies"]}
while ahead:
    ref = ahead.pop()
    if ref not in reached:
        reached.add(ref)
        ahead += graph.get(ref, [])
faults += [f"nothing leads to {ref}" for ref in known if ref not in reached and not ref.startswith("pkg:generic/")]
if faults:
    sys.exit("\n".join(faults[:20]))
# Builds repeat: neither the moment nor a fresh number belongs into it.
bom["metadata"].pop("timestamp", None)
bom.pop("serialNumber", None)
pathlib.Path(path).write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")
