#!/usr/bin/env python3
"""How many resources of a type on a FHIR server carry an identifier of ours.

    count.py URL RESOURCE [SYSTEM]       prints the number; exit 2 if the server cannot be asked

SYSTEM is the demo's `request_system` unless told; sub-systems (`…/quote`) do not count.
"""
import json
import sys
import urllib.parse
import urllib.request

SYSTEM = "https://demo.hospital-kiosk.example/request"
PAGES_MAX = 200


def get(url):
    request = urllib.request.Request(url, headers={"Accept": "application/fhir+json", "Cache-Control": "no-cache"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def resources(base, kind):
    """All of them, page by page: not every server finds an identifier by its system alone."""
    url = f"{base}/{kind}?_count=100"
    for _ in range(PAGES_MAX):
        bundle = get(url)
        if bundle.get("resourceType") != "Bundle":
            raise ValueError("the server answered no Bundle")
        for entry in bundle.get("entry", []):
            if entry.get("resource", {}).get("resourceType") == kind:
                yield entry["resource"]
        following = [link["url"] for link in bundle.get("link", []) if link.get("relation") == "next"]
        if not following:
            return
        url = urllib.parse.urljoin(base + "/", following[0])


def main(base, kind, system=SYSTEM):
    def ours(resource):
        return any(identifier.get("system") == system for identifier in resource.get("identifier", []))

    print(sum(1 for resource in resources(base.rstrip("/"), kind) if ours(resource)))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        print(f"count.py: {error}", file=sys.stderr)
        sys.exit(2)
