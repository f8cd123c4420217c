# SPDX-License-Identifier: Apache-2.0
"""A second opinion on flicker: a meter of numpy and scipy over the very samples the meter got.

usage: flicker_numpy.py FLICKER_DUMP     prints TAP

Written from the equations of IEC 61000-4-15 Ed. 2: every filter in double precision at the full
sample rate, percentiles of all values instead of classes. Both meters are calibrated alike.
"""
import json
import subprocess
import sys

import numpy
from scipy import signal

SEED = 20261121
TURN = 2 * numpy.pi
SETTLE_S = 40
RATE_HZ = 4000
# k, lambda, w1, w2, w3, w4 of table 1, in Hz but for k
LAMPS = {
    230: (1.74802, 4.05981, 9.15494, 2.27979, 1.22535, 21.9),
    120: (1.6357, 4.167375, 9.077169, 2.939902, 1.394468, 17.31512),
}
GAIN = 2 / 0.0025 ** 2 / 1.029
count = 0
failed = 0


def report(good, name, detail):
    global count, failed
    count += 1
    failed += not good
    print(f"# {detail}")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


def sensation(u, lamp_v, nominal_hz):
    k, lam, w1, w2, w3, w4 = LAMPS[lamp_v]
    lam, w1, w2, w3, w4 = (TURN * f for f in (lam, w1, w2, w3, w4))
    x = u.astype(float) ** 2
    share = 1 / (27.3 * RATE_HZ)
    start = [x[:2 * RATE_HZ].mean() * (1 - share)]
    mean, _ = signal.lfilter([share], [1, share - 1], x, zi=start)
    x = x / mean - 1
    x = signal.lfilter(*signal.bilinear([1, 0], [1, TURN * 0.05], RATE_HZ), x)
    cut = 42 if nominal_hz == 60 else 35
    x = signal.sosfilt(signal.butter(6, cut, fs=RATE_HZ, output="sos"), x)
    x = signal.lfilter(*signal.bilinear([k * w1, 0], [1, 2 * lam, w1 * w1], RATE_HZ), x)
    slope = [1 / (w3 * w4), 1 / w3 + 1 / w4, 1]
    x = signal.lfilter(*signal.bilinear([1 / w2, 1], slope, RATE_HZ), x)
    share = 1 / (0.3 * RATE_HZ)
    return GAIN * signal.lfilter([share], [1, share - 1], x * x)


def severity(pinst):
    def exceeded(*percents):
        return numpy.mean(numpy.percentile(pinst, [100 - p for p in percents]))
    return numpy.sqrt(0.0314 * exceeded(0.1) + 0.0525 * exceeded(0.7, 1, 1.5)
                      + 0.0657 * exceeded(2.2, 3, 4) + 0.28 * exceeded(6, 8, 10, 13, 17)
                      + 0.08 * exceeded(30, 50, 80))


def voltage(rng, kind, nominal_hz, seconds):
    """Counts with a fluctuation of a kind that has no closed form."""
    t = numpy.arange(RATE_HZ * seconds) / RATE_HZ
    f_hz = nominal_hz + rng.uniform(-0.3, 0.3)
    turn = TURN * f_hz * t + rng.uniform(0, TURN)
    u = numpy.cos(turn) + 0.04 * numpy.cos(3 * turn) + 0.03 * numpy.cos(5 * turn + 1)
    if kind == "steps":
        levels = rng.uniform(-0.02, 0.02, size=seconds * 4)
        times = numpy.sort(rng.uniform(0, seconds, size=levels.size))
        u *= 1 + levels[numpy.searchsorted(times, t) - 1]
    elif kind == "noise":
        walk = signal.lfilter([0.01], [1, -0.99], rng.normal(size=t.size))
        u *= 1 + 0.05 * walk
    else:
        for f in rng.uniform(20, 90, size=3):
            u += 0.004 * numpy.cos(TURN * f * t + rng.uniform(0, TURN))
    return numpy.round(5.4e6 * u).astype(numpy.int32)


def compare(dump, rng, lamp_v, nominal_hz):
    seconds = SETTLE_S + 180
    columns = [voltage(rng, kind, nominal_hz, seconds)
               for kind in ("steps", "noise", "interharmonics")]
    frames = numpy.stack(columns, axis=1)
    result = subprocess.run(
        [dump, str(RATE_HZ), str(lamp_v), str(nominal_hz), str(SETTLE_S)],
        input=frames.tobytes(), capture_output=True, check=True, timeout=120)
    shown = json.loads(result.stdout)
    worst = 0
    for column, pst in zip(columns, shown["pst"]):
        own = severity(sensation(column, lamp_v, nominal_hz)[SETTLE_S * RATE_HZ:])
        worst = max(worst, abs(pst / own - 1) * 100)
        print(f"# {lamp_v} V, {nominal_hz} Hz: Pst {pst:.4f}, numpy {own:.4f}")
    return worst


def main():
    dump = sys.argv[1]
    print(f"# seed {SEED}")
    rng = numpy.random.default_rng(SEED)
    worst = max(compare(dump, rng, lamp_v, nominal_hz)
                for lamp_v in (230, 120) for nominal_hz in (50, 60))
    figure = {"figure": "flicker_pst_against_numpy", "value": round(worst, 4), "unit": "%",
              "goal": "<= 1", "holds": bool(worst <= 1), "seed": SEED}
    print("# figure " + json.dumps(figure))
    report(worst <= 1, "an independent flickermeter shows the same Pst",
           f"largest difference {worst:.3f} %")
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
