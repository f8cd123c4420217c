# SPDX-License-Identifier: Apache-2.0
"""Another reader of COMTRADE reads a capture of the product.

usage: comtrade_reader.py CAPTURE_DUMP     prints TAP
"""
import datetime
import math
import pathlib
import subprocess
import sys
import tempfile

import comtrade

FIRST = 4000 - 10 * 160
FRAMES = 60 * 160
START = datetime.datetime(2023, 11, 14, 22, 13, 20)
count = 0
failed = 0


def report(good, name, detail=""):
    global count, failed
    count += 1
    failed += not good
    if detail:
        print(f"# {detail}")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


def truth(frame, channel):
    angle = 2 * math.pi * (frame / 160 - channel % 3 / 3)
    factor = 0.5 if channel < 3 and 4000 <= frame < 5600 else 1
    return (325.27 if channel < 3 else 10) * factor * math.cos(angle)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "capture.cff"
        subprocess.run([sys.argv[1], str(path)], check=True, timeout=60)
        record = comtrade.load(str(path))
    report(record.rev_year == "2013" and record.ft == "BINARY32",
           "it is COMTRADE 2013 of 32 bits", f"{record.rev_year} {record.ft}")
    report(record.total_samples == FRAMES and record.cfg.sample_rates[0][0] == 8000
           and record.frequency == 50, "it has 10 cycles before and 50 after at the full rate",
           f"{record.total_samples} samples")
    names = [channel.name for channel in record.cfg.analog_channels]
    report(names == ["U1", "U2", "U3", "I1", "I2", "I3"]
           and [c.uu for c in record.cfg.analog_channels] == ["V"] * 3 + ["A"] * 3
           and [c.ph for c in record.cfg.analog_channels] == ["A", "B", "C"] * 2,
           "its channels have names, phases and units", " ".join(names))
    begin = START + datetime.timedelta(seconds=FIRST / 8000)
    trigger = START + datetime.timedelta(seconds=4000 / 8000)
    report(record.start_timestamp == begin and record.trigger_timestamp == trigger,
           "it begins and was triggered when it says",
           f"{record.start_timestamp} {record.trigger_timestamp}")
    worst = max(abs(record.analog[c][n] - truth(FIRST + n, c)) / (325.27 if c < 3 else 10)
                for c in range(6) for n in range(FRAMES))
    report(worst < 1e-6, "its values are those of the waveform", f"worst {worst:.2e} of peak")
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
