#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The head-end and its database are away for days; a meter keeps what it measures. They return, and
from then on meter, head-end, database and the broker of the path in use are killed (kill -9) at random times,
while what waits and all that follows arrives: nothing is lost, nothing counts twice, each stream is used in its order, and the
readings end at the register of the meter.

usage: test_link_database.py [--long] [--kills N] [--seed N]
    --long: seven days away and 330 kills, not two and 16
"""
import argparse
import random
import subprocess
import sys
import time

from broker import Broker, make_pki, trust
from campaign import QUARTERS_PER_DAY, Campaign, KeptHeadend, MeterDaemon, check_all_is_there
from harness import Meter, Tap, free_port
from postgres import Cluster, may_skip, programs_of_postgres
from uplink import KEY, TITLE, wait_for

SHORT = {"kills": 16, "outage_days": 2, "days": 3}
LONG = {"kills": 330, "outage_days": 7, "days": 16}
START_S = 1769986800  # 2026-02-01T23:00:00Z, as harness.START
PAUSE_S = (0.1, 1.6)  # between kills: a head-end must begin, and its database recover, to be worth a kill


class Server:
    """The database or the broker, as a victim: it is away for a random time."""

    def __init__(self, kill, begin, chance):
        self.parts = kill, begin
        self.chance = chance

    def kill(self):
        kill, begin = self.parts
        kill()
        time.sleep(self.chance.uniform(0, 0.5))
        begin()


def configure(meter, port, broker, pki):
    """Two paths; that over the broker is the better one while there is a broker."""
    section = (f"\n[link]\nkey = {KEY}\ntls_ca = {pki}/ca.pem\n"
               f"[path wired]\nto = udp://127.0.0.1:{port}\ncost = 30\nprobe_s = 2\n"
               f"[path broker]\nto = mqtts://127.0.0.1:{broker.port}/city\nprobe_s = 2\n"
               f"user = {TITLE}\npassword = secret\n")
    meter.write("b", lambda text: text + section)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=20261122)
    given = parser.parse_args()
    return LONG if given.long else SHORT, given.kills, given.seed


def waiting(meter):
    return meter.get("/api/link", 60)["waiting"]


def answers(cluster):
    if cluster.process.poll() is not None:
        cluster.spawn()
    return cluster.rows("a", "SELECT 1")


def finished(meter):
    try:
        meter.wait_finished()
        return True
    except OSError:
        return False


def check_order(tap, headend):
    """Numbers of transactions only grow: that of a row says when it was written."""
    for what, key, table in (("readings", "channel", "interval_open WHERE channel = 0"),
                             ("events", "log", "event")):
        rows = headend.rows(f"SELECT {key}, xmin::text::bigint FROM {table} "
                            f"ORDER BY {key}, {'ts' if what == 'readings' else 'seq'}")
        good = all(before[1] <= after[1] for before, after in zip(rows, rows[1:])
                   if before[0] == after[0])
        tap.check(good and rows, f"{what} of a stream were made in its order",
                  f"{len(rows)} rows")


def check_register(tap, meter, headend):
    register = next(row["value_micro"] for row in meter.get("/api/registers")["registers"]
                    if row["obis"] == "1.8.0")
    last = headend.intervals()[-1][3]
    tap.check(register == last, "the last reading is the register of the meter, to the last uWh",
              f"{last}, {register}")


def main():
    sizes, kills, seed = arguments()
    kills = kills or sizes["kills"]
    outage = sizes["outage_days"]
    tap = Tap()
    if programs_of_postgres() is None:
        may_skip(tap, "a week's outage, and kills of the database")
        return tap.end()
    print(f"# seed {seed}")
    chance = random.Random(seed)
    cluster = Cluster({"max_wal_size": "64MB", "checkpoint_timeout": "30s"})
    cluster.start()
    cluster.create("a")
    port = free_port()
    stop_day = sizes["days"]
    stop = time.strftime("%Y-%m-%dT23:00:00Z", time.gmtime(START_S + stop_day * 86400))
    quarters = stop_day * QUARTERS_PER_DAY - 4
    meter = Meter("b", stop=stop, build="release")
    pki = make_pki(meter.folder / "pki")
    broker = Broker(pki)
    broker.start()
    configure(meter, port, broker, pki)
    headend = KeptHeadend(meter, f"link_port = {port}\n"
                          f"link_mqtt = mqtts://127.0.0.1:{broker.port}/city\n"
                          "link_mqtt_user = headend\nlink_mqtt_password = secret\n"
                          + trust(pki, "headend"), cluster, "a")
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = MeterDaemon(meter)
    begin = time.monotonic()
    away = wait_for(lambda: waiting(meter) >= outage * QUARTERS_PER_DAY, 300)
    tap.check(away, f"for {outage} days the meter keeps what it measures", waiting(meter))
    print(f"# {waiting(meter)} records wait after {time.monotonic() - begin:.0f} s")
    headend.start()
    begin = time.monotonic()
    campaign = Campaign({"meter": daemon.kill, "head-end": headend.kill,
                         "database": Server(cluster.kill, cluster.spawn, chance).kill,
                         "broker": Server(broker.kill, broker.start, chance).kill}, chance)
    campaign.kill(kills, PAUSE_S)
    wait_for(lambda: answers(cluster), 60)
    print(f"# {campaign.told()}, in {time.monotonic() - begin:.0f} s; "
          f"{sum(map(len, headend.records().values()))} records had arrived")
    # at full speed, on a busy disk, the page of a meter may take longer than anybody waits for it
    wait_for(lambda: finished(meter), 900)
    records = check_all_is_there(tap, meter, headend, quarters, campaign)
    carried = {path["name"]: path["packets"] for path in meter.get("/api/link", 60)["paths"]}
    print(f"# packets since the last kill of the meter: {carried}")
    check_order(tap, headend)
    check_register(tap, meter, headend)
    tap.figure("kill -9 of meter, head-end, database and broker, records lost or doubled",
               0 if tap.failed == 0 else 1, f"of {records}; {campaign.told()}", "0",
               tap.failed == 0, seed)
    headend.remove()
    meter.remove()
    cluster.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
