#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Parameters of ports over DLMS: what nobody has set is told as the system has it; what a client sets
is in force after the next start, and outlives kill -9. Runs the sanitized build."""
import ipaddress
import subprocess
import sys

from harness import Meter, Tap, free_port


def main():
    tap = Tap()
    meter = Meter("b", stop="2026-02-01T23:20:00Z")
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    access = ("--role", "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"],
              "--title", "574B4D0000000009")

    def read(name, port=None):
        done = meter.wk("read", f"127.0.0.1:{port or meter.dlms}", *access, name)
        return done.stdout.split()[-1] if done.returncode == 0 and done.stdout else done.stderr

    tap.check(read("0.0.25.0.0.255:2") == str(meter.dlms), "the port in use is told",
              read("0.0.25.0.0.255:2"))
    tap.check(read("0.0.25.1.0.255:3") == str(int(ipaddress.IPv4Address("127.0.0.1"))),
              "the address of the interface is told", read("0.0.25.1.0.255:3"))
    tap.check(read("0.0.25.1.0.255:6") == str(int(ipaddress.IPv4Address("255.0.0.0"))),
              "its mask is told", read("0.0.25.1.0.255:6"))
    port = free_port()
    meter.wk("write", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.0.0.255:2",
             f"long-unsigned:{port}")
    tap.check(read("0.0.25.0.0.255:2") == str(port), "what was set is told at once")
    daemon.kill()
    daemon.wait()
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    tap.check(read("0.0.25.0.0.255:2", port) == str(port),
              "after kill -9 the meter listens where it was set", read("0.0.25.0.0.255:2", port))
    refused = meter.wk("read", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.0.0.255:2")
    tap.check(refused.returncode != 0, "and no longer where it was configured")
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
