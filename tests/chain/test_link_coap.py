#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter whose only path is CoAP (its own client, the head-end's libcoap), through a way that loses and
doubles datagrams and gives it another address now and then, as a NAT does. Both ends are killed
(kill -9): nothing is lost, nothing counts twice.

usage: test_link_coap.py [--long]     long: 200 kills instead of 10
"""
import random
import select
import socket
import subprocess
import sys
import threading
import time

from harness import Meter, Tap, free_port
from uplink import KEY, LOAD_PROFILE, Headend, wait_for

SEED = 20261122
STOP = "2026-02-03T23:00:00Z"  # two days
QUARTERS = 2 * 96 - 4
KILLS = 200 if "--long" in sys.argv else 10
LOSS = 0.03
DOUBLE = 0.02
REBIND_S = 3


class Way(threading.Thread):
    """Between meter and head-end: loses, doubles, and changes the address the meter is seen with."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.chance = random.Random(SEED)
        self.to = ("127.0.0.1", to)
        self.near = self.socket()
        self.port = self.near.getsockname()[1]
        self.far = self.socket()
        self.meter = None
        self.bad = True
        self.lost = self.doubled = self.passed = self.rebound = 0

    @staticmethod
    def socket():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        return made

    def carry(self, out, datagram, to):
        if self.bad and self.chance.random() < LOSS:
            self.lost += 1
            return
        copies = 2 if self.bad and self.chance.random() < DOUBLE else 1
        self.doubled += copies - 1
        self.passed += 1
        for _ in range(copies):
            try:
                out.sendto(datagram, to)
            except OSError:
                pass  # nobody is there just now

    def run(self):
        rebind = time.monotonic() + REBIND_S
        while True:
            for ready in select.select([self.near, self.far], [], [], 0.2)[0]:
                try:
                    datagram, source = ready.recvfrom(2048)
                except OSError:
                    continue
                if ready is self.near:
                    self.meter = source
                    self.carry(self.far, datagram, self.to)
                elif self.meter is not None:
                    self.carry(self.near, datagram, self.meter)
            if self.bad and time.monotonic() > rebind:
                self.far.close()
                self.far = self.socket()
                self.rebound += 1
                rebind = time.monotonic() + REBIND_S


def kill_both(chance, meter, headend):
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.2, 1.2))
        if chance.random() < 0.5:
            daemon.kill()
            daemon.wait()
            daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
        else:
            headend.kill()
            headend.start()


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    port = free_port()
    way = Way(port)
    way.start()
    meter = Meter("b", stop=STOP, build="release", analyse="no")
    section = (f"\n[link]\nkey = {KEY}\n"
               f"[path mobile]\nto = coap://127.0.0.1:{way.port}\nprobe_s = 2\n")
    meter.write("b", lambda text: text + section)
    headend = Headend(meter, f"link_coap_port = {port}\n")
    headend.start()
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    kill_both(chance, meter, headend)
    meter.wait_finished()
    ended = time.monotonic()
    there = wait_for(lambda: headend.applied().get(LOAD_PROFILE, 0) >= QUARTERS, 60)
    done = wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 60)
    wait_for(lambda: all(headend.applied().get(obis) == len(rows)
                         for obis, rows in headend.records().items()), 20)
    records = headend.records()
    print(f"# all there {time.monotonic() - ended:.1f} s after the end")
    print(f"# {way.passed} datagrams passed, {way.lost} lost, {way.doubled} doubled; "
          f"{way.rebound} changes of address")
    tap.check(there and done, "every interval arrives by CoAP over a way that loses and doubles",
              f"{headend.applied()} {meter.get('/api/link')}")
    whole = all(rows == list(range(len(rows))) for rows in records.values()) and records
    tap.check(whole, f"no record is missing or twice after {KILLS} times kill -9",
              {obis: len(rows) for obis, rows in records.items()})
    tap.figure("kill -9 on a path of CoAP, records lost or doubled", 0 if whole else 1,
               f"of {sum(map(len, records.values()))}, {KILLS} kills", "0", whole, SEED)
    told = meter.wk("diag", f"127.0.0.1:{meter.web}")
    tap.check("The head-end has everything" in told.stdout, "wk diag says that it has everything",
              told.stdout + told.stderr)
    headend.kill()
    gone = wait_for(lambda: meter.get("/api/link")["paths"][0]["state"] != "up", 20)
    tap.check(gone, "a head-end that is gone is noticed")
    headend.start()
    back = wait_for(lambda: meter.get("/api/link")["paths"][0]["state"] == "up", 30)
    tap.check(back, "and found again")
    meter.remove()
    headend.remove()
    return tap.end()


sys.exit(main())
