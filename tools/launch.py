#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs two meters and a head-end: the main job of ./run.

usage: launch.py [--once] [--port-base N]

Without --once: meters yesterday's day as fast as the machine can, then goes on in real time until
Ctrl-C; the pages are open all the while. With --once: meters one fixed day, collects and bills it,
prints one JSON object as the last line and ends; exit status 0 only if registers, intervals and
bill agree.
"""
import argparse
import datetime
import decimal
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "release" / "bin"
RUN = ROOT / "build" / "run"
ONCE_START = "2026-02-01T23:00:00Z"  # a Monday begins in central Europe
ONCE_STOP = "2026-02-02T23:00:00Z"
ONCE_TIMEOUT_S = 285
QUARTER_S = 900
METERS = (("a", "WK30000001", "Keating building"), ("b", "WK10000002", "House 2"))


def free_ports(base, count):
    """`count` ports that are free now; from `base` on if it is given."""
    if base:
        ports = list(range(base, base + count))
        for port in ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    sys.exit(f"port {port} is in use: stop what uses it, or choose other ports "
                             "with --port-base N")
        return ports
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def write_config(name, words, to):
    text = (ROOT / "config" / name).read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    write_private(to, text)


def write_private(to, text):
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)


def registers_of(answer):
    """{"T1": uWh ...} from the answer of `wk read --json`."""
    try:
        rows = json.loads(answer, parse_float=decimal.Decimal)["values"]
    except (ValueError, KeyError):
        return {}
    return {f"T{row['obis'].split('.')[4]}": int(row["value"] * 1000000) for row in rows}


class Launch:
    def __init__(self, once, base):
        self.once = once
        self.processes = []
        self.ports = dict(zip(("head", "web_a", "web_b", "dlms_a", "dlms_b"),
                              free_ports(base, 5)))
        if once:
            self.start = ONCE_START
        else:
            now = int(time.time()) - 86400
            begin = datetime.datetime.fromtimestamp(now - now % QUARTER_S, datetime.timezone.utc)
            self.start = begin.strftime("%Y-%m-%dT%H:%M:%SZ")

    def configure(self):
        shutil.rmtree(RUN, ignore_errors=True)
        RUN.mkdir(parents=True)
        words = {"START": self.start, "PORT": self.ports["head"], "CONFIG": ROOT / "config",
                 "TOKEN": secrets.token_hex(16)}
        for letter, _, _ in METERS:
            key = {"EK": secrets.token_hex(16), "AK": secrets.token_hex(16)}
            write_config(f"meter-{letter}.conf", {
                **key, "STATE": RUN / f"meter-{letter}", "DATA": ROOT / "data",
                "START": self.start, "STOP": f"stop = {ONCE_STOP}" if self.once else "",
                "PACE": "full-speed" if self.once else "catchup",
                "PASSWORD": secrets.token_hex(8), "DLMS": self.ports[f"dlms_{letter}"],
                "WEB": self.ports[f"web_{letter}"], "TOKEN_KEY": secrets.token_hex(16)}, RUN / f"meter-{letter}.conf")
            write_private(RUN / f"meter-{letter}.keys",
                          "".join(f"{name.lower()} = {value}\n" for name, value in key.items()))
            words[f"DLMS_{letter.upper()}"] = self.ports[f"dlms_{letter}"]
            for name, value in key.items():
                words[f"{name}_{letter.upper()}"] = value
        write_config("headend.conf", words, RUN / "headend.conf")
        write_private(RUN / "token", words["TOKEN"] + "\n")

    def spawn(self, name, argv, **more):
        log = open(RUN / f"{name}.log", "w")
        more.setdefault("stdout", log)
        # A session of its own: Ctrl-C reaches the launcher alone, which ends them in order.
        process = subprocess.Popen([str(a) for a in argv], stderr=log, start_new_session=True,
                                   **more)
        process.label = name
        self.processes.append(process)
        return process

    def start_meters(self):
        for letter, _, _ in METERS:
            config = ("--config", RUN / f"meter-{letter}.conf")
            self.spawn(f"meterd-{letter}", [BIN / "wk-meterd", *config])
            self.spawn(f"metrologyd-{letter}", [BIN / "wk-metrologyd", *config])

    def start_headend(self):
        argv = [BIN / "wk-headendd", "--config", RUN / "headend.conf"]
        if self.once:
            return self.spawn("headendd", argv + ["--once", "--until", ONCE_STOP, "--timeout",
                                                  ONCE_TIMEOUT_S],
                              stdout=subprocess.PIPE, text=True)
        return self.spawn("headendd", argv)

    def check_alive(self):
        for process in self.processes:
            status = process.poll()
            if status is None or (status == 0 and process.label.startswith("metrologyd")
                                  and self.once):
                continue
            if process.label == "headendd" and self.once:
                continue
            last = (RUN / f"{process.label}.log").read_text().strip().splitlines()
            sys.exit(f"{process.label} ended: {last[-1] if last else f'status {status}'}")

    def progress(self):
        """Share of the first day that each meter has metered, 0..1; None if it cannot say."""
        shares = []
        for letter, _, _ in METERS:
            url = f"http://127.0.0.1:{self.ports['web_' + letter]}/api/info"
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    p = json.load(answer)["progress"]
                shares.append(min(1.0, max(0.0, (p["reached_us"] - p["start_us"])
                                           / (p["target_us"] - p["start_us"]))))
            except (urllib.error.URLError, OSError, ZeroDivisionError, ValueError):
                shares.append(None)
        return shares

    def check_registers(self, result):
        """Reads the tariff registers of each meter once more, past the head-end. The feeds have
        ended with the day, so they must equal what was collected and billed."""
        agree = True
        for letter, serial, _ in METERS:
            keys = RUN / f"meter-{letter}.keys"
            answer = subprocess.run(
                [BIN / "wk", "read", f"127.0.0.1:{self.ports['dlms_' + letter]}",
                 *(f"1.0.1.8.{n}.255" for n in range(1, 5)), "--role", "management",
                 "--keys", keys, "--json"], capture_output=True, text=True)
            meter = next(m for m in result["meters"] if m["serial"] == serial)
            registers = registers_of(answer.stdout)
            if registers != meter["register_uwh"]:
                print(f"{serial}: the meter's registers are {registers or answer.stderr}, "
                      f"collected were {meter['register_uwh']}", file=sys.stderr)
                agree = False
        return agree

    def stop(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not stop the stopping
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 8
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Progress:
    """One line that is rewritten on a terminal, or a line every ten per cent elsewhere."""

    def __init__(self):
        self.live = sys.stderr.isatty()
        self.said = -1
        self.done = False

    def show(self, shares):
        if self.done or all(share is None for share in shares):
            return
        texts = [f"meter {letter.upper()} {'--' if share is None else f'{share * 100:3.0f}'} %"
                 for (letter, _, _), share in zip(METERS, shares)]
        least = min(0.0 if share is None else share for share in shares)
        line = f"metering the first day: {', '.join(texts)}"
        self.done = least >= 1.0
        if self.live:
            print(f"\r{line}  ", end="\n" if self.done else "", file=sys.stderr, flush=True)
        elif int(least * 10) > self.said:
            self.said = int(least * 10)
            print(line, file=sys.stderr, flush=True)


def print_addresses(launch):
    ports = launch.ports
    print(f"""
  head-end            http://127.0.0.1:{ports['head']}/
  meter A, building   http://127.0.0.1:{ports['web_a']}/    DLMS 127.0.0.1:{ports['dlms_a']}
  meter B, household  http://127.0.0.1:{ports['web_b']}/    DLMS 127.0.0.1:{ports['dlms_b']}
  keys, logs, stores  {os.path.relpath(RUN)}

  The first day is metered as fast as this machine can, then time runs as on the wall.
  Ctrl-C ends everything.
""", flush=True)


def run_once(launch):
    head = launch.start_headend()
    progress = Progress()
    begin = time.monotonic()
    while head.poll() is None:
        time.sleep(0.5)
        launch.check_alive()
        progress.show(launch.progress())
    lines = head.stdout.read().strip().splitlines()
    print(f"metered, collected and billed in {time.monotonic() - begin:.1f} s", file=sys.stderr)
    if not lines or not lines[-1].startswith("{"):
        log = (RUN / "headendd.log").read_text().strip()
        sys.exit(f"the head-end gave no result: {log}")
    result = json.loads(lines[-1])
    agree = head.returncode == 0 and launch.check_registers(result)
    result["agree"] = agree
    print(json.dumps(result), flush=True)
    return 0 if agree else 1


def run(launch):
    launch.start_headend()
    print_addresses(launch)
    progress = Progress()
    while True:
        time.sleep(1)
        launch.check_alive()
        progress.show(launch.progress())


def main():
    parser = argparse.ArgumentParser(prog="./run", description=__doc__.split("\n\n")[2])
    parser.add_argument("--once", action="store_true",
                        help="meter one day, print the result as JSON, end")
    parser.add_argument("--port-base", type=int, default=0, metavar="N",
                        help="use the ports N..N+4 (default: 8480..8484, with --once any free)")
    arguments = parser.parse_args()
    base = arguments.port_base or (0 if arguments.once else 8480)
    launch = Launch(arguments.once, base)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    status = 1
    # Whoever starts this in the background has SIGINT ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        launch.configure()
        launch.start_meters()
        status = run_once(launch) if arguments.once else run(launch)
    except KeyboardInterrupt:
        print("\nending", file=sys.stderr)
        status = 0
    finally:
        launch.stop()
    sys.exit(status)


if __name__ == "__main__":
    main()
