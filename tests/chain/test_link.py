#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter sends its profiles and events by itself, over two paths of UDP; the head-end cannot read
it over DLMS at all. Both are killed (kill -9) at random times: nothing is lost, nothing counts
twice, and the readings end at the registers of the meter.

usage: test_link.py [--long]     long: 300 kills instead of 16
"""
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from harness import ROOT, START, Meter, Tap, free_port

SEED = 20261121
KEY = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
TITLE = "574B500010000002"
LOAD_PROFILE = "1.0.99.1.0.255"
STOP = "2026-02-05T23:00:00Z"  # four days
QUARTERS = 4 * 96 - 4
KILLS = 300 if "--long" in sys.argv else 16


class Headend:
    """wk-headendd whose only way to the meter is what the meter sends."""

    def __init__(self, meter, port):
        self.bin = meter.bin
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-link-"))
        self.archive = self.folder / "archive.db"
        self.config = self.folder / "headend.conf"
        self.config.write_text(
            f"[headend]\narchive = archive.db\nport = {free_port()}\nlink_port = {port}\n"
            "poll_s = 3600\nretry_s = 3600\nretry_max_s = 3600\n"
            f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
            f"[meter WK10000002]\nhost = 127.0.0.1\nport = {free_port()}\nplan = home\n"
            f"installed = {START}\nrole = reader\npassword = nobody\n"
            f"meter_title = {TITLE}\nlink_key = {KEY}\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.bin / "wk-headendd", "--config", self.config],
                                        stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.archive}?mode=ro", uri=True, timeout=20) as db:
            return db.execute(sql, values).fetchall()

    def records(self):
        """stream -> the sequence numbers of its records, in order; gaps count whole"""
        found = {}
        for obis, first, count in self.rows(
                "SELECT l.obis, r.seq, r.count FROM link_record r JOIN link l USING(meter, epoch, "
                "stream) ORDER BY l.obis, r.seq"):
            found.setdefault(obis, []).extend(range(first, first + max(count, 1)))
        return found

    def applied(self):
        return dict(self.rows("SELECT obis, applied FROM link"))

    def intervals(self):
        """channel -> end -> how many readings, of open days and of blocks"""
        return self.rows("SELECT ts, count(*), max(rev), max(reg) FROM interval_open "
                         "WHERE channel = 0 GROUP BY ts ORDER BY ts")


def configure(meter, port):
    section = (f"\n[link]\nkey = {KEY}\n"
               f"[path wired]\nto = udp://127.0.0.1:{port}\nprobe_s = 2\n"
               f"[path mobile]\nto = udp://localhost:{port}\ncost = 30\nprobe_s = 2\n")
    meter.write("b", lambda text: text + section)


def wait_for(what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if what():
                return True
        except sqlite3.OperationalError:
            pass  # the head-end is just making it
        time.sleep(0.1)
    return False


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    port = free_port()
    meter = Meter("b", stop=STOP, build="release")
    configure(meter, port)
    headend = Headend(meter, port)
    headend.start()
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.6))
        if chance.random() < 0.5:
            daemon.kill()
            daemon.wait()
            daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
        else:
            headend.kill()
            headend.start()
    info = meter.wait_finished()
    there = wait_for(lambda: headend.applied().get(LOAD_PROFILE, 0) >= QUARTERS, 60)
    wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 60)
    wait_for(lambda: all(headend.applied().get(obis) == len(rows)
                         for obis, rows in headend.records().items()), 20)
    records = headend.records()
    tap.check(there, "every interval of the meter arrives, though it cannot be read",
              f"{headend.applied()}")
    tap.check(all(rows == list(range(len(rows))) for rows in records.values()) and records,
              f"no record is missing or twice after {KILLS} times kill -9",
              {obis: len(rows) for obis, rows in records.items()})
    tap.check(all(headend.applied()[obis] == len(rows) for obis, rows in records.items()),
              "all that arrived was made use of, in its order",
              f"{headend.applied()}\n{ {obis: (rows[-5:], len(rows)) for obis, rows in records.items()} }")
    rows = headend.intervals()
    tap.check(len(rows) >= QUARTERS and all(count == 1 and rev == 0 for _, count, rev, _ in rows),
              "each interval has one reading, and none was ever another", f"{len(rows)} of {QUARTERS}")
    ends = [row[0] for row in rows]
    tap.check(all(b - a == 900 for a, b in zip(ends, ends[1:])), "no interval is missing between")
    unreadable = headend.rows("SELECT kind, text FROM exception")
    tap.check(not unreadable, "nothing of it was unreadable", unreadable)
    tap.figure("kill -9 of meter and head-end, records lost or doubled", 0 if tap.failed == 0 else 1,
               f"of {sum(map(len, records.values()))}, {KILLS} kills", "0", tap.failed == 0, SEED)
    tap.check(info["progress"]["finished"], "the meter's page says that it is done")
    told = meter.wk("diag", f"127.0.0.1:{meter.web}")
    tap.check("The head-end has everything" in told.stdout and "in use" in told.stdout, "wk diag says that the head-end has everything",
              told.stdout + told.stderr)
    headend.kill()
    gone = wait_for(lambda: meter.get("/api/link")["paths"][0]["state"] != "up", 20)
    told = meter.wk("diag", f"127.0.0.1:{meter.web}")
    tap.check(gone and told.returncode == 1,
              "and, when the head-end is gone, what is wrong", told.stdout + told.stderr)
    nobody = meter.wk("diag", f"127.0.0.1:{free_port()}")
    tap.check(nobody.returncode == 1 and "wk diag: http://" in nobody.stderr,
              "a meter that does not answer is told of", nobody.stderr)
    meter.remove()
    shutil.rmtree(headend.folder, ignore_errors=True)
    return tap.end()


sys.exit(main())
