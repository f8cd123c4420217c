# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, and what must be true afterwards of what a meter sent by itself."""
import subprocess
import threading
import time

from uplink import LOAD_PROFILE, Headend, wait_for

QUARTERS_PER_DAY = 96


class MeterDaemon:
    """wk-meterd of a meter, as a victim."""

    def __init__(self, meter):
        self.meter = meter
        self.process = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = self.meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)


class KeptHeadend(Headend):
    """A head-end on a database of a server, started again whenever it ends, as a service manager does
    it: it refuses to begin without its database."""

    def __init__(self, meter, keys, cluster, name):
        self.cluster = cluster
        self.name = name
        self.keeper = None
        self.ending = False
        self.starts = 0
        super().__init__(meter, keys, cluster.address(name))

    def start(self):
        self.ending = False
        self.keeper = threading.Thread(target=self.keep, daemon=True)
        self.keeper.start()

    def keep(self):
        while not self.ending:
            self.starts += 1
            with open(self.folder / "log", "a") as log:
                self.process = subprocess.Popen(
                    [self.bin / "wk-headendd", "--config", self.config], stdout=log, stderr=log)
            self.process.wait()
            time.sleep(0.05)

    def kill(self):
        """kill -9; it comes again by itself."""
        if self.process is not None:
            self.process.kill()

    def remove(self):
        self.ending = True
        while self.keeper is not None and self.keeper.is_alive():
            self.kill()
            self.keeper.join(0.2)
        super().remove()

    def rows(self, sql, *values):
        found = self.cluster.rows(self.name, f"SET search_path TO wattkeeper; {sql}")
        return [tuple(int(value) if value.lstrip("-").isdigit() else value for value in row)
                for row in found]


class Campaign:
    """Kills victims at random moments; a victim is a name and what kills it and lets it begin anew."""

    def __init__(self, victims, chance):
        self.victims = victims
        self.chance = chance
        self.killed = {name: 0 for name in victims}

    def kill(self, times, pause_s=(0.05, 0.6)):
        for _ in range(times):
            time.sleep(self.chance.uniform(*pause_s))
            name = self.chance.choice(list(self.victims))
            self.victims[name]()
            self.killed[name] += 1

    def total(self):
        return sum(self.killed.values())

    def told(self):
        return ", ".join(f"{name} {count}" for name, count in self.killed.items())


def check_all_is_there(tap, meter, headend, quarters, campaign):
    """Nothing lost, nothing twice, all of it used in its order. Returns how many records there are."""
    there = wait_for(lambda: headend.applied().get(LOAD_PROFILE, 0) >= quarters, 90)
    wait_for(lambda: meter.get("/api/link", 60)["waiting"] == 0, 90)
    wait_for(lambda: all(headend.applied().get(obis) == len(rows)
                         for obis, rows in headend.records().items()), 20)
    records = headend.records()
    applied = headend.applied()
    tap.check(there, "every interval of the meter arrives, though it cannot be read", applied)
    tap.check(all(rows == list(range(len(rows))) for rows in records.values()) and records,
              f"no record is missing or twice after {campaign.total()} times kill -9",
              {obis: len(rows) for obis, rows in records.items()})
    tap.check(all(applied[obis] == len(rows) for obis, rows in records.items()),
              "all that arrived was made use of, in its order", applied)
    rows = headend.intervals()
    tap.check(len(rows) >= quarters and all(count == 1 and rev == 0 for _, count, rev, _ in rows),
              "each interval has one reading, and none was ever another",
              f"{len(rows)} of {quarters}")
    ends = [row[0] for row in rows]
    tap.check(all(b - a == 900 for a, b in zip(ends, ends[1:])), "no interval is missing between")
    unreadable = headend.rows("SELECT kind, text FROM exception")
    tap.check(not unreadable, "nothing of it was unreadable", unreadable)
    return sum(map(len, records.values()))
