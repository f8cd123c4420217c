#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Suites 0, 1 and 2 with HLS 5, 6 and 7, by the Gurux DLMS client; prints TAP.

gurux_suites.py PROGRAM     starts PROGRAM (suite_test_server) for each suite
gurux_suites.py --port PORT --suite N --ek HEX --ak HEX [--private HEX --public HEX]
                            reads a running meter; --private is this client's key, --public the
                            meter's, as octets

What this peer does not do: HLS 7 over P-384 (it signs over P-256 only), general-ciphering with
agreed keys, general-signing.
"""
import argparse
import io
import os
import pathlib
import re
import subprocess
import sys

import gurux_client
from gurux_dlms.ecdsa import GXPrivateKey, GXPublicKey
from gurux_dlms.enums import Authentication
from gurux_dlms.objects.enums import SecuritySuite

TITLE = "434C540000000009"  # of the client's certificates
EK = "000102030405060708090A0B0C0D0E0F"
AK = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"


def certificate_keys(suite):
    """The client's private and the server's public key, from tests/certificates.h."""
    text = (pathlib.Path(__file__).resolve().parent.parent / "certificates.h").read_text()
    part = text.split("/* P-")[2 if suite == 2 else 1]
    size = 48 if suite == 2 else 32

    def strings(name):
        block = part.split(f".{name} =", 1)[1].split("},", 1)[0]
        return [bytes.fromhex("".join(re.findall(r'"([0-9A-F]+)"', item)))
                for item in block.split(",") if '"' in item]
    certificate = strings("server")[0]
    at = certificate.index(bytes([3, 2 * size + 2, 0, 4])) + 4
    return strings("client_key")[0], b"\x04" + certificate[at:at + 2 * size]


class Meter(gurux_client.Meter):
    def __init__(self, options, general):
        super().__init__(options, gurux_client.MANAGEMENT, general)
        client = self.client
        client.ciphering.securitySuite = SecuritySuite(options.suite)
        client.authentication = options.mechanism
        client.settings.useCustomChallenge = True
        client.settings.setCtoSChallenge(bytearray(os.urandom(32)))
        client.password = bytearray(options.password.encode())
        if options.mechanism == Authentication.HIGH_ECDSA:
            private, public = options.pair
            client.ciphering.signingKeyPair = (GXPublicKey.fromRawBytes(bytearray(public)),
                                               GXPrivateKey.fromRawBytes(bytearray(private)))


def read(options, general, tap):
    kind = (f"suite {options.suite}, HLS {int(options.mechanism)}, "
            f"{'general-glo' if general else 'glo'}")
    meter = tap.run(f"{kind}: association", lambda: Meter(options, general).open())
    if not meter:
        return
    tap.run(f"{kind}: logical device name", lambda: gurux_client.read_name(meter, options))
    tap.run(f"{kind}: clock", lambda: gurux_client.read_clock(meter, options))
    options.counter = meter.client.ciphering.invocationCounter + 8
    tap.run(f"{kind}: release", meter.close)


def run_suite(program, suite, tap):
    size = 64 if suite == 2 else 32
    options = argparse.Namespace(host="127.0.0.1", framing="wrapper", suite=suite,
                                 counter=1, now=True, title=TITLE,
                                 password="Wattkeeper", name="WKP0000000000001",
                                 ek=EK.ljust(size, "0"), ak=AK.ljust(size, "0"),
                                 pair=certificate_keys(suite) if suite else None)
    server = subprocess.Popen([program, str(suite)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        options.port = int(server.stdout.readline().split()[1])
        mechanisms = [Authentication.HIGH_GMAC, Authentication.HIGH_SHA256]
        for mechanism in mechanisms + [Authentication.HIGH_ECDSA] * (suite == 1):
            options.mechanism = mechanism
            for general in (False, True):
                read(options, general, tap)
    finally:
        server.stdin.close()
        ended = server.wait(gurux_client.TIMEOUT_S)
    tap.check(f"suite {suite}: the server ends without complaint", ended == 0, ended)


def run_meter(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--suite", type=int, required=True)
    parser.add_argument("--private", type=bytes.fromhex)
    parser.add_argument("--public", type=bytes.fromhex)
    for name in ("ek", "ak", "name", "password"):
        parser.add_argument(f"--{name}", required=name != "name")
    options = parser.parse_args()
    options.host, options.framing, options.now, options.title = "127.0.0.1", "wrapper", False, TITLE
    options.pair = (options.private, options.public)
    options.counter = gurux_client.next_counter(options)
    mechanisms = [Authentication.HIGH_GMAC, Authentication.HIGH_SHA256]
    for mechanism in mechanisms + [Authentication.HIGH_ECDSA] * (options.private is not None):
        options.mechanism = mechanism
        for general in (False, True):
            read(options, general, tap)


def main():
    tap = gurux_client.Tap()
    if sys.argv[1].startswith("--"):
        run_meter(tap)
        gurux_client.say(f"1..{tap.count}")
        return 1 if tap.failed else 0
    for suite in range(3):
        run_suite(sys.argv[1], suite, tap)
    gurux_client.say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
