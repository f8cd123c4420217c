#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The optical port of a running meter on a pair of pseudo terminals: `wk optical` and a reader written
down here by the text of IEC 62056-21 take its readout, which agrees with DLMS; also with the echo of a
head and with octets spoiled on the way. Prints TAP."""
import json
import os
import pathlib
import select
import subprocess
import sys
import threading
import time
import tty
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chain"))
from harness import Meter, Tap  # noqa: E402

NAMES = {"1.8.0": ("1.0.1.8.0.255", 1000, 3), "2.8.0": ("1.0.2.8.0.255", 1000, 3),
         "3.8.0": ("1.0.3.8.0.255", 1000, 3), "1.7.0": ("1.0.1.7.0.255", 1000, 3),
         "32.7.0": ("1.0.32.7.0.255", 1, 1), "72.7.0": ("1.0.72.7.0.255", 1, 1),
         "31.7.0": ("1.0.31.7.0.255", 1, 3), "14.7.0": ("1.0.14.7.0.255", 1, 3)}
ACK, NAK = b"\x06", b"\x15"


class Head:
    """Two pseudo terminals joined by a head: clean, with the echo of what the reader says, or with
    the first readout spoiled."""

    def __init__(self):
        self.ends = [os.openpty() for _ in range(2)]
        for _, slave in self.ends:
            tty.setraw(slave)
        self.reader, self.meter = (os.ttyname(slave) for _, slave in self.ends)
        self.echoes = False
        self.spoils = 0
        for source, to in ((0, 1), (1, 0)):
            threading.Thread(target=self.carry, args=(source, to), daemon=True).start()

    def carry(self, source, to):
        while True:
            octets = os.read(self.ends[source][0], 4096)
            if self.echoes:
                os.write(self.ends[source][0], octets)
            if source == 1 and len(octets) > 100 and self.spoils:
                self.spoils -= 1
                octets = octets[:50] + bytes([octets[50] ^ 1]) + octets[51:]
            os.write(self.ends[to][0], octets)


def bcc(octets):
    check = 0
    for octet in octets:
        check ^= octet
    return bytes([check & 0x7F])


def hear(file, ends, timeout_s=3):
    got = b""
    deadline = time.monotonic() + timeout_s
    while not ends(got) and time.monotonic() < deadline:
        if select.select([file], [], [], 0.1)[0]:
            got += os.read(file, 4096)
    return got


def is_block(got):
    return b"\x03" in got and got.index(b"\x03") + 1 < len(got)


def command(file, text):
    body = text.encode() + b"\x03"
    os.write(file, b"\x01" + body + bcc(body))
    return hear(file, lambda got: is_block(got) or got in (ACK, NAK))


def by_hand(tap, head, values):
    file = os.open(head.reader, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    os.write(file, b"/?!\r\n")
    identity = hear(file, lambda got: got.endswith(b"\r\n"))
    tap.check(identity == b"/WKp5WATTKEEPER\r\n", "the meter identifies itself", identity)
    os.write(file, ACK + b"051\r\n")
    got = hear(file, is_block)
    tap.check(got == b"\x01P0\x02()\x03" + bcc(b"P0\x02()\x03"), "it asks for a password", got)
    tap.check(b"ERR01" in command(file, "P1\x02(wrong)"), "a wrong password is refused")
    tap.check(command(file, "P1\x02(secret)") == ACK, "the right one is taken")
    got = command(file, "R1\x021.8.0()")
    tap.check(got[1:-2].decode() == f"1.8.0({values['1.8.0']})" and bcc(got[1:-1]) == got[-1:],
              "a register is read in programming mode", got)
    tap.check(b"ERR04" in command(file, "W1\x020-1:96.3.10(1)"),
              "nothing is written where it is not allowed")
    body = b"B0\x03"
    os.write(file, b"\x01" + body + bcc(body))
    os.close(file)
    time.sleep(0.2)


def refused(tap, meter):
    for section, says in (("[optical]\nbaud = 9600", "[optical] needs device"),
                          ("[optical]\ndevice = x\nswitch = yes", "[optical] needs password"),
                          ("[optical]\nport = 1", "'port' is not a key of [optical]")):
        meter.write("a", lambda text: text + f"\n{section}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"{section.splitlines()} is refused with the reason", done.stderr)


def main():
    tap = Tap()
    head = Head()
    meter = Meter("a", stop="2026-02-01T23:00:20Z")
    refused(tap, meter)
    section = f"\n[optical]\ndevice = {head.meter}\npassword = secret\n"
    meter.write("a", lambda text: text + section)
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password",
                    meter.password, "--json", *(row[0] for row in NAMES.values()))
    truth = {row["obis"]: Decimal(row["value"])
             for row in json.loads(done.stdout, parse_float=Decimal)["values"]}
    for name, echoes, spoils, baud in (("clean", False, 0, 9600), ("with an echo", True, 0, 9600),
                                       ("spoiled twice", False, 2, 9600),
                                       ("with 2400 baud", False, 0, 2400)):
        head.echoes, head.spoils = echoes, spoils
        done = meter.wk("optical", head.reader, "--json", "--baud", baud)
        told = json.loads(done.stdout) if done.returncode == 0 else {"values": []}
        sets = {row["name"]: row["value"] for row in told["values"]}
        wrong = []
        for short, (obis, divisor, decimals) in NAMES.items():
            exact = Decimal(int(truth[obis] / divisor * 10 ** decimals)) / 10 ** decimals
            if Decimal(sets.get(short, "-1")) != exact:
                wrong.append(f"{short} is {sets.get(short)}, not {exact}")
        tap.check(not wrong and told["baud"] == baud and told["repeated"] == spoils,
                  f"wk optical takes the readout, {name}, as DLMS tells it",
                  f"{wrong} {done.stderr}")
        time.sleep(0.2)
    table = meter.wk("optical", head.reader)
    tap.check(table.returncode == 0 and "kWh" in table.stdout, "... and as a table", table)
    values = {row["name"]: f"{row['value']}*{row['unit']}" for row in told["values"]}
    time.sleep(0.2)
    by_hand(tap, head, values)
    lost = meter.wk("optical", "/dev/nowhere")
    tap.check(lost.returncode == 1 and "No such file" in lost.stderr,
              "a device that is not there is named", lost.stderr)
    tap.check(all(code == 0 for code in meter.stop()), "the meter ends cleanly")
    meter.remove()
    status = tap.end()
    sys.stdout.flush()
    os._exit(status)  # the head's threads have no end


if __name__ == "__main__":
    main()
