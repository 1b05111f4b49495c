#!/usr/bin/env python3
"""Every resource of every JSON file in FOLDER is valid FHIR R4, says fhirkit-rs.

    validate.py FOLDER [FOLDER...]       exit 0 all valid, 1 issues found, 2 nothing to validate
"""
import json
import pathlib
import sys

import fhirkit


def resources(value):
    """The bundle itself and what is in it; another resource alone."""
    yield value
    if value.get("resourceType") == "Bundle":
        for entry in value.get("entry", []):
            if "resource" in entry:
                yield entry["resource"]


def errors(resource):
    return [issue for issue in fhirkit.validate(resource) if not str(issue).startswith(("warning", "information"))]


def main(folders):
    if not errors({"resourceType": "Task", "intent": "order"}):
        print("fhirkit-rs accepts a Task without a status: it does not validate")
        return 1
    files = sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*.json"))
    checked = bad = 0
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or "resourceType" not in content:
            continue
        for resource in resources(content):
            checked += 1
            issues = errors(resource)
            for issue in issues:
                print(f"{path.name}: {resource['resourceType']}: {issue}")
            bad += bool(issues)
    print(f"fhirkit-rs: {checked} resources in {len(files)} files, {bad} not valid")
    if not checked:
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
