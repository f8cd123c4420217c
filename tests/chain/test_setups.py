#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Parameters of ports over DLMS: what nobody has set is told as the system has it; what a client sets
is in force after the next start, and outlives kill -9. Runs the sanitized build."""
import ipaddress
import pathlib
import subprocess
import sys

from harness import Meter, Tap, free_port


def check_network(tap, read, write, port):
    """What the system manages is refused, with the reason, and told as the system has it."""
    mac = read("0.0.25.2.0.255:2", port)
    for name, value in (("0.0.25.2.0.255:2", "octet-string:021122334455"),
                        ("0.0.25.1.0.255:6", "double-long-unsigned:1"),
                        ("0.0.25.1.0.255:8", "boolean:false"),
                        ("0.0.25.7.0.255:3", "enum:1")):
        done = write(name, value, port)
        tap.check(done.returncode != 0 and "denied" in done.stderr, f"setting {name} is refused",
                  done.stderr)
    tap.check(read("0.0.25.2.0.255:2", port) == mac, "the MAC address is that of the system")
    done = write("0.0.25.1.0.255:3", "double-long-unsigned:3221225985", port)  # 192.0.2.1
    tap.check(done.returncode != 0, "an address that the system does not have is refused",
              done.stderr)


def servers_of(path):
    """Numbers of the first two servers of IPv4 in a resolv.conf."""
    found = []
    for line in pathlib.Path(path).read_text().splitlines() if pathlib.Path(path).exists() else ():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
            found.append(int(ipaddress.IPv4Address(words[1])))
    return (found + [0, 0])[:2]


def check_names(tap, read):
    """DHCP and DNS as the system has them: loopback has its address for ever."""
    dns = servers_of("/etc/resolv.conf")
    if dns[0] == int(ipaddress.IPv4Address("127.0.0.53")):
        behind = servers_of("/run/systemd/resolve/resolv.conf")
        dns = behind if behind[0] else dns
    told = [read(f"0.0.25.1.0.255:{attribute}") for attribute in (9, 10)]
    tap.check(told == [str(one) for one in dns], "servers of names are those of the system",
              f"{told}, not {dns}")
    leased = read("0.0.25.1.0.255:8")
    tap.check(leased in ("false", "0"), "loopback has no address of DHCP", leased)


# get_protected_attributes of 0.0.96.1.1.255:2, without layers: A-XDR by hand.
GET_PROTECTED = "data:02020101020512000109060000600101FF0F02120000000100"


def check_protection(tap, access):
    """Class 30 by hand, of a meter with three phases: names, and what a method returns."""
    meter = Meter("a", stop="2026-02-01T23:02:00Z", analyse="no")
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()

    def run(command, *more):
        return meter.wk(command, f"127.0.0.1:{meter.dlms}", *access, *more)

    run("write", "0.0.96.1.1.255", "octet-string:4142")
    refused = run("call", "0.0.43.2.0.255:1", GET_PROTECTED)
    tap.check("may not" in refused.stderr and not refused.stdout,
              "values do not go without the protection that is demanded", refused)
    run("write", "0.0.43.2.0.255:6", "enum:0")
    done = run("call", "0.0.43.2.0.255:1", GET_PROTECTED)
    tap.check(done.returncode == 0 and "020109024142" in done.stdout,
              "what a method returns is printed", done)
    told = run("read", "0.0.43.2.0.255:3", "0.0.43.2.0.255:6").stdout
    tap.check("protection_object_list" in told and "required_protection" in told,
              "attributes of data protection have their names", told)
    meter.remove()


def main():
    tap = Tap()
    meter = Meter("b", stop="2026-02-01T23:20:00Z")
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    access = ("--role", "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"],
              "--title", "574B4D0000000009")

    def read(name, port=None, host="127.0.0.1"):
        done = meter.wk("read", f"{host}:{port or meter.dlms}", *access, name)
        return done.stdout.split()[-1] if done.returncode == 0 and done.stdout else done.stderr

    def write(name, value, port):
        return meter.wk("write", f"127.0.0.1:{port}", *access, name, value)

    tap.check(read("0.0.25.0.0.255:2") == str(meter.dlms), "the port in use is told",
              read("0.0.25.0.0.255:2"))
    tap.check(read("0.0.25.1.0.255:3") == str(int(ipaddress.IPv4Address("127.0.0.1"))),
              "the address of the interface is told", read("0.0.25.1.0.255:3"))
    tap.check(read("0.0.25.1.0.255:6") == str(int(ipaddress.IPv4Address("255.0.0.0"))),
              "its mask is told", read("0.0.25.1.0.255:6"))
    check_names(tap, read)
    check_protection(tap, access)
    port = free_port()
    meter.wk("write", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.0.0.255:2",
             f"long-unsigned:{port}")
    tap.check(read("0.0.25.0.0.255:2") == str(port), "what was set is told at once")
    daemon.kill()
    daemon.wait()
    again = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    tap.check(read("0.0.25.0.0.255:2", port) == str(port),
              "after kill -9 the meter listens where it was set", read("0.0.25.0.0.255:2", port))
    refused = meter.wk("read", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.0.0.255:2")
    tap.check(refused.returncode != 0, "and no longer where it was configured")
    check_network(tap, read, write, port)
    others = [one for one in subprocess.run(["hostname", "-I"], capture_output=True,
                                            text=True).stdout.split() if "." in one]
    if others:
        address = int(ipaddress.IPv4Address(others[0]))
        write("0.0.25.1.0.255:3", f"double-long-unsigned:{address}", port)
        tap.check(read("0.0.25.1.0.255:3", port) == str(address), "an address of the system is taken")
        again.kill()
        again.wait()
        meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
        meter.get("/api/info")
        told = read("0.0.25.1.0.255:3", port, others[0])
        tap.check(told == str(address), "after the next start the meter listens there", told)
        tap.check(not read("0.0.25.1.0.255:3", port).isdigit(), "and not where it was configured")
    else:
        tap.check(True, "an address of the system is taken # SKIP no second address")
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
