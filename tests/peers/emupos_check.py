#!/usr/bin/env python3
"""Receipts read by an interpreter and a code reader that we did not write.

    emupos_check.py FOLDER        (Python >= 3.13, with `emupos` and `zxing-cpp` from PyPI)

FOLDER holds NAME.escpos (the bytes that went to the printer), NAME.png (the picture we drew) and, for papers with a
code, NAME.claim (the number the code must say). Each job is sent to emupos over TCP. Its picture must be ours, dot for
dot, but for blank margins; zxing must read the claim number from it. Exit 1 on any difference, 2 if it cannot run.
"""

import io
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_S = 30
DEVICE = "front"

try:
    import zxingcpp
    from PIL import Image, ImageChops
except ImportError as missing:
    print(f"cannot run: {missing}; install with: pip install emupos zxing-cpp")
    sys.exit(2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_emupos(folder, api_port, printer_port):
    config = folder / "emupos.yaml"
    config.write_text(
        f"schema: 1\n"
        f"api: {{ host: 127.0.0.1, port: {api_port} }}\n"
        f"devices:\n"
        f"  - id: {DEVICE}\n"
        f"    type: printer\n"
        f"    profile: epson-tm-t20iii\n"
        f"    connections:\n"
        f"      - tcp: {{ port: {printer_port} }}\n"
        f"    job_idle_timeout_ms: 60000\n"
        f"    receipts_dir: {folder / 'receipts'}\n"
    )
    program = pathlib.Path(sys.executable).with_name("emupos")
    log = (folder / "emupos.log").open("w")
    return subprocess.Popen([program, "run", "--config", config], cwd=folder, stdout=log, stderr=log)


class Emupos:
    def __init__(self, api_port, printer_port):
        self.base = f"http://127.0.0.1:{api_port}/api/v1/devices/{DEVICE}"
        self.printer_port = printer_port

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=PATIENCE_S) as answer:
            return answer.read()

    def receipts(self):
        return {receipt["id"] for receipt in json.loads(self.get("/receipts"))}

    def wait_until_up(self, process):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and process.poll() is None:
            try:
                return self.receipts()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        print("cannot run: emupos did not start")
        raise SystemExit(2)

    def print(self, job):
        """Sends a job with the proof we ask of every printer; gives the picture, or None if none came."""
        before = self.receipts()
        with socket.create_connection(("127.0.0.1", self.printer_port), timeout=PATIENCE_S) as line:
            line.sendall(job + b"\x1dr\x01")
            proof = line.recv(16)
        if proof not in (b"\x00", b"\x03"):
            print(f"    GS r 1 was answered {proof.hex() or 'nothing'}")
            return None
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            new = self.receipts() - before
            if new:
                return Image.open(io.BytesIO(self.get(f"/receipts/{new.pop()}/image"))).convert("L")
            time.sleep(0.05)
        return None


def ink(picture):
    """The picture without its blank margins, black and white."""
    bits = picture.point(lambda dot: 0 if dot < 128 else 255)
    box = ImageChops.invert(bits).getbbox()
    return bits.crop(box) if box else bits


def different_dots(ours, theirs):
    ours, theirs = ink(ours), ink(theirs)
    if ours.size != theirs.size:
        return f"sizes differ: ours {ours.size}, emupos {theirs.size}"
    count = sum(ImageChops.difference(ours, theirs).histogram()[1:])
    return f"{count} dots differ" if count else None


def check(emupos, job_file):
    theirs = emupos.print(job_file.read_bytes())
    if theirs is None:
        return ["emupos printed nothing"], False
    problems = []
    difference = different_dots(Image.open(job_file.with_suffix(".png")).convert("L"), theirs)
    if difference:
        problems.append(difference)
    claim_file = job_file.with_suffix(".claim")
    if not claim_file.exists():
        return problems, False
    wanted = claim_file.read_text().strip()
    read = [code.text for code in zxingcpp.read_barcodes(theirs)]
    if read != [wanted]:
        problems.append(f"the code says {read}, not {wanted}")
    return problems, True


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    jobs = sorted(pathlib.Path(sys.argv[1]).glob("*.escpos"))
    if not jobs:
        print(f"cannot run: no *.escpos in {sys.argv[1]}")
        return 2
    wrong = codes = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ports = free_port(), free_port()
        process = start_emupos(folder, *ports)
        try:
            emupos = Emupos(*ports)
            emupos.wait_until_up(process)
            for job_file in jobs:
                problems, had_code = check(emupos, job_file)
                codes += had_code and not problems
                wrong += bool(problems)
                print(f"{'WRONG' if problems else 'same '} {job_file.stem} {'; '.join(problems)}".rstrip())
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)
    print(f"{len(jobs)} papers, {len(jobs) - wrong} equal dot for dot, {codes} codes read back, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
