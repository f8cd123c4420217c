#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter whose only path is a serial line: RS-485 at 9600 bit/s that gives back what is sent, garbles what
both ends send at a time, and flips bits. Eight hours are made up for while alarms are made, the head-end is
killed (kill -9), and nothing is lost or counts twice.

usage: test_link_line.py [--long]     long: ten days instead, 20 kills instead of 2
"""
import atexit
import datetime
import json
import random
import subprocess
import sys
import threading
import time

from harness import Meter, Tap, programs
from lab import ALARM_LOG, Archive
from uplink import KEY, LOAD_PROFILE, Headend, wait_for

SEED = 20261123
LONG = "--long" in sys.argv
HOURS = 240 if LONG else 8
KILLS = 20 if LONG else 2
BAUD = 9600
NOISE = "0.003%"  # of the bits: of 250 octets 6 % are hurt
QUARTER_S = 900
ALARMS = 4


class Line:
    """wk lab serial between the two devices `left` and `right`."""

    def __init__(self, folder, *options):
        self.ends = {end: folder / end for end in ("left", "right")}
        self.process = subprocess.Popen(
            [programs("release") / "wk", "lab", "serial", "--json", "--left", self.ends["left"],
             "--right", self.ends["right"], "--baud", str(BAUD), "--seed", str(SEED), *options],
            stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.rows = [json.loads(self.process.stdout.readline())]
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for row in self.process.stdout:
            self.rows.append(json.loads(row))


def make_alarm(meter, archive, number):
    """Seconds from the command that makes it until it was seen in the archive."""
    begin = time.monotonic()
    made = meter.wk(("disconnect", "connect")[number % 2], f"127.0.0.1:{meter.dlms}", "--role",
                    "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"])
    there = wait_for(lambda: (ALARM_LOG, number) in archive.seen, 20)
    return archive.seen[ALARM_LOG, number] - begin if there and made.returncode == 0 else 99


def wait_quarters(archive, start):
    def all_there():
        age = datetime.datetime.now(datetime.timezone.utc) - start
        return len(archive.of(LOAD_PROFILE)) >= age.total_seconds() // QUARTER_S
    return wait_for(all_there, 60 + 5 * HOURS)


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    chance = random.Random(SEED)
    start = datetime.datetime.now(datetime.timezone.utc).replace(
        minute=0, second=0, microsecond=0) - datetime.timedelta(hours=HOURS)
    meter = Meter("b", build="release", pace="catchup", start=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                  analyse="no")
    line = Line(meter.folder, "--echo", "--shared", "--noise", NOISE)
    section = (f"\n[link]\nkey = {KEY}\n"
               f"[path line]\nto = rs485://{line.ends['left']}?baud={BAUD}\nprobe_s = 5\n")
    meter.write("b", lambda text: text + section)
    headend = Headend(meter, f"link_line = {line.ends['right']} {BAUD}\n")
    headend.start()
    archive = Archive(headend.archive)
    begin = time.monotonic()
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    wait_for(lambda: len(archive.of(LOAD_PROFILE)) > 8, 60)
    beside = [make_alarm(meter, archive, n) for n in range(ALARMS)]
    busy = len(archive.of(LOAD_PROFILE))
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.5, 3))
        headend.kill()
        headend.start()
    tap.check(wait_quarters(archive, start), "every interval arrives over the line",
              f"{len(archive.of(LOAD_PROFILE))} {meter.get('/api/link')}")
    took = time.monotonic() - begin
    done = wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 60)
    alone = [make_alarm(meter, archive, ALARMS + n) for n in range(ALARMS)]
    wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 20)
    records = headend.records()
    whole = all(rows == list(range(len(rows))) for rows in records.values())
    tap.check(whole and done, f"no record is missing or twice after {KILLS} times kill -9",
              {obis: len(rows) for obis, rows in records.items()})
    counts = next(row for row in reversed(line.rows) if len(row) > 2)
    print(f"# {took:.0f} s for all, {busy} intervals there after the alarms beside it; line: {counts}; "
          f"{meter.get('/api/link')['paths'][0]}")
    tap.figure("records on RS-485 of 9600 bit/s with noise and echo, lost or doubled",
               0 if whole else 1, f"of {sum(map(len, records.values()))}, {KILLS} kills", "0", whole,
               SEED)
    for name, taken, most in (("beside hours that are made up for", beside, 3), ("alone", alone, 3)):
        print(f"# alarms {name}: {', '.join(f'{value:.2f}' for value in taken)} s")
        tap.figure(f"alarm on RS-485 of 9600 bit/s with noise, {name}, committed",
                   round(max(taken), 2), f"s, worst of {len(taken)}", f"<= {most}",
                   max(taken) <= most, SEED)
        tap.check(max(taken) <= most, f"an alarm is committed within {most} s, {name}")
    archive.ends = True
    line.process.terminate()
    meter.remove()
    headend.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
