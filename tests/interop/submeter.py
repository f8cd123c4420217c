#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wk submeter` against an independent Modbus server (pymodbus): an SDM630 over TCP and over a
serial line that echoes, splits and adds noise, and SunSpec meters 203 and 213. Prints TAP.

usage: submeter.py WK"""
import asyncio
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import threading
import time
import tty

from pymodbus import FramerType
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chain"))
from harness import Meter, Tap, free_port  # noqa: E402  (found only now)

SEED = 20261121
SDM630 = {0x00: 229.5, 0x02: 230.25, 0x04: 231.0, 0x06: 5.5, 0x08: 0.25, 0x0A: 12.75,
          0x0C: 1200.5, 0x0E: -55.25, 0x10: 2900.0, 0x34: 4045.25, 0x38: 4100.5, 0x3C: -310.75,
          0x3E: 0.9765625, 0x46: 50.015625, 0x48: 1234.5, 0x4A: 0.125, 0x15A: 400.5, 0x15C: 401.5,
          0x15E: 432.5, 0x160: 0.0, 0x162: 0.125, 0x164: 0.0}
SDM630_SAYS = {"u_l1_mv": 229500, "u_l2_mv": 230250, "u_l3_mv": 231000, "i_l1_ua": 5500000,
               "i_l2_ua": 250000, "i_l3_ua": 12750000, "p_l1_mw": 1200500, "p_l2_mw": -55250,
               "p_l3_mw": 2900000, "p_mw": 4045250, "s_mva": 4100500, "q_mvar": -310750,
               "pf_permille": 977, "f_uhz": 50015625, "import_uwh": 1234500000000,
               "export_uwh": 125000000, "import_l3_uwh": 432500000000,
               "export_l1_uwh": 0, "export_l2_uwh": 125000000}


def floats(values, last):
    registers = dict.fromkeys(range(last + 2), 0)
    for at, value in values.items():
        registers[at], registers[at + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return registers


def text(words, registers, at, count):
    raw = words.encode().ljust(2 * count, b"\0")
    for n in range(count):
        registers[at + n] = struct.unpack(">H", raw[2 * n:2 * n + 2])[0]


def sunspec(base, model, size, values):
    registers = {base: 0x5375, base + 1: 0x6E53, base + 2: 1, base + 3: 66}
    registers.update(dict.fromkeys(range(base + 4, base + 70), 0))
    text("pymodbus", registers, base + 4, 16)
    text("peer", registers, base + 20, 16)
    text("4711", registers, base + 52, 16)
    at = base + 70
    registers.update({at: model, at + 1: size})
    registers.update(dict.fromkeys(range(at + 2, at + 2 + size), 0x8000 if size == 105 else 0x7FC0))
    registers.update({at + place: value & 0xFFFF for place, value in values.items()})
    registers.update({at + 2 + size: 0xFFFF, at + 3 + size: 0})
    return registers


INTS = sunspec(40000, 203, 105, {
    3: 1234, 4: 0, 5: -7, 6: -2, 8: 2301, 9: 2302, 10: 2303, 15: -1, 16: 5001, 17: -2, 18: -250,
    19: -100, 20: -100, 21: -50, 22: 1, 46: 1, 47: 2, 54: 1})
INTS_SAY = {"i_l1_ua": 12340000, "i_l2_ua": 0, "i_l3_ua": -70000, "u_l1_mv": 230100,
            "u_l3_mv": 230300, "f_uhz": 50010000, "p_mw": -2500000, "p_l3_mw": -500000,
            "import_uwh": 65538 * 10 * 10**6, "model": 203, "maker": "pymodbus", "serial": "4711"}
FLOATS = sunspec(50000, 213, 124, {})
for place, value in ((12, 230.5), (26, 49.984375), (28, -1500.25), (68, 98765.5)):
    FLOATS[50070 + place], FLOATS[50071 + place] = struct.unpack(">HH", struct.pack(">f", value))
FLOATS_SAY = {"u_l1_mv": 230500, "f_uhz": 49984375, "p_mw": -1500250,
              "import_uwh": 98765500000, "model": 213, "type": "peer"}


def context(registers):
    block = ModbusSparseDataBlock({at + 1: value for at, value in registers.items()})
    return ModbusServerContext(ModbusSlaveContext(hr=block, ir=block), single=True)


class Server:
    """A pymodbus server in a thread of its own."""

    def __init__(self, make):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.run, args=(make,), daemon=True).start()

    def run(self, make):
        asyncio.set_event_loop(self.loop)

        async def serve():
            await make().serve_forever()
        self.loop.run_until_complete(serve())


class Line:
    """Two pseudo terminals joined by a wire with manners: clean, or echo, noise and gaps."""

    def __init__(self):
        self.ends = [os.openpty() for _ in range(2)]
        for _, slave in self.ends:
            tty.setraw(slave)
        self.master_path, self.slave_path = (os.ttyname(slave) for _, slave in self.ends)
        self.bad = False
        self.draw = random.Random(SEED)
        for source, to in ((0, 1), (1, 0)):
            threading.Thread(target=self.carry, args=(source, to), daemon=True).start()

    def carry(self, source, to):
        while True:
            octets = os.read(self.ends[source][0], 512)
            if self.bad and source == 0:
                os.write(self.ends[0][0], octets)  # the echo
            if self.bad and source == 1:
                octets = self.draw.randbytes(self.draw.randrange(5)) + octets
                cut = self.draw.randrange(len(octets))
                os.write(self.ends[to][0], octets[:cut])
                time.sleep(0.02)
                octets = octets[cut:]
            os.write(self.ends[to][0], octets)


def wk(tool, *arguments):
    return subprocess.run([tool, "submeter", *arguments], capture_output=True, text=True,
                          timeout=60)


def check(tap, name, done, says):
    told = json.loads(done.stdout) if done.returncode == 0 else {}
    wrong = {key: (told.get(key), value) for key, value in says.items() if told.get(key) != value}
    tap.check(done.returncode == 0 and not wrong, name, f"{wrong} {done.stderr}")
    return told


def over_tcp(tap, tool):
    for name, kind, registers, says in (("SDM630", "sdm630", floats(SDM630, 0x164), SDM630_SAYS),
                                        ("SunSpec 203", "sunspec", INTS, INTS_SAY),
                                        ("SunSpec 213", "sunspec", FLOATS, FLOATS_SAY)):
        port = free_port()
        Server(lambda: ModbusTcpServer(context(registers), address=("127.0.0.1", port)))
        time.sleep(0.5)
        told = check(tap, f"{name} of pymodbus over TCP is read in the meter's units",
                     wk(tool, f"tcp:127.0.0.1:{port}", "--map", kind, "--json"), says)
        if says is FLOATS_SAY:
            tap.check("p_l1_mw" not in told, f"{name}: what is not implemented is left out", told)
        plain = wk(tool, f"tcp:127.0.0.1:{port}", "--map", kind)
        tap.check(plain.returncode == 0 and "kWh" in plain.stdout, f"{name}: as text", plain)


def over_a_line(tap, tool):
    line = Line()
    Server(lambda: ModbusSerialServer(context(floats(SDM630, 0x164)), framer=FramerType.RTU,
                                      port=line.slave_path, baudrate=19200))
    time.sleep(0.5)
    uri = f"rtu:{line.master_path},19200,8N1"
    check(tap, "SDM630 over a serial line",
          wk(tool, uri, "--map", "sdm630", "--json", "--retries", "0"), SDM630_SAYS)
    line.bad = True
    rounds = 30
    good = 0
    for _ in range(rounds):
        done = wk(tool, uri, "--map", "sdm630", "--json", "--retries", "0")
        good += done.returncode == 0 and all(json.loads(done.stdout).get(key) == value
                                             for key, value in SDM630_SAYS.items())
    tap.figure("wk submeter: readings right at the first attempt over a line with echo, noise "
               "and gaps", good, f"of {rounds}", f"= {rounds}", good == rounds, SEED)
    tap.check(good == rounds, "echo, noise and gaps on the line do no harm", f"{good} of {rounds}")


def in_a_meter(tap):
    port = free_port()
    Server(lambda: ModbusTcpServer(context(INTS), address=("127.0.0.1", port)))
    meter = Meter("b", stop="2026-02-01T23:00:10Z")
    sections = (f"\n[submeter roof]\nuri = tcp:127.0.0.1:{port}\nmap = sunspec\nperiod_s = 1\n"
                f"\n[submeter gone]\nuri = tcp:127.0.0.1:{free_port()}\nmap = sdm630\n")
    meter.write("b", lambda text: text + sections)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    told = []
    for _ in range(100):
        told = meter.get("/api/submeters")["submeters"]
        if told[0]["readings"] > 1 and told[1]["failures"]:
            break
        time.sleep(0.1)
    wrong = {key: value for key, value in INTS_SAY.items()
             if key not in ("model", "maker", "serial") and told[0]["values"].get(key) != value}
    tap.check(told[0]["readings"] > 1 and not wrong and told[0]["maker"] == "pymodbus"
              and told[0]["read_us"] > 0 and "fault" not in told[0],
              "wk-meterd reads a configured sub-meter again and again", f"{wrong} {told[0]}")
    tap.check(told[1]["readings"] == 0 and told[1]["read_us"] is None
              and "cannot be reached: Connection refused" in told[1]["fault"],
              "... and says in words what is wrong with another", told[1])
    tap.check(meter.stop() == [0], "wk-meterd ends cleanly with them")
    for change, says in (("map = em24", "'map' must be sunspec, sdm630 or sdm120"),
                         ("baud = 1", "'baud' is not a key of [submeter]"),
                         ("unit = 256", "'unit' must be a whole number from 0 to 255"),
                         ("map = sdm120", "[submeter] needs uri and map")):
        meter.write("b", lambda text: text + f"\n[submeter x]\n{change}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"[submeter] with {change} is refused with the reason", done.stderr)
    meter.remove()


def main():
    tap = Tap()
    tool = sys.argv[1]
    over_tcp(tap, tool)
    over_a_line(tap, tool)
    in_a_meter(tap)
    for arguments, status, says in (
            (["tcp:127.0.0.1:1", "--map", "sdm630"], 1, "cannot be reached"),
            (["tcp:127.0.0.1:1"], 2, "give a URI and --map"),
            (["tcp:127.0.0.1:1", "--map", "em24"], 2, "--map must be"),
            (["udp:x", "--map", "sdm630"], 2, "must begin with rtu:"),
            (["tcp:x:1", "--map", "sdm630", "--unit", "300"], 2, "--unit must be")):
        done = wk(tool, *arguments)
        tap.check(done.returncode == status and says in done.stderr,
                  f"wk submeter {' '.join(arguments)} is refused with the reason", done.stderr)
    sys.stdout.flush()
    status = tap.end()
    sys.stdout.flush()
    os._exit(status)  # the servers' threads have no end


if __name__ == "__main__":
    main()
