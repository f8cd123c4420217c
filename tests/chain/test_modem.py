#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Meters whose paths are cellular modems (`wk lab modem`). One has three of them, each of which hangs so
that another rung of the ladder is needed: command, reset line, supply; what is made meanwhile
arrives, and nothing twice. Another has a modem in PSM beside a wired path that becomes a black hole:
an alarm wakes it. At last the network denies one modem, and another path takes over.

Needs root, for network namespaces and TUN devices."""
import pathlib
import shutil
import sys
import tempfile
import time

from harness import Tap
from lab import (ALARM_LOG, LOAD_PROFILE, SECURITY_LOG, SEED, Chain, Line, Modem, Namespace,
                 permitted, report, wait_for)

HANGS = {"soft": "soft_resets", "reset": "hard_resets", "power": "power_cycles"}
QUICK = ("--boot", "1s", "--register", "1s", "--delay", "60ms", "--rate", "1M")
RECOVERY_S = 75


def path_of(modem, number, cost, *more):
    return (f"[path {modem.name}]\nto = udp://10.64.{number}.2:@PORT@\ncost = {cost}\nprobe_s = 2\n"
            + modem.keys() + "".join(f"{key}\n" for key in more))


def is_online(chain, name):
    path = chain.path(name)
    return path.get("state") == "up" and path["modem"]["state"] == "online"


def sleeper(tap, chain, wired, modem):
    """Only the sleeping modem is left: an alarm wakes it, and its session goes on."""
    asleep = wait_for(lambda: chain.path("psm").get("state") == "asleep"
                      and modem.counts("state")["state"] == "asleep", 20)
    before = chain.path("psm")
    tap.check(asleep and before["modem"]["tau_s"] == 3600 and before["modem"]["active_s"] == 2,
              "a modem sleeps as it has agreed, and its path is asleep", before)
    wired.say("black-hole on")
    took = chain.make(ALARM_LOG)
    after = chain.path("psm")
    report(tap, "alarm through a modem woken from PSM (0.9 s of it), committed", [took], 6)
    tap.check(after["went_down"] == before["went_down"] and after["suspected"] == before["suspected"]
              and after["modem"]["wakes"] == 1 and modem.counts("state")["wakes"] >= 1,
              "it was woken by its line, and its session went on", after)
    wired.say("black-hole off")


def ladder(tap, chain, modems, begin):
    """Each is online again by its own rung."""
    for hang, modem in modems.items():
        there = wait_for(lambda m=modem: is_online(chain, m.name),
                         begin + RECOVERY_S - time.monotonic())
        took = time.monotonic() - begin
        counts = modem.counts("state")
        tap.check(there and counts[HANGS[hang]] == 1, f"a modem that hangs until {hang} is online "
                  "again by that", f"{chain.path(modem.name)}\n{counts}")
        tap.figure(f"hang until {hang}: online again", round(took, 1), "s", f"<= {RECOVERY_S}",
                   there, SEED)


def denied(tap, chain, modem):
    """The network denies it: words say so, and what is made takes another path."""
    modem.say("deny 13")
    told = wait_for(lambda: "roaming" in (chain.path(modem.name).get("advice") or ""), 10)
    tap.check(told, "a denial is said in words, with its cause", chain.path(modem.name))
    took = chain.make(SECURITY_LOG)
    report(tap, "event while one modem is denied, committed by another path", [took], 3)
    asked = chain.near.run(chain.meter.bin / "wk", "diag", f"127.0.0.1:{chain.meter.web}")
    tap.check(asked.returncode == 1 and "roaming" in asked.stdout,
              "wk diag says it, too, and that somebody is needed", asked.stdout)


def run(tap):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-modem-"))
    near, far = Namespace("wkm"), Namespace("wkh")
    modems = {hang: Modem(f"m-{hang}", 11 + n, near, far, folder, *QUICK)
              for n, hang in enumerate(HANGS)}
    psm = Modem("psm", 14, near, far, folder, *QUICK)
    wired = Line("wired", 15, near, far, {"rate": "256k", "delay": "25ms"})
    paths = "".join(path_of(modem, 11 + n, 10 * n) for n, modem in enumerate(modems.values()))
    cell = Chain(near, far, paths)
    both = Chain(near, far, "[path wired]\nto = udp://10.64.15.2:@PORT@\ninterface = wired\n"
                 "probe_s = 2\n" + path_of(psm, 14, 30, "psm = 1h/2s"), 8584)
    up = wait_for(lambda: all(is_online(cell, m.name) for m in modems.values()), 30)
    told = wait_for(lambda: cell.path("m-soft")["modem"]["cell"]["band"] == 20, 15)
    path = cell.path("m-soft")
    tap.check(up and told and path["modem"]["signal"]["rsrp_dbm"] == -95, "its signal is told",
              path)
    asked = cell.wk("read", "0.0.25.6.0.255:2", "0.0.25.6.0.255:5", "0.0.25.6.0.255:6")
    tap.check("Wattkeeper Lab" in asked.stdout and str(0x1A2D001) in asked.stdout,
              "GSM diagnostic tells the network and the cell of the modem", asked.stdout)
    begin = time.monotonic()
    for hang, modem in modems.items():
        modem.say(f"hang {hang}")
    cell.make(SECURITY_LOG)  # while none works
    there = wait_for(both.is_caught_up, 30)
    sleeper(tap, both, wired, psm)
    ladder(tap, cell, modems, begin)
    there = there and wait_for(cell.is_caught_up, 30)
    tap.check(there, "a day of intervals arrives through modems, and through those that hung",
              [len(chain.archive.of(LOAD_PROFILE)) for chain in (cell, both)])
    denied(tap, cell, modems["soft"])
    for chain in (cell, both):
        for log, made in chain.made.items():
            wait_for(lambda c=chain, g=log, m=made: len(c.archive.of(g)) >= len(m), 10)
            rows = [seq for seq, _ in chain.archive.of(log)]
            tap.check(not any(made) and rows == list(range(len(made))),
                      f"of {log} nothing is lost and nothing comes twice", f"{made} {rows}")
        chain.end()
    tap.check([emulator.end() for emulator in (*modems.values(), psm, wired)] == [0] * 5,
              "the emulators end when they are told to")
    shutil.rmtree(folder, ignore_errors=True)


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    why = permitted()
    if why:
        tap.check(True, f"network namespaces # SKIP {why}")
    else:
        run(tap)
    return tap.end()


sys.exit(main())
