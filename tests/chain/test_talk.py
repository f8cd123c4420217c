#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The head-end knows no address of the meter, only its link (`host = link`), and every seventh packet
of that is lost, there and back: it reads the meter and commands it all the same, and a command that
is asked again and again is done once.

usage: test_talk.py [BUILD]"""
import random
import re
import select
import socket
import subprocess
import sys
import threading
import time

import test_headend
import uplink
from harness import Meter, Tap, free_port

SEED = 20261122
LOST = 0.15
STOP = "2026-02-02T05:00:00Z"


class Relay(threading.Thread):
    """Carries datagrams between a meter and a head-end, and loses some."""

    def __init__(self, port, headend):
        super().__init__(daemon=True)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", port))
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.connect(("127.0.0.1", headend))
        self.chance = random.Random(SEED)
        self.carried = self.lost = 0
        self.start()

    def pass_on(self, send):
        if self.chance.random() < LOST:
            self.lost += 1
            return
        self.carried += 1
        try:
            send()
        except ConnectionRefusedError:
            pass  # the head-end is not there yet

    def run(self):
        meter = None
        while True:
            ready, _, _ = select.select([self.near, self.far], [], [])
            if self.near in ready:
                packet, meter = self.near.recvfrom(2048)
                self.pass_on(lambda p=packet: self.far.send(p))
            if self.far in ready:
                try:
                    answer = self.far.recv(2048)
                except ConnectionRefusedError:
                    continue
                self.pass_on(lambda a=answer, m=meter: self.near.sendto(a, m))


def by_link_only(port):
    def change(text):
        text = re.sub(r"(?m)^host = 127.0.0.1\nport = .*$", "host = link", text)
        text = text.replace("poll_s = 1\n", f"poll_s = 3\nlink_port = {port}\n")
        return text + f"meter_title = {uplink.TITLE}\nlink_key = {uplink.KEY}\n"
    return change


def path_of(port, more=""):
    return (f"\n[link]\nkey = {uplink.KEY}\n{more}[path lossy]\nto = udp://127.0.0.1:{port}\n"
            "probe_s = 2\n")


def read_path(meter):
    """What a client of DLMS reads of the path; one that loses packets is suspect now and then, and up again."""
    for _ in range(15):
        read = meter.wk("read", f"127.0.0.1:{meter.dlms}", "0.1.128.10.0.255:2", "--role", "reader",
                        "--password", meter.password)
        if '["lossy",2,' not in read.stdout:
            break
        time.sleep(1)
    return read


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    near, far = free_port(), free_port()
    relay = Relay(near, far)
    meter = Meter("b", test_headend.BUILD, stop=STOP)
    meter.write("b", lambda text: text + path_of(near))
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    before = meter.get("/api/events?last=500")
    headend = test_headend.Headend(meter, by_link_only(far))
    headend.start()
    path = "/api/meters/WK10000002"
    read = headend.wait_for(path, lambda m: m["supply"] == "connected", 60)
    tap.check(read, "the meter is read by its link alone", headend.call(path))
    for action, supply in (("disconnect", "disconnected"), ("connect", "connected")):
        headend.call(path + "/commands", {"id": f"go-{action}", "action": action})
        headend.call(path + f"/commands/go-{action}/confirm", {})
        done = headend.wait_for(path + "/commands", lambda c, i=f"go-{action}": any(
            row["id"] == i and row["state"] == "done" for row in c["commands"]), 90)
        tap.check(done, f"{action}: is carried out", headend.call(path + "/commands"))
        tap.check(meter.get("/api/live")["supply"]["state"] == supply,
                  f"{action}: the contactor is driven", meter.get("/api/live")["supply"])
    told = len(meter.get("/api/events?last=500")["events"]) - len(before["events"])
    of_supply = [e["text"] for e in meter.get("/api/events?last=20")["events"]
                 if "connected" in e["text"].lower()]
    tap.check(len(of_supply) == 2, "each command was done once, however often it was asked",
              f"{told} {of_supply}")
    told = meter.wk("diag", f"127.0.0.1:{meter.web}", "--check", "lossy")
    tap.check(told.returncode == 1 and "were lost" in told.stdout and "20 echoes sent" in told.stdout,
              "the test of the path from the meter's end tells of the loss", told.stdout + told.stderr)
    told = meter.wk("diag", f"127.0.0.1:{meter.web}", "--packets", "256")
    tap.check(all(word in told.stdout for word in ("TALK", "REPORT", "ECHO back", "<-", "->")),
              "its packets are shown in words", told.stdout[-600:])
    status, begun = headend.call(path + "/link/check", {})
    tried = headend.wait_for(path + "/link", lambda l: l["check"] and not l["check"]["runs"])
    tap.check(status == 202 and begun["met"] and tried and tried["check"]["sent"] == 20
              and 5 <= tried["check"]["back"] < 20 and "lost" in tried["check"]["verdict"],
              "and that from the head-end's end", tried or begun)
    read = read_path(meter)
    tap.check(read.returncode == 0 and '["lossy",1,true,' in read.stdout,
              "a client of DLMS reads how the path is", read.stdout + read.stderr)
    tap.check(relay.lost > 10, f"{relay.lost} of {relay.lost + relay.carried} packets were lost")
    headend.remove()
    meter.write("b", lambda text: text + path_of(near, "talk = no\n"))
    meter.stop()
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    headend = test_headend.Headend(meter, by_link_only(far))
    headend.start()
    headend.wait_for(path + "/link", lambda l: l["met"], 30)
    headend.call(path + "/commands", {"id": "unheard", "action": "disconnect"})
    headend.call(path + "/commands/unheard/confirm", {})
    done = headend.wait_for(path + "/commands", lambda c: any(
        row["id"] == "unheard" and row["state"] == "done" for row in c["commands"]), 12)
    tap.check(not done, "a meter that is told not to talk does not hear it", done)
    headend.remove()
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
