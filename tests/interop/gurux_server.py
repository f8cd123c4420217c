#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our client reads a meter made of the Gurux DLMS server, an independent implementation; TAP.

gurux_server.py WK     serves a meter on the wrapper and on HDLC over TCP, and lets WK read, write
and call it: without authentication and with LLS.

The server of gurux-dlms 1.0.203 does not answer anything as it is released. What is missing is
added by the classes below, each with what happens without it; objects, associations, APDUs, blocks
and frames are the peer's own. What its answers have wrong on the wire is checked too:
    RLRE     630E800100BE0F040E0800065F1F...: 21 octets follow and the length says 14, the one of
             user-information says 15 for 16
    UA       7EA01F21022373E6C7818000...0400020001AC847E: the group length is 0, and the one meant
             for it went into the window size (131,073); our client refuses it (FAULTY_UA)
    ACTION   C701C101: without return-parameters after a failure; our client refuses it
    objects  access rights are empty arrays, as if nothing might be read
    HLS 5    it opens our AARQ's ciphered initiate-request and checks its tag; writing an AARE
             with a mechanism above LLS raises TypeError (setUInt8() without a value), so none comes.
             reply_to_HLS_authentication would convert octets with int(): HLS is tested no further
"""
import datetime
import io
import json
import socket
import subprocess
import sys
import threading

from gurux_dlms import GXDateTime, GXHdlcSettings, GXServerReply
from gurux_dlms.enums import (AccessMode, Authentication, DataType, InterfaceType,
                              MethodAccessMode, Security, SourceDiagnostic, Unit)
from gurux_dlms.GXDLMSLNParameters import GXDLMSLNParameters
from gurux_dlms.GXDLMSLongTransaction import GXDLMSLongTransaction
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.objects import (GXDLMSAssociationLogicalName, GXDLMSClock, GXDLMSData,
                                GXDLMSProfileGeneric, GXDLMSRegister)
from gurux_dlms.secure import GXDLMSSecureServer
from gurux_dlms.ValueEventArgs import ValueEventArgs

from gurux_client import Tap, say

ROWS = 300
START = datetime.datetime(2026, 2, 3, tzinfo=datetime.timezone.utc)
PASSWORD = "Wattkeeper"
EK = "000102030405060708090A0B0C0D0E0F"
AK = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
TITLE = "574B4C0000000009"
FAULTY_UA = bytes.fromhex("7EA01F21022373E6C7818000050180060180070400000007080400020001AC847E")

# AttributeError on the first use of each, which the server reports as a hardware fault.
ADDED = ((ValueEventArgs, "isSkipMaxPduSize", False),
         (ValueEventArgs, "getRowEndIndex", lambda self: self.rowEndIndex),
         (ValueEventArgs, "__iter__", lambda self: iter([self])),  # it says list(e) for [e]
         (GXDLMSLNParameters, "isMultipleBlocks", lambda self: self.multipleBlocks),
         (GXDLMSLNParameters, "setStatus", lambda self, to: setattr(self, "status", to)),
         (GXDLMSLongTransaction, "setData", lambda self, to: setattr(self, "data", to)),
         (GXDLMSSettings, "gbtWndowSize", 1),
         (GXServerReply, "setReply", lambda self, to: setattr(self, "reply", to)),
         (GXServerReply, "getConnectionInfo", lambda self: self.connectionInfo),
         (GXHdlcSettings, "update", lambda self, other: None),
         (GXHdlcSettings, "inactivityTimeout", 0),
         (GXHdlcSettings, "maximumInfoLengthReceive", 128),
         (GXHdlcSettings, "maximumInfoLengthTransmit", 128))


class Profile(GXDLMSProfileGeneric):
    """The release answers a selection without columns with empty rows, and a range with a
    TypeError: it compares times with 0. The rows are chosen here; the peer writes them."""

    def getValue(self, settings, e):
        rows = self.buffer
        if e.index != 2:
            return super().getValue(settings, e)
        if e.selector == 1:
            first, last = (_GXCommon.changeType(settings, value, DataType.DATETIME).value
                           for value in e.parameters[1:3])
            rows = [row for row in rows if first <= row[0].value <= last]
        elif e.selector == 2:
            first, last = e.parameters[:2]
            rows = rows[first - 1:last or None]
        return self.getData(settings, e, rows, self.captureObjects)


class Server(GXDLMSSecureServer):
    """The peer's server with the callbacks it asks for, and what it calls and does not have."""

    def __init__(self, interface, faulty):
        super().__init__(True, interface)
        self.hdlc = self.settings.hdlc
        self.faulty = faulty
        self.opened = None

    def setTransaction(self, value):
        self.transaction = value

    def getTransaction(self):
        return self.transaction

    def notifyRead(self, *args):
        pass

    def handleAarqRequest(self, data, connection):
        try:
            super().handleAarqRequest(data, connection)
        except TypeError:
            self.opened = (self.settings.authentication, self.settings.cipher.security,
                           bytes(self.settings.sourceSystemTitle).hex().upper())
            raise

    def handleSnrmRequest(self, data):
        """Puts the lengths of the UA where they belong: see the head of this file."""
        super().handleSnrmRequest(data)
        octets = bytearray(self.replyData.array())
        if not self.faulty:
            octets[2], octets[-4:] = len(octets) - 3, bytes([0, 0, 0, 1])
        self.replyData.clear()
        self.replyData.set(octets)

    def isTarget(self, server, client):
        return True

    def onValidateAuthentication(self, authentication, password):
        good = authentication != 1 or bytes(password).decode() == PASSWORD
        return SourceDiagnostic.NONE if good else SourceDiagnostic.AUTHENTICATION_FAILURE

    def onFindObject(self, kind, short, name):
        return None

    def onGetAttributeAccess(self, argument):
        return AccessMode.READ_WRITE

    def onGetMethodAccess(self, argument):
        return MethodAccessMode.ACCESS

    def nothing(self, *args):
        pass
    onPreRead = onPostRead = onPreWrite = onPostWrite = onPreAction = onPostAction = nothing
    onPreGet = onPostGet = onConnected = onInvalidConnection = onDisconnected = nothing


class Meter:
    """A listening Gurux meter and what it said last."""

    def __init__(self, interface, faulty=False):
        self.server = Server(interface, faulty)
        self.said = []
        self.fill()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def fill(self):
        server = self.server
        name = GXDLMSData("0.0.42.0.0.255")
        name.value = b"GRX0000000000001"
        self.clock = GXDLMSClock()
        self.clock.time = GXDateTime(START)
        self.register = GXDLMSRegister("1.0.1.8.0.255")
        self.register.value, self.register.scaler = 123456789, 0.01
        self.register.unit = Unit.ACTIVE_ENERGY
        self.register.setDataType(2, DataType.UINT32)
        profile = Profile("1.0.99.1.0.255")
        profile.addCaptureObject(self.clock, 2, 0)
        profile.addCaptureObject(self.register, 2, 0)
        profile.buffer = [[GXDateTime(START + datetime.timedelta(minutes=15 * i)), 1000 * i + 7]
                          for i in range(ROWS)]
        profile.entriesInUse = profile.profileEntries = ROWS
        profile.capturePeriod = 900
        counter = GXDLMSData("0.0.43.1.0.255")
        counter.value = 5
        counter.setDataType(2, DataType.UINT32)
        association = GXDLMSAssociationLogicalName()
        for item in (name, counter, self.clock, self.register, profile, association):
            server.items.append(item)
            association.objectList.append(item)
        server.settings.maxServerPDUSize = 512  # its setter calls itself without end
        server.initialize()

    def run(self):
        while True:
            connection = self.listener.accept()[0]
            try:
                self.serve(connection)
            except Exception as error:  # the peer raises all kinds
                say(f"# the peer's server fails: {error!r}")
            self.server.reset()
            connection.close()

    def serve(self, connection):
        while octets := connection.recv(4096):
            reply = GXServerReply(octets)
            self.server.handleRequest(reply)
            if reply.reply:
                self.said.append(bytes(reply.reply))
                connection.sendall(bytes(reply.reply))


def check_missing(tap):
    """A release that has what is added here is to be tested without it."""
    there = [f"{kind.__name__}.{name}" for kind, name, _ in ADDED if hasattr(kind, name)]
    tap.check("the release still lacks what is added to it", not there, there)
    for kind, name, value in ADDED:
        setattr(kind, name, value)


def check_reads(tap, run, meter, where):
    done = run("read", "--json", "0.0.42.0.0", "1.0.1.8.0", "0.0.1.0.0")
    values = {v["obis"]: v for v in json.loads(done.stdout or "{}").get("values", ())}
    tap.check(f"{where}: name, register with its scaler, clock",
              done.returncode == 0 and
              values["0.0.42.0.0.255"]["value"] == "GRX0000000000001" and
              str(values["1.0.1.8.0.255"]["value"]) == "1234567.89" and
              values["0.0.1.0.0.255"]["value"].startswith("2026-02-03T00:00:00"),
              (done.stdout, done.stderr))
    done = run("objects", "--json")
    names = [o["obis"] for o in json.loads(done.stdout or '{"objects":[]}')["objects"]]
    tap.check(f"{where}: the object list", sorted(names) == sorted(
        item.logicalName for item in meter.server.items), (names, done.stderr))


def check_profile(tap, run, where):
    wanted = [f'"{START + datetime.timedelta(minutes=15 * i):%Y-%m-%dT%H:%M:%S}+00:00",'
              f"{(1000 * i + 7) / 100:.2f}"
              for i in range(ROWS)]
    for name, arguments, rows in (
            ("300 rows, by blocks", ("--from", "2026-02-01", "--to", "2026-03-01"), wanted),
            ("the last 20 rows", ("--last", "20"), wanted[-20:]),
            ("a range, both ends included", ("--from", "2026-02-03T01:00:00Z", "--to",
                                             "2026-02-03T02:00:00Z"), wanted[4:9])):
        done = run("profile", *arguments)
        got = done.stdout.splitlines()[1:]
        tap.check(f"{where}: {name}", done.returncode == 0 and got == rows,
                  f"{done.stderr} {len(got)} rows {got[:2]} {rows[:2]}")


def check_changes(tap, run, meter, where):
    done = run("write", "0.0.42.0.0", "octet-string:4142")
    value = meter.server.items[0].value
    tap.check(f"{where}: an attribute is written", done.returncode == 0 and
              bytes(value) == b"AB", (done.stderr, value))
    meter.server.items[0].value = b"GRX0000000000001"
    done = run("read", "1.0.9.9.9")
    tap.check(f"{where}: what is not there is told", done.returncode == 1 and
              "1.0.9.9.9" in done.stderr, done)
    done = run("call", "1.0.99.1.0:2")
    tap.check(f"{where}: an action response without return-parameters is refused",
              done.returncode == 1 and "ends too early" in done.stderr and
              any(b"\xC7\x01\xC1" in said for said in meter.said), done.stderr)


def check_hls(tap, runner, meter):
    cipher = meter.server.settings.cipher = meter.server.settings.ciphering
    cipher.blockCipherKey, cipher.authenticationKey = map(bytearray.fromhex, (EK, AK))
    done = runner(f"tcp://127.0.0.1:{meter.port}", "--role", "management", "--ek", EK, "--ak", AK,
                  "--title", TITLE)("read", "1.0.1.8.0")
    tap.check("HLS 5: the peer opens our initiate-request, and its AARE never comes",
              done.returncode == 1 and meter.server.opened ==
              (Authentication.HIGH_GMAC, Security.AUTHENTICATION_ENCRYPTION, TITLE),
              (done.stderr, meter.server.opened))


def main():
    tap, wk = Tap(), sys.argv[1]
    check_missing(tap)

    def runner(address, *options):
        def run(command, *arguments):
            return subprocess.run([wk, command, address, "--timeout", "3", *options, *arguments],
                                  capture_output=True, text=True, timeout=60)
        return run
    wrapper, hdlc = Meter(InterfaceType.WRAPPER), Meter(InterfaceType.HDLC)
    for meter, address in ((wrapper, f"tcp://127.0.0.1:{wrapper.port}"),
                           (hdlc, f"hdlc+tcp://127.0.0.1:{hdlc.port}/17")):
        where = address.split(":")[0]
        for role in ("public", "reader"):
            run = runner(address, "--role", role, "--password", PASSWORD)
            check_reads(tap, run, meter, f"{where}, {role}")
            check_profile(tap, run, f"{where}, {role}")
            check_changes(tap, run, meter, f"{where}, {role}")
        done = runner(address, "--role", "reader", "--password", "wrong")("read", "1.0.1.8.0")
        tap.check(f"{where}: a wrong password is told", done.returncode == 1 and done.stderr,
                  done)
        tap.check(f"{where}: its release response is as wrong as it was",
                  any(b"\x63\x0E\x80\x01\x00\xBE\x0F" in said for said in meter.said))
    faulty = Meter(InterfaceType.HDLC, True)
    done = runner(f"hdlc+tcp://127.0.0.1:{faulty.port}/17", "--role", "public")("read", "1.0.1.8.0")
    tap.check("a UA with a window of 131,073 is refused", done.returncode == 1 and
              faulty.said[:1] == [FAULTY_UA], (done.stderr, faulty.said[0].hex()))
    check_hls(tap, runner, wrapper)
    say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
