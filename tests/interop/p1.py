#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dsmr-parser, an independent reader of P1 telegrams, reads those of running meters over TCP and on a
serial line, with sub-meters, and agrees with what DLMS says; every telegram with one octet changed is
refused. Prints TAP."""
import json
import os
import select
import socket
import subprocess
import sys
import time
import tty
from decimal import Decimal
from pathlib import Path

from dsmr_parser import telegram_specifications
from dsmr_parser.exceptions import InvalidChecksumError, ParseError
from dsmr_parser.parsers import TelegramParser

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "chain"))
from harness import Meter, Tap, free_port  # noqa: E402

SEED = 20261121
KILO = Decimal(1000)
# Name of the parser's, object of DLMS, divisor, decimals of the telegram.
VALUES = [("ELECTRICITY_IMPORTED_TOTAL", "1.0.1.8.0.255", KILO, 3),
          ("ELECTRICITY_USED_TARIFF_1", "1.0.1.8.1.255", KILO, 3),
          ("ELECTRICITY_USED_TARIFF_2", "1.0.1.8.2.255", KILO, 3),
          ("ELECTRICITY_DELIVERED_TARIFF_1", "1.0.2.8.1.255", KILO, 3),
          ("ELECTRICITY_DELIVERED_TARIFF_2", "1.0.2.8.2.255", KILO, 3),
          ("CURRENT_ELECTRICITY_USAGE", "1.0.1.7.0.255", KILO, 3),
          ("CURRENT_ELECTRICITY_DELIVERY", "1.0.2.7.0.255", KILO, 3),
          ("INSTANTANEOUS_VOLTAGE_L1", "1.0.32.7.0.255", 1, 1),
          ("INSTANTANEOUS_CURRENT_L1", "1.0.31.7.0.255", 1, 0)]
THREE = [(f"INSTANTANEOUS_{name}_L{phase}{sign}", f"1.0.{c + 20 * phase - 20}.7.0.255", divisor,
          decimals)
         for phase in (1, 2, 3)
         for name, sign, c, divisor, decimals in (("VOLTAGE", "", 32, 1, 1),
                                                  ("CURRENT", "", 31, 1, 0),
                                                  ("ACTIVE_POWER", "_POSITIVE", 21, KILO, 3),
                                                  ("ACTIVE_POWER", "_NEGATIVE", 22, KILO, 3))]


def telegrams(port, count):
    """(when it began, telegram) over TCP."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        got = b""
        found = []
        while len(found) < count:
            octets = client.recv(4096)
            assert octets, "the port closed"
            if not got:
                begun = time.monotonic()
            got += octets
            if b"!" in got and got.endswith(b"\r\n"):
                found.append((begun, got.decode("ascii")))
                got = b""
        return found


def on_line(master, seconds):
    got = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            got += os.read(master, 4096)
    return got.decode("ascii")


def truths(meter, names):
    found = {}
    for at in range(0, len(names), 10):
        done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password",
                        meter.password, "--json", *names[at:at + 10])
        told = json.loads(done.stdout, parse_float=Decimal)["values"]
        found.update({row["obis"]: Decimal(row["value"]) for row in told})
    return found


def disagreements(telegram, truth, values):
    wrong = []
    for name, obis, divisor, decimals in values:
        exact = truth[obis] / divisor
        cut = Decimal(int(exact * 10 ** decimals)) / 10 ** decimals
        told = getattr(telegram, name, None)
        if told is None or told.value != cut:
            wrong.append(f"{name} is {told and told.value}, not {cut}")
    return wrong


def accepted_corruptions(text, parser):
    """Telegrams with one octet changed to each other of three values that are accepted all the same."""
    end = text.index("!") + 5
    wrong = tried = 0
    for at in range(end):
        for change in (1, 0x10, 0x55):
            octets = bytearray(text.encode("ascii"))
            octets[at] ^= change
            tried += 1
            try:
                parser.parse(octets.decode("latin-1"))
                wrong += 1
            except (InvalidChecksumError, ParseError, ValueError):
                pass
    return wrong, tried


def one(tap, letter, phases, version, values, sub_meter):
    port = free_port()
    master, slave = os.openpty()
    tty.setraw(slave)
    meter = Meter(letter, stop="2026-02-01T23:00:20Z")
    sections = (f"\n[p1]\nport = {port}\ndevice = {os.ttyname(slave)}\nversion = {version}\n"
                + sub_meter)
    meter.write(letter, lambda text: text + sections)
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    truth = truths(meter, sorted({value[1] for value in values}))
    os.set_blocking(master, False)
    try:
        while os.read(master, 65536):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(master, True)
    count = 4 if version == 5 else 2
    found = telegrams(port, count)
    parser = TelegramParser(telegram_specifications.V5 if version == 5
                            else telegram_specifications.V4)
    wrong = []
    for _, text in found:
        parsed = parser.parse(text, throw_ex=True)
        wrong += disagreements(parsed, truth, values)
    what = f"{phases} phases, DSMR {version}"
    tap.check(not wrong, f"{what}: every telegram is read as DLMS tells it", "\n".join(wrong[:20]))
    gaps = [b[0] - a[0] for a, b in zip(found, found[1:])]
    period = 1 if version == 5 else 10
    tap.check(all(abs(gap - period) < 0.2 for gap in gaps), f"{what}: one in {period} s", gaps)
    longest = max(len(text) for _, text in found)
    tap.check(longest <= 2048, f"{what}: {longest} octets at most")
    if version == 5:
        accepted, tried = accepted_corruptions(found[0][1], parser)
        tap.figure(f"P1, {what}: telegrams with one octet changed that are accepted", accepted,
                   f"of {tried}", "= 0", accepted == 0)
        text = on_line(master, 2.2)
        tap.check(text.count("/WKP5") >= 1 and parser.parse(
            text[text.index("/WKP5"):text.index("!", text.index("/WKP5")) + 7]) is not None,
            f"{what}: the serial line has the same", text[:200])
    if sub_meter:
        devices = parsed.MBUS_DEVICES
        told = [(device.channel_id, device.MBUS_DEVICE_TYPE.value,
                 device.MBUS_METER_READING.value) for device in devices]
        tap.check(len(told) == 1 and told[0][:2] == (1, 2) and told[0][2] > 0,
                  f"{what}: a sub-meter is a channel of the M-Bus", told)
    tap.check(all(code == 0 for code in meter.stop()), f"{what}: the meter ends cleanly")
    meter.remove()


def refused(tap):
    meter = Meter("a")
    for section, says in (("[p1]\nversion = 5", "[p1] needs device or port"),
                          ("[p1]\nport = 1\nversion = 3", "'version' must be a whole number"),
                          ("[p1]\nunit = 1", "'unit' is not a key of [p1]")):
        meter.write("a", lambda text: text + f"\n{section}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"{section.splitlines()} is refused with the reason", done.stderr)
    meter.remove()


def main():
    tap = Tap()
    refused(tap)
    modbus = free_port()
    other = Meter("a", stop="2026-02-01T23:00:20Z")
    other.write("a", lambda text: text + f"\n[modbus tcp]\nport = {modbus}\n")
    other.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    other.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    other.wait_finished()
    sub_meter = f"\n[submeter roof]\nuri = tcp:127.0.0.1:{modbus}\nmap = sunspec\nperiod_s = 1\n"
    one(tap, "a", 3, 5, VALUES + THREE, sub_meter)
    one(tap, "b", 1, 5, VALUES, "")
    one(tap, "b", 1, 4, VALUES[1:7], "")
    other.remove()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
