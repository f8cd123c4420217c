#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Independent Modbus clients read every map of a running meter, over TCP and over a serial line, and
agree with what DLMS says of the same meter; a server of libmodbus and the meter on the same bad line.
Prints TAP.

usage: modbus.py PEER MODULES     PEER: modbus_peer, made of tests/interop/modbus_peer.c; MODULES: where
                                  npm put jsmodbus"""
import json
import math
import os
import pathlib
import random
import select
import struct
import subprocess
import sys
import time
import tty
from decimal import Decimal

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chain"))
sys.path.insert(0, str(HERE))
from harness import Meter, Tap, free_port  # noqa: E402
from submeter import Line  # noqa: E402

SEED = 20261121
UNIT = 5
BAUD = 19200
BLOCKS = [(4, 0, 125), (4, 0xC8, 52), (4, 0x156, 24), (3, 2, 28), (3, 40000, 70), (3, 40070, 107),
          (3, 40177, 125), (3, 8192, 124), (3, 8316, 112)]
# Register, type, exponent of its unit, objects: one, or with "-" the difference of two.
ENERGY = {"import": "1.0.1.8.0.255", "export": "1.0.2.8.0.255"}


def registers_of(c, phases="1.0.{}.7.0.255"):
    return [phases.format(c + 20 * n) for n in range(1, 4)]


def triple(first, step, kind, exponent, objects):
    return [(first + step * n, kind, exponent, name) for n, name in enumerate(objects)]


def power(c_in, c_out):
    return f"1.0.{c_in}.7.0.255 - 1.0.{c_out}.7.0.255"


PHASE_POWER = [power(1 + 20 * n, 2 + 20 * n) for n in range(1, 4)]
LIVE = {"u": registers_of(12), "i": registers_of(11), "s": registers_of(9), "q": registers_of(3),
        "pf": registers_of(13), "p": PHASE_POWER,
        "import": registers_of(1, "1.0.{}.8.0.255"), "export": registers_of(2, "1.0.{}.8.0.255")}
P, Q = power(1, 2), power(3, 4)
SDM630 = (triple(0, 2, "f", 0, LIVE["u"]) + triple(6, 2, "f", 0, LIVE["i"])
          + triple(12, 2, "f", 0, LIVE["p"]) + triple(0x12, 2, "f", 0, LIVE["s"])
          + triple(0x18, 2, "f", 0, LIVE["q"]) + triple(0x1E, 2, "f", 0, LIVE["pf"])
          + triple(0x15A, 2, "f", 3, LIVE["import"]) + triple(0x160, 2, "f", 3, LIVE["export"])
          + [(0x34, "f", 0, P), (0x38, "f", 0, "1.0.9.7.0.255"), (0x3C, "f", 0, Q),
             (0x3E, "f", 0, "1.0.13.7.0.255"), (0x46, "f", 0, "1.0.14.7.0.255"),
             (0x48, "f", 3, ENERGY["import"]), (0x4A, "f", 3, ENERGY["export"]),
             (0x4C, "f", 3, "1.0.3.8.0.255"), (0x4E, "f", 3, "1.0.4.8.0.255"),
             (0xE0, "f", 0, "1.0.91.7.0.255"), (0xC8, "f", 0, None)])
SUNSPEC = (triple(40073, 1, "h", -2, LIVE["i"]) + triple(40078, 1, "h", -1, LIVE["u"])
           + triple(40089, 1, "h", "sf", LIVE["p"]) + triple(40118, 2, "I", 0, LIVE["import"])
           + triple(40110, 2, "I", 0, LIVE["export"]) + triple(40104, 1, "h", -3, LIVE["pf"])
           + [(40086, "h", -2, "1.0.14.7.0.255"), (40088, "h", "sf", P), (40098, "h", "sf", Q),
              (40093, "h", "sf", "1.0.9.7.0.255"), (40108, "I", 0, ENERGY["export"]),
              (40116, "I", 0, ENERGY["import"]), (40142, "I", 0, "1.0.5.8.0.255"),
              (40166, "I", 0, "1.0.8.8.0.255"), (40081, "h", 0, None)]
           + triple(40181, 2, "f", 0, LIVE["i"]) + triple(40189, 2, "f", 0, LIVE["u"])
           + triple(40207, 2, "f", 0, LIVE["p"]) + triple(40247, 2, "f", 0, LIVE["import"])
           + [(40203, "f", 0, "1.0.14.7.0.255"), (40205, "f", 0, P), (40221, "f", 0, Q),
              (40237, "f", 0, ENERGY["export"]), (40245, "f", 0, ENERGY["import"]),
              (40293, "f", 0, "1.0.8.8.0.255"), (40195, "f", 0, None)])
EXACT = ([(8204 + 4 * n, "q", -6, name) for n, name in enumerate(
    ["1.0.1.8.0.255", "1.0.2.8.0.255", "1.0.3.8.0.255", "1.0.4.8.0.255", "1.0.5.8.0.255",
     "1.0.6.8.0.255", "1.0.7.8.0.255", "1.0.8.8.0.255", "1.0.9.8.0.255", "1.0.10.8.0.255",
     "1.0.1.8.1.255", "1.0.1.8.2.255", "1.0.2.8.1.255", "1.0.2.8.2.255",
     *LIVE["import"], *LIVE["export"]])]
    + [(8284 + 4 * n, "q", -3, name) for n, name in enumerate(
        [P, Q, "1.0.9.7.0.255", "1.0.13.7.0.255", "1.0.14.7.0.255", *LIVE["u"], *LIVE["i"],
         "1.0.91.7.0.255", *LIVE["p"], *LIVE["q"], *LIVE["s"], *LIVE["pf"]])])
MAPS = {"SDM630": (4, SDM630), "SunSpec": (3, SUNSPEC), "64 bits": (3, EXACT)}


# ---- what the meter says over DLMS ---------------------------------------------------------------

def truths(meter):
    """Name -> its value in units, exactly, by DLMS."""
    names = sorted({part for _, table in MAPS.values() for row in table if row[3]
                    for part in row[3].split(" - ")})
    found = {}
    for at in range(0, len(names), 10):
        some = names[at:at + 10]
        done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password",
                        meter.password, "--json", *some)
        told = json.loads(done.stdout, parse_float=Decimal)["values"]
        found.update({row["obis"]: Decimal(row["value"]) for row in told})
    return found


def wanted(truth, names, exponent):
    """The exact value in units of ten to the exponent."""
    first, *others = (truth[name] for name in names.split(" - "))
    return (first - sum(others)).scaleb(-exponent)


def value_at(words, at, kind):
    count = struct.calcsize(kind) // 2
    return struct.unpack(f">{kind}", struct.pack(f">{count}H", *(words[at + n]
                                                              for n in range(count))))[0]


def differs(truth, row, words, factor):
    """Why a register is not what DLMS says, or None."""
    at, kind, exponent, names = row
    value = value_at(words, at, kind)
    if names is None:
        missing = math.isnan(value) if kind == "f" else value in (-0x8000, 0)
        return None if missing else f"{at} is {value}, not absent"
    exponent = factor if exponent == "sf" else exponent
    exact = wanted(truth, names, exponent)
    off = abs(Decimal(value) - exact)
    most = abs(exact) * Decimal(2) ** -23 if kind == "f" else Decimal(kind != "q")
    return None if off < most or off == 0 else f"{at} ({names}) is {value}, not {exact}"


def disagreements(truth, asked):
    """All maps as one client read them."""
    spaces = {3: {}, 4: {}}
    for (function, address, _), words in asked.items():
        spaces[function].update({address + n: word for n, word in enumerate(words)})
    factor = struct.unpack(">h", struct.pack(">H", spaces[3][40092]))[0]
    found = [differs(truth, row, spaces[function], factor)
             for function, table in MAPS.values() for row in table]
    head = b"".join(struct.pack(">H", spaces[3][40000 + n]) for n in range(70))
    if head[:4] != b"SunS" or head[8:18] != b"Wattkeeper" or spaces[3][40070] != 203:
        found.append("the chain of SunSpec does not begin")
    return [text for text in found if text]


# ---- clients -------------------------------------------------------------------------------------

def by_pymodbus(where):
    if where.startswith("tcp:"):
        client = ModbusTcpClient("127.0.0.1", port=int(where[4:]))
    else:
        client = ModbusSerialClient(where[4:], framer=FramerType.RTU, baudrate=BAUD)
    client.connect()
    found = {}
    for function, address, count in BLOCKS:
        read = client.read_holding_registers if function == 3 else client.read_input_registers
        found[(function, address, count)] = read(address, count=count, slave=UNIT).registers
    client.close()
    return found


def by_program(command):
    done = subprocess.run([*command, *(f"{f},{a},{c}" for f, a, c in BLOCKS)],
                          capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    if done.returncode != 0 or len(lines) != len(BLOCKS):
        raise OSError(done.stderr.strip() or "too few lines")
    return {block: [int(word, 16) for word in line.split()]
            for block, line in zip(BLOCKS, lines)}


def by_mbpoll(where):
    found = {}
    for function, address, count in BLOCKS:
        common = ["mbpoll", "-a", str(UNIT), "-t", ("4:hex" if function == 3 else "3:hex"), "-0",
                  "-r", str(address), "-c", str(count), "-1"]
        carrier = (["-m", "tcp", "-p", where[4:], "127.0.0.1"] if where.startswith("tcp:")
                   else ["-m", "rtu", "-b", str(BAUD), "-P", "none", where[4:]])
        done = subprocess.run([*common, *carrier], capture_output=True, text=True, timeout=60)
        words = [line.split(":")[1].strip() for line in done.stdout.splitlines()
                 if line.startswith("[")]
        if done.returncode != 0 or len(words) != count:
            raise OSError(done.stdout + done.stderr)
        found[(function, address, count)] = [int(word, 16) for word in words]
    return found


def read_by_all(tap, truth, where, peer, modules):
    script = str(HERE / "jsmodbus" / "read.js")
    clients = {
        "pymodbus": lambda: by_pymodbus(where),
        "libmodbus": lambda: by_program([peer, "read", where, str(UNIT)]),
        "mbpoll": lambda: by_mbpoll(where),
        "jsmodbus": lambda: by_program(["node", script, modules, where, str(UNIT)]),
    }
    for name, read in clients.items():
        try:
            wrong = disagreements(truth, read())
        except Exception as fault:  # noqa: BLE001  (whatever a peer throws, the others go on)
            wrong = [f"{type(fault).__name__}: {fault}"]
        tap.check(not wrong, f"{name} reads every map over {where[:3].upper()} as DLMS tells it",
                  "\n".join(wrong))


# ---- by hand -------------------------------------------------------------------------------------

def crc(octets):
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ 0xA001 if register & 1 else register >> 1
    return struct.pack("<H", register)


def request(unit, address):
    frame = struct.pack(">BBHH", unit, 4, address, 2)
    return frame + crc(frame)


def ask(file, octets, timeout_s):
    """What comes back until the line is silent."""
    while select.select([file], [], [], 0)[0]:
        os.read(file, 4096)
    os.write(file, octets)
    got = b""
    while select.select([file], [], [], timeout_s if not got else 0.005)[0]:
        got += os.read(file, 4096)
    return got


def is_answer(got, unit):
    return len(got) == 9 and got[:3] == bytes([unit, 4, 4]) and crc(got[:-2]) == got[-2:]


def distorted(draw, frame):
    """Bit errors of 1e-3 in the frame, sometimes octets of zero or noise before it."""
    octets = bytearray(frame)
    hit = False
    for bit in range(8 * len(octets)):
        if draw.random() < 1e-3:
            octets[bit // 8] ^= 1 << bit % 8
            hit = True
    kind = draw.randrange(4)
    before = b"\0" if kind == 0 else draw.randbytes(draw.randrange(1, 9)) if kind == 1 else b""
    return before + bytes(octets), hit


def on_a_bad_line(device, unit, rounds):
    """(frames not hit, of them answered rightly, answers to hit frames)"""
    file = os.open(device, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    draw = random.Random(SEED)
    whole = right = wrong = 0
    for _ in range(rounds):
        octets, hit = distorted(draw, request(unit, 2 * draw.randrange(20)))
        got = ask(file, octets, 0.06)
        whole += not hit
        right += not hit and is_answer(got, unit)
        wrong += hit and is_answer(got, unit)
    os.close(file)
    return whole, right, wrong


def bad_lines(tap, line, peer):
    rounds = 400
    whole, right, wrong = on_a_bad_line(line.master_path, UNIT, rounds)
    other = Line()
    server = subprocess.Popen([peer, "serve", other.slave_path, str(UNIT)], text=True,
                              stdout=subprocess.PIPE)
    server.stdout.readline()
    their_whole, their_right, _ = on_a_bad_line(other.master_path, UNIT, rounds)
    server.kill()
    server.wait()
    tap.figure("Modbus RTU on a line with bit errors, zeros and noise: right requests answered",
               round(100 * right / whole, 2), "%", "= 100", right == whole, SEED)
    tap.figure("the same line: a server of libmodbus", round(100 * their_right / their_whole, 2),
               "%", "beside ours", True, SEED)
    tap.check(right == whole and wrong == 0,
              "every request that arrives whole is answered, and no other",
              f"{right} of {whole}, {wrong} wrong")


def timing(tap, line, port):
    file = os.open(line.master_path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    took = []
    for _ in range(300):
        octets = request(UNIT, 0)
        begin = time.monotonic()
        os.write(file, octets)
        os.read(file, 1)
        took.append(time.monotonic() - begin)
        time.sleep(0.002)
        os.read(file, 64)
    os.close(file)
    took.sort()
    t35_ms = 3.5 * 11 / BAUD * 1e3
    median = took[len(took) // 2] * 1e3
    tap.figure("Modbus RTU of a running meter: first octet after the request's end, median",
               round(median, 3), "ms", f"<= t3.5 + 2 ms ({t35_ms + 2:.3f})", median <= t35_ms + 2)
    client = ModbusTcpClient("127.0.0.1", port=port)
    client.connect()
    took = []
    for _ in range(2000):
        begin = time.monotonic()
        client.read_holding_registers(40070, count=107, slave=UNIT)
        took.append(time.monotonic() - begin)
    client.close()
    took.sort()
    tap.figure("Modbus TCP of a running meter, read by pymodbus: 99 %",
               round(took[len(took) * 99 // 100] * 1e3, 3), "ms", "< 5",
               took[len(took) * 99 // 100] < 5e-3)


def refused(tap, meter):
    for section, says in (("[modbus tcp]\nunit = 1", "[modbus tcp] needs port"),
                          ("[modbus rtu]\nbaud = 9600", "[modbus rtu] needs device"),
                          ("[modbus tcp]\nport = 1\nunit = 248", "'unit' must be a whole number"),
                          ("[modbus rtu]\nhost = x", "'host' is not a key of [modbus rtu]"),
                          ("[modbus rtu]\nframing = 7E1", "'framing' must be one of 8E1"),
                          ("[modbus tcp]\nswitch = perhaps", "'switch' must be yes or no"),
                          ("[modbus udp]\nport = 1", "there is no section [modbus udp]")):
        meter.write("a", lambda text: text + f"\n{section}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"{section.splitlines()} is refused with the reason", done.stderr)


def main():
    peer, modules = sys.argv[1:]
    tap = Tap()
    line = Line()
    port = free_port()
    meter = Meter("a", stop="2026-02-01T23:00:20Z")
    sections = (f"\n[modbus tcp]\nport = {port}\nunit = {UNIT}\n"
                f"\n[modbus rtu]\ndevice = {line.slave_path}\nbaud = {BAUD}\nframing = 8N1\n"
                f"rs485 = yes\nunit = {UNIT}\n")
    refused(tap, meter)
    meter.write("a", lambda text: text + sections)
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    truth = truths(meter)
    read_by_all(tap, truth, f"tcp:{port}", peer, modules)
    read_by_all(tap, truth, f"rtu:{line.master_path}", peer, modules)
    timing(tap, line, port)
    bad_lines(tap, line, peer)
    tap.check(all(code == 0 for code in meter.stop()), "the meter ends cleanly")
    meter.remove()
    status = tap.end()
    sys.stdout.flush()
    os._exit(status)  # the lines' threads have no end


if __name__ == "__main__":
    main()
