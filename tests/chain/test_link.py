#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter sends its profiles and events by itself, over two paths of UDP; the head-end cannot read
it over DLMS at all. Both are killed (kill -9) at random times: nothing is lost, nothing counts
twice, and the readings end at the registers of the meter.

The long campaign, with the database of the head-end as one more victim, is test_link_database.py.
"""
import random
import subprocess
import sys

from campaign import QUARTERS_PER_DAY, Campaign, MeterDaemon, check_all_is_there
from harness import Meter, Tap, free_port
from uplink import KEY, Headend, wait_for

SEED = 20261121
STOP = "2026-02-05T23:00:00Z"  # four days
QUARTERS = 4 * QUARTERS_PER_DAY - 4
KILLS = 16


def configure(meter, port):
    section = (f"\n[link]\nkey = {KEY}\n"
               f"[path wired]\nto = udp://127.0.0.1:{port}\nprobe_s = 2\n"
               f"[path mobile]\nto = udp://localhost:{port}\ncost = 30\nprobe_s = 2\n")
    meter.write("b", lambda text: text + section)


def main():
    tap = Tap()
    print(f"# seed {SEED}")
    port = free_port()
    meter = Meter("b", stop=STOP, build="release")
    configure(meter, port)
    headend = Headend(meter, f"link_port = {port}\n")
    headend.start()
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = MeterDaemon(meter)
    campaign = Campaign({"meter": daemon.kill,
                         "head-end": lambda: (headend.kill(), headend.start())},
                        random.Random(SEED))
    campaign.kill(KILLS)
    info = meter.wait_finished()
    records = check_all_is_there(tap, meter, headend, QUARTERS, campaign)
    tap.figure("kill -9 of meter and head-end, records lost or doubled", 0 if tap.failed == 0 else 1,
               f"of {records}; {campaign.told()}", "0", tap.failed == 0, SEED)
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
    headend.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
