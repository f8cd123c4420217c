#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a meter sends by itself, over other carriers than UDP: TLS, whose connections are cut at random, and
MQTT, whose broker is killed (kill -9) at random and keeps nothing. What is lost or doubled is counted in the
archive.

usage: test_carriers.py [--long]     long: 300 cuts and kills instead of 8 and 20
"""
import random
import select
import socket
import subprocess
import sys
import threading
import time

from broker import Broker, make_pki, trust
from harness import Meter, Tap, free_port
from uplink import KEY, LOAD_PROFILE, TITLE, Headend, wait_for

SEED = 20261122
STOP = "2026-02-02T23:00:00Z"  # a day
QUARTERS = 96 - 4
LONG = "--long" in sys.argv
ALARM_LOG = "0.0.99.98.2.255"  # disconnections


class Proxy:
    """TCP between a meter and its head-end, which can be cut."""

    def __init__(self, to):
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []  # [meter, head-end]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            readable, _, _ = select.select(
                [self.listener] + [s for pair in self.pairs if pair[0] for s in pair], [], [], 0.05)
            for source in readable:
                self.accept() if source is self.listener else self.carry(source)

    def accept(self):
        meter, _ = self.listener.accept()
        try:
            self.pairs.append([meter, socket.create_connection(("127.0.0.1", self.to), 5)])
        except OSError:
            meter.close()

    def carry(self, source):
        pair = next((p for p in self.pairs if p[0] and source in p), None)
        if pair is None:
            return
        try:
            octets = source.recv(65536)
            if octets:
                (pair[0] if source is pair[1] else pair[1]).sendall(octets)
                return
        except OSError:
            pass
        self.end(pair)

    @staticmethod
    def end(pair):
        for end in (pair[0], pair[1]):
            if end:
                end.close()
        pair[0] = pair[1] = None

    def cut(self):
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except (OSError, AttributeError):
                    pass


def check_archive(tap, meter, headend, what):
    """Every record once, all of it made use of."""
    there = wait_for(lambda: headend.applied().get(LOAD_PROFILE, 0) >= QUARTERS, 60)
    wait_for(lambda: meter.get("/api/link")["waiting"] == 0, 30)
    wait_for(lambda: all(headend.applied().get(obis) == len(rows)
                         for obis, rows in headend.records().items()), 20)
    records = headend.records()
    exact = bool(records) and all(rows == list(range(len(rows))) for rows in records.values())
    rows = headend.intervals()
    once = len(rows) >= QUARTERS and all(count == 1 and rev == 0 for _, count, rev, _ in rows)
    unreadable = headend.rows("SELECT kind, text FROM exception")
    tap.check(there, f"{what}: every interval of the meter arrives", f"{headend.applied()}")
    tap.check(exact and once and not unreadable, f"{what}: no record is missing or twice",
              f"{ {obis: len(rows) for obis, rows in records.items()} }\n{unreadable}")
    return sum(map(len, records.values())), exact and once


def state(meter):
    return meter.get("/api/link")["paths"][0]


def check_tls(tap, chance):
    meter = Meter("b", stop=STOP, build="release")
    pki = make_pki(meter.folder / "pki")
    port = free_port()
    headend = Headend(meter, f"link_tls_port = {port}\n" + trust(pki, "headend"))
    headend.start()
    proxy = Proxy(port)
    path = f"[path wired]\nto = tls://127.0.0.1:{proxy.port}\nprobe_s = 2\n"
    link = f"\n[link]\nkey = {KEY}\n"
    meter.write("b", lambda text: text + link + trust(pki, "stranger") + path)
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    refused = wait_for(lambda: "TLS" in str(state(meter)["advice"]), 15)
    tap.check(refused and not headend.records(), "a meter whose certificate nobody signed is refused",
              state(meter))
    daemon.terminate()
    daemon.wait()
    meter.write("b", lambda text: text + link + trust(pki, "meter") +
                path.replace("probe_s", "tls_name = other.example\nprobe_s"))
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    refused = wait_for(lambda: "certificate of the server" in str(state(meter)["advice"]), 15)
    tap.check(refused, "a head-end of another name gets nothing", state(meter))
    daemon.terminate()
    daemon.wait()
    meter.write("b", lambda text: text + link + trust(pki, "meter") +
                path.replace("probe_s", "tls_name = headend.example\nprobe_s"))
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    wait_for(lambda: headend.records(), 20)
    cuts = 300 if LONG else 8
    for _ in range(cuts):
        wait_for(lambda: state(meter)["state"] == "up", 10)
        time.sleep(chance.uniform(0, 0.3))
        proxy.cut()
        time.sleep(0.05)
    headend.kill()
    headend.start()
    meter.wait_finished()
    total, exact = check_archive(tap, meter, headend, "TLS")
    tap.figure("connections of TLS cut and head-end killed once, records lost or doubled",
               0 if exact else 1, f"of {total}, {cuts} cuts", "0", exact, SEED)
    wait_for(lambda: state(meter)["state"] == "up", 20)
    told = meter.wk("diag", f"127.0.0.1:{meter.web}")
    tap.check("TLS 1.3" in told.stdout and "were resumed" in told.stdout,
              "wk diag says how the path is carried", told.stdout)
    proxy.cut()
    again = wait_for(lambda: "TLS 1.3, resumed" in state(meter)["carrier"], 10)
    tap.check(again, "a connection after a cut is resumed", state(meter))
    print(f"# {state(meter)['carrier']}")
    ended = meter.stop()
    tap.check(all(code == 0 for code in ended), "the meter ends well", ended)
    headend.process.terminate()
    tap.check(headend.process.wait(10) == 0, "the head-end ends well")
    meter.remove()
    headend.remove()


def make_alarm(meter, number):
    return meter.wk(("disconnect", "connect")[number % 2], f"127.0.0.1:{meter.dlms}", "--role",
                    "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"]).returncode


def time_alarm(meter, headend, number):
    """Seconds from the start of the command to the commit of its alarm; None: not within 5 s."""
    before = len(headend.records().get(ALARM_LOG, ()))
    begin = time.monotonic()
    failed = make_alarm(meter, number)
    while time.monotonic() - begin < 5:
        if len(headend.records().get(ALARM_LOG, ())) > before:
            return None if failed else time.monotonic() - begin
        time.sleep(0.005)
    return None


def check_mqtt(tap, chance):
    meter = Meter("b", stop=STOP, build="release")
    pki = make_pki(meter.folder / "pki")
    broker = Broker(pki)
    headend = Headend(meter, f"link_mqtt = mqtts://127.0.0.1:{broker.port}/city\nlink_mqtt_user = headend\n"
                      f"link_mqtt_password = secret\n" + trust(pki, "headend"))
    path = (f"\n[link]\nkey = {KEY}\ntls_ca = {pki}/ca.pem\n[path broker]\nprobe_s = 2\n"
            f"user = {TITLE}\npassword = secret\nto = ")
    meter.write("b", lambda text: text + path + f"mqtts://127.0.0.1:{broker.port}/city\n")
    broker.start()
    headend.start()
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    kills = 300 if LONG else 20
    failed = 0
    for number in range(kills):
        time.sleep(chance.uniform(0, 2))
        failed += make_alarm(meter, number) != 0
        time.sleep(chance.uniform(0, 0.05))
        broker.kill()
        time.sleep(chance.uniform(0, 0.3))
        broker.start()
    meter.wait_finished()
    total, exact = check_archive(tap, meter, headend, "MQTT")
    alarms = headend.records().get(ALARM_LOG, [])
    made = next(row["next"] for row in meter.get("/api/link")["streams"] if row["obis"] == ALARM_LOG)
    # a load that comes and goes may have made the meter itself disconnect, too
    whole = failed == 0 and made >= kills and alarms == list(range(made))
    tap.check(whole, "MQTT: every alarm made between kills arrives once", f"{failed} {made} {alarms}")
    tap.figure("kill -9 of the broker, which forgets everything: records lost or doubled",
               0 if exact and whole else 1, f"of {total}, {kills} kills", "0", exact and whole, SEED)
    wait_for(lambda: state(meter)["state"] == "up", 10)
    seconds = [time_alarm(meter, headend, n) for n in range(6)]
    worst = None if None in seconds else max(seconds)
    tap.check(worst is not None and worst < 1, "MQTT: an alarm is committed within a second", seconds)
    if worst is not None:
        tap.figure("alarm over MQTT, from its command to its commit, worst of 6", round(worst, 3), "s",
                   "< 1", worst < 1, SEED)
    daemon.terminate()
    daemon.wait()
    meter.write("b", lambda text: text + path + f"mqtt://127.0.0.1:{broker.plain}/city\n")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    wait_for(lambda: state(meter)["state"] == "up", 10)
    tap.check(time_alarm(meter, headend, 0), "MQTT without TLS carries, too", state(meter))
    ended = meter.stop()
    tap.check(all(code == 0 for code in ended), "the meter ends well", ended)
    headend.process.terminate()
    tap.check(headend.process.wait(10) == 0, "the head-end ends well")
    meter.remove()
    headend.remove()


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    check_tls(tap, chance)
    check_mqtt(tap, chance)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
