#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Destinations of alarms get EventNotifications. A meter pushes its load profile to `wk push-listen`:
sealed and confirmed, over TCP, UDP and CoAP; while nobody listens nothing is lost, and after kill -9
nothing comes again. Runs the sanitized build."""
import json
import subprocess
import sys
import threading
import time

import uplink
from harness import Meter, Tap, free_port

STOP = "2026-02-02T02:00:00Z"  # three hours of quarters
QUARTERS = 12
QUIET_S = 2


def listen(meter, port, count, *more):
    where = ("--coap", str(port), str(free_port())) if meter.coap else (str(port),)
    return subprocess.Popen(
        [meter.bin / "wk", "push-listen", "--count", str(count), "--ek", meter.keys["EK"], "--ak",
         meter.keys["AK"], "--title", "574B4C0000000009", *more, *where],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def configure(meter, port, **keys):
    section = "\n[push]\n" + "".join(f"{key} = {value}\n" for key, value in
                                     {"destination": f"127.0.0.1:{port}", **keys}.items())
    meter.coap = keys.get("carrier") == "coap"
    meter.write("b", lambda text: text + section)


def pushed(process, seconds):
    """The notifications that arrive; the process is ended after `seconds` without the last."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate()
    return [json.loads(line) for line in out.splitlines()], err


def pushed_until(process, enough, seconds):
    """Likewise, but no longer than QUIET_S after `enough` of them said so."""
    lines = []

    def read():
        for line in process.stdout:
            lines.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    uplink.wait_for(lambda: enough(list(lines)) or process.poll() is not None, seconds)
    seen = -1
    while seen != len(lines):
        seen = len(lines)
        time.sleep(QUIET_S)
    process.terminate()
    reader.join()
    return lines, process.stderr.read()


def entries(notifications):
    return [entry for notification in notifications for entry in notification["body"][3]]


def run(tap, what, **keys):
    port = free_port()
    meter = Meter("b", stop=STOP)
    configure(meter, port, every_s=3600, **keys)
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    time.sleep(1)  # pushes have failed so far: nobody listens
    process = listen(meter, port, 64)
    time.sleep(0.5)
    setup = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "management", "--ek",
                     meter.keys["EK"], "--ak", meter.keys["AK"], "--title", "574B4D0000000009",
                     "0.0.25.9.0.255:3")
    notifications, err = pushed_until(process, lambda n: len(entries(n)) >= QUARTERS - 4, 25)
    rows = entries(notifications)
    clocks = [json.dumps(row[0]) for row in rows]
    tap.check(setup.returncode == 0, f"{what}: the push setup can be read over DLMS",
              setup.stderr)
    tap.check(notifications and all(n["kind"] == "DataNotification" for n in notifications),
              f"{what}: notifications arrive", err)
    tap.check(all(n["sealed"] == (keys["protect"] == "yes") for n in notifications),
              f"{what}: they are sealed if they shall be")
    tap.check(len(set(clocks)) == len(clocks), f"{what}: no entry comes twice", clocks)
    tap.check(len(rows) >= QUARTERS - 4,
              f"{what}: what was captured while nobody listened comes, too", f"{len(rows)} rows")
    killed(tap, what, meter, daemon, port, set(clocks))
    meter.remove()


def killed(tap, what, meter, daemon, port, before):
    """kill -9 of the meter that has delivered, and a trigger: what comes then is new."""
    access = ("--role", "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"],
              "--title", "574B4D0000000009")
    meter.wk("write", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.9.0.255:6", "unsigned:7")
    daemon.kill()
    daemon.wait()
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    kept = meter.wk("read", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.9.0.255:6")
    process = listen(meter, port, 1)
    time.sleep(0.5)
    called = meter.wk("call", f"127.0.0.1:{meter.dlms}", *access, "0.0.25.9.0.255:1", "integer:0")
    notifications, err = pushed(process, 20)
    rows = [json.dumps(row[0]) for row in entries(notifications)]
    tap.check(kept.returncode == 0 and "7" in kept.stdout,
              f"{what}: what was written into the setup is there after kill -9",
              kept.stdout + kept.stderr)
    tap.check(len(notifications) == 1 and not before & set(rows),
              f"{what}: after kill -9 no entry comes again", f"{rows[:3]} {called.stderr} {err}")


def destination(port, service, mask):
    """0.0.97.98.30.255 as a value: service, address, a mask for each alarm register."""
    address = f"127.0.0.1:{port}".encode()
    return (f"data:0204 16{service:02X} 09{len(address):02X}{address.hex()} 06{mask:08X} "
            "0600000000").replace(" ", "")


def alarms(tap, what, service, protect):
    """A destination is written over DLMS; a wrong password is an alarm of its mask."""
    login_failed = 1 << 14
    port = free_port()
    meter = Meter("b", stop="2026-02-01T23:20:00Z")
    configure(meter, free_port(), protect=protect)  # pushes go elsewhere
    meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    daemon = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.wait_finished()
    access = ("--role", "management", "--ek", meter.keys["EK"], "--ak", meter.keys["AK"],
              "--title", "574B4D0000000009")
    written = meter.wk("write", f"127.0.0.1:{meter.dlms}", *access, "0.0.97.98.30.255",
                       destination(port, service, login_failed))
    process = listen(meter, port, 1)
    time.sleep(0.5)
    meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password", "wrong",
             "0.0.1.0.0.255")
    events, err = pushed(process, 20)
    register = meter.wk("read", f"127.0.0.1:{meter.dlms}", *access, "0.0.97.98.0.255")
    tap.check(len(events) == 1 and events[0]["kind"] == "EventNotification" and
              events[0]["sealed"] == (protect == "yes"), f"{what}: an event arrives",
              f"{events} {err} {written.stderr}")
    event = events[0] if events else {}
    tap.check((event.get("class"), event.get("name"), event.get("attribute")) ==
              (1, "0.0.97.98.0.255", 2) and event.get("value", 0) & login_failed and
              str(event["value"]) in register.stdout,
              f"{what}: it has the alarm register as it is", f"{event} {register.stdout}")
    time.sleep(0.5)  # what was heard is committed
    daemon.kill()
    daemon.wait()
    process = listen(meter, port, 1)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    again, err = pushed(process, 3)
    tap.check(not again, f"{what}: after kill -9 it is not told again", f"{again} {err}")
    meter.remove()


def main():
    tap = Tap()
    alarms(tap, "alarm, TCP, sealed", 1, "yes")
    alarms(tap, "alarm, UDP, clear", 2, "no")
    run(tap, "TCP, sealed, confirmed", carrier="tcp", protect="yes", confirm="yes", compact="no")
    run(tap, "TCP, clear, compact", carrier="tcp", protect="no", confirm="no", compact="yes")
    run(tap, "UDP, sealed, confirmed", carrier="udp", protect="yes", confirm="yes", compact="no")
    run(tap, "CoAP, sealed, confirmed", carrier="coap", protect="yes", confirm="yes", compact="no")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
