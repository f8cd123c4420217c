#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the independent client read a running meter: clock, registers, load profile by range, with
and without ciphering. Prints the client's TAP. Run tests/interop/run first: it installs the peer.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chain"))
from harness import ROOT, Meter  # noqa: E402


def main():
    meter = Meter("b", stop="2026-02-02T01:00:00Z")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    status = subprocess.run(
        [ROOT / "build" / "venv" / "bin" / "python", HERE / "gurux_client.py", "127.0.0.1",
         str(meter.dlms), "--password", meter.password, "--ek", meter.keys["EK"], "--ak",
         meter.keys["AK"], "--name", "WKP000WK10000002"]).returncode
    meter.remove()
    sys.exit(status)


if __name__ == "__main__":
    main()
