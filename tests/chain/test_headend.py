#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wk-headendd against a real meter over DLMS: commands through its API reach the contactor, a
killed head-end goes on where it was, wrong keys and wrong addresses are said, signals end it.

usage: test_headend.py [BUILD]      the folder below build/; default dev, the sanitized one"""
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from harness import ROOT, START, Meter, Tap, free_port, programs

BUILD = sys.argv[1] if len(sys.argv) > 1 else "dev"
STOP = "2026-02-02T23:00:00Z"
TOKEN = "a-token-of-the-test"
SEED = 20261121


class Headend:
    """wk-headendd with one meter, in a folder of its own."""

    def __init__(self, meter, change=lambda text: text):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-headend-"))
        self.port = free_port()
        self.config = self.folder / "headend.conf"
        self.config.write_text(change(
            f"[headend]\narchive = archive.db\nport = {self.port}\ntoken = {TOKEN}\n"
            "workers = 1\npoll_s = 1\nretry_s = 1\nretry_max_s = 2\n"
            f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
            f"[meter WK10000002]\nhost = 127.0.0.1\nport = {meter.dlms}\nplan = home\n"
            f"installed = {START}\nrole = management\nek = {meter.keys['EK']}\n"
            f"ak = {meter.keys['AK']}\ntitle = 574B480000000009\n"))
        self.process = None

    def start(self, *arguments):
        self.process = subprocess.Popen(
            [programs(BUILD) / "wk-headendd", "--config", self.config, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err

    def call(self, path, body=None, token=TOKEN):
        """Status and JSON of an answer; waits for the program to listen."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"} if body is not None else {})
        deadline = time.monotonic() + 10
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                return error.code, json.load(error)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def wait_for(self, path, good, timeout_s=30):
        deadline = time.monotonic() + timeout_s
        while True:
            status, answer = self.call(path)
            if status == 200 and good(answer):
                return answer
            if time.monotonic() > deadline:
                return None
            time.sleep(0.2)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def metered_day():
    meter = Meter("b", BUILD, stop=STOP)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    return meter


def killed_while_collecting(tap, meter):
    """kill -9 at random moments of the collection; the last run completes it."""
    rng = random.Random(SEED)
    print(f"# seed {SEED}")
    headend = Headend(meter)
    for _ in range(8):
        headend.start()
        time.sleep(rng.uniform(0.05, 0.6))
        headend.end(signal.SIGKILL)
    headend.start("--once", "--until", STOP, "--timeout", "60")
    out, err = headend.process.communicate(timeout=90)
    last = json.loads(out.strip().splitlines()[-1])
    row = last["meters"][0]
    tap.check(headend.process.returncode == 0 and last["agree"],
              "a head-end killed 8 times while collecting ends with a bill that agrees",
              out[-600:] + err[-600:])
    tap.check(row["intervals"] == {"expected": 96, "received": 96, "estimated": 0},
              "no interval is lost or doubled by the kills", row["intervals"])
    registers = meter.get("/api/registers")
    tap.check(sum(row["register_uwh"].values()) == row["bill"]["checks"][-1]["register_uwh"],
              "the tariffs together are the total", registers)
    headend.remove()


def commands_reach_the_contactor(tap, meter):
    headend = Headend(meter)
    headend.start()
    path = "/api/meters/WK10000002"
    status, _ = headend.call(path + "/commands", {"id": "x", "action": "disconnect"}, "wrong")
    tap.check(status == 401, "a command with a wrong token is refused")
    headend.wait_for(path, lambda m: m["supply"] == "connected")
    for action, supply, result in (("disconnect", "disconnected", "output open"),
                                   ("connect", "connected", "output closed")):
        status, row = headend.call(path + "/commands", {"id": f"go-{action}", "action": action})
        tap.check(status == 201 and row["state"] == "armed", f"{action}: is armed first", row)
        status, row = headend.call(path + f"/commands/go-{action}/confirm", {})
        done = headend.wait_for(path + "/commands", lambda c, i=f"go-{action}": any(
            row["id"] == i and row["state"] == "done" for row in c["commands"]))
        tap.check(status == 200 and done and result in done["commands"][0]["result"],
                  f"{action}: the meter reports it was carried out", done)
        tap.check(headend.wait_for(path, lambda m, s=supply: m["supply"] == s),
                  f"{action}: the meter's state follows")
    audit = headend.call(path + "/audit")[1]["audit"]
    tap.check(len(audit) == 8 and audit[0]["who"] == "api", "every step is in the audit", audit)
    code, out, err = headend.end()
    tap.check(code == 0 and f":{headend.port}/" in out and err == "",
              "a signal ends the head-end cleanly, without a leak", err)
    headend.remove()


def faults_are_said(tap, meter):
    cases = [
        ("a wrong key", lambda t: t.replace(meter.keys["EK"], "00" * 16), "failing"),
        ("an address where nothing listens",
         lambda t: t.replace(f"port = {meter.dlms}", f"port = {free_port()}"), "failing"),
        ("another meter at the address", lambda t: t.replace("[meter WK10000002]",
                                                             "[meter WK1]"), "calls itself"),
    ]
    for name, change, wanted in cases:
        headend = Headend(meter, change)
        headend.start()
        row = headend.wait_for("/api/meters", lambda m: m["meters"][0]["status"] == "failing")
        why = row["meters"][0]["why"] if row else ""
        tap.check(row and why and (wanted == "failing" or wanted in why),
                  f"{name}: the meter is shown as failing, with the reason", row)
        print(f"# {name}: {why}")
        headend.end()
        headend.remove()
    headend = Headend(meter)
    headend.start()
    headend.call("/api/fleet")
    second = subprocess.run([programs(BUILD) / "wk-headendd", "--config", headend.config],
                            capture_output=True, text=True, timeout=20)
    tap.check(second.returncode == 1 and "in use" in second.stderr and "port" in second.stderr,
              "a port in use is said, and what to do", second.stderr)
    headend.end()
    headend.remove()


def main():
    tap = Tap()
    meter = metered_day()
    killed_while_collecting(tap, meter)
    commands_reach_the_contactor(tap, meter)
    faults_are_said(tap, meter)
    ended = meter.remove()
    tap.check(all(code == 0 for code in ended), "the meter ends cleanly", ended)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
