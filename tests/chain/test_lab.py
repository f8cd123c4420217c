#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter and its head-end in two network namespaces, between them two paths through `wk lab net`:
wired, 64 kbit/s and 50 ms for there and back, and mobile, 1 Mbit/s and 120 ms. The profile of a
day arrives; the wired path is black-holed while events are made, and all of them arrive.

Needs root, for the namespaces. Before them, `wk lab serial` has its pace and its echo."""
import atexit
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from harness import ROOT, Meter, Tap, programs

KEY = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
TITLE = "574B500010000002"
LOAD_PROFILE = "1.0.99.1.0.255"
ALARM_LOG = "0.0.99.98.2.255"  # disconnections: as alarms, on every path
SECURITY_LOG = "0.0.99.98.7.255"  # what was written: on the best path
QUARTER_S = 900
SWITCHES = 4
SEED = 20261121
PORT = 8484
WIRED = {"rate": "64k", "delay": "25ms", "queue": "16k"}
MOBILE = {"rate": "1M", "delay": "60ms", "queue": "64k"}
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


class Namespace:
    def __init__(self, name):
        self.name = f"{name}{os.getpid()}"
        subprocess.run(["ip", "netns", "add", self.name], check=True, capture_output=True)
        atexit.register(self.remove)
        self.run("ip", "link", "set", "lo", "up")
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")

    def inside(self, *argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, *argv):
        return subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=60)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Line:
    """`wk lab net` between the two namespaces; its rules are changed by standard input."""

    def __init__(self, name, number, near, far, rules):
        self.rows = []
        options = [word for key, value in rules.items() for word in (f"--{key}", value)]
        self.process = subprocess.Popen(
            [programs("release") / "wk", "lab", "net", "--json", "--seed", str(SEED),
             "--left", f"{near.name}:{name}=10.64.{number}.1",
             "--right", f"{far.name}:{name}=10.64.{number}.2", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        wait_for(lambda: len(self.rows) >= len(rules), 5)  # it says which rules it has

    def read(self):
        for text in self.process.stdout:
            self.rows.append(json.loads(text))

    def say(self, rule):
        """Changes a rule, and waits until it holds."""
        before = len(self.rows)
        self.process.stdin.write(rule + "\n")
        self.process.stdin.flush()
        wait_for(lambda: any(row.get("change") == rule for row in self.rows[before:]), 5)

    def counts(self):
        return next(row for row in reversed(self.rows) if "to_right" in row)

    def end(self):
        self.process.terminate()
        return self.process.wait(5)


class Archive:
    """What the head-end has committed, and when it was seen there."""

    def __init__(self, path):
        self.path = path
        self.seen = {}  # (obis, sequence) -> monotonic time
        self.ends = False
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        newest = {}
        while not self.ends:
            try:
                with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5) as db:
                    while not self.ends:
                        self.look(db, newest)
                        time.sleep(0.005)
            except sqlite3.OperationalError:
                time.sleep(0.05)  # the head-end is just making it

    def look(self, db, newest):
        now = time.monotonic()
        for stream, obis in db.execute("SELECT stream, obis FROM link").fetchall():
            for (seq,) in db.execute("SELECT seq FROM link_record WHERE stream = ? AND seq > ?",
                                     (stream, newest.get(stream, -1))).fetchall():
                self.seen.setdefault((obis, seq), now)
                # what comes out of turn leaves a hole, which is looked for again
                if seq == newest.get(stream, -1) + 1:
                    newest[stream] = seq

    def of(self, obis):
        return sorted((seq, at) for (name, seq), at in list(self.seen.items()) if name == obis)


def wait_for(what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def headend_config(folder):
    config = folder / "headend.conf"
    config.write_text(
        f"[headend]\narchive = archive.db\nlisten = 0.0.0.0\nport = 8480\nlink_port = {PORT}\n"
        "poll_s = 3600\nretry_s = 3600\nretry_max_s = 3600\n"
        f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
        "[meter WK10000002]\nhost = 127.0.0.1\nport = 4059\nplan = home\nrole = reader\n"
        f"password = nobody\nmeter_title = {TITLE}\nlink_key = {KEY}\n")
    return config


def make_meter(start):
    meter = Meter("b", build="release", pace="catchup", start=start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    meter.write("b", lambda text: text + (
        f"\n[link]\nkey = {KEY}\n"
        f"[path wired]\nto = udp://10.64.1.2:{PORT}\ninterface = wired\nprobe_s = 2\n"
        f"[path mobile]\nto = udp://10.64.2.2:{PORT}\ninterface = mobile\ncost = 30\n"
        "probe_s = 2\n"))
    return meter


def round_trip(near, far):
    """Least of 20 round trips of 200 octets (of IP) over the wired line, in ms."""
    echo = subprocess.Popen(far.inside(sys.executable, "-c", ECHO), stdout=subprocess.PIPE)
    atexit.register(echo.kill)
    echo.stdout.readline()
    asked = near.run(sys.executable, "-c", ASK)
    echo.kill()
    echo.wait()
    return min(map(float, asked.stdout.split()), default=0) * 1000


class Chain:
    """The meter at the near end of both lines, its head-end at the far end."""

    def __init__(self, near, far):
        self.near = near
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-lab-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.headend = subprocess.Popen(
            far.inside(programs("release") / "wk-headendd", "--config",
                       headend_config(self.folder)), stdout=subprocess.DEVNULL)
        atexit.register(self.headend.kill)
        self.archive = Archive(self.folder / "archive.db")
        # to the hour: quarters of the meter's clock begin with it
        self.start = datetime.datetime.now(datetime.timezone.utc).replace(
            minute=0, second=0, microsecond=0) - datetime.timedelta(days=1)
        self.meter = make_meter(self.start)
        for program in ("wk-metrologyd", "wk-meterd"):
            self.meter.processes.append(subprocess.Popen(
                near.inside(self.meter.bin / program, "--config", self.meter.config),
                stdout=subprocess.DEVNULL))
        self.made = {SECURITY_LOG: [], ALARM_LOG: []}

    def is_caught_up(self):
        """All quarters of an hour that have ended are there."""
        age = datetime.datetime.now(datetime.timezone.utc) - self.start
        return len(self.archive.of(LOAD_PROFILE)) >= age.total_seconds() // QUARTER_S

    def records(self, obis):
        with sqlite3.connect(f"file:{self.archive.path}?mode=ro", uri=True, timeout=5) as db:
            return db.execute("SELECT r.seq, hex(r.octets) FROM link_record r JOIN link l USING("
                              "meter, epoch, stream) WHERE l.obis = ?", (obis,)).fetchall()

    def wk(self, command, *arguments):
        return self.near.run(self.meter.bin / "wk", command, f"127.0.0.1:{self.meter.dlms}",
                             *arguments, "--role", "management", "--ek", self.meter.keys["EK"],
                             "--ak", self.meter.keys["AK"])

    def make(self, log):
        """One event; seconds until it was seen in the archive, None: not within 10 s."""
        number = len(self.made[log])
        if log == SECURITY_LOG:
            arguments = ("write", "0.0.96.1.9.255", f"octet-string:{number:08X}")
        else:
            arguments = (("disconnect", "connect")[number % 2],)
        begin = time.monotonic()
        self.made[log].append(self.wk(*arguments).returncode)
        there = wait_for(lambda: (log, number) in self.archive.seen, 10)
        return self.archive.seen[log, number] - begin if there else None

    def end(self):
        self.archive.ends = True
        self.archive.watcher.join()
        self.headend.terminate()
        self.headend.wait(10)
        self.meter.remove()


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


def report(tap, name, seconds, most):
    worst = None if None in seconds else max(seconds)
    tap.check(worst is not None and worst <= most, f"{name} within {most} s", seconds)
    if worst is not None:
        tap.figure(f"{name}, worst of {len(seconds)}", round(worst, 3), "s", f"<= {most}",
                   worst <= most, SEED)


def run(tap):
    near, far = Namespace("wkm"), Namespace("wkh")
    lines = [Line("wired", 1, near, far, WIRED), Line("mobile", 2, near, far, MOBILE)]
    trip = round_trip(near, far)
    # 200 octets take 25 ms at 64 kbit/s, and there are 25 ms of delay: twice
    tap.check(99.9 <= trip <= 105, "the line takes the time of its closed form", trip)
    tap.figure("round trip over a line of 100 ms by its rules", round(trip, 2), "ms", "100..105",
               99.9 <= trip <= 105, SEED)
    chain = Chain(near, far)
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
    counts = [line.counts() for line in lines]
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


def permitted():
    """Why namespaces cannot be made here; empty: they can."""
    name = f"wkt{os.getpid()}"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no ip (iproute2)"
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return made.stderr.strip() if made.returncode else ""


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
