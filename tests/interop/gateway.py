#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Modbus gateway of a running meter: clients on TCP (pymodbus, mbpoll) reach units on a serial line
(servers of pymodbus at the far end of `wk lab serial`), beside the meter's own sub-meter there; and
the master of a serial line reaches units on TCP. Prints TAP.

usage: gateway.py"""
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tty

from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chain"))
sys.path.insert(0, str(HERE))
from harness import Meter, Tap, free_port  # noqa: E402
from modbus import crc  # noqa: E402
from submeter import SDM630, SDM630_SAYS, Server, floats  # noqa: E402

SEED = 20261121
BAUD = 38400
OWN = 5           # the meter
FIRST, SECOND = 11, 12
SUBMETER = 3
DEAD = 20         # of the gateway, but not there
STRANGE = 77      # of nobody
BEHIND_TCP, GONE_TCP = 60, 61
MAKER = 0x44      # a function that no gateway knows
TIMEOUT_S = 0.3


class MakerPDU(ModbusPDU):
    """A maker's function: its data come back, and one octet more."""

    function_code = MAKER

    def __init__(self, data=b"", **more):
        super().__init__(**more)
        self.data = data

    def encode(self):
        return self.data

    def decode(self, data):
        self.data = bytes(data)

    @classmethod
    def calculateRtuFrameSize(cls, data):  # noqa: N802  (their name)
        return 12

    def get_response_pdu_size(self):
        return 1 + len(self.data)

    async def update_datastore(self, context):
        del context
        return MakerPDU(data=self.data + b"\xA5")


def unit(registers):
    block = ModbusSparseDataBlock({at + 1: value for at, value in registers.items()})
    return ModbusSlaveContext(hr=block, ir=block)


def ramp(base):
    return {at: base + at for at in range(200)}


class SerialLab:
    """`wk lab serial`, and pymodbus at its right end."""

    def __init__(self, tool, folder, *rules):
        self.left, self.right = f"{folder}/left", f"{folder}/right"
        self.process = subprocess.Popen(
            [tool, "lab", "serial", "--left", self.left, "--right", self.right, "--baud", str(BAUD),
             "--seed", str(SEED), *rules], stdout=subprocess.DEVNULL)
        while not os.path.exists(self.right):
            time.sleep(0.01)
        self.units = {FIRST: unit(ramp(1000)), SECOND: unit(ramp(2000)),
                      SUBMETER: unit(floats(SDM630, 0x164))}
        context = ModbusServerContext(slaves=self.units, single=False)
        Server(lambda: ModbusSerialServer(
            context, framer=FramerType.RTU, port=self.right, baudrate=BAUD,
            ignore_missing_slaves=True, broadcast_enable=True, custom_pdu=[MakerPDU]))
        time.sleep(0.5)

    def end(self):
        self.process.terminate()
        self.process.wait()


# ---- clients -------------------------------------------------------------------------------------

class Raw:
    """Modbus/TCP by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0

    def send(self, to, pdu):
        self.number += 1
        self.socket.sendall(struct.pack(">HHHB", self.number, 0, 1 + len(pdu), to) + pdu)
        return self.number

    def octets(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                raise OSError("closed")
            got += part
        return got

    def receive(self):
        number, _, length, from_unit = struct.unpack(">HHHB", self.octets(7))
        return number, from_unit, self.octets(length - 1)

    def ask(self, to, pdu):
        number = self.send(to, pdu)
        told = self.receive()
        assert told[:2] == (number, to), told
        return told[2]


def read_pdu(address, count):
    return struct.pack(">BHH", 3, address, count)


def mbpoll(port, to, address, count):
    done = subprocess.run(["mbpoll", "-a", str(to), "-t", "4", "-0", "-r", str(address), "-c",
                           str(count), "-1", "-m", "tcp", "-p", str(port), "127.0.0.1"],
                          capture_output=True, text=True, timeout=60)
    return [int(line.split(":")[1].split()[0]) for line in done.stdout.splitlines()
            if line.startswith("[")]


# ---- what is asked -------------------------------------------------------------------------------

def units_are_reached(tap, port, lab):
    client = ModbusTcpClient("127.0.0.1", port=port, framer=FramerType.SOCKET)
    client.connect()
    for to, base in ((FIRST, 1000), (SECOND, 2000)):
        told = client.read_holding_registers(0, count=125, slave=to).registers
        tap.check(told == [base + n for n in range(125)], f"pymodbus reads unit {to} on the line")
        told = mbpoll(port, to, 50, 100)
        tap.check(told == [base + 50 + n for n in range(100)], f"mbpoll reads unit {to} on the line",
                  told)
    own = client.read_holding_registers(40000, count=2, slave=OWN).registers
    tap.check(own == [0x5375, 0x6E53], "the meter's own unit is answered by the meter", own)
    client.write_register(7, 4242, slave=FIRST)
    client.write_registers(8, [1, 2, 3], slave=FIRST)
    client.mask_write_register(address=9, and_mask=0xFFF0, or_mask=0x0005, slave=FIRST)
    both = client.readwrite_registers(read_address=7, read_count=4, write_address=10,
                                      values=[99], slave=FIRST).registers
    tap.check(both == [4242, 1, 5, 99], "functions 6, 16, 22 and 23 are carried", both)
    client.close()
    raw = Raw(port)
    sent = bytes([MAKER]) + bytes(range(8))
    told = raw.ask(FIRST, sent)
    tap.check(told == sent + b"\xA5", "a function of a maker is carried, its length by the gap", told)
    raw.send(0, struct.pack(">BHH", 6, 20, 555))
    time.sleep(0.5)
    values = [lab.units[to].getValues(3, 20, count=1)[0] for to in (FIRST, SECOND)]
    tap.check(values == [555, 555], "a broadcast reaches all units of the line", values)
    told = raw.ask(FIRST, read_pdu(20, 1))
    tap.check(told == struct.pack(">BBH", 3, 2, 555), "... and has no answer", told)


def exceptions_are_right(tap, port):
    raw = Raw(port)
    for to, pdu, code, says in (
            (STRANGE, read_pdu(0, 1), 10, "a unit of nobody"),
            (DEAD, read_pdu(0, 1), 11, "a unit that is not there"),
            (FIRST, read_pdu(5000, 1), 2, "the unit's own exception"),
            (SUBMETER, struct.pack(">BHH", 6, 0, 1), 1, "writing where the gateway only reads"),
            (GONE_TCP, read_pdu(0, 1), 10, "a server that refuses the connection"),
            (FIRST, b"\x00", 1, "function 0"), (FIRST, b"\x83\x00", 1, "function 131")):
        told = raw.ask(to, pdu)
        tap.check(told == bytes([pdu[0] | 0x80, code]), f"{says}: exception {code}", told)
    numbers = [raw.send(DEAD, read_pdu(0, 1)) for _ in range(20)]
    told = dict((number, pdu) for number, _, pdu in (raw.receive() for _ in numbers))
    busy = sum(pdu == b"\x83\x06" for pdu in told.values())
    late = sum(pdu == b"\x83\x0B" for pdu in told.values())
    tap.check(set(told) == set(numbers) and busy + late == 20 and busy in (3, 4),
              "of 20 requests at once 16 wait, the others get exception 6: busy", (busy, late))


def read_without_pause(port, to, until, took, wrong):
    raw = Raw(port)
    base = {FIRST: 1000, SECOND: 2000}.get(to)
    while time.monotonic() < until:
        begin = time.monotonic()
        told = raw.ask(to, read_pdu(10, 20))
        took.append(time.monotonic() - begin)
        good = (told == b"\x83\x0B" if base is None
                else told == struct.pack(">BB20H", 3, 40, *(base + n for n in range(10, 30))))
        wrong.extend([] if good else [told])


def many_at_once(tap, meter, port):
    """Two quick clients and one that asks for a dead unit, beside the sub-meter's cycle of a second."""
    took, wrong = {FIRST: [], SECOND: [], DEAD: []}, []
    for at in range(10, 30):
        Raw(port).ask(FIRST, struct.pack(">BHH", 6, at, 1000 + at))
        Raw(port).ask(SECOND, struct.pack(">BHH", 6, at, 2000 + at))
    before = meter.get("/api/submeters")
    until = time.monotonic() + 12
    threads = [threading.Thread(target=read_without_pause, args=(port, to, until, took[to], wrong))
               for to in took]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = meter.get("/api/submeters")
    read = after["submeters"][0]["readings"] - before["submeters"][0]["readings"]
    failed = after["submeters"][0]["failures"] - before["submeters"][0]["failures"]
    counts = {to: len(times) for to, times in took.items()}
    tap.check(not wrong, "three clients at once: every answer is its own", wrong[:3])
    tap.check(read >= 8 and failed == 0, "the sub-meter's cycle of a second goes on meanwhile",
              f"{read} readings, {failed} failures")
    tap.check(min(counts[FIRST], counts[SECOND]) > 0.7 * max(counts[FIRST], counts[SECOND]),
              "two clients get the same", counts)
    tap.check(after["lines"][0]["clients"]["jobs"] > 50 and after["lines"][0]["requests"] > 0,
              "the page tells what the line did", after["lines"])
    tap.figure("gateway: sub-meter readings in 12 s at a period of 1 s, beside two clients without "
               "pause and a dead unit", read, "readings", ">= 8", read >= 8)
    tap.figure("the same: answers to the two clients", counts[FIRST] + counts[SECOND], "answers",
               "-", True)


# ---- latency and noise ---------------------------------------------------------------------------

def direct(device, rounds):
    """The line itself: a master on the device, who waits for nothing but the whole answer."""
    file = os.open(device, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(file)
    took = []
    frame = bytes([FIRST]) + read_pdu(100, 20)
    frame += crc(frame)
    for _ in range(rounds):
        time.sleep(0.005)
        begin = time.monotonic()
        os.write(file, frame)
        got = b""
        while len(got) < 45 and select.select([file], [], [], 1)[0]:
            got += os.read(file, 256)
        took.append(time.monotonic() - begin)
    os.close(file)
    return sorted(took)[rounds // 2]


def latency(tap, lab_folder, tool):
    rounds = 100
    lab = SerialLab(tool, lab_folder)
    line_s = direct(lab.left, rounds)
    port = free_port()
    meter = start_meter(lab, port, None, None, submeter=False)
    raw = Raw(port)
    raw.ask(FIRST, read_pdu(100, 20))
    took = []
    for _ in range(rounds):
        time.sleep(0.005)
        begin = time.monotonic()
        raw.ask(FIRST, read_pdu(100, 20))
        took.append(time.monotonic() - begin)
    added_ms = (sorted(took)[rounds // 2] - line_s) * 1e3
    tap.figure("gateway: a request of 20 registers on the line alone, median",
               round(line_s * 1e3, 2), "ms", "-", True)
    tap.figure("gateway: added to it, median", round(added_ms, 2), "ms", "< 5", added_ms < 5)
    meter.remove()
    lab.end()


def noise(tap, folder, tool):
    lab = SerialLab(tool, folder, "--noise", "0.02%", "--gap", "4ms", "--gaps", "1%")
    port = free_port()
    meter = start_meter(lab, port, None, None, submeter=False, retries=3)
    raw = Raw(port)
    right = wrong = 0
    rounds = 60
    for _ in range(rounds):
        told = raw.ask(SECOND, read_pdu(10, 60))
        right += told == struct.pack(">BB60H", 3, 120, *(2000 + n for n in range(10, 70)))
        wrong += told[0] == 3 and told != struct.pack(">BB60H", 3, 120,
                                                      *(2000 + n for n in range(10, 70)))
    tap.check(wrong == 0, "no answer of a line with noise is wrong", wrong)
    tap.figure("gateway with 3 repetitions on a line with bit errors of 2e-4 and gaps: answered rightly",
               right, f"of {rounds}", f">= {rounds - 3}", right >= rounds - 3, SEED)
    tap.check(right >= rounds - 3, "... and nearly all arrive by repetition", right)
    meter.remove()
    lab.end()


# ---- the other way -------------------------------------------------------------------------------

def ask_line(file, to, pdu, timeout_s):
    frame = bytes([to]) + pdu
    os.write(file, frame + crc(frame))
    got = b""
    while select.select([file], [], [], timeout_s if not got else 0.03)[0]:
        got += os.read(file, 4096)
    good = len(got) > 3 and got[0] == to and crc(got[:-2]) == got[-2:]
    return got[1:-2] if good else got


def line_to_tcp(tap, file):
    told = ask_line(file, BEHIND_TCP, read_pdu(30, 3), 2)
    tap.check(told == struct.pack(">BB3H", 3, 6, 6030, 6031, 6032),
              "the master of a serial line reads a unit behind TCP", told)
    told = ask_line(file, OWN, read_pdu(40000, 2), 2)
    tap.check(told[2:] == b"SunS", "... and the meter itself", told)
    told = ask_line(file, GONE_TCP, read_pdu(0, 1), 2)
    tap.check(told == b"\x83\x0A", "a server that is not there: exception 10", told)
    told = ask_line(file, BEHIND_TCP + 2, read_pdu(0, 1), 2)
    tap.check(told == b"\x83\x0B", "a server that says nothing: exception 11", told)
    told = ask_line(file, STRANGE, read_pdu(0, 1), 0.5)
    tap.check(told == b"", "a unit of others on the line is left to them", told)
    frame = bytes([BEHIND_TCP + 2]) + read_pdu(0, 1)
    os.write(file, frame + crc(frame))
    time.sleep(0.05)
    told = ask_line(file, OWN, read_pdu(40000, 2), 2)
    time.sleep(0.5)
    late = os.read(file, 99) if select.select([file], [], [], 0)[0] else b""
    tap.check(told[2:] == b"SunS" and late == b"",
              "a master that has gone on gets no late answer", (told, late))


# ---- meters --------------------------------------------------------------------------------------

def start_meter(lab, port, slave, tcp, submeter=True, retries=0):
    meter = Meter("b", stop="2026-02-01T23:00:10Z")
    uri = f"rtu:{lab.left},{BAUD},8N1"
    text = f"\n[modbus tcp]\nport = {port}\nunit = {OWN}\n"
    text += (f"\n[gateway line]\nuri = {uri}\nunits = {FIRST}-{SECOND}, {DEAD}\nwrite = yes\n"
             f"broadcast = yes\ntimeout_ms = {int(TIMEOUT_S * 1000)}\nretries = {retries}\n")
    if submeter:
        text += (f"\n[submeter cellar]\nuri = {uri}\nmap = sdm630\nunit = {SUBMETER}\nperiod_s = 1\n"
                 f"\n[gateway look]\nuri = {uri}\nunits = {SUBMETER}\n"
                 f"\n[gateway gone]\nuri = tcp:127.0.0.1:{free_port()}\nunits = {GONE_TCP}\n")
    if slave:
        text += (f"\n[modbus rtu]\ndevice = {slave}\nbaud = 19200\nframing = 8N1\nunit = {OWN}\n"
                 f"\n[gateway back]\nfrom = rtu\nuri = tcp:127.0.0.1:{tcp[0]}\n"
                 f"units = {BEHIND_TCP}\n"
                 f"\n[gateway back-gone]\nfrom = rtu\nuri = tcp:127.0.0.1:{free_port()}\n"
                 f"units = {GONE_TCP}\n"
                 f"\n[gateway back-mute]\nfrom = rtu\nuri = tcp:127.0.0.1:{tcp[1]}\n"
                 f"units = {BEHIND_TCP + 2}\ntimeout_ms = 300\n")
    meter.write("b", lambda words: words + text)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    return meter


def refused(tap, meter):
    good = "[modbus tcp]\nport = 1\n[gateway x]\nuri = rtu:/dev/ttyX,9600\n"
    for section, says in (
            (good, "[gateway] needs uri and units"),
            (good + "units = 0-3", "'units' must be units from 1 to 247"),
            (good + "units = 3-1", "'units' must be units from 1 to 247"),
            (good + "units = 1,", "'units' must be units from 1 to 247"),
            (good + "units = 1-3", "[gateway] has the meter's own unit"),
            (good + "units = 2\nfrom = rtu", "[gateway] from rtu needs [modbus rtu]"),
            (good + "units = 2\nbaud = 9600", "'baud' is not a key of [gateway]"),
            (good + "units = 2\ntimeout_ms = 1", "'timeout_ms' must be a whole number from 10"),
            (good + "units = 2\n[gateway y]\nuri = tcp:h\nunits = 2",
             "two sections [gateway] have the same unit"),
            (good + "units = 2\n[submeter y]\nuri = rtu:/dev/ttyX,19200\nmap = sdm120",
             "[gateway] and [submeter] on one line need the same uri"),
            (good + "units = 2\n[modbus rtu]\ndevice = /dev/ttyX", "which has another master"),
            ("[gateway x]\nuri = rtu:/dev/ttyX,9601", "\"9601\" is neither a baud rate"),
            ("[gateway x]\nuri = tcp:h\nunits = 2", "[gateway] from tcp needs [modbus tcp]")):
        meter.write("b", lambda text: text + f"\n{section}\n")
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True, timeout=20)
        tap.check(done.returncode == 1 and says in done.stderr,
                  f"refused with the reason: {says}", done.stderr)


def main():
    tap = Tap()
    tool = Meter("b").bin / "wk"
    folders = [tempfile.mkdtemp(prefix="wk-gateway-") for _ in range(3)]
    lab = SerialLab(tool, folders[0])
    port, behind = free_port(), free_port()
    Server(lambda: ModbusTcpServer(ModbusServerContext(slaves={BEHIND_TCP: unit(ramp(6000))},
                                                       single=False),
                                   address=("127.0.0.1", behind)))
    mute = socket.create_server(("127.0.0.1", 0))
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    meter = start_meter(lab, port, os.ttyname(theirs), (behind, mute.getsockname()[1]))
    units_are_reached(tap, port, lab)
    exceptions_are_right(tap, port)
    told = meter.get("/api/submeters")["submeters"][0]
    wrong = {key: told["values"].get(key) for key, value in SDM630_SAYS.items()
             if told["values"].get(key) != value}
    tap.check(told["readings"] > 0 and not wrong, "the sub-meter on the same line is read", told)
    many_at_once(tap, meter, port)
    line_to_tcp(tap, ours)
    lab.end()
    time.sleep(0.5)
    told = Raw(port).ask(FIRST, read_pdu(0, 1))
    tap.check(told == b"\x83\x0A", "a line that is gone: exception 10", told)
    tap.check(meter.stop() == [0], "wk-meterd ends cleanly")
    refused(tap, meter)
    meter.remove()
    latency(tap, folders[1], tool)
    noise(tap, folders[2], tool)
    sys.stdout.flush()
    status = tap.end()
    sys.stdout.flush()
    os._exit(status)  # the servers' threads have no end


if __name__ == "__main__":
    main()
