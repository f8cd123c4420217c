#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes metrology/spectrum_table.c: the constants of the spectrum, computed in double precision.

usage: gen_spectrum.py [--check]     --check only says whether the file is fresh

The kernel of the resampler is a sinc under a Kaiser window, WIDTH samples wide. It is divided by
the sum of its translates, so that its weights always add up to exactly one and the mains itself
leaves no image near the sample rate. Its cutoff is so low that it attenuates the upper harmonics
noticeably: that is known exactly and divided out again, while what would alias is gone for good.
"""
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "metrology" / "spectrum_table.c"

WIDTH = 16      # WK_RESAMPLE_TAPS
CUTOFF = 0.415   # of the sample rate
BETA = 10.0
TERMS = 8       # of the polynomial of each piece
POINTS = 1536   # WK_RESAMPLE_POINTS
DROOP = 10      # terms of the polynomial of the response
DROOP_FROM = 0.2    # ... from here on, of the sample rate
DROOP_TO = 0.445
DROOP_MIDDLE = 0.32     # where its argument is zero
DROOP_PER = 8       # ... and what it grows by per sample rate
GAIN = 1.6      # WK_RESAMPLE_GAIN: no sum of |weights| is larger


def bessel(x):
    total = term = 1.0
    for k in range(1, 60):
        term *= (x / 2 / k) ** 2
        total += term
    return total


def raw(t):
    edge = 1 - (2 * t / WIDTH) ** 2
    if edge <= 0:
        return 0.0
    x = math.pi * 2 * CUTOFF * t
    sinc = 1.0 if x == 0 else math.sin(x) / x
    return 2 * CUTOFF * sinc * bessel(BETA * math.sqrt(edge)) / bessel(BETA)


def weights(mu):
    """Of the samples at -7 .. 8 for a point at mu, 0 <= mu < 1."""
    values = [raw(m + 1 - WIDTH / 2 - mu) for m in range(WIDTH)]
    total = sum(values)
    return [value / total for value in values]


def solve(matrix, right):
    """Gaussian elimination with pivots; `right` holds rows of right sides."""
    n = len(matrix)
    rows = [list(matrix[i]) + list(right[i]) for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(n):
            if r != i:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [row[n:] for row in rows]


def pieces():
    """[power][m]: polynomials in u = mu - 1/2 through the Chebyshev nodes."""
    nodes = [0.5 * math.cos(math.pi * (2 * i + 1) / (2 * TERMS)) for i in range(TERMS)]
    powers = [[u ** p for p in range(TERMS)] for u in nodes]
    return solve(powers, [weights(u + 0.5) for u in nodes])


def response(nu, grid=64):
    """Of the kernel at a frequency, of the sample rate."""
    total = 0.0
    for i in range(grid):
        mu = (i + 0.5) / grid
        for m, weight in enumerate(weights(mu)):
            total += weight * math.cos(2 * math.pi * nu * (m + 1 - WIDTH / 2 - mu))
    return total / grid


def responses():
    """The response as a polynomial through the Chebyshev nodes, highest power first."""
    nodes = [DROOP_FROM + (DROOP_TO - DROOP_FROM) *
             (0.5 + 0.5 * math.cos(math.pi * (2 * i + 1) / (2 * DROOP))) for i in range(DROOP)]
    powers = [[((nu - DROOP_MIDDLE) * DROOP_PER) ** p for p in range(DROOP)] for nu in nodes]
    return [row[0] for row in reversed(solve(powers, [[response(nu)] for nu in nodes]))]


def lines(values, indent):
    out = []
    row = indent
    for value in values:
        text = f"{value:.9g}"
        text += "F," if "." in text or "e" in text else ".0F,"
        if len(row) + 1 + len(text) > 96:
            out.append(row)
            row = indent
        row += ("" if row == indent else " ") + text
    return "\n".join(out + [row])


def render():
    table = pieces()
    half = WIDTH // 2
    largest = max(sum(abs(w) for w in weights(i / 64)) for i in range(65))
    assert largest < GAIN, largest
    kernel = "\n".join("    {\n" + lines(table[p][:half], " " * 8) + "\n    },"
                       for p in range(TERMS))
    cosine = lines([math.cos(2 * math.pi * k / POINTS) for k in range(POINTS // 4)] + [0.0],
                   " " * 4)
    droop = lines(responses(), " " * 4)
    return f"""/* SPDX-License-Identifier: Apache-2.0
 * Written by tools/gen_spectrum.py; do not edit. */
#include "metrology/spectrum_table.h"

#define RESPONSE {DROOP} /* terms, one and threes */

/* clang-format off */
const float wk_spectrum_table_kernel[WK_SPECTRUM_TABLE_TERMS][WK_SPECTRUM_TABLE_PIECES] = {{
{kernel}
}};

const float wk_spectrum_table_cos[WK_SPECTRUM_TABLE_QUARTER + 1] = {{
{cosine}
}};

/* The response of the kernel, highest power first. */
static const float k_response[RESPONSE] = {{
{droop}
}};
/* clang-format on */

float wk_spectrum_table_droop_beyond(float at)
{{
    const float u = at * {DROOP_PER / 250:g}F - {DROOP_MIDDLE * DROOP_PER:g}F;
    float response = k_response[0];
    for (const float *term = k_response + 1; term < k_response + RESPONSE; term += 3) {{
        response = ((response * u + term[0]) * u + term[1]) * u + term[2];
    }}
    return 1.0F / (response * response);
}}
"""


def main():
    text = render()
    if "--check" in sys.argv:
        sys.exit(0 if OUT.read_text() == text else "metrology/spectrum_table.c is old: run "
                                                   "tools/gen_spectrum.py")
    OUT.write_text(text)


if __name__ == "__main__":
    main()
