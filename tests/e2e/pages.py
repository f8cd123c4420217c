#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts what ./run starts, waits for the first day, and lets tests/e2e/pages.mjs open every page.
Ends it as Ctrl-C does and checks that everything is gone. Prints TAP."""
import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BASE = 18480
FIRST_DAY_S = 180


def answer(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
        return json.load(reply)


def wait_first_day(launch, ports):
    begin = time.monotonic()
    while time.monotonic() - begin < FIRST_DAY_S:
        if launch.poll() is not None:
            return None
        try:
            done = [answer(port, "/api/info")["progress"] for port in ports]
            collected = answer(BASE, "/api/fleet")["newest_interval"]
            if all(p["reached_us"] >= p["target_us"] for p in done) and collected:
                return time.monotonic() - begin
        except OSError:
            pass
        time.sleep(0.5)
    return None


def main():
    launch = subprocess.Popen(["python3", ROOT / "tools" / "launch.py", "--port-base", str(BASE)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = wait_first_day(launch, (BASE + 1, BASE + 2))
    print(f"{'ok' if seconds else 'not ok'} - the first day is metered")
    if seconds:
        print("# figure " + json.dumps({"figure": "./run: the first day metered, two meters",
                                        "value": round(seconds, 1), "unit": "s",
                                        "goal": "<= 180", "holds": True, "seed": 0}), flush=True)
        time.sleep(4)
        pages = subprocess.run(
            ["node", ROOT / "tests" / "e2e" / "pages.mjs", f"http://127.0.0.1:{BASE + 1}/",
             f"http://127.0.0.1:{BASE + 2}/", "--", f"http://127.0.0.1:{BASE}/", "WK30000001",
             "WK10000002"]).returncode
    launch.send_signal(signal.SIGINT)
    output, _ = launch.communicate(timeout=30)
    clean = launch.returncode == 0
    print(f"{'ok' if clean else 'not ok'} - Ctrl-C ends everything cleanly")
    if not clean:
        print("".join(f"# {line}\n" for line in output.splitlines()[-10:]), end="")
    sys.exit(0 if seconds and clean and pages == 0 else 1)


if __name__ == "__main__":
    main()
