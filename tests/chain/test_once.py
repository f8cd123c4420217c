#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run --once from the outside: one JSON object, from which every amount is computed again in
decimal arithmetic, and energies are compared with what is known of the inputs."""
import decimal
import json
import subprocess
import sys
import time

from harness import ROOT, Tap

TIMEOUT_S = 300
# data/keating/README.md: P without the DC artefact, by phase
KEATING_W = 40486.19 + 49500.87 + 53634.75
D = decimal.Decimal


def household_wh():
    """Closed form: the power of each minute of the first day, for a minute."""
    rows = (ROOT / "data" / "uci" / "household_1min_2days.txt").read_text().splitlines()[1:1441]
    return sum(D(row.split(";")[2]) for row in rows) * 1000 / 60


def cents(amount):
    return amount.quantize(D("0.01"), rounding=decimal.ROUND_HALF_EVEN)


def check_bill(tap, meter):
    bill = meter["bill"]
    lines = {line["name"]: line for line in bill["lines"]}
    total = D(0)
    net = D(0)
    good = True
    for line in bill["lines"]:
        if line["unit"] == "kWh":
            amount = cents(D(line["quantity_uwh"]) / D(10**9) * D(line["price_e6"]) / D(10**6))
        elif line["unit"] == "day":
            amount = cents(D(line["quantity_days"]) * D(line["price_e6"]) / D(10**6))
        else:
            amount = cents(net * D(line["price_e6"]) / D(10**6))
        net += amount if line["unit"] != "net" else 0
        total += amount
        good = good and amount == cents(D(str(line["amount"])))
    tap.check(good and total == cents(D(str(bill["total"]))),
              f"{meter['serial']}: every amount and the total follow from quantity and price",
              lines)
    billed = sum(line["quantity_uwh"] for line in bill["lines"] if line["unit"] == "kWh")
    tap.check(billed == sum(meter["register_uwh"].values())
              == sum(meter["intervals_uwh"].values()),
              f"{meter['serial']}: register, interval sum and bill agree to the last uWh")


def main():
    tap = Tap()
    begin = time.monotonic()
    result = subprocess.run(["python3", ROOT / "tools" / "launch.py", "--once"],
                            capture_output=True, text=True, timeout=TIMEOUT_S)
    seconds = time.monotonic() - begin
    last = result.stdout.strip().splitlines()[-1] if result.stdout.strip() else ""
    tap.check(result.returncode == 0 and last.startswith("{"), "./run --once ends with success",
              result.stderr[-800:])
    answer = json.loads(last)
    tap.check(answer["agree"] is True, "it says that all agree")
    by_serial = {meter["serial"]: meter for meter in answer["meters"]}
    tap.check(sorted(by_serial) == ["WK10000002", "WK30000001"], "both meters are there")
    for meter in answer["meters"]:
        tap.check(meter["register_uwh"] == meter["intervals_uwh"],
                  f"{meter['serial']}: each tariff register equals its intervals")
        tap.check(meter["intervals"] == {"expected": 96, "received": 96, "estimated": 0},
                  f"{meter['serial']}: all 96 intervals were received", meter["intervals"])
        check_bill(tap, meter)
    house = D(sum(by_serial["WK10000002"]["register_uwh"].values())) / 10**6
    error = float(abs(house / household_wh() - 1) * 100)
    tap.figure("a synthetic day against the closed form", round(error, 8), "%", "<= 0.001",
               error <= 0.001)
    building = sum(by_serial["WK30000001"]["register_uwh"].values()) / 1e6
    off = abs(building / (KEATING_W * 24) - 1) * 100
    tap.check(off < 0.01, f"the building's day is 24 h of the recorded power ({off:.4f} % off)")
    tap.figure("./run --once: metered, collected, billed", round(seconds, 1), "s", "<= 180",
               seconds <= 180)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
