#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter whose only path is a power line, then radio: two modems on the medium of `wk lab plc` and `wk lab rf`. The
device of its modem is not there when the meter begins. Hours are made up for while alarms are made; then somebody disturbs the
channel, and the meter leaves it; nothing is lost or counts twice.

usage: test_line_modem.py [--long]     long: a day instead of an hour, and the head-end killed 20 times
"""
import datetime
import random
import subprocess
import sys
import time

from harness import Meter, Tap
from lab import ALARM_LOG, LOAD_PROFILE, Archive, Emulator
from uplink import KEY, Headend, wait_for

SEED = 20261124
LONG = "--long" in sys.argv
HOURS = 24 if LONG else 1
KILLS = 20 if LONG else 1
QUARTER_S = 900
ALARMS = 3
TRIAL_S = 2  # not two minutes: what is tried is judged after eight questions
ALARM_S = {"plc": 8, "rf": 3}  # beside trials, at 9 and 25 kbit/s
DISTURBED = {"plc": "disturb 0 60 100%", "rf": "disturb 0 -75 25%"}
RULES = {"plc": ["--mode", 1, "attenuation 48"], "rf": []}


class Medium(Emulator):
    """`wk lab plc` or `rf` between the two devices `left` and `right`."""

    def __init__(self, kind, folder):
        self.ends = {end: folder / end for end in ("left", "right")}
        super().__init__(kind, "--json", "--seed", SEED, "--left", self.ends["left"], "--right",
                         self.ends["right"], "--air", 0 if LONG or kind == "plc" else 100, *RULES[kind])
        wait_for(lambda: self.rows, 5)


def make_alarm(meter, archive, number):
    """Seconds from the command that makes it until it was seen in the archive; 99: it was not."""
    begin = time.monotonic()
    made = meter.wk(("disconnect", "connect")[number % 2], f"127.0.0.1:{meter.dlms}", "--role",
                    "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"])
    there = wait_for(lambda: (ALARM_LOG, number) in archive.seen, 30)
    return archive.seen[ALARM_LOG, number] - begin if there and made.returncode == 0 else 99


def path_of(meter):
    return meter.get("/api/link")["paths"][0]


def channel_of(meter):
    modem = path_of(meter)["line_modem"]
    return modem["channel"] if modem else None


def leave(tap, kind, meter, medium):
    """Somebody is on the channel; seconds until the meter is elsewhere and its path is up."""
    before = channel_of(meter)
    medium.say(DISTURBED[kind].replace(" 0 ", f" {before} ", 1))
    begin = time.monotonic()
    left = wait_for(lambda: channel_of(meter) != before and path_of(meter)["state"] == "up", 60)
    took = time.monotonic() - begin
    print(f"# {kind}: channel {before} left for {channel_of(meter)} after {took:.1f} s")
    tap.check(left, f"{kind}: a disturbed channel is left", path_of(meter))
    tap.figure(f"{kind}: a disturbed channel is left, with trials of {TRIAL_S} s", round(took, 1), "s",
               "<= 60", left, SEED)


def check_path(tap, kind, chance):
    start = datetime.datetime.now(datetime.timezone.utc).replace(
        minute=0, second=0, microsecond=0) - datetime.timedelta(hours=HOURS)
    meter = Meter("b", build="release", pace="catchup", start=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                  analyse="no")
    device = meter.folder / "left"
    meter.write("b", lambda text: text + f"\n[link]\nkey = {KEY}\n[path line]\nprobe_s = 5\n"
                f"trial_s = {TRIAL_S}\nto = {kind}://{device}?baud=115200\n")
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    told = wait_for(lambda: "device" in str(path_of(meter)["advice"]), 10)
    tap.check(told and path_of(meter)["state"] == "down",
              f"{kind}: a meter begins without the device of its path, and says so", path_of(meter))
    medium = Medium(kind, meter.folder)
    headend = Headend(meter, f"link_line = {medium.ends['right']} 115200\n")
    headend.start()
    archive = Archive(headend.archive)
    begin = time.monotonic()
    up = wait_for(lambda: path_of(meter)["state"] == "up" and path_of(meter)["line_modem"], 20)
    tap.check(up, f"{kind}: the device is found when it is there", path_of(meter))
    seconds = [make_alarm(meter, archive, number) for number in range(ALARMS)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 1))
        headend.kill()
        headend.start()
    leave(tap, kind, meter, medium)
    seconds.append(make_alarm(meter, archive, ALARMS))
    there = wait_for(lambda: len(archive.of(LOAD_PROFILE)) >= HOURS * 3600 // QUARTER_S
                     and meter.get("/api/link")["waiting"] == 0, 60 if not LONG else 1800)
    records = headend.records()
    whole = all(rows == list(range(len(rows))) for rows in records.values())
    tap.check(there and whole, f"{kind}: no record is missing or twice",
              f"{ {obis: len(rows) for obis, rows in records.items()} }\n{path_of(meter)}")
    print(f"# {kind}: {time.monotonic() - begin:.0f} s for all; alarms "
          f"{', '.join(f'{value:.2f}' for value in seconds)} s; {medium.counts('left')}; "
          f"{path_of(meter)['line_modem']}")
    tap.figure(f"records over {kind}, a channel disturbed: lost or doubled", 0 if whole else 1,
               f"of {sum(map(len, records.values()))}, {KILLS} kills", "0", whole, SEED)
    worst = max(seconds)
    tap.figure(f"alarm over {kind}, committed", round(worst, 2), f"s, worst of {len(seconds)}",
               f"<= {ALARM_S[kind]}", worst <= ALARM_S[kind], SEED)
    tap.check(worst <= ALARM_S[kind], f"{kind}: an alarm is committed within {ALARM_S[kind]} s",
              seconds)
    words = meter.wk("diag", f"127.0.0.1:{meter.web}").stdout
    tap.check("margin" in words and "channel" in words, f"{kind}: wk diag says how it is heard", words)
    archive.ends = True
    tap.check(medium.end() == 0, f"{kind}: wk lab ends when it is asked to")
    meter.remove()
    headend.remove()


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    chance = random.Random(SEED)
    for kind in ("plc", "rf"):
        check_path(tap, kind, chance)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
