# SPDX-License-Identifier: Apache-2.0
"""Namespaces with the emulators of `wk lab` between them, a meter at one end and its head-end at the
other: what chain tests of the link share. Needs root."""
import atexit
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

from harness import ROOT, Meter, programs

KEY = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
TITLE = "574B500010000002"
LOAD_PROFILE = "1.0.99.1.0.255"
ALARM_LOG = "0.0.99.98.2.255"  # disconnections: as alarms, on every path
SECURITY_LOG = "0.0.99.98.7.255"  # what was written: on the best path
QUARTER_S = 900
SEED = 20261121


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


class Emulator:
    """A `wk lab ...`; its rules are changed by standard input."""

    def __init__(self, *arguments):
        self.rows = []
        self.process = subprocess.Popen(
            [programs("release") / "wk", "lab", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for text in self.process.stdout:
            self.rows.append(json.loads(text))

    def say(self, rule):
        """Changes a rule, and waits until it holds."""
        before = len(self.rows)
        self.process.stdin.write(rule + "\n")
        self.process.stdin.flush()
        wait_for(lambda: any(row.get("change") == rule for row in self.rows[before:]), 5)

    def counts(self, member):
        return next((row for row in reversed(self.rows) if member in row), {})

    def end(self):
        self.process.terminate()
        return self.process.wait(5)


class Line(Emulator):
    """`wk lab net` between two namespaces."""

    def __init__(self, name, number, near, far, rules):
        options = [word for key, value in rules.items() for word in (f"--{key}", value)]
        super().__init__("net", "--json", "--seed", SEED,
                         "--left", f"{near.name}:{name}=10.64.{number}.1",
                         "--right", f"{far.name}:{name}=10.64.{number}.2", *options)
        wait_for(lambda: len(self.rows) >= len(rules), 5)  # it says which rules it has


class Modem(Emulator):
    """`wk lab modem`: its serial device and lines in `folder`, its packets between two namespaces."""

    def __init__(self, name, number, near, far, folder, *options):
        self.name = name
        self.folder = folder
        super().__init__("modem", "--json", "--seed", SEED + number, "--pty", folder / name,
                         "--left", f"{near.name}:{name}=10.64.{number}.1",
                         "--right", f"{far.name}:{name}=10.64.{number}.2",
                         *(word for line in ("wake", "reset", "power")
                           for word in (f"--{line}", folder / f"{name}.{line}")), *options)
        wait_for(lambda: any("pty" in row for row in self.rows), 5)

    def keys(self):
        """What a [path] says of it."""
        return (f"modem = {self.folder / self.name}\ninterface = {self.name}\napn = lab\n"
                + "".join(f"{line} = {self.folder / self.name}.{line}\n"
                          for line in ("wake", "reset", "power")))


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


def headend_config(folder, port):
    config = folder / "headend.conf"
    config.write_text(
        f"[headend]\narchive = archive.db\nlisten = 0.0.0.0\nport = {port + 4}\nlink_port = {port}\n"
        "poll_s = 3600\nretry_s = 3600\nretry_max_s = 3600\n"
        f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
        "[meter WK10000002]\nhost = 127.0.0.1\nport = 4059\nplan = home\nrole = reader\n"
        f"password = nobody\nmeter_title = {TITLE}\nlink_key = {KEY}\n")
    return config


class Chain:
    """The meter in the near namespace, its head-end in the far one. `paths` is a text of sections,
    in which @PORT@ is the head-end's."""

    def __init__(self, near, far, paths, port=8484):
        self.near = near
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-lab-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.headend = subprocess.Popen(
            far.inside(programs("release") / "wk-headendd", "--config",
                       headend_config(self.folder, port)), stdout=subprocess.DEVNULL)
        atexit.register(self.headend.kill)
        self.archive = Archive(self.folder / "archive.db")
        # to the hour: quarters of the meter's clock begin with it
        self.start = datetime.datetime.now(datetime.timezone.utc).replace(
            minute=0, second=0, microsecond=0) - datetime.timedelta(days=1)
        self.meter = Meter("b", build="release", pace="catchup",
                           start=self.start.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.meter.write("b", lambda text: text + f"\n[link]\nkey = {KEY}\n"
                         + paths.replace("@PORT@", str(port)))
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

    def link(self):
        """How the link is, as the meter's page has it."""
        asked = self.near.run("curl", "-s", f"http://127.0.0.1:{self.meter.web}/api/link")
        try:
            return json.loads(asked.stdout)
        except ValueError:
            return {"paths": []}

    def path(self, name):
        return next((path for path in self.link()["paths"] if path["name"] == name), {})

    def end(self):
        self.archive.ends = True
        self.archive.watcher.join()
        self.headend.terminate()
        self.headend.wait(10)
        self.meter.remove()


def report(tap, name, seconds, most):
    worst = None if None in seconds else max(seconds)
    tap.check(worst is not None and worst <= most, f"{name} within {most} s", seconds)
    if worst is not None:
        tap.figure(f"{name}, worst of {len(seconds)}", round(worst, 3), "s", f"<= {most}",
                   worst <= most, SEED)


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
