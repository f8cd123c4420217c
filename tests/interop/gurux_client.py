#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a meter with the Gurux DLMS client, an independent implementation; prints TAP.

gurux_client.py HOST PORT [--password TEXT] [--ek HEX] [--ak HEX] [--title HEX]
                [--hdlc-port PORT] [--udp-port PORT] [--device FILE_DESCRIPTOR]
                [--name TEXT] [--profile OBIS] [--registers OBIS,OBIS]
gurux_client.py --serve PROGRAM     starts PROGRAM (dlms_test_server) and reads it

Every association of the meter is used: public (no authentication), reader (LLS), management
(HLS5-GMAC, every APDU authenticated and encrypted, as glo-* and as general-glo-ciphering).
Gurux accepts octets that follow a value, so lengths are checked here as well.
"""
import argparse
import datetime
import io
import os
import pty
import select
import socket
import subprocess
import sys
import tty

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, Conformance, InterfaceType, ObjectType, Security
from gurux_dlms.objects import (GXDLMSClock, GXDLMSData, GXDLMSProfileGeneric, GXDLMSRegister,
                                GXDLMSAssociationLogicalName, GXDLMSDisconnectControl)
from gurux_dlms.secure import GXDLMSSecureClient

PUBLIC, READER, MANAGEMENT = 16, 2, 1
TIMEOUT_S = 10
OUT = sys.stdout

# Octets of the contents of A-XDR types of fixed size.
FIXED = {0: 0, 3: 1, 5: 4, 6: 4, 13: 1, 15: 1, 16: 2, 17: 1, 18: 2, 20: 8, 21: 8, 22: 1, 23: 4,
         24: 8, 25: 12, 26: 5, 27: 4}


def say(text):
    print(text, file=OUT, flush=True)


def length_at(octets, at):
    """A length and where it ends."""
    if octets[at] < 0x80:
        return octets[at], at + 1
    end = at + 1 + (octets[at] & 0x7F)
    return int.from_bytes(octets[at + 1:end], "big"), end


def value_end(octets, at):
    """Where the A-XDR value at `at` ends."""
    tag = octets[at]
    if tag in FIXED:
        return at + 1 + FIXED[tag]
    count, at = length_at(octets, at + 1)
    if tag in (1, 2):
        for _ in range(count):
            at = value_end(octets, at)
        return at
    return at + ((count + 7) // 8 if tag == 4 else count)


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0
        self.prefix = ""

    def check(self, name, condition, detail=""):
        self.count += 1
        self.failed += 0 if condition else 1
        say(f"{'ok' if condition else 'not ok'} {self.count} - {self.prefix}{name}")
        if not condition:
            say(f"# {detail}")

    def run(self, name, call):
        """A test that fails on any exception."""
        try:
            result = call()
            self.check(name, True)
            return result
        except Exception as error:  # the peer raises all kinds
            self.check(name, False, repr(error))
            return None


class Socket:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), TIMEOUT_S)
        self.socket.settimeout(TIMEOUT_S)

    def send(self, octets):
        self.socket.sendall(octets)

    def receive(self, size):
        octets = b""
        while len(octets) < size:
            part = self.socket.recv(size - len(octets))
            if not part:
                raise ConnectionError("the meter closed")
            octets += part
        return octets

    def close(self):
        self.socket.close()


class Datagrams:
    """Each datagram is one frame, neither less nor more. Nothing gets lost on this way."""
    def __init__(self, host, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, port))
        self.socket.settimeout(TIMEOUT_S)
        self.frame = b""

    def send(self, octets):
        if self.frame:
            raise ValueError(f"{len(self.frame)} octets behind the frame")
        self.socket.send(octets)

    def receive(self, size):
        if not self.frame:
            self.frame = self.socket.recv(65536)
        octets, self.frame = self.frame[:size], self.frame[size:]
        if len(octets) != size:
            raise ValueError("a frame in pieces")
        return octets

    def close(self):
        self.socket.close()


class Serial:
    """Our end of a pair of pseudo terminals; it stays open between connections."""
    def __init__(self, device):
        self.device = device

    def send(self, octets):
        while octets:
            octets = octets[os.write(self.device, octets):]

    def receive(self, size):
        octets = b""
        while len(octets) < size:
            if not select.select([self.device], [], [], TIMEOUT_S)[0]:
                raise TimeoutError("nothing comes on the line")
            octets += os.read(self.device, size - len(octets))
        return octets

    def close(self):
        pass


def is_final(frame):
    """The meter gives the turn back; in a window of frames the last one does."""
    at = 3
    for _ in range(2):
        while not frame[at] & 1:
            at += 1
        at += 1
    return bool(frame[at] & 0x10)


class Meter:
    """One association over one connection."""

    def __init__(self, options, client, general=False):
        self.hdlc = options.framing in ("hdlc", "serial")
        if options.framing == "serial":
            self.port = Serial(options.device)
        elif options.framing == "udp":
            self.port = Datagrams(options.host, options.udp_port)
        else:
            self.port = Socket(options.host, options.hdlc_port if self.hdlc else options.port)
        authentication = {PUBLIC: Authentication.NONE, READER: Authentication.LOW,
                          MANAGEMENT: Authentication.HIGH_GMAC}[client]
        password = options.password if client == READER else None
        server = GXDLMSSecureClient.getServerAddress(1, 17) if self.hdlc else 1
        self.client = GXDLMSSecureClient(True, client, server, authentication, password,
                                         InterfaceType.HDLC if self.hdlc
                                         else InterfaceType.WRAPPER)
        if self.hdlc:
            settings = self.client.hdlcSettings
            settings.maxInfoTX = settings.maxInfoRX = options.info
            settings.windowSizeTX = settings.windowSizeRX = 1
        if client == MANAGEMENT:
            cipher = self.client.ciphering
            cipher.security = Security.AUTHENTICATION_ENCRYPTION
            cipher.systemTitle = bytearray.fromhex(options.title)
            cipher.blockCipherKey = bytearray.fromhex(options.ek)
            cipher.authenticationKey = bytearray.fromhex(options.ak)
            cipher.invocationCounter = options.counter
            if not general:
                self.client.proposedConformance &= ~Conformance.GENERAL_PROTECTION
        self.tags = set()

    def exchange(self, request, reply):
        """Sends one frame and takes the frame that answers it."""
        self.port.send(bytes(request))
        if self.hdlc:
            frame = self.frame()
            while not self.client.getData(GXByteBuffer(frame), reply) or not is_final(frame):
                frame = self.frame()
        else:
            head = self.port.receive(8)
            body = self.port.receive(int.from_bytes(head[6:8], "big"))
            self.tags.add(body[0])
            if not self.client.getData(GXByteBuffer(head + body), reply):
                raise ValueError("the peer finds the reply incomplete")
        if reply.error:
            raise ValueError(f"refused with {reply.error}")

    def frame(self):
        """One HDLC frame; flags may be shared."""
        flag = self.port.receive(1)
        while flag != b"\x7E":
            flag = self.port.receive(1)
        form = self.port.receive(1)
        while form == b"\x7E":
            form = self.port.receive(1)
        form += self.port.receive(1)
        length = (form[0] & 7) << 8 | form[1]
        octets = flag + form + self.port.receive(length - 2 + 1)
        at = octets.find(b"\xE6\xE7\x00")
        if at in (8, 9, 10, 11, 12):
            self.tags.add(octets[at + 3])
        return octets

    def transfer(self, requests):
        """A whole service, all blocks included."""
        reply = GXReplyData()
        if not isinstance(requests, list):
            requests = [requests]
        for request in requests:
            reply.clear()
            self.exchange(request, reply)
            while reply.isMoreData():
                self.exchange(self.client.receiverReady(reply), reply)
        return reply

    def open(self):
        if self.hdlc:
            reply = GXReplyData()
            self.exchange(self.client.snrmRequest(), reply)
            self.client.parseUAResponse(reply.data)
        self.client.parseAareResponse(self.transfer(self.client.aarqRequest()).data)
        if self.client.isAuthenticationRequired:
            reply = self.transfer(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)
        return self

    def read(self, item, attribute):
        reply = self.transfer(self.client.read(item, attribute))
        octets = bytes(reply.data.array())
        if value_end(octets, 0) != len(octets):
            raise ValueError(f"{len(octets) - value_end(octets, 0)} octets too many")
        return self.client.updateValue(item, attribute, reply.value)

    def rows_by_range(self, profile, first, last):
        reply = self.transfer(self.client.readRowsByRange(profile, first, last))
        return self.client.updateValue(profile, 2, reply.value)

    def rows_by_entry(self, profile, first, count):
        reply = self.transfer(self.client.readRowsByEntry(profile, first, count))
        return self.client.updateValue(profile, 2, reply.value)

    def close(self):
        try:
            request = self.client.releaseRequest()
            if request:
                self.transfer(request)
            if self.hdlc:
                self.exchange(self.client.disconnectRequest(), GXReplyData())
        finally:
            self.port.close()


def text_of(value):
    return bytes(value).decode("ascii") if isinstance(value, (bytes, bytearray)) else str(value)


def utc_of(date):
    value = date.value
    if value.tzinfo is None:
        raise ValueError("a time without deviation")
    return value.astimezone(datetime.timezone.utc)


def read_name(meter, options):
    name = text_of(meter.read(GXDLMSData("0.0.42.0.0.255"), 2))
    if options.name and name != options.name:
        raise ValueError(f"the name is {name}")
    return name


def read_objects(meter, association, version):
    """How many objects there are. The peer takes the access modes of version 3 for a plain
    enumeration, though they are bits: what comes from there is counted here."""
    if version < 3:
        return len(meter.read(association, 2))
    octets = bytes(meter.transfer(meter.client.read(association, 2)).data.array())
    count, at = length_at(octets, 1)
    for _ in range(count):
        at = value_end(octets, at)
    if octets[0] != 1 or at != len(octets):
        raise ValueError(f"{count} objects end at octet {at} of {len(octets)}")
    return count


def read_clock(meter, options):
    clock = GXDLMSClock("0.0.1.0.0.255")
    meter.read(clock, 2)
    if options.now:
        now = datetime.datetime.now(datetime.timezone.utc)
        if abs((utc_of(clock.time) - now).total_seconds()) > 5:
            raise ValueError(f"the clock shows {clock.time}")
    return clock.time


def read_register(meter, obis):
    register = GXDLMSRegister(obis)
    meter.read(register, 3)
    meter.read(register, 2)
    return register.value


def read_profile(meter, options, tap, role):
    profile = GXDLMSProfileGeneric(options.profile)
    columns = tap.run(f"{role}: capture objects", lambda: meter.read(profile, 3))
    count = tap.run(f"{role}: entries in use", lambda: meter.read(profile, 7))
    if not columns or not count:
        return
    rows = tap.run(f"{role}: the last 100 entries",
                   lambda: list(meter.rows_by_entry(profile, max(1, count - 99), 100)))
    rows = rows or []
    tap.check(f"{role}: as many rows as asked for", len(rows) == min(100, count), len(rows))
    tap.check(f"{role}: every row has every column",
              all(len(row) == len(columns) for row in rows), rows[:1])
    if len(rows) < 10:
        return
    first, last = rows[-10][0], rows[-3][0]
    ranged = tap.run(f"{role}: a range", lambda: list(meter.rows_by_range(profile, first, last)))
    ranged = ranged or []
    tap.check(f"{role}: the range holds both its ends and what lies between",
              [row[1:] for row in ranged] == [row[1:] for row in rows[-10:-2]],
              f"{len(ranged)} rows")
    stamps = [utc_of(row[0]) for row in rows]
    steps = {(b - a).total_seconds() for a, b in zip(stamps, stamps[1:])}
    tap.check(f"{role}: entries follow each other in time", all(s > 0 for s in steps), steps)


class BlockMeter(Meter):
    """Sends and receives by general block transfer. This release of the peer fails when it is to
    acknowledge a block, so the blocks are put together here; what is in them the peer reads."""

    def __init__(self, options, client, window):
        super().__init__(options, client)
        self.window = window
        self.client.proposedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
        self.client.maxReceivePDUSize = 256
        self.associated = False
        self.longest = 0

    def open(self):
        super().open()
        self.associated = True
        return self

    def exchange(self, request, reply):
        if not self.associated:
            return super().exchange(request, reply)
        apdu = bytes(request)[8:]
        self.send_block(1, 0, apdu)
        own, taken, whole, last = 1, 0, b"", False
        while not last:
            head = self.port.receive(8)
            body = self.port.receive(int.from_bytes(head[6:8], "big"))
            self.tags.add(body[0])
            if body[0] != 0xE0:
                raise ValueError(f"no general block: {body.hex()}")
            number = int.from_bytes(body[2:4], "big")
            size, at = length_at(body, 6)
            if number != taken + 1 or len(body) != at + size or len(body) > 256:
                raise ValueError(f"block {number} after {taken}, {len(body)} octets")
            taken, whole, last = number, whole + body[at:], body[1] & 0x80 != 0
            self.longest = max(self.longest, taken)
            if not last and body[1] & 0x40 == 0:
                own += 1
                self.send_block(own, taken, b"")
        frame = head[:6] + len(whole).to_bytes(2, "big") + whole
        if not self.client.getData(GXByteBuffer(frame), reply):
            raise ValueError("the peer finds the reply incomplete")
        if reply.error:
            raise ValueError(f"refused with {reply.error}")

    def send_block(self, number, ack, data):
        length = bytes([len(data)]) if len(data) < 128 else b"\x81" + bytes([len(data)])
        block = (bytes([0xE0, 0x80 | self.window]) + number.to_bytes(2, "big") +
                 ack.to_bytes(2, "big") + length + data)
        head = b"\x00\x01" + self.client.clientAddress.to_bytes(2, "big") + b"\x00\x01"
        self.port.send(head + len(block).to_bytes(2, "big") + block)


def read_by_general_blocks(options, tap, window):
    def read():
        meter = BlockMeter(options, READER, window).open()
        read_clock(meter, options)
        profile = GXDLMSProfileGeneric(options.profile)
        meter.read(profile, 3)
        there = min(60, int(meter.read(profile, 7)))
        rows = list(meter.rows_by_entry(profile, 1, 60))
        meter.associated = False
        meter.close()
        return len(rows) == there > 0, meter.longest
    whole, blocks = tap.run(f"reader: general blocks, window {window}", read) or (False, 0)
    tap.check(f"reader: up to 60 entries in general blocks, window {window}",
              whole and blocks > 2, f"{blocks} blocks")


def read_everything(options, client, role, tap, general=False):
    meter = tap.run(f"{role}: association", lambda: Meter(options, client, general).open())
    if not meter:
        return
    tap.run(f"{role}: logical device name", lambda: read_name(meter, options))
    tap.run(f"{role}: clock", lambda: read_clock(meter, options))
    association = GXDLMSAssociationLogicalName("0.0.40.0.0.255")
    objects = tap.run(f"{role}: object list",
                      lambda: read_objects(meter, association, options.association))
    tap.check(f"{role}: the object list is not empty", bool(objects))
    if client != PUBLIC:
        for obis in options.registers.split(","):
            value = tap.run(f"{role}: register {obis}", lambda o=obis: read_register(meter, o))
            tap.check(f"{role}: register {obis} has a value", value is not None)
        read_profile(meter, options, tap, role)
    if client == MANAGEMENT:
        want = {0xDB, 0xCF} if general else {0xCC, 0xCD, 0xCF}
        seen = meter.tags - {0x61}
        tap.check(f"{role}: every answer is ciphered as asked", seen and seen <= want, seen)
        supply = GXDLMSDisconnectControl("0.0.96.3.10.255")
        tap.run(f"{role}: disconnect", lambda: meter.transfer(supply.remoteDisconnect(meter.client)))
        state = tap.run(f"{role}: output state", lambda: meter.read(supply, 2))
        tap.check(f"{role}: the supply is disconnected", state is False, state)
        tap.run(f"{role}: reconnect", lambda: meter.transfer(supply.remoteReconnect(meter.client)))
        options.counter = meter.client.ciphering.invocationCounter + 1
    tap.run(f"{role}: release", meter.close)


def refused(options, client, tap, name):
    try:
        meter = Meter(options, client).open()
        read_clock(meter, options)
        tap.check(name, False, "the meter let it in")
    except Exception:  # how the peer says it does not matter
        tap.check(name, True)


def run(options):
    """Over the transports that are named."""
    tap = Tap()
    if options.brief:
        options.counter = tap.run("public: invocation counter", lambda: next_counter(options)) or 1
        meter = tap.run("management: association", lambda: Meter(options, MANAGEMENT).open())
        tap.run("management: clock", lambda: read_clock(meter, options))
        say(f"1..{tap.count}")
        return 1 if tap.failed else 0
    read_all_clients(options, tap)
    for framing in (["udp"] if options.udp_port else []) + \
            (["hdlc"] if options.hdlc_port else []) + \
            (["serial"] if options.device is not None else []):
        options.framing = framing
        tap.prefix = f"{framing}: "
        read_all_clients(options, tap)
    say(f"1..{tap.count}")
    return 1 if tap.failed else 0


def run_all(options):
    """Over every transport of the test server."""
    tap = Tap()
    read_all_clients(options, tap)
    # The peer miscounts in windows of several frames, and in segmented requests for the next
    # block: one frame at a time, long enough for such a request.
    for framing, info in (("udp", 0), ("hdlc", 128), ("hdlc", 2030), ("hdlc", 64), ("serial", 128)):
        options.framing, options.info = framing, info
        tap.prefix = f"{framing} of {info} octets: " if info else f"{framing}: "
        read_all_clients(options, tap)
    say(f"1..{tap.count}")
    return 1 if tap.failed else 0


def read_all_clients(options, tap):
    read_everything(options, PUBLIC, "public", tap)
    read_everything(options, READER, "reader", tap)
    for window in (1, 5) if options.framing in ("wrapper", "udp") else ():
        read_by_general_blocks(options, tap, window)
    counter = tap.run("public: invocation counter", lambda: next_counter(options))
    options.counter = counter or 1
    read_everything(options, MANAGEMENT, "management glo", tap)
    read_everything(options, MANAGEMENT, "management general-glo", tap, general=True)
    wrong = argparse.Namespace(**vars(options))
    wrong.password = "wrong password"
    refused(wrong, READER, tap, "a wrong password is refused")
    wrong.ek = "FF" * 16
    refused(wrong, MANAGEMENT, tap, "a wrong key is refused")
    wrong.ek, wrong.counter = options.ek, 1
    refused(wrong, MANAGEMENT, tap, "a used invocation counter is refused")


def next_counter(options):
    meter = Meter(options, PUBLIC).open()
    value = meter.read(GXDLMSData("0.0.43.1.0.255"), 2)
    meter.close()
    return int(value) + 1


def main():
    parser = argparse.ArgumentParser(description="reads a meter with the Gurux DLMS client")
    parser.add_argument("host", nargs="?", default="127.0.0.1")
    parser.add_argument("port", nargs="?", type=int)
    parser.add_argument("--hdlc-port", type=int, help="HDLC over TCP as well")
    parser.add_argument("--udp-port", type=int, help="the wrapper over UDP as well")
    parser.add_argument("--device", type=int, help="HDLC on this open serial device as well")
    parser.add_argument("--association", type=int, default=2, help="version of class 15")
    parser.add_argument("--brief", action="store_true", help="the management client's clock only")
    parser.add_argument("--serve", help="start this test server and read it")
    parser.add_argument("--password", default="Wattkeeper")
    parser.add_argument("--ek", default="000102030405060708090A0B0C0D0E0F")
    parser.add_argument("--ak", default="D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
    parser.add_argument("--title", default="4755525558000001")
    parser.add_argument("--name")
    parser.add_argument("--now", action="store_true", help="the clock must show the present")
    parser.add_argument("--profile", default="1.0.99.1.0.255")
    parser.add_argument("--registers", default="1.0.1.8.0.255,1.0.1.8.1.255")
    options = parser.parse_args()
    options.counter = 1
    options.framing = "wrapper"
    options.info = 128
    if not options.serve:
        if options.port is None:
            parser.error("give HOST PORT, or --serve PROGRAM")
        return run(options)
    options.name = "WKP0000000000001"
    options.now = True
    options.device, device = pty.openpty()
    tty.setraw(options.device)
    server = subprocess.Popen([options.serve, "0", os.ttyname(device)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    os.close(device)
    try:
        words = server.stdout.readline().split()
        options.port, options.hdlc_port, options.udp_port = (int(words[i]) for i in (1, 3, 5))
        status = run_all(options)
    finally:
        server.stdin.close()
        ended = server.wait(TIMEOUT_S)
    if ended != 0:
        say(f"# the server ended with {ended}")
    return status or ended


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
