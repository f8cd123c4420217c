#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter with a history of power quality, for the page tests: some hours of a distorted,
flickering but legal supply, then forty seconds with dips, swells, an interruption, a rapid change and a
transient, over and over in real time.

usage: quality_feed.py FOLDER PORT      runs until SIGTERM or Ctrl-C, page on PORT, DLMS on PORT + 1
"""
import array
import datetime
import math
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = ROOT / "build" / "release" / "bin"
RATE = 6400
DECLARED_RATE = 6401.28  # so the supply has 50.01 Hz
PERIOD = RATE // 5  # everything steady repeats after ten cycles
QUIET_S, EVENTFUL_S = 20, 40
HOURS = 4
CHANNELS = (("U1", "A", "V"), ("U2", "B", "V"), ("U3", "C", "V"), ("UN", "N", "V"),
            ("I1", "A", "A"), ("I2", "B", "A"), ("I3", "C", "A"), ("IN", "N", "A"))
# order: percent of the fundamental, degrees
U_HARMONICS = {3: (0.9, 20), 5: (2.6, 160), 7: (1.8, 300), 11: (1.1, 40), 13: (0.8, 200),
               17: (0.4, 10), 19: (0.35, 80), 23: (0.3, 0), 25: (0.25, 130)}
I_HARMONICS = {2: (0.8, 0), 3: (18, 190), 5: (11, 10), 7: (6.5, 150), 9: (2.5, 60),
               11: (3.2, 250), 13: (2.1, 90), 15: (0.9, 0), 17: (1.2, 140), 19: (0.9, 30),
               23: (0.6, 200), 25: (0.5, 70)}
U_RMS, I_RMS, LAG = (231.4, 229.2, 233.1), (14.2, 8.6, 11.3), (18, 31, -8)
FLICKER = (0.0011, 0.0015, 0.0021)  # of the voltage, at 10 Hz: Pst 0.6, 0.8, 1.15
# Begin s, length s, share of the voltage of L1 L2 L3. The first are captured; then the meter keeps
# to one capture in ten minutes, as in a storm.
EVENTS = ((3, 0.18, (0.62, 1, 1)), (7, 0.9, (0.01, 0.01, 0.01)), (11, 0.3, (1, 1.25, 1)),
          (14, 0.15, (1.13, 1, 1)), (17, 1.4, (1, 0.72, 0.71)), (22, 0.6, (0.83, 0.83, 0.84)),
          (26, 5, (0.955, 0.955, 0.955)), (37, 0.08, (1, 1, 0.42)))
TRANSIENT_S, TRANSIENT_V, TRANSIENT_HZ = 5.0037, 260, 900


def wave(turns, harmonics, phase):
    """The sum of a fundamental of 1 and its harmonics, which turn with their order."""
    angle = 2 * math.pi * (turns - phase / 3)
    return math.cos(angle) + sum(
        size / 100 * math.cos(order * angle + math.radians(degrees))
        for order, (size, degrees) in harmonics.items())


def tables():
    """Ten cycles of U1 U2 U3 I1 I2 I3."""
    rows = []
    for k in range(3):
        row = []
        for n in range(PERIOD):
            t = n / RATE
            flicker = 1 + FLICKER[k] * math.cos(2 * math.pi * 10 * t + k)
            between = 0.004 * math.cos(2 * math.pi * 185 * t + k)
            row.append(U_RMS[k] * math.sqrt(2) * (flicker * wave(50 * t, U_HARMONICS, k)
                                                  + between))
        rows.append(row)
    for k in range(3):
        rows.append([I_RMS[k] * math.sqrt(2)
                     * wave(50 * n / RATE - LAG[k] / 360, I_HARMONICS, k)
                     for n in range(PERIOD)])
    return rows


def shares_at(second):
    for begin, length, shares in EVENTS:
        if begin <= second < begin + length:
            return shares
    return (1, 1, 1)


def transient(second):
    since = second - TRANSIENT_S
    if not 0 <= since < 0.01:
        return 0
    return TRANSIENT_V * math.exp(-since / 0.0015) * math.cos(2 * math.pi * TRANSIENT_HZ * since)


def write(path, seconds, eventful):
    rows = tables()
    data = bytearray()
    frames = seconds * RATE
    for n in range(frames):
        second = n / RATE
        k = shares_at(second) if eventful else (1, 1, 1)
        at = n % PERIOD
        u = [rows[0][at] * k[0], rows[1][at] * k[1], rows[2][at] * k[2]]
        if eventful:
            u[2] += transient(second)
        i = [rows[3][at] * k[0], rows[4][at] * k[1], rows[5][at] * k[2]]
        data += array.array("I", (n + 1, round(n * 1e6 / DECLARED_RATE))).tobytes()
        data += array.array("f", (*u, 0.004 * u[0], *i, sum(i))).tobytes()
    path.with_suffix(".dat").write_bytes(data)
    lines = ["Wattkeeper,pages,2013", f"{len(CHANNELS)},{len(CHANNELS)}A,0D"]
    lines += [f"{c + 1},{name},{phase},,{unit},1,0,0,-99999999,99999999,1,1,P"
              for c, (name, phase, unit) in enumerate(CHANNELS)]
    lines += ["50", "1", f"{DECLARED_RATE},{frames}", "01/01/1970,00:00:00.000000",
              "01/01/1970,00:00:00.000000", "FLOAT32", "1", "0,0", "0,0"]
    path.write_text("\r\n".join(lines) + "\r\n")


def config(folder, port, name, start, pace, stop=""):
    path = folder / f"{name}.conf"
    path.write_text(f"""[meter]
serial = WK50160001
phases = 3
state = {folder / 'state'}
[frontend]
kind = replay
file = {folder / name}.cfg
u = U1,U2,U3,UN
i = I1,I2,I3,IN
nominal_v = 230
nominal_hz = 50
start = {start:%Y-%m-%dT%H:%M:%SZ}
{stop}
pace = {pace}
[quality]
analyse = yes
captures = 60
[dlms]
port = {port + 1}
system_title = 574B500050160001
reader_password = {'0' * 8}
encryption_key = {'01' * 16}
authentication_key = {'02' * 16}
[web]
port = {port}
""")
    return path


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    port = int(sys.argv[2])
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    write(folder / "quiet.cfg", QUIET_S, False)
    write(folder / "eventful.cfg", EVENTFUL_S, True)
    end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    begin = end - datetime.timedelta(hours=HOURS)
    quiet = config(folder, port, "quiet", begin, "full-speed",
                   f"stop = {end:%Y-%m-%dT%H:%M:%SZ}")
    eventful = config(folder, port, "eventful", end, "realtime")
    processes = []
    try:
        with open(folder / "log", "w") as log:
            processes.append(subprocess.Popen([BIN / "wk-meterd", "--config", eventful],
                                              stdout=log, stderr=log))
            for path in (quiet, eventful):
                processes.append(subprocess.Popen([BIN / "wk-metrologyd", "--config", path],
                                                  stdout=log, stderr=log))
                if path == quiet:
                    processes[-1].wait()
                    print("the quiet hours are metered", flush=True)
            while all(p.poll() is None for p in (processes[0], processes[-1])):
                time.sleep(0.5)
        sys.exit((folder / "log").read_text())
    except KeyboardInterrupt:
        pass
    finally:
        for process in reversed(processes):
            if process.poll() is None:
                process.terminate()
                process.wait(10)


if __name__ == "__main__":
    main()
