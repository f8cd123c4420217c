#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package dlt645, an independent implementation of DL/T 645-2007, reads a running meter on a serial
line and agrees with what DLMS says of the same meter; what it cannot (blocks, frames that follow, error
words) is asked by hand. Prints TAP."""
import contextlib
import io
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
import tty
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("DLT645_LOG_PATH", tempfile.mkdtemp(prefix="wk-dlt645-"))
os.chdir(os.environ["DLT645_LOG_PATH"])  # it writes its log where it stands
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from dlt645 import MeterClientService
    from loguru import logger
logger.remove()

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "chain"))
from harness import Meter, Tap  # noqa: E402
from submeter import Line  # noqa: E402

BAUD = 9600
ADDRESS = "112233445566"
# Identifier, object of DLMS ("-": the difference of two, "+": the sum), divisor, decimals.
ENERGIES = [(0x00000000, "1.0.1.8.0.255 + 1.0.2.8.0.255"), (0x00010000, "1.0.1.8.0.255"),
            (0x00010100, "1.0.1.8.1.255"), (0x00010200, "1.0.1.8.2.255"),
            (0x00010300, "1.0.1.8.3.255"), (0x00010400, "1.0.1.8.4.255"),
            (0x00020000, "1.0.2.8.0.255"), (0x00030000, "1.0.3.8.0.255"),
            (0x00040000, "1.0.4.8.0.255"), (0x00050000, "1.0.5.8.0.255"),
            (0x00080000, "1.0.8.8.0.255"), (0x00090000, "1.0.9.8.0.255"),
            (0x00150000, "1.0.21.8.0.255"), (0x00290000, "1.0.41.8.0.255"),
            (0x003D0000, "1.0.61.8.0.255")]
VARIABLES = ([(0x02010000 + 256 * p, f"1.0.{12 + 20 * p}.7.0.255", 1, 1) for p in (1, 2, 3)]
             + [(0x02020000 + 256 * p, f"1.0.{11 + 20 * p}.7.0.255", 1, 3) for p in (1, 2, 3)]
             + [(0x02030000, "1.0.1.7.0.255 - 1.0.2.7.0.255", 1000, 4)]
             + [(0x02030000 + 256 * p, f"1.0.{1 + 20 * p}.7.0.255 - 1.0.{2 + 20 * p}.7.0.255", 1000,
                 4) for p in (1, 2, 3)]
             + [(0x02040000, "1.0.3.7.0.255 - 1.0.4.7.0.255", 1000, 4),
                (0x02050000, "1.0.9.7.0.255", 1000, 4), (0x02060000, "1.0.13.7.0.255", 1, 3),
                (0x02800001, "1.0.91.7.0.255", 1, 3), (0x02800002, "1.0.14.7.0.255", 1, 2)])


def truths(meter):
    names = sorted({part for row in ENERGIES + VARIABLES for part in row[1].split()
                    if part[0].isdigit()})
    found = {}
    for at in range(0, len(names), 10):
        done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password",
                        meter.password, "--json", *names[at:at + 10])
        told = json.loads(done.stdout, parse_float=Decimal)["values"]
        found.update({row["obis"]: Decimal(row["value"]) for row in told})
    return found


def wanted(truth, text, divisor, decimals):
    """Cut off towards zero to the decimals of an item."""
    words = text.split()
    value = truth[words[0]]
    if len(words) > 1:
        value += truth[words[2]] * (-1 if words[1] == "-" else 1)
    return int(value / divisor * 10 ** decimals) / Decimal(10 ** decimals)


def by_the_package(tap, device, truth):
    # The virtual line does not have parity.
    client = MeterClientService.new_rtu_client(device, BAUD, 8, 1, "N", 2.0)
    client.address = bytearray(b"\xAA" * 6)
    told = client.read_address()
    on_the_line = bytes.fromhex(ADDRESS)[::-1]  # it has addresses as they are sent
    tap.check(told is not None and told.value == on_the_line.hex(),
              "the package finds the address by 13H", told)
    client.address = bytearray(on_the_line)
    wrong = []
    for di, name in ENERGIES:
        told = client.read_00(di)
        exact = wanted(truth, name, 1000, 2) % 1000000
        if told is None or abs(Decimal(str(told.value)) - exact) > Decimal("0.001"):
            wrong.append(f"{di:08X}: {told.value if told else None}, not {exact}")
    tap.check(not wrong, f"{len(ENERGIES)} energies are what DLMS tells", "\n".join(wrong))
    wrong = []
    shown = 0
    for di, name, divisor, decimals in VARIABLES:
        told = client.read_02(di)
        exact = wanted(truth, name, divisor, decimals)
        beyond = decimals == 4 and abs(exact) >= 80  # more than XX.XXXX and a sign can show
        right = (told is None if beyond else
                 told is not None and abs(Decimal(str(told.value)) - exact) < Decimal("0.00001"))
        wrong.extend([] if right else [f"{di:08X}: {told.value if told else None}, not {exact}"])
        shown += not beyond
    tap.check(not wrong and shown > 10, f"{shown} of {len(VARIABLES)} variables are what DLMS tells, the "
              "others more than their digits hold", "\n".join(wrong))
    told = client.read_04(0x04000101)
    tap.check(told is not None and str(told.value).startswith("2602"), "the date is read", told)
    client.disconnect()


# ---- by hand -------------------------------------------------------------------------------------

def frame(control, data, address=bytes.fromhex(ADDRESS)[::-1]):
    octets = b"\x68" + address + b"\x68" + bytes([control, len(data)])
    octets += bytes((octet + 0x33) % 256 for octet in data)
    return b"\xFE\xFE\xFE\xFE" + octets + bytes([sum(octets) % 256, 0x16])


def ask(file, octets):
    """(control, data) of the answer; None: there is none."""
    while select.select([file], [], [], 0)[0]:
        os.read(file, 4096)
    os.write(file, octets)
    got = b""
    while select.select([file], [], [], 0.6 if not got else 0.3)[0]:
        got += os.read(file, 4096)
        at = got.find(b"\x68")
        if at >= 0 and len(got) >= at + 12 and len(got) >= at + 12 + got[at + 9]:
            break
    if not got:
        return None
    got = got[got.index(b"\x68"):]
    assert got[7] == 0x68 and len(got) == 12 + got[9] and got[-1] == 0x16, got.hex()
    assert sum(got[:-2]) % 256 == got[-2], got.hex()
    return got[8], bytes((octet - 0x33) % 256 for octet in got[10:-2])


def by_hand(tap, device):
    file = os.open(device, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    di = struct.pack("<I", 0x00FFFF00)
    control, first = ask(file, frame(0x11, di))
    more, second = ask(file, frame(0x12, di + b"\x01"))
    tap.check((control, more) == (0xB1, 0x92) and len(first) == 200 and second[-1] == 1,
              "a block of all energies goes on in a frame that follows", (control, more))
    whole = first[4:] + second[4:-1]
    single = ask(file, frame(0x11, struct.pack("<I", 0x00020000)))[1][4:]
    tap.check(whole[40:44] == single, "... and has its items in turn", whole.hex())
    told = ask(file, frame(0x11, struct.pack("<I", 0x01010000)))
    tap.check(told == (0x91, struct.pack("<I", 0x01010000) + bytes(8)),
              "no maximum demand yet: zeros for it and its time", told)
    for request, says, name in (
            (frame(0x11, struct.pack("<I", 0x00010001)), (0xD1, b"\x02"), "an earlier settlement day"),
            (frame(0x14, bytes(16)), (0xD4, b"\x04"), "writing"),
            (frame(0x1A, bytes(8)), (0xDA, b"\x04"), "clearing the meter"),
            (frame(0x16, b"\x99\x99\x99\x99"), (0xD6, b"\x01"), "freezing"),
            (frame(0x17, b"\x01"), (0xD7, b"\x08"), "a rate that is none"),
            (frame(0x11, di, b"\x99" * 6), None, "a broadcast that reads"),
            (frame(0x11, di, b"\x01" * 6), None, "another address")):
        told = ask(file, request)
        tap.check(told == says, f"{name}: {'no answer' if says is None else says[1].hex()}", told)
    took = []
    for _ in range(50):
        begin = time.monotonic()
        os.write(file, frame(0x11, struct.pack("<I", 0x02010100)))
        os.read(file, 1)
        took.append(time.monotonic() - begin)
        time.sleep(0.03)
        os.read(file, 64)
    median = sorted(took)[25] * 1e3
    tap.figure("DL/T 645: first octet after the request, median", round(median, 2), "ms",
               "20 to 500 by the standard", 20 <= median <= 500)
    tap.check(20 <= median <= 500, "an answer begins within the times of the standard", median)
    told = ask(file, frame(0x17, b"\x10"))
    tap.check(told == (0x97, b"\x10"), "a rate is changed", told)
    os.close(file)


def refused(tap, meter):
    for section, says in (("[dlt645]\nbaud = 2400", "[dlt645] needs device"),
                          ("[dlt645]\ndevice = x\nbaud = 300", "[dlt645] has rates from 600"),
                          ("[dlt645]\ndevice = x\naddress = 12", "an address of 12 digits"),
                          ("[dlt645]\ndevice = x\naddress = 999999999999", "not all of them 9"),
                          ("[dlt645]\nport = 1", "'port' is not a key of [dlt645]"),
                          ("[dlt645]\nset_clock = 1", "'set_clock' must be yes or no")):
        meter.write("a", lambda text: text + f"\n{section}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"refused with the reason: {says}", done.stderr)


def main():
    tap = Tap()
    line = Line()
    meter = Meter("a", stop="2026-02-01T23:00:20Z")
    section = (f"\n[dlt645]\ndevice = {line.slave_path}\nbaud = {BAUD}\nframing = 8N1\n"
               f"address = {ADDRESS}\n")
    meter.write("a", lambda text: text + section)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    by_the_package(tap, line.master_path, truths(meter))
    by_hand(tap, line.master_path)
    tap.check(0 in meter.stop(), "wk-meterd ends cleanly")
    refused(tap, meter)
    meter.remove()
    sys.stdout.flush()
    status = tap.end()
    sys.stdout.flush()
    os._exit(status)  # the line's threads have no end


if __name__ == "__main__":
    main()
