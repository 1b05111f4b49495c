#!/usr/bin/env python3
"""Puts a unique index on the identifiers of Task, Invoice and ChargeItem at a HAPI server, and sees it work.

    unique_index.py URL       exit 0: a second Task with the same identifier is refused

A `PaymentNotice` gets none: its second identifier is the approval number, which card companies give again after a while.
HAPI takes an index into use within seconds.
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

BUNDLE = pathlib.Path(__file__).with_name("unique-index.json")
TRIES_MAX = 30


def post(url, body):
    request = urllib.request.Request(url, body, {"Content-Type": "application/fhir+json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def twice(base, number):
    """What the server says to the second of two equal Tasks."""
    task = {
        "resourceType": "Task",
        "identifier": [{"system": "https://demo.hospital-kiosk.example/unique-index", "value": str(number)}],
        "status": "requested",
        "intent": "order",
    }
    body = json.dumps(task).encode()
    post(f"{base}/Task", body)
    return post(f"{base}/Task", body)


def main(base):
    status, answer = post(base, BUNDLE.read_bytes())
    if status != 200:
        return f"the server does not take the index ({status}): {answer}"
    for number in range(TRIES_MAX):
        status, answer = twice(base, number)
        if status == 409:
            print("unique index: a second Task of the same identifier is answered 409")
            return None
        time.sleep(1)
    return f"a second Task of the same identifier is answered {status}: {answer}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1].rstrip("/")))
