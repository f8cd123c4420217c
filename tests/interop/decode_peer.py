#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `wk decode` says of APDUs against the translator of Gurux DLMS; prints TAP.

decode_peer.py WK SERVER     SERVER (dlms_test_server) is read by the Gurux client through a
recorder. What was said becomes a capture (segments of all sizes, twice, out of order), `wk
decode --json` explains it, and every APDU is compared with what the translator makes of the
same octets: services, descriptors, results, types and values of data, the conformance block.
So are the APDUs of tests/vectors/dlms.txt.
"""
import argparse
import io
import json
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as tree

import gurux_client
from gurux_dlms import GXByteBuffer, GXDLMSTranslator
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.CountType import CountType
from gurux_dlms.GXDLMSChippering import GXDLMSChippering
from gurux_dlms.enums import Security, TranslatorOutputType

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EK = "000102030405060708090A0B0C0D0E0F"
AK = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
SEED = 20261121
HEAD = 8  # octets of a wrapper

# The translator's names of data, and those of the standard.
TYPES = {"NullData": "null-data", "None": "null-data", "Array": "array", "Structure": "structure",
         "Boolean": "boolean", "BitString": "bit-string", "Int32": "double-long",
         "UInt32": "double-long-unsigned", "OctetString": "octet-string",
         "String": "visible-string", "StringUTF8": "utf8-string", "Int8": "integer",
         "Int16": "long", "UInt8": "unsigned", "UInt16": "long-unsigned",
         "CompactArray": "compact-array", "Int64": "long64", "UInt64": "long64-unsigned",
         "Enum": "enum", "Float32": "float32", "Float64": "float64", "DateTime": "date-time",
         "Date": "date", "Time": "time"}
SIGNED = {"integer", "long", "double-long", "long64"}
# Its names of fields that are one number or one string.
FIELDS = {"ClassId": "class-id", "InstanceId": "instance-id", "AttributeId": "attribute-id",
          "MethodId": "method-id", "AccessSelector": "access-selector",
          "BlockNumber": "block-number", "LastBlock": "last-block", "RawData": "raw-data",
          "InvokeIdAndPriority": "octet",
          "LongInvokeIdAndPriority": "long-invoke-id-and-priority",
          "ProposedMaxPduSize": "client-max-receive-pdu-size",
          "NegotiatedMaxPduSize": "server-max-receive-pdu-size"}
OURS = set(FIELDS.values())
RESULTS = {"Success": "success", "HardwareFault": "hardware-fault",
           "TemporaryFailure": "temporary-failure", "ReadWriteDenied": "read-write-denied",
           "ObjectUndefined": "object-undefined", "UndefinedObject": "object-undefined",
           "ObjectUnavailable": "object-unavailable", "TypeUnmatched": "type-unmatched",
           "ScopeOfAccessViolated": "scope-of-access-violated", "OtherReason": "other-reason"}


def translator():
    made = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
    made.comments = True
    made.security = Security.AUTHENTICATION_ENCRYPTION
    made.blockCipherKey = bytearray.fromhex(EK)
    made.authenticationKey = bytearray.fromhex(AK)
    return made


def translate(made, octets):
    """Its XML of an APDU in clear, without remarks."""
    text = made.pduToXml(GXByteBuffer(octets))
    return tree.fromstring("<all>" + re.sub(r"<!--.*?-->", "", text, flags=re.S) + "</all>")


def opened(made, title, octets):
    """The APDU in clear within a ciphered one; itself if it is none."""
    if octets[0] not in (*range(0x21, 0x30), *range(0xC8, 0xD0), 0xDB):
        return octets
    made.systemTitle = made.serverSystemTitle = bytearray(title)
    found = re.search(r"Decrypt data: ([0-9A-F ]+)", made.pduToXml(GXByteBuffer(octets)))
    return bytes.fromhex(found.group(1)) if found else None


def value_of(kind, element, size):
    """A value in one form for both sides."""
    if kind in ("array", "structure"):
        return len(list(element))
    text = element.get("Value")
    if kind == "null-data":
        return None
    if kind == "boolean":
        return text in ("1", "01", "true", "True")
    if kind in ("octet-string", "date-time", "date", "time"):
        return text.replace(" ", "").upper()
    if kind in ("visible-string", "utf8-string", "bit-string"):
        return text
    number = int(text, 16)
    top = 1 << (8 * size)
    return number - top if kind in SIGNED and number >= top // 2 else number


SIZES = {"integer": 1, "unsigned": 1, "enum": 1, "long": 2, "long-unsigned": 2, "double-long": 4,
         "double-long-unsigned": 4, "long64": 8, "long64-unsigned": 8}


def flatten_theirs(root):
    found = []
    for element in root.iter():
        name = element.tag
        if name in TYPES and not (name == "DateTime" and not in_data(root, element)):
            kind = TYPES[name]
            found.append((kind, value_of(kind, element, SIZES.get(kind, 0))))
        elif name in FIELDS:
            text = element.get("Value")
            key = FIELDS[name]
            found.append((key, text.upper() if key in ("instance-id", "raw-data")
                          else int(text, 16)))
        elif name == "ConformanceBit":
            found.append(("bit", element.get("Name").lower()))
        elif name in ("DataAccessError", "DataAccessResult"):
            found.append(("result", RESULTS.get(element.get("Value"), element.get("Value"))))
    return found


def in_data(root, element):
    """Whether a DateTime is a value, and no field of a notification."""
    return all(element not in list(parent) for parent in root.iter("DataNotification"))


def flatten_ours(items):
    """Depth first, as the XML is."""
    found = []
    for item in items:
        kind = item.get("type")
        name = item.get("name")
        if kind in ("array", "structure"):
            found.append((kind, len(item["items"])))
        elif kind in ("octet-string", "date-time", "date", "time"):
            found.append((kind, item["octets"]))
        elif kind is not None:
            found.append((kind, item.get("value")))
        elif name in ("instance-id", "raw-data"):
            found.append((name, item["octets"]))
        elif name == "time" and "octets" in item:  # of an EventNotification
            found.append((name, item["octets"]))
        elif name in OURS:
            found.append((name, item["value"]))
        elif name == "conformance":
            found += [("bit", i["meaning"].replace("-", "")) for i in item["items"][1:]]
            continue
        elif name == "data-access-result":
            found.append(("result", item.get("meaning")))
        found += flatten_ours([i for i in item.get("items", ())
                               if i.get("name") != "blocks together"])
    return found


def innermost(item):
    """The APDU within all protection and framing; user-information is part of its AARQ."""
    for inner in item.get("items", ()):
        if inner.get("name") in ("aarq", "aare"):
            return inner
    for inner in item.get("items", ()):
        if inner.get("name", "").endswith(("-request", "-response", "notification", "-ciphering",
                                           "-transfer")) and \
                "items" in inner and item["name"].startswith(("glo-", "ded-", "general-", "wrapper",
                                                              "hdlc")):
            return innermost(inner)
    return item


def normal(found):
    """Bits in no order; what the translator calls differently."""
    bits = sorted(v for k, v in found if k == "bit")
    return [pair for pair in found if pair[0] != "bit"], bits


def compare(tap, name, theirs, ours):
    left, right = normal(flatten_theirs(theirs)), normal(flatten_ours([ours]))
    tap.check(name, left == right and (left[0] or left[1]), f"{left}\n# {right}")


# ---- a recorded session ---------------------------------------------------------------------


class Recorder:
    """Passes octets between a client and the server, and keeps them."""
    def __init__(self, port):
        self.talks = []
        self.server = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server))
            talk = []
            self.talks.append(talk)
            for ends in ((client, server, 0), (server, client, 1)):
                threading.Thread(target=self.carry, args=(*ends, talk), daemon=True).start()

    @staticmethod
    def carry(source, sink, direction, talk):
        while True:
            try:
                octets = source.recv(65536)
                if not octets:
                    sink.shutdown(socket.SHUT_WR)
                    return
                talk.append((direction, octets))
                sink.sendall(octets)
            except OSError:
                return


def segments(chance, talk, port):
    """TCP segments of a talk: (direction, sequence, flags, octets); some twice, some too late."""
    at = [chance.randrange(1 << 32), chance.randrange(1 << 32)]
    made = []
    for direction in (0, 1):
        made.append((direction, at[direction], 0x12 if direction else 0x02, b""))
        at[direction] = (at[direction] + 1) % (1 << 32)
    for direction, octets in talk:
        turn = []
        while octets:
            size = chance.choice((1, 3, 7, 40, 1400))
            turn.append((direction, at[direction], 0x18, octets[:size]))
            at[direction] = (at[direction] + len(octets[:size])) % (1 << 32)
            octets = octets[size:]
        if len(turn) > 2:
            i = chance.randrange(len(turn) - 1)
            turn[i], turn[i + 1] = turn[i + 1], turn[i]
            turn.insert(chance.randrange(len(turn)), chance.choice(turn))
        made += turn
    return made


def packet(port, direction, sequence, flags, octets):
    ports = (port, 4059) if direction == 0 else (4059, port)
    address = (b"\x0a\0\0\1", b"\x0a\0\0\2")
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, 0, 0x50, flags, 8192, 0, 0) + octets
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + \
        address[direction] + address[1 - direction] + tcp


def as_pcap(talks, chance):
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for i, talk in enumerate(talks):
        for segment in segments(chance, talk, i):
            octets = packet(40000 + i, *segment)
            packets.append(struct.pack("<IIII", 1763700000 + i, len(packets), len(octets),
                                       len(octets)) + octets)
    return b"".join(packets)


def as_pcapng(talks, chance):
    """The same with nanoseconds, most significant octet first, on Ethernet with a VLAN tag."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack(">II", kind, len(body) + 12) + body + struct.pack(">I", len(body) + 12)
    blocks = [block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)),
              block(1, struct.pack(">HHI", 1, 0, 0) + struct.pack(">HHBxxxHH", 9, 1, 9, 0, 0))]
    for i, talk in enumerate(talks):
        for segment in segments(chance, talk, i):
            octets = b"\2" * 12 + b"\x81\0\0\x07\x08\0" + packet(40000 + i, *segment)
            time = (1763700000 + i) * 10**9
            blocks.append(block(6, struct.pack(">IIIII", 0, time >> 32, time & 0xFFFFFFFF,
                                               len(octets), len(octets)) + octets))
    return b"".join(blocks)


def apdus(talk):
    """APDUs of a talk: (direction, octets), in the order in which they end."""
    waiting = [b"", b""]
    found = []
    for direction, octets in talk:
        waiting[direction] += octets
        while len(waiting[direction]) >= HEAD:
            size = HEAD + int.from_bytes(waiting[direction][6:8], "big")
            if len(waiting[direction]) < size:
                break
            found.append((direction, waiting[direction][HEAD:size]))
            waiting[direction] = waiting[direction][size:]
    return found


def decode(wk, octets, suffix):
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(octets)
        file.flush()
        done = subprocess.run([wk, "decode", "--json", "--ek", EK, "--ak", AK, file.name],
                              capture_output=True, text=True, timeout=60)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def record(server):
    process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    options = argparse.Namespace(host="127.0.0.1", password="Wattkeeper", ek=EK, ak=AK,
                                 title="4755525558000001", name="WKP0000000000001", now=True,
                                 counter=1, framing="wrapper", info=128,
                                 profile="1.0.99.1.0.255",
                                 registers="1.0.1.8.0.255,1.0.1.8.1.255")
    try:
        recorder = Recorder(int(process.stdout.readline().split()[1]))
        options.port = recorder.port
        quiet = gurux_client.Tap()
        quiet.check = lambda name, condition, detail="": None
        gurux_client.read_all_clients(options, quiet)
    finally:
        process.stdin.close()
        process.wait(10)
    return recorder.talks


def titles_of(made, talk):
    """System titles that the association's first two APDUs tell: client's, meter's."""
    found = [b"\0" * 8, b"\0" * 8]
    for direction, octets in talk[:2]:
        mark = b"\xA6\x0A\x04\x08" if direction == 0 else b"\xA4\x0A\x04\x08"
        if mark in octets:
            at = octets.index(mark) + len(mark)
            found[direction] = octets[at:at + 8]
    return found


def check_session(tap, made, wk, talks):
    said = [(apdus(talk), talk) for talk in talks]
    chance = random.Random(SEED)
    for kind, octets in (("pcap", as_pcap(talks, chance)), ("pcapng", as_pcapng(talks, chance))):
        done, lines = decode(wk, octets, "." + kind)
        faults = re.findall(r'"malformed":"([^"]*)"', done.stdout)
        tap.check(f"{kind}: only what was sent with a wrong key cannot be opened",
                  faults == ["the tag does not fit: wrong key or title, or altered"] and
                  done.returncode == 1 and not done.stderr, f"{faults} {done.stderr}")
        whole = [(d, a) for one, _ in said for d, a in one]
        tap.check(f"{kind}: every APDU that was said is told once, in order",
                  [l["direction"] for l in lines] == [d for d, _ in whole],
                  f"{len(lines)} {len(whole)}")
    return said, lines


def compare_session(tap, made, said, lines):
    kinds = {}
    at = 0
    for one, _ in said:
        titles = titles_of(made, one)
        for direction, octets in one:
            item = lines[at]["items"][0]
            at += 1
            if octets[0] == 0xE0:
                continue  # blocks: compared once they are whole, below
            clear = opened(made, titles[direction], octets)
            if clear is None or clear[0] in (0x62, 0x63, 0xD8) or \
                    (clear[0] in (0x60, 0x61) and re.search(b"\xBE.\x04.[\x21\x28]", clear, re.S)):
                continue  # what it does not take apart: releases, a ciphered initiate in an AARQ
            theirs, ours = normal(flatten_theirs(translate(made, clear))), \
                normal(flatten_ours([innermost(item)]))
            name = innermost(item)["name"]
            good = theirs == ours
            kinds.setdefault(name, []).append((good, octets.hex(), theirs, ours))
    for name, results in sorted(kinds.items()):
        bad = [r for r in results if not r[0]]
        tap.check(f"{len(results)} of {name} are as the translator says", not bad,
                  f"{len(bad)}: {bad[0][1]}\n# {bad[0][2]}\n# {bad[0][3]}" if bad else "")
    tap.check("a hundred APDUs were compared", sum(map(len, kinds.values())) >= 100,
              sum(map(len, kinds.values())))


# ---- vectors ----------------------------------------------------------------------------------


def vectors():
    """(number, field, octets, title) of what is an APDU or a frame in tests/vectors/dlms.txt."""
    number, title = 0, None
    for line in (ROOT / "tests" / "vectors" / "dlms.txt").read_text().splitlines():
        block = re.match(r"\[(\d+)", line)
        field = re.match(r"(\w+)\s*= ([0-9A-F]+)", line)
        if block:
            number = int(block.group(1))
        elif field and field.group(1) == "sys_title":
            title = field.group(2)
        elif field and field.group(1) in ("apdu", "frame", "request", "response"):
            yield number, field.group(1), field.group(2), title
        elif field and field.group(1) == "plain" and number != 15:
            yield number, "plain", field.group(2), title


def apdu_in(octets):
    """What an I or UI frame carries; None for others."""
    for mark in (b"\xE6\xE6\x00", b"\xE6\xE7\x00"):
        if octets[0] == 0x7E and mark in octets:
            return octets[octets.index(mark) + 3:-3]
    return None if octets[0] == 0x7E else octets


def check_vectors(tap, made, wk):
    for number, field, text, title in vectors():
        ek = "4D5944554D4D59474C4F42414C4B4559" if number == 7 else EK
        ak = ek if number == 7 else AK
        made.blockCipherKey, made.authenticationKey = bytearray.fromhex(ek), bytearray.fromhex(ak)
        done = subprocess.run([wk, "decode", "--json", "--ek", ek, "--ak", ak, "--title", title,
                               text], capture_output=True, text=True, timeout=20)
        name = f"vector {number}, {field}"
        if not tap.check(f"{name}: is told", done.stdout.count("\n") == 1, done.stderr):
            continue
        item = json.loads(done.stdout)["items"][0]
        octets = apdu_in(bytes.fromhex(text))
        faulty = number in (22, 23) and field in ("response", "frame")
        tap.check(f"{name}: only what deviates is malformed",
                  ("malformed" in done.stdout) == faulty and done.returncode == faulty,
                  done.stdout)
        if octets is None or faulty or octets[0] == 0x21:
            continue  # frames without APDU; what the translator takes or leaves as it is
        clear = opened(made, bytes.fromhex(title), octets)
        if clear is not None:
            compare(tap, f"{name}: the translator says the same", translate(made, clear),
                    innermost(item))
    made.blockCipherKey, made.authenticationKey = bytearray.fromhex(EK), bytearray.fromhex(AK)


# ---- events -----------------------------------------------------------------------------------

# What management/notify sends, with its clock and without.
EVENTS = ("C2010C07EA0915010E0D140000000000010000616201FF020600000018",
          "C20000010000616200FF020600004000")
TITLE = "574B500000000001"


def sealed_by_them(tag, text):
    """The event sealed by the same client's library: glo- or ded-event-notification-request."""
    way = AesGcmParameter(tag, bytearray.fromhex(TITLE), bytearray.fromhex(EK),
                          bytearray.fromhex(AK))
    way.security, way.type_, way.invocationCounter = (Security.AUTHENTICATION_ENCRYPTION,
                                                      CountType.PACKET, 7)
    return bytes(GXDLMSChippering.encryptAesGcm(way, bytearray.fromhex(text))).hex().upper()


def check_events(tap, made, wk):
    for text in EVENTS:
        shapes = {"in clear": text, "glo": sealed_by_them(0xCA, text),
                  "ded": sealed_by_them(0xD2, text)}
        for shape, octets in shapes.items():
            done = subprocess.run([wk, "decode", "--json", "--ek", EK, "--ak", AK, "--dedicated",
                                   EK, "--title", TITLE, octets], capture_output=True, text=True,
                                  timeout=20)
            name = f"event {text[:4]}, {shape}"
            good = done.returncode == 0 and "event-notification-request" in done.stdout
            if tap.check(f"{name}: is told", good, done.stdout + done.stderr):
                item = json.loads(done.stdout)["items"][0]
                compare(tap, f"{name}: the translator says the same",
                        translate(made, bytes.fromhex(text)), innermost(item))


def main():
    tap = gurux_client.Tap()
    check = tap.check
    tap.check = lambda *a: (check(*a), bool(a[1]))[1]
    made = translator()
    wk, server = sys.argv[1], sys.argv[2]
    check_vectors(tap, made, wk)
    check_events(tap, made, wk)
    talks = record(server)
    said, lines = check_session(tap, made, wk, talks)
    compare_session(tap, made, said, lines)
    gurux_client.say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
