#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the independent client read a running meter: clock, registers, load profile by range, with
and without ciphering; over the wrapper on TCP and UDP, HDLC over TCP and HDLC on a serial line. The meter's
encryption key lies in a token (SoftHSM 2): the first start puts it there, the second one does not
have it in its file any more. Prints the client's TAP. Run tests/interop/run first: it installs
the peer.
"""
import os
import pathlib
import pty
import subprocess
import sys
import tty

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chain"))
from harness import ROOT, Meter, free_port  # noqa: E402

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "1234"


def make_token(folder):
    """A token of this test's own."""
    tokens = folder / "tokens"
    tokens.mkdir()
    (folder / "pin").write_text(PIN + "\n")
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "meter", "--pin", PIN,
                    "--so-pin", "5678"], check=True, stdout=subprocess.DEVNULL)


def read(meter, *more, descriptors=()):
    return subprocess.run(
        [ROOT / "build" / "venv" / "bin" / "python", HERE / "gurux_client.py", "127.0.0.1",
         str(meter.dlms), "--password", meter.password, "--ek", meter.keys["EK"], "--ak",
         meter.keys["AK"], "--name", "WKP000WK10000002", "--association", "3", *more],
        pass_fds=descriptors).returncode


def main():
    meter = Meter("b", stop="2026-02-02T01:00:00Z")
    make_token(meter.folder)
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    hdlc, udp = free_port(), free_port()
    section = f"""[dlms]
udp_port = {udp}
hdlc_port = {hdlc}
hdlc_address = 17
serial = {os.ttyname(theirs)}
token_module = {SOFTHSM}
token_label = meter
token_pin_file = {meter.folder / "pin"}
encryption_key_slot = 1
"""
    meter.write("b", lambda text: text.replace("[dlms]\n", section))
    os.close(theirs)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    status = read(meter, "--hdlc-port", str(hdlc), "--udp-port", str(udp), "--device", str(ours), descriptors=(ours,))
    meter.stop()
    meter.write("b", lambda text: text.replace("[dlms]\n", section).replace(
        f"encryption_key = {meter.keys['EK']}\n", ""))
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    status = read(meter, "--brief") or status
    meter.remove()
    sys.exit(status)


if __name__ == "__main__":
    main()
