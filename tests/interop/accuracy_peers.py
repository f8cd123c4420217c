# SPDX-License-Identifier: Apache-2.0
"""Second opinions on the signals of the accuracy report: numpy and pqopen-lib read the very
samples that `wk accuracy --export` writes and `wk measure` meters.

usage: accuracy_peers.py WK     prints TAP

numpy sums whole periods where a period is a whole number of samples, and fits sines elsewhere.
pqopen-lib is asked where it is right: rms, power and frequency of clean signals, and Pst of the
230 V lamp; its windows are whole samples, which is why it may be off by the figures named here.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
from daqopen.channelbuffer import AcqBuffer
from pqopen.powerquality import VoltageFluctuation
from pqopen.powersystem import PowerSystem

RATE = 8000
PQOPEN_U = 0.03e-2  # of its own windows, off nominal frequency
PQOPEN_P = 0.05e-2
PQOPEN_HZ = 1e-3
PST = 0.01
NUMPY = 1e-5
count = 0
failed = 0


def report(good, name, detail):
    global count, failed
    count += 1
    failed += not good
    print(f"# {detail}")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


class Case:
    """A trial's samples, V and A, and what the meter makes of them."""

    def __init__(self, wk, folder, name, *options, measured=True):
        config = pathlib.Path(folder, "case.cfg")
        subprocess.run([wk, "accuracy", "--export", name, config], check=True)
        lines = config.read_text().splitlines()
        channels = int(lines[1].split(",")[0])
        scale = [[float(x) for x in line.split(",")[5:7]] for line in lines[2:2 + channels]]
        # BINARY32: number, time stamp, then one integer for each channel
        raw = numpy.fromfile(config.with_suffix(".dat"), dtype="<i4").reshape(-1, 2 + channels)
        gain, offset = numpy.array(scale).T
        self.values = raw[:, 2:] * gain + offset
        self.windows = []
        if measured:
            done = subprocess.run([wk, "measure", config, "--json", *options], check=True,
                                  stdout=subprocess.PIPE, text=True)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            self.windows = [row for row in rows if "t_s" in row and not row["flags"]][5:-1]

    def meter(self, key):
        return numpy.mean([row[key] for row in self.windows], axis=0)


def numpy_agrees(wk, folder, name, *options):
    """At 50 Hz a window is 1600 samples: plain means of products."""
    case = Case(wk, folder, name, *options)
    x = case.values[:len(case.values) // 1600 * 1600]
    if "keep" not in options:
        x = x - x.mean(axis=0)
    truth = {"u_v": numpy.sqrt((x[:, :3] ** 2).mean(axis=0)),
             "i_a": numpy.sqrt((x[:, 3:] ** 2).mean(axis=0)),
             "p_w": (x[:, :3] * x[:, 3:]).mean(axis=0)}
    off = {key: numpy.abs(case.meter(key) / value - 1).max() for key, value in truth.items()}
    text = ", ".join(f"{key} {value:.1e}" for key, value in off.items())
    report(max(off.values()) <= NUMPY, f"numpy: U, I, P of \"{name}\"", text)


def sine_fit(x, hz):
    """Complex amplitudes of a sine of known frequency, by least squares."""
    t = numpy.arange(len(x)) / RATE
    basis = numpy.stack([numpy.cos(2 * numpy.pi * hz * t), numpy.sin(2 * numpy.pi * hz * t),
                         numpy.ones_like(t)], axis=1)
    a, b, _ = numpy.linalg.lstsq(basis, x, rcond=None)[0]
    return (a - 1j * b) / numpy.sqrt(2)


def numpy_fits(wk, folder, name, hz):
    """Off nominal: P and Q of fitted phasors."""
    case = Case(wk, folder, name)
    u = numpy.array([sine_fit(x, hz) for x in case.values.T[:3]])
    i = numpy.array([sine_fit(x, hz) for x in case.values.T[3:]])
    power = u * numpy.conj(i)
    s = numpy.abs(power)
    off_p = (numpy.abs(case.meter("p_w") - power.real) / s).max()
    off_q = (numpy.abs(case.meter("q1_var") - power.imag) / s).max()
    report(max(off_p, off_q) <= NUMPY, f"numpy: P, Q of \"{name}\" by fitted sines",
           f"P {off_p:.1e}, Q {off_q:.1e} of S")


def pqopen_of(values):
    """U, P and frequency of the first phase over whole periods, by pqopen-lib."""
    buffers = [AcqBuffer(size=len(values) + 8, dtype=numpy.float64) for _ in range(2)]
    system = PowerSystem(zcd_channel=buffers[0], input_samplerate=RATE)
    system.add_phase(u_channel=buffers[0], i_channel=buffers[1])
    system.enable_rms_trapz_rule()
    for begin in range(0, len(values), 800):
        for buffer, column in zip(buffers, (0, 3)):
            buffer.put_data(values[begin:begin + 800, column])
        system.process()
    out = {}
    for key, channel in (("u_v", "U1_rms"), ("p_w", "P"), ("f_hz", "Freq")):
        buffer = system.output_channels[channel]
        data, _ = buffer.read_data_by_acq_sidx(0, len(values))
        out[key] = numpy.mean(data[len(data) // 2:])
    return out


def pqopen_agrees(wk, folder, name):
    case = Case(wk, folder, name)
    got = pqopen_of(case.values)
    off_u = abs(got["u_v"] / case.meter("u_v")[0] - 1)
    off_p = abs(got["p_w"] / case.meter("p_w")[0] - 1)
    off_f = abs(got["f_hz"] - case.meter("f_hz"))
    report(off_u <= PQOPEN_U and off_p <= PQOPEN_P and off_f <= PQOPEN_HZ,
           f"pqopen-lib: U, P, f of \"{name}\"",
           f"U {off_u * 100:.4f} %, P {off_p * 100:.4f} %, f {off_f * 1e3:.4f} mHz apart")


def pqopen_flicker(wk, folder, changes):
    """Pst of pqopen-lib beside that of the meter, ten minutes of the same samples."""
    name = f"Pst, 230 V lamp, 50 Hz, {changes} changes/min"
    case = Case(wk, folder, name, measured=False)
    subprocess.run([wk, "accuracy", "--report", folder, "--case", name], check=True,
                   stdout=subprocess.DEVNULL)
    meter = json.loads(pathlib.Path(folder, "accuracy.json").read_text())
    ours = next(t["measured"] for t in meter["trials"] if t["name"] == name)
    u = case.values[:, 0]
    peer = VoltageFluctuation(samplerate=RATE)
    for begin in range(0, len(u) - 1600 + 1, 1600):
        block = u[begin:begin + 1600]
        halves = numpy.sqrt((block.reshape(-1, 80) ** 2).mean(axis=1))
        peer.process(begin, halves, block.copy())
    theirs = peer.calc_pst(35 * RATE, 635 * RATE)
    report(abs(theirs - ours) <= PST, f"pqopen-lib: {name}",
           f"meter {ours:.4f}, pqopen-lib {theirs:.4f}")


def main():
    wk = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        numpy_agrees(wk, folder, "class 0.2S CT, balanced, PF 0.5 L, 1 In")
        numpy_agrees(wk, folder, "5th harmonic, U5 10 %, I5 40 %, 0.5 Imax")
        numpy_agrees(wk, folder, "phase-fired at 90 deg, 0.5 Ib")
        numpy_agrees(wk, folder, "half wave, Imax / sqrt 2", "--dc", "keep")
        numpy_agrees(wk, folder, "harmonics 1 to 50, 50 Hz, nominal 50 Hz")
        for hz in ("42.5", "49.37", "57.5"):
            numpy_fits(wk, folder, f"{hz} Hz, nominal 50 Hz, PF 0.5 L", float(hz))
        for name in ("49.37 Hz, nominal 50 Hz, PF 1", "50.63 Hz, nominal 50 Hz, PF 0.5 L",
                     "class 0.2S CT, balanced, PF 1, 1 In"):
            pqopen_agrees(wk, folder, name)
        for changes in (7, 39, 1620):
            pqopen_flicker(wk, folder, changes)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
