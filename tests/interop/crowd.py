#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""64 clients at once in one meter process; prints TAP.

crowd.py SERVER     starts SERVER (dlms_test_server)

29 public clients and 29 with LLS read the clock 200 times each, every one with its next request as
soon as the last is answered; 4 with HLS 5 (the Gurux client) do the same in a process of their own;
one reads a profile of 960 rows over and over, one fell silent within a frame. A 65th is
turned away. Nobody may wait far longer than the others, and memory may not grow.
"""
import argparse
import io
import json
import multiprocessing
import pathlib
import selectors
import socket
import subprocess
import sys
import time

import gurux_client
from gurux_client import MANAGEMENT, READER, Tap, say
from gurux_dlms.objects import GXDLMSClock

PLAIN, SEALED, READS = 29, 4, 200
LONGEST_OF_MEAN = 20
GROWTH_KIB = 16 * 1024
CONTEXT = bytes.fromhex("A109060760857405080101")
INITIATE = bytes.fromhex("BE10040E01000000065F1F0400401E5D0400")
CLOCK = bytes.fromhex("C001C100080000010000FF0200")
PROFILE = bytes.fromhex("C001C100070100630100FF0200")


def framed(client, apdu):
    return b"\0\1" + client.to_bytes(2, "big") + b"\0\1" + len(apdu).to_bytes(2, "big") + apdu


def aarq(password):
    secret = b"" if password is None else bytes.fromhex("8A0207808B0760857405080201AC") + \
        bytes([len(password) + 2, 0x80, len(password)]) + password
    body = CONTEXT + secret + INITIATE
    return bytes([0x60, len(body)]) + body


class Plain:
    """A client whose requests are the same octets each time."""

    def __init__(self, port, client, password=None):
        self.client, self.waits, self.asked, self.octets = client, [], 0.0, b""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask(aarq(password))
        answer = self.whole()
        self.associated = answer[:1] == b"\x61" and bytes.fromhex("A203020100") in answer

    def ask(self, apdu):
        self.asked = time.monotonic()
        self.socket.sendall(framed(self.client, apdu))

    def whole(self):
        """The next APDU; None if it is not all there yet."""
        while True:
            if len(self.octets) >= 8:
                end = 8 + int.from_bytes(self.octets[6:8], "big")
                if len(self.octets) >= end:
                    apdu, self.octets = self.octets[8:end], self.octets[end:]
                    self.waits.append(time.monotonic() - self.asked)
                    return apdu
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the meter closed")
            self.octets += part


def gurux(port, role, counter=1):
    return gurux_client.Meter(argparse.Namespace(
        host="127.0.0.1", port=port, framing="wrapper", password="Wattkeeper", counter=counter,
        title="4755525558000001", ek="000102030405060708090A0B0C0D0E0F",
        ak="D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"), role).open()


def sealed(port, ready, go, answers):
    """All of one key, so of one counter: they take turns."""
    sys.stdout = io.StringIO()
    meters, counter = [], 1
    for _ in range(SEALED):
        meters.append(gurux(port, MANAGEMENT, counter))
        counter = meters[-1].client.ciphering.invocationCounter + 1
    ready.set()
    go.wait()
    waits = []
    for _ in range(READS):
        for meter in meters:
            meter.client.ciphering.invocationCounter = counter
            begin = time.monotonic()
            meter.read(GXDLMSClock("0.0.1.0.0.255"), 2)
            waits.append(time.monotonic() - begin)
            counter = meter.client.ciphering.invocationCounter + 1
    answers.put(waits)


def long_reader(port, ready, go, stop, answers):
    """The profile again and again, by blocks of GET."""
    reader = Plain(port, READER, b"Wattkeeper")
    ready.set()
    go.wait()
    times, rows = 0, set()
    while not stop.is_set() or times == 0:
        reader.ask(PROFILE)
        value, last = b"", False
        while not last:
            apdu = reader.whole()
            if apdu[:2] != b"\xC4\x02" or apdu[8] != 0:
                raise ValueError(apdu[:12].hex())
            last, number = apdu[3] != 0, apdu[4:8]
            size, at = gurux_client.length_at(apdu, 9)
            value += apdu[at:at + size]
            if not last:
                reader.ask(b"\xC0\x02\xC1" + number)
        rows.add((gurux_client.length_at(value, 1)[0],
                  gurux_client.value_end(value, 0) == len(value)))
        times += 1
    answers.put((times, sorted(rows)))


def memory_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def read_all(clients):
    """Every client with its next request at once; the counts when the first was done."""
    picker = selectors.DefaultSelector()
    wrong, counts = 0, None
    for client in clients:
        client.waits.clear()
        picker.register(client.socket, selectors.EVENT_READ, client)
        client.ask(CLOCK)
    while picker.get_map():
        for key, _ in picker.select(10):
            client = key.data
            wrong += client.whole()[:4] != b"\xC4\x01\xC1\x00"
            if len(client.waits) < READS:
                client.ask(CLOCK)
                continue
            counts = counts or [len(c.waits) for c in clients]
            picker.unregister(client.socket)
    return wrong, counts


def turned_away(port):
    """Whether one more is closed at once and without a word."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        try:
            return one.recv(16) == b"" and time.monotonic() - begin < 1
        except ConnectionResetError:
            return True


def check_crowd(tap, port, pid):
    first = Plain(port, 16)
    before = memory_kib(pid)
    ready = [multiprocessing.Event() for _ in range(2)]
    go, stop, of_sealed, of_reader = (multiprocessing.Event(), multiprocessing.Event(),
                                      multiprocessing.Queue(), multiprocessing.Queue())
    others = [multiprocessing.Process(target=sealed, args=(port, ready[0], go, of_sealed)),
              multiprocessing.Process(target=long_reader,
                                      args=(port, ready[1], go, stop, of_reader))]
    for process in others:
        process.start()
    tap.check("4 clients with HLS 5 and one reader associate", all(e.wait(30) for e in ready))
    clients = [first] + [Plain(port, 16) for _ in range(PLAIN - 1)] + \
        [Plain(port, READER, b"Wattkeeper") for _ in range(PLAIN)]
    tap.check("58 public clients and readers associate", all(c.associated for c in clients))
    silent = socket.create_connection(("127.0.0.1", port), 10)
    silent.sendall(framed(16, aarq(None))[:20])
    tap.check("the 65th is turned away at once", turned_away(port))
    go.set()
    wrong, counts = read_all(clients)
    waits_sealed = of_sealed.get(timeout=60)
    stop.set()
    times, rows = of_reader.get(timeout=60)
    for process in others:
        process.join(10)
    grown = memory_kib(pid) - before
    waits = [w for c in clients for w in c.waits]
    tap.check("every read of every client is answered",
              wrong == 0 and len(waits) == 2 * PLAIN * READS and
              len(waits_sealed) == SEALED * READS, (wrong, len(waits), len(waits_sealed)))
    tap.check("the profile came whole each time", times > 0 and rows == [(960, True)],
              (times, rows))
    tap.check("when the first is done, every other has half of its answers",
              min(counts) >= READS // 2, counts)
    tap.check("the 65th place is free again when one goes", comes_back(port, clients.pop()))
    report(waits, waits_sealed, grown, times)
    mean = sum(waits) / len(waits)
    return max(waits) <= LONGEST_OF_MEAN * mean and grown <= GROWTH_KIB


def comes_back(port, leaving):
    leaving.socket.close()
    time.sleep(0.2)
    return Plain(port, 16).associated


def report(waits, waits_sealed, grown, times):
    mean = sum(waits) / len(waits)
    say(f"# mean wait {mean * 1e3:.2f} ms, longest {max(waits) * 1e3:.2f} ms; HLS 5 "
        f"{sum(waits_sealed) / len(waits_sealed) * 1e3:.2f} and {max(waits_sealed) * 1e3:.2f} ms; "
        f"{times} profiles meanwhile")
    for name, value, unit, most in (
            ("longest wait of 64 clients at once, of the mean", max(waits) / mean, "",
             LONGEST_OF_MEAN),
            ("memory that 64 clients at once cost a meter", grown, "KiB", GROWTH_KIB)):
        say("# figure " + json.dumps({"figure": name, "value": value, "unit": unit,
                                      "goal": f"<= {most}", "holds": value <= most, "seed": 0}))


def main():
    tap = Tap()
    server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline().split()[1])
        tap.check("waits and memory are within their bounds", check_crowd(tap, port, server.pid))
    finally:
        server.stdin.close()
        tap.check("the server ends well", server.wait(10) == 0)
    say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
