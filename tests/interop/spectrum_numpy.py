# SPDX-License-Identifier: Apache-2.0
"""A second opinion on spectra: numpy's transform of the very samples the meter got.

usage: spectrum_numpy.py SPECTRUM_DUMP     prints TAP

At 50 and 60 Hz a window is a whole number of samples at 8 and 16 kHz, so the standard's transform
needs no resampling: a rectangular window of the counts themselves, grouped here by the text of
IEC 61000-4-7, independently of the meter's code.
"""
import json
import subprocess
import sys

import numpy

SEED = 20261121
U_PER_COUNT = 1e-4
I_PER_COUNT = 1e-5
count = 0
failed = 0


def report(good, name, detail):
    global count, failed
    count += 1
    failed += not good
    print(f"# {detail}")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


def signal(rng, rate_hz, f_hz, seconds, between):
    """Three phases with 50 random harmonics and DC; `between`: interharmonics too."""
    t = numpy.arange(int(rate_hz * seconds)) / rate_hz
    columns = []
    for channel in range(6):
        rms = 230 if channel < 3 else 10
        turn = 2 * numpy.pi * f_hz * t
        x = rms * numpy.cos(turn - 2 * numpy.pi / 3 * (channel % 3) - (channel // 3) * 0.4)
        for order in range(2, 51):
            part = rms * numpy.exp(rng.uniform(numpy.log(0.002), numpy.log(0.05)))
            x += part * numpy.cos(order * turn + rng.uniform(0, 2 * numpy.pi))
        for _ in range(3 if between else 0):
            at = rng.uniform(1.6, 48.4)
            x += 0.004 * rms * numpy.cos(at * turn + rng.uniform(0, 2 * numpy.pi))
        x = x * numpy.sqrt(2) + rms * 0.004
        columns.append(numpy.rint(x / (U_PER_COUNT if channel < 3 else I_PER_COUNT)))
    return numpy.stack(columns, axis=1).astype(numpy.int32)


def spectra(dump, frames, rate_hz, nominal_hz):
    output = subprocess.run([dump, str(rate_hz), str(nominal_hz)], input=frames.tobytes(),
                            stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def bins(frames, begin, size, channel):
    x = frames[begin:begin + size, channel] * (U_PER_COUNT if channel < 3 else I_PER_COUNT)
    return numpy.fft.rfft(x) / size


def groups(z, cycles):
    """Subgroups and centred interharmonic subgroups, rms."""
    square = 2 * numpy.abs(z) ** 2
    sub = [abs(z[0])] + [numpy.sqrt(square[cycles * h - 1:cycles * h + 2].sum())
                         for h in range(1, 51)]
    inter = [numpy.sqrt(square[cycles * h + 2:cycles * h + cycles - 1].sum())
             for h in range(51)]
    return numpy.array(sub), numpy.array(inter)


def compare(dump, rate_hz, nominal_hz, between):
    rng = numpy.random.default_rng(SEED + rate_hz + nominal_hz)
    frames = signal(rng, rate_hz, nominal_hz, 3, between)
    results = spectra(dump, frames, rate_hz, nominal_hz)[-3:]
    cycles = 10 if nominal_hz == 50 else 12
    size = rate_hz * cycles // nominal_hz
    worst = {"subgroup": 0.0, "inter": 0.0, "thd": 0.0, "power": 0.0}
    for result in results:
        begin = round(result["begin"])
        z = [bins(frames, begin, size, channel) for channel in range(6)]
        for channel, got in enumerate(result["slots"]):
            sub, inter = groups(z[channel], cycles)
            worst["subgroup"] = max(worst["subgroup"],
                                    numpy.abs(got["subgroup"] - sub).max() / sub[1])
            worst["inter"] = max(worst["inter"], numpy.abs(got["inter"] - inter).max() / sub[1])
            thd = numpy.sqrt((sub[2:] ** 2).sum()) / sub[1]
            worst["thd"] = max(worst["thd"], abs(got["thd"] - thd))
        for phase in range(3):
            product = z[phase] * numpy.conj(z[phase + 3])
            power = 2 * product.real[cycles * numpy.arange(1, 51)]
            off = numpy.abs(numpy.array(result["power_w"][phase][1:]) - power).max()
            worst["power"] = max(worst["power"], off / abs(power[0]))
    good = len(results) == 3 and all(result["cycles"] == cycles for result in results)
    text = ", ".join(f"{name} {value:.2e}" for name, value in worst.items())
    # interharmonics move the tracked frequency a little, and with it all of the window
    limit = 2e-4 if between else 2e-5
    report(good and max(worst.values()) <= limit,
           f"{nominal_hz} Hz at {rate_hz} Hz{' with interharmonics' if between else ''}: "
           f"numpy finds the same groups and powers", f"of the fundamental: {text}")


def main():
    dump = sys.argv[1]
    for rate_hz in (8000, 16000):
        for nominal_hz in (50, 60):
            compare(dump, rate_hz, nominal_hz, False)
            compare(dump, rate_hz, nominal_hz, True)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
