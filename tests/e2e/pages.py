#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts what ./run starts, waits for the first day, and lets tests/e2e/pages.mjs open every page;
so too a meter whose supply is disturbed (quality_feed.py), for what can be seen of power quality.
Ends it as Ctrl-C does and checks that everything is gone. Prints TAP."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BASE = 18480
DISTURBED = BASE + 8
FIRST_DAY_S = 180
EVENTS_S = 150
KINDS = {"dip", "swell", "interruption", "rapid_change", "transient"}
# what quality_feed.py does to the supply: kind, phases, residual or maximum in percent, duration in
# ms, and where this lies in the curves of ITIC and SEMI F47
TRUTH = (("dip", 1, 62.4, 180, "no_damage", "met"), ("dip", 7, 82.7, 600, "inside", "met"),
         ("swell", 2, 124.6, 300, "prohibited", None), ("swell", 1, 113.8, 150, "inside", None),
         ("dip", 6, 71.8, 1400, "no_damage", "below"), ("dip", 7, 1.0, 900, "no_damage", "below"),
         ("interruption", 7, 1.0, 900, "no_damage", "below"),
         ("dip", 4, 42.6, 80, "no_damage", "below"))
PERCENT, MS = 0.8, 10  # half a cycle


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


def missing_of(events):
    return [truth for truth in TRUTH if not any(is_like(e, truth) for e in events)]


def wait_events(feed):
    """Whether the disturbed meter has seen every event that is made, and captured some."""
    begin = time.monotonic()
    while time.monotonic() - begin < EVENTS_S and feed.poll() is None:
        try:
            events = answer(DISTURBED, "/api/quality")["events"]
            told = not missing_of(events) and KINDS <= {e["kind"] for e in events}
            if told and len(answer(DISTURBED, "/api/captures")["captures"]) >= 4:
                return True
        except OSError:
            pass
        time.sleep(0.5)
    return False


def is_like(event, truth):
    kind, phases, percent, ms, itic, f47 = truth
    return (event["kind"] == kind and event["phases"] == phases and event["duration_ms"] is not None
            and abs(event["extreme_percent"] - percent) <= PERCENT
            and abs(event["duration_ms"] - ms) <= MS
            and event["itic"] == itic and event["f47"] == f47)


def check_events():
    """Every event that was made is told as what it was."""
    events = answer(DISTURBED, "/api/quality")["events"]
    missing = missing_of(events)
    print(f"{'not ok' if missing else 'ok'} - each event has its kind, depth, duration and verdict")
    for truth in missing:
        print(f"# there is no event like {truth}")
    return not missing


def check_captures(folder):
    """Captures are served as the files they are, and nothing else is."""
    capture = answer(DISTURBED, "/api/captures")["captures"][0]
    url = f"http://127.0.0.1:{DISTURBED}/api/captures/"
    with urllib.request.urlopen(url + capture["name"], timeout=5) as reply:
        same = reply.read() == (folder / "state" / "captures" / capture["name"]).read_bytes()
    print(f"{'ok' if same else 'not ok'} - a capture is downloaded as it lies in the folder")
    refused = True
    for name in ("../week", "..%2Fweek", "%2e%2e/store", ".fresh.cff", "week.json", ""):
        with socket.create_connection(("127.0.0.1", DISTURBED), 5) as line:
            line.sendall(f"GET /api/captures/{name} HTTP/1.0\r\n\r\n".encode())
            refused = refused and b" 404 " in line.recv(100)
    print(f"{'ok' if refused else 'not ok'} - no other file of the meter can be downloaded")
    return same and refused


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wk_pages_"))
    try:
        sys.exit(run(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder):
    launch = subprocess.Popen(["python3", ROOT / "tools" / "launch.py", "--port-base", str(BASE)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              start_new_session=True)
    feed = subprocess.Popen(["python3", ROOT / "tests" / "e2e" / "quality_feed.py",
                             folder / "meter", str(DISTURBED)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = wait_first_day(launch, (BASE + 1, BASE + 2))
    print(f"{'ok' if seconds else 'not ok'} - the first day is metered")
    if launch.poll() is not None: # what serves the pages is not what was started here
        print("not ok - ./run keeps running")
        print("".join(f"# {line}\n" for line in launch.stdout.read().splitlines()[-10:]), end="")
        feed.terminate()
        return 1
    eventful = wait_events(feed)
    print(f"{'ok' if eventful else 'not ok'} - a disturbed supply gives events of every kind")
    served = eventful and check_events() and check_captures(folder / "meter")
    if seconds:
        print("# figure " + json.dumps({"figure": "./run: the first day metered, two meters",
                                        "value": round(seconds, 1), "unit": "s",
                                        "goal": "<= 180", "holds": True, "seed": 0}), flush=True)
        time.sleep(4)
        pages = subprocess.run(
            ["node", ROOT / "tests" / "e2e" / "pages.mjs", f"http://127.0.0.1:{BASE + 1}/",
             f"http://127.0.0.1:{BASE + 2}/", "--", f"http://127.0.0.1:{DISTURBED}/", "--",
             f"http://127.0.0.1:{BASE}/", "WK30000001", "WK10000002"]).returncode
    feed.terminate()
    feed.wait(30)
    launch.send_signal(signal.SIGINT)
    try:
        output, _ = launch.communicate(timeout=120)
    except subprocess.TimeoutExpired: # nothing may outlive the test
        os.killpg(launch.pid, signal.SIGKILL)
        output, _ = launch.communicate()
    clean = launch.returncode == 0
    print(f"{'ok' if clean else 'not ok'} - Ctrl-C ends everything cleanly")
    if not clean:
        print("".join(f"# {line}\n" for line in output.splitlines()[-10:]), end="")
    return 0 if seconds and served and clean and pages == 0 else 1


if __name__ == "__main__":
    main()
