#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter and its head-end in two network namespaces, between them two paths through `wk lab net`:
wired, 64 kbit/s and 50 ms for there and back, and mobile, 1 Mbit/s and 120 ms. The profile of a
day arrives; the wired path is black-holed while events are made, and all of them arrive.

Needs root, for the namespaces. Before them, `wk lab serial` has its pace and its echo."""
import atexit
import json
import os
import subprocess
import sys
import time

from harness import Tap, programs
from lab import (ALARM_LOG, LOAD_PROFILE, SECURITY_LOG, SEED, Chain, Line, Namespace, permitted, report,
                 wait_for)

SWITCHES = 4
WIRED = {"rate": "64k", "delay": "25ms", "queue": "16k"}
MOBILE = {"rate": "1M", "delay": "60ms", "queue": "64k"}
PATHS = """
[path wired]
to = udp://10.64.1.2:@PORT@
interface = wired
probe_s = 2
[path mobile]
to = udp://10.64.2.2:@PORT@
interface = mobile
cost = 30
probe_s = 2
"""
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.64.1.2", 7))
print(flush=True)
while True:
    octets, peer = s.recvfrom(2048)
    s.sendto(octets, peer)
"""
ASK = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect(("10.64.1.2", 7))
for _ in range(20):
    begin = time.monotonic()
    s.send(bytes(172))
    s.recv(2048)
    print(time.monotonic() - begin)
"""


def round_trip(near, far):
    """Least of 20 round trips of 200 octets (of IP) over the wired line, in ms."""
    echo = subprocess.Popen(far.inside(sys.executable, "-c", ECHO), stdout=subprocess.PIPE)
    atexit.register(echo.kill)
    echo.stdout.readline()
    asked = near.run(sys.executable, "-c", ASK)
    echo.kill()
    echo.wait()
    return min(map(float, asked.stdout.split()), default=0) * 1000


def switch(chain, lines):
    """The path that is used becomes a black hole; what is made meanwhile finds the other one.
    Returns seconds until an event, and until an alarm, was committed: across each switch."""
    events, alarms = [], []
    for n in range(SWITCHES):
        dead = lines[n % 2]
        dead.say("black-hole on")
        events.append(chain.make(SECURITY_LOG))
        alarms.append(chain.make(ALARM_LOG))
        dead.say("black-hole off")
        time.sleep(5)  # two probes: both paths are warm again
    return events, alarms


def run(tap):
    near, far = Namespace("wkm"), Namespace("wkh")
    lines = [Line("wired", 1, near, far, WIRED), Line("mobile", 2, near, far, MOBILE)]
    trip = round_trip(near, far)
    # 200 octets take 25 ms at 64 kbit/s, and there are 25 ms of delay: twice
    tap.check(99.9 <= trip <= 105, "the line takes the time of its closed form", trip)
    tap.figure("round trip over a line of 100 ms by its rules", round(trip, 2), "ms", "100..105",
               99.9 <= trip <= 105, SEED)
    chain = Chain(near, far, PATHS)
    archive = chain.archive
    there = wait_for(chain.is_caught_up, 40)
    tap.check(there, "a day of intervals arrives at 64 kbit/s", len(archive.of(LOAD_PROFILE)))
    calm = [chain.make(log) for _ in range(3) for log in (SECURITY_LOG, ALARM_LOG)]
    report(tap, "events while both paths are up, committed", calm, 1)
    events, alarms = switch(chain, lines)
    report(tap, "events beside a black hole, committed over the other path", events, 2)
    report(tap, "alarms beside a black hole, committed", alarms, 1)
    for log, made in chain.made.items():
        rows = [seq for seq, _ in archive.of(log)]
        tap.check(not any(made) and rows == list(range(len(made))),
                  f"of {log} nothing is lost and nothing comes twice", f"{made}\n" + "\n".join(map(str, chain.records(log))))
    counts = [line.counts("to_right") for line in lines]
    tap.check(all(row["to_right"]["lost"] > 0 for row in counts), "both black holes took packets",
              counts)
    chain.end()
    tap.check([line.end() for line in lines] == [0, 0], "the lines end when they are told to")


def serial(tap):
    """173 octets, an answer with 80 registers, at 2400 bit/s: 721 ms."""
    lab = subprocess.Popen([programs("release") / "wk", "lab", "serial", "--json", "--baud", "2400",
                            "--echo", "--for", "60s"], stdout=subprocess.PIPE, text=True)
    atexit.register(lab.kill)
    names = json.loads(lab.stdout.readline())
    left, right = (os.open(names[end], os.O_RDWR | os.O_NOCTTY) for end in ("left", "right"))
    octets, heard, own = bytes(range(173)), b"", b""
    begin = time.monotonic()
    os.write(left, octets)
    while len(heard) < len(octets):
        heard += os.read(right, 256)
    took = time.monotonic() - begin
    while len(own) < len(octets):
        own += os.read(left, 256)
    tap.check(heard == octets and own == octets, "a serial line brings all, and its echo")
    tap.figure("173 octets at 2400 bit/s, 720.8 ms by the rate", round(took * 1000, 1), "ms",
               "720..760", 0.720 <= took <= 0.760, SEED)
    lab.terminate()
    tap.check(lab.wait(5) == 0, "the serial line ends when it is told to")


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    serial(tap)
    why = permitted()
    if why:
        tap.check(True, f"network namespaces # SKIP {why}")
    else:
        run(tap)
    return tap.end()


sys.exit(main())
