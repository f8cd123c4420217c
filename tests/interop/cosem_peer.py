#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What our servers say, decoded by dlms-cosem (a second independent implementation); prints TAP.

cosem_peer.py WK SERVER     records what SERVER (dlms_test_server) says to the Gurux client and to
the commands of WK, and what a running meter says to the Gurux client and pushes. Every APDU that
came from a server is then decoded by dlms-cosem, and its fields, types and values are compared
with those that `wk decode --json` tells. WK itself must find nothing malformed in it.

What this release of dlms-cosem does not do is in CIPHERED and UNTAKEN below, and general block
transfer; it is counted by kind, and nothing else may fail.
"""
import argparse
import collections
import io
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time

import decode_peer
import gurux_client
from decode_peer import AK, EK, Recorder
from dlms_cosem import enumerations, security
from dlms_cosem.connection import XDlmsApduFactory
from dlms_cosem.dlms_data import DlmsDataParser
from dlms_cosem.protocol import acse, xdlms

sys.path.insert(0, str(decode_peer.ROOT / "tests" / "chain"))
from harness import Meter, free_port  # noqa: E402

OUR_TITLE = "574B4C0000000009"
NOTE = "0.0.96.1.9.255"
TYPES = {0: "null-data", 1: "array", 2: "structure", 3: "boolean", 5: "double-long",
         6: "double-long-unsigned", 9: "octet-string", 10: "visible-string", 15: "integer",
         16: "long", 17: "unsigned", 18: "long-unsigned", 20: "long64", 21: "long64-unsigned",
         22: "enum"}
# Ciphered per service: the release has no class for them. Their contents are opened by its
# cipher and decoded.
CIPHERED = {0xCC: "glo-get-response", 0xCD: "glo-set-response", 0xCF: "glo-action-response"}
# Types of data that it lists and does not take: its from_bytes raises NotImplementedError. It
# takes the length of a bit-string for octets besides, though it counts bits.
UNTAKEN = {"BitStringData": "bit-string"}


# ---- what dlms-cosem says ---------------------------------------------------------------------


def flat(value):
    kind = TYPES[value.TAG]
    if kind in ("array", "structure"):
        return [(kind, len(value.value))] + [pair for item in value.value for pair in flat(item)]
    if kind == "octet-string":
        return [(kind, bytes(value.value).hex().upper())]
    return [(kind, value.value)]


def data(octets):
    """One value that takes all the octets."""
    parser = DlmsDataParser()
    value = parser.parse(octets, limit=1)[0]
    if parser.pointer != len(octets):
        raise ValueError(f"the value ends at {parser.pointer} of {len(octets)}")
    return flat(value)


def get_response(apdu):
    if isinstance(apdu, xdlms.GetResponseNormal):
        return data(apdu.data)
    if isinstance(apdu, xdlms.GetResponseNormalWithError):
        return [("data-access-result", int(apdu.error))]
    if isinstance(apdu, (xdlms.GetResponseWithBlock, xdlms.GetResponseLastBlock)):
        return [("last-block", int(isinstance(apdu, xdlms.GetResponseLastBlock))),
                ("block-number", apdu.block_number), ("raw-data", apdu.data.hex().upper())]
    if isinstance(apdu, xdlms.GetResponseWithList):
        return [pair for item in apdu.response_data for pair in
                ([("data-access-result", int(item))]
                 if isinstance(item, enumerations.DataAccessResult) else flat(item))]
    raise ValueError(f"a {type(apdu).__name__}")


def initiate(apdu):
    return [("negotiated-dlms-version-number", apdu.negotiated_dlms_version_number),
            ("bits", apdu.negotiated_conformance.to_bytes()[1:].hex().upper()),
            ("server-max-receive-pdu-size", apdu.server_max_receive_pdu_size)]


def aare(apdu, opened):
    """`opened` deciphers the initiate response if it has to be."""
    user = apdu.result_source_diagnostics
    pairs = [("result", int(apdu.result)), ("acse-service-user", int(user))]
    if apdu.user_information is None:
        return pairs
    content = apdu.user_information.content
    if isinstance(content, xdlms.GlobalCipherInitiateResponse):
        pairs.append(("octet", content.security_control.to_bytes()[0]))
        content = xdlms.InitiateResponse.from_bytes(opened(
            content.security_control, content.invocation_counter, content.ciphered_text))
    if isinstance(content, xdlms.InitiateResponse):
        return pairs + initiate(content)
    return pairs + [("value", int(content.error))]


def fields(apdu, opened):
    """Names as `wk decode` has them."""
    if isinstance(apdu, acse.ApplicationAssociationResponse):
        return "aare", aare(apdu, opened)
    if isinstance(apdu, acse.ReleaseResponse):
        return "rlre", [("reason", int(apdu.reason))]
    if isinstance(apdu, xdlms.ExceptionResponse):
        expected = apdu.invocation_counter_data
        return "exception-response", [
            ("state-error", int(apdu.state_error)), ("service-error", int(apdu.service_error))] + \
            ([("expected-invocation-counter", expected)] if expected is not None else [])
    if isinstance(apdu, xdlms.DataNotification):
        invoke = int.from_bytes(apdu.long_invoke_id_and_priority.to_bytes(), "big")
        return "data-notification", [("long-invoke-id-and-priority", invoke)] + data(apdu.body)
    octet = [("octet", apdu.invoke_id_and_priority.to_bytes()[0])]
    if isinstance(apdu, xdlms.SetResponseNormal):
        return "set-response-normal", octet + [("result", int(apdu.result))]
    if isinstance(apdu, xdlms.ActionResponseNormalWithData):
        return "action-response-normal", octet + [("result", int(apdu.status))] + data(apdu.data)
    if isinstance(apdu, xdlms.ActionResponseNormalWithError):
        return "action-response-normal", octet + [("result", int(apdu.status)),
                                                  ("data-access-result", int(apdu.error))]
    if isinstance(apdu, xdlms.ActionResponseNormal):
        return "action-response-normal", octet + [("result", int(apdu.status))]
    kind = {1: "normal", 2: "with-datablock", 3: "with-list"}[apdu.RESPONSE_TYPE.value]
    return f"get-response-{kind}", octet + get_response(apdu)


def untaken(error):
    """The type of data that a NotImplementedError names."""
    return UNTAKEN[str(error).split()[0]]


class Server:
    """One association's APDUs from the server, in their order."""

    def __init__(self, title):
        self.title = title
        self.general = b""  # of general blocks
        self.blocks = b""   # of blocks of a GET
        self.seen = []      # (kind, octets in clear, what the peer says or None)

    def opened(self, control, counter, text):
        return bytes(security.decrypt(control, self.title, counter, bytes.fromhex(EK), text,
                                      bytes.fromhex(AK)))

    def take(self, octets):
        if octets[0] == 0xE0:
            return self.general_block(octets)
        if octets[0] in CIPHERED:
            self.seen.append((CIPHERED[octets[0]], octets, None))
            size, at = gurux_client.length_at(octets, 1)
            if at + size != len(octets):
                raise ValueError(f"{octets[0]:#x} of {size} octets in {len(octets) - at}")
            control = security.SecurityControlField.from_bytes(octets[at:at + 1])
            counter = int.from_bytes(octets[at + 1:at + 5], "big")
            return self.take(self.opened(control, counter, octets[at + 5:]))
        if octets[0] == 0xDB:
            sealed = xdlms.GeneralGlobalCipher.from_bytes(octets)
            self.title = bytes(sealed.system_title)
            self.seen.append(("general-glo-ciphering", None, []))
            return self.take(sealed.to_plain_apdu(bytes.fromhex(EK), bytes.fromhex(AK)))
        return self.clear(octets)

    def general_block(self, octets):
        """The release has no general block transfer: put together here, then it decodes."""
        size, at = gurux_client.length_at(octets, 6)
        if at + size != len(octets):
            raise ValueError(f"a general block of {size} octets in {len(octets) - at}")
        self.seen.append(("general-block-transfer", octets, None))
        self.general += octets[at:]
        if octets[1] & 0x80:
            whole, self.general = self.general, b""
            if whole:
                self.take(whole)

    def clear(self, octets):
        try:
            apdu = XDlmsApduFactory.apdu_from_bytes(octets)
            if isinstance(apdu, acse.ApplicationAssociationResponse) and apdu.system_title:
                self.title = apdu.system_title
            name, said = fields(apdu, self.opened)
        except NotImplementedError as error:
            self.seen.append((f"{octets[0]:#x} with {untaken(error)}", octets, None))
            return
        self.seen.append((name, octets, said))
        if name == "get-response-with-datablock":
            self.block(apdu)

    def block(self, apdu):
        self.blocks = (b"" if apdu.block_number == 1 else self.blocks) + apdu.data
        if isinstance(apdu, xdlms.GetResponseLastBlock):
            try:
                self.seen.append(("data of blocks", self.blocks, data(self.blocks)))
            except NotImplementedError as error:
                self.seen.append((f"data of blocks with {untaken(error)}", self.blocks, None))


# ---- what wk says -----------------------------------------------------------------------------

OURS = {"octet", "data-access-result", "result", "last-block", "block-number", "raw-data",
        "state-error", "service-error", "expected-invocation-counter", "reason",
        "acse-service-user", "negotiated-dlms-version-number", "bits",
        "server-max-receive-pdu-size", "long-invoke-id-and-priority"}


def ours(items):
    found = []
    for item in items:
        kind, name = item.get("type"), item.get("name")
        if kind in ("array", "structure"):
            found.append((kind, len(item["items"])))
        elif kind == "octet-string":
            found.append((kind, item["octets"]))
        elif kind is not None:
            found.append((kind, item.get("value")))
        elif name in OURS:
            found.append((name, item["octets"] if "octets" in item else item["value"]))
        if name != "blocks together":
            found += ours(item.get("items", ()))
    return found


def wk_says(wk, lines, *more):
    with tempfile.NamedTemporaryFile("w", suffix=".hex") as file:
        file.write("".join(octets.hex() + "\n" for octets in lines))
        file.flush()
        done = subprocess.run([wk, "decode", "--json", "--ek", EK, "--ak", AK, *more, file.name],
                              capture_output=True, text=True, timeout=120)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def compare(tap, wk, where, seen):
    kinds = collections.Counter()
    for option, wanted in (("--data", True), ("--apdu", False)):
        part = [one for one in seen if one[1] is not None and
                ("blocks" in one[0].split()) == wanted and one[0] not in CIPHERED.values() and
                one[0] != "general-block-transfer"]
        done, lines = wk_says(wk, [octets for _, octets, _ in part], option)
        tap.check(f"{where}: wk decode {option} finds nothing malformed in {len(part)}",
                  done.returncode == 0 and len(lines) == len(part) and
                  "malformed" not in done.stdout, done.stderr or len(lines))
        bad = collections.defaultdict(list)
        for (name, octets, said), line in zip(part, lines):
            if said is not None and said != ours(line["items"]):
                bad[name].append((octets.hex(), said, ours(line["items"])))
        for name in sorted({name for name, _, said in part if said is not None}):
            kinds[name] = sum(1 for one, _, said in part if one == name and said is not None)
            what = bad.get(name, [])
            tap.check(f"{where}: {kinds[name]} of {name} are as dlms-cosem decodes them",
                      not what, what and "\n# ".join(map(str, what[0])))
    for name in sorted({name for name, octets, said in seen if octets is None}):
        kinds[name] = sum(1 for one in seen if one[0] == name)
        tap.check(f"{where}: {kinds[name]} of {name} are opened by dlms-cosem", True)
    unknown = collections.Counter(name for name, _, said in seen if said is None)
    for name, count in sorted(unknown.items()):
        gurux_client.say(f"# {where}: dlms-cosem 25.1.0 has no {name}: {count}")
    return kinds, unknown


# ---- what is recorded --------------------------------------------------------------------------


def record_server(wk, server):
    """The Gurux client and the commands of wk talk to the test server."""
    talks = decode_peer.record(server)
    process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    recorder = Recorder(int(process.stdout.readline().split()[1]))
    commands = (("write", NOTE, "octet-string:48656C6C6F"), ("write", NOTE, "long:5"),
                ("write", "--role", "reader", NOTE, "octet-string:00"),
                ("call", "0.0.96.3.10.255:1"), ("call", "0.0.96.3.10.255:2"), ("security",),
                ("objects", "--rights"), ("profile",),
                ("read", "9.9.9.9.9", "1.0.1.8.0", "1.0.1.8.0:9", "0.0.1.0.0"), ("read",),
                ("read", "0.0.40.0.0:5"),
                ("read", "--role", "management", "0.0.42.0.0.255", "0.0.1.0.0", NOTE))
    try:
        for command, *rest in commands:
            subprocess.run([wk, command, f"127.0.0.1:{recorder.port}", "--ek", EK, "--ak", AK,
                            "--password", "Wattkeeper", *rest], capture_output=True, timeout=60)
    finally:
        process.stdin.close()
        process.wait(10)
    return talks + recorder.talks


def wait_listening(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def record_meter(wk):
    """The Gurux client reads a running meter, which pushes what it measured to wk push-listen."""
    meter = Meter("b", stop="2026-02-02T02:00:00Z")
    sink, keys = free_port(), ("--ek", EK, "--ak", AK, "--title", OUR_TITLE)
    pushes = Recorder(sink)
    section = f"\n[push]\ndestination = 127.0.0.1:{pushes.port}\nevery_s = 3600\nconfirm = yes\n"
    listener = subprocess.Popen([wk, "push-listen", "--count", "64", *keys, str(sink)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = threading.Timer(60, listener.kill)
    end.start()
    try:
        wait_listening(sink)
        meter.write("b", lambda text: text + section)
        meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
        meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
        meter.wait_finished()
        recorder = Recorder(meter.dlms)
        options = argparse.Namespace(
            host="127.0.0.1", port=recorder.port, password=meter.password, ek=EK, ak=AK,
            title="4755525558000001", name="WKP000WK10000002", now=False, counter=1,
            framing="wrapper", info=128, profile="1.0.99.1.0.255", association=3,
            registers="1.0.1.8.0.255,1.0.1.8.1.255")
        quiet = gurux_client.Tap()
        quiet.check = lambda name, condition, detail="": None
        gurux_client.read_all_clients(options, quiet)
        for _ in range(3):
            listener.stdout.readline()
    finally:
        meter.remove()
        end.cancel()
        listener.kill()
        listener.communicate()
    return recorder.talks, pushes.talks


def check_talks(tap, wk, where, talks, direction):
    """Decodes the APDUs that came in `direction` of the talks."""
    seen = []
    for talk in talks:
        server = Server(bytes(8))
        for way, octets in decode_peer.apdus(talk):
            if way != direction:
                continue
            try:
                server.take(octets)
            except Exception as error:  # the peer raises all kinds
                tap.check(f"{where}: {octets[:20].hex()}... is decoded", False, repr(error))
        seen += server.seen
    return compare(tap, wk, where, seen)


def main():
    tap = gurux_client.Tap()
    wk, server = sys.argv[1], sys.argv[2]
    total, unknown = collections.Counter(), collections.Counter()
    read, pushed = record_meter(wk)
    for where, talks, direction in (("server", record_server(wk, server), 1),
                                    ("meter", read, 1), ("push", pushed, 0)):
        kinds, others = check_talks(tap, wk, where, talks, direction)
        total += kinds
        unknown += others
    tap.check("every service that dlms-cosem knows was among it",
              total.keys() >= {"aare", "rlre", "exception-response", "get-response-normal",
                               "get-response-with-datablock", "get-response-with-list",
                               "set-response-normal", "action-response-normal",
                               "data-notification", "data of blocks", "general-glo-ciphering"},
              sorted(total))
    gurux_client.say("# decoded " + json.dumps(total) + ", without class " + json.dumps(unknown))
    gurux_client.say("# figure " + json.dumps({
        "figure": "APDUs of our servers that dlms-cosem decodes as wk does",
        "value": sum(total.values()), "unit": "APDUs", "goal": ">= 250", "seed": 0,
        "holds": sum(total.values()) >= 250 and not tap.failed}))
    gurux_client.say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peers talk; standard output is TAP
    sys.exit(main())
