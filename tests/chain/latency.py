#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon a meter acts and tells, with the real programs in real time on this machine:

- a command, sealed by its client, until the contactor is driven;
- the contactor's event until the first octet of it is on the wire;
- the last sample of a cycle, and of a window, until its values are at a subscriber, while the
  meter has its backlog of days to send over a path of 5 kbit/s.
"""
import collections
import datetime
import http.client
import json
import re
import select
import socket
import subprocess
import sys
import threading
import time

import uplink
from harness import Meter, Tap, free_port

ROUNDS = 3
COMMANDS = 30  # of a round: after 16 of a kind in ten minutes a meter only counts its events
CYCLES_S = 12
SLOW_BPS = 5000
BACKLOG = "2026-02-03T23:00:00Z"  # two days of quarter hours


class SlowRelay(threading.Thread):
    """Carries datagrams to the head-end at SLOW_BPS, and back at once."""

    def __init__(self, port, headend):
        super().__init__(daemon=True)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", port))
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.connect(("127.0.0.1", headend))
        self.octets = 0
        self.stops = False

    def run(self):
        queue = collections.deque()
        free_at = 0.0
        meter = None
        while not self.stops:
            wait = max(0.0, free_at - time.monotonic()) if queue else 0.2
            ready, _, _ = select.select([self.near, self.far], [], [], wait)
            if self.near in ready:
                packet, meter = self.near.recvfrom(2048)
                if len(queue) < 64:
                    queue.append(packet)
            if self.far in ready:
                try:
                    answer = self.far.recv(2048)
                    if meter:
                        self.near.sendto(answer, meter)
                except ConnectionRefusedError:
                    pass  # the head-end is not there yet
            if queue and time.monotonic() >= free_at:
                packet = queue.popleft()
                free_at = time.monotonic() + (len(packet) + 28) * 8 / SLOW_BPS
                self.octets += len(packet)
                try:
                    self.far.send(packet)
                except ConnectionRefusedError:
                    pass


def part(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def subscribe(meter, path, kind, seconds, stamp):
    """milliseconds from the time of each value to its arrival here"""
    web = http.client.HTTPConnection("127.0.0.1", meter.web, timeout=10)
    web.request("GET", path)
    answer = web.getresponse()
    found, name = [], None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        line = answer.fp.readline()
        at_us = time.time_ns() // 1000
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: ") and name == kind:
            found.append((at_us - stamp(json.loads(line[6:]))) / 1000)
    web.close()
    return found[2:]  # the first is what was known already, the second waits for its distance


def in_real_time(text):
    """From now on, as fast as time passes."""
    text = re.sub(r"(?m)^start = .*\n", "", text)
    text = re.sub(r"(?m)^stop = .*\n", "", text)
    return text.replace("pace = full-speed", "pace = realtime")


def command(tap, meter, probe_port, link_port):
    """A round of commands; a row each: microseconds to the contactor, and from there to the wire."""
    probe = subprocess.Popen(
        [meter.bin.parent / "test" / "latency_probe", meter.folder / "state", str(meter.dlms),
         meter.keys["EK"], meter.keys["AK"], str(probe_port), str(link_port), str(COMMANDS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    probe.stdout.readline()
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    there = uplink.wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 60)
    tap.check(there, "over a free path the rest of the backlog goes", meter.get("/api/link")["summary"])
    out, err = probe.communicate("go\n", timeout=COMMANDS * 3)
    rows = [tuple(map(int, line.split())) for line in out.splitlines()]
    tap.check(len(rows) == COMMANDS, f"{COMMANDS} commands are done", f"{len(rows)}: {err}")
    daemon.terminate()
    daemon.wait()
    return rows


def main():
    tap = Tap()
    build = "dev" if "--dev" in sys.argv else "release"
    wire, probe_port, link_port = free_port(), free_port(), free_port()
    meter = Meter("b", stop=BACKLOG, build=build)
    paths = f"\n[link]\nkey = {uplink.KEY}\n[path slow]\nto = udp://127.0.0.1:{wire}\nprobe_s = 2\n"
    meter.write("b", lambda text: text + paths)
    feed = meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    feed.wait()
    backlog = meter.get("/api/link")["waiting"]
    relay = SlowRelay(wire, link_port)
    relay.start()
    headend = uplink.Headend(meter, f"link_port = {link_port}\n")
    headend.start()
    uplink.wait_for(lambda: meter.get("/api/link")["paths"][0]["state"] == "up", 20)
    meter.write("b", lambda text: in_real_time(text) + paths)
    feed = meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    time.sleep(3)
    began = relay.octets
    cycles = subscribe(meter, "/api/cycles", "cycle", CYCLES_S, lambda v: v["t_us"])
    windows = subscribe(meter, "/api/stream", "live", CYCLES_S,
                        lambda v: v["time_us"])
    waiting = meter.get("/api/link")["waiting"]
    carried = (relay.octets - began) * 8 / (2 * CYCLES_S)
    tap.check(waiting > 0 and carried > SLOW_BPS / 3,
              f"meanwhile the backlog of {backlog} records goes on", f"{waiting} left, {carried:.0f} bit/s")
    tap.check(len(cycles) >= CYCLES_S * 50 * 0.97, "every cycle arrives", len(cycles))
    tap.figure("last sample of a cycle -> subscriber, p99", round(part(cycles, 0.99), 1), "ms", "20",
               part(cycles, 0.99) <= 20)
    tap.check(part(cycles, 0.99) <= 20, f"its values are there within 20 ms (p50 {part(cycles, 0.5):.1f}, "
              f"p99 {part(cycles, 0.99):.1f})", sorted(cycles)[-10:])
    tap.check(len(windows) >= CYCLES_S * 4.5, "every window arrives", len(windows))
    tap.figure("last sample of a window -> subscriber, p99", round(part(windows, 0.99), 1), "ms", "100",
               part(windows, 0.99) <= 100)
    tap.check(part(windows, 0.99) <= 100, f"and those of windows within 100 ms (p50 {part(windows, 0.5):.1f}, "
              f"p99 {part(windows, 0.99):.1f})", sorted(windows)[-10:])
    relay.stops = True
    daemon.terminate()
    daemon.wait()

    meter.write("b", lambda text: in_real_time(text) + paths.replace(str(wire), str(probe_port)))
    rows = []
    for _ in range(ROUNDS):
        rows += command(tap, meter, probe_port, link_port)
    if rows:
        acted = part([row[0] for row in rows], 0.99) / 1000
        told = part([row[1] for row in rows], 0.99) / 1000
        middle = part([row[1] for row in rows], 0.5) / 1000
        tap.figure("command -> contactor driven, p99", acted, "ms", "20", acted <= 20)
        tap.check(acted <= 20, f"a command drives the contactor within 20 ms (p99 {acted:.2f})",
                  sorted(rows)[-5:])
        tap.figure("event -> first octet on the wire, p99", told, "ms", "1", told <= 1)
        tap.check(told <= 1, f"an event is on the wire within 1 ms (p50 {middle:.2f}, p99 {told:.2f})",
                  sorted(row[1] for row in rows)[-5:])
    doubted = "SELECT text FROM exception WHERE kind = 'announced'"
    tap.check(not headend.rows(doubted), "what was announced came", headend.rows(doubted)[:3])
    headend.kill()
    meter.remove()
    headend.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
