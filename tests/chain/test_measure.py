#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wk measure` and `wk synth` as a script sees them: lines, keys, values, exit statuses. Prints
TAP. WK names the program; default build/release/bin/wk."""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WK = os.environ.get("WK", str(ROOT / "build" / "release" / "bin" / "wk"))
KEATING = str(ROOT / "data" / "keating" / "keating_1999.CFG")
WINDOW = ["t_s", "f_hz", "u_v", "i_a", "p_w", "q1_var", "s_va", "pf", "u_deg", "i_deg", "flags"]
TOTALS = ["duration_s", "wh_import", "wh_export", "varh_q1", "varh_q2", "varh_q3", "varh_q4"]


def wk(*arguments):
    return subprocess.run([WK, *arguments], capture_output=True, text=True, timeout=120)


def measure(*arguments):
    done = wk("measure", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    windows = [line for line in lines if "t_s" in line]
    events = [line for line in lines if "event" in line]
    assert "totals" in lines[-1] and len(windows) + len(events) + 1 == len(lines)
    return windows, events, lines[-1]["totals"]


def near(value, wanted, tolerance):
    assert abs(value - wanted) <= tolerance, f"{value} is not {wanted} +/- {tolerance}"


def real_recording():
    windows, _, totals = measure(KEATING, "--u", "U1,U2,U3", "--i", "1,2,3", "--dc", "keep")
    window = windows[0]
    assert list(window) == WINDOW and list(totals) == TOTALS, list(window)
    truth = {
        "u_v": ([348.951, 352.224, 345.953], 5e-4), "i_a": ([126.108, 151.832, 166.696], 5e-4),
        "p_w": ([40500.22, 49502.44, 53633.93], 5e-4),
        "s_va": ([44005.48, 53478.72, 57668.96], 5e-4),
        "q1_var": ([16346.88, 16897.20, 20833.27], 1e-3),
    }
    for key, (values, share) in truth.items():
        for value, wanted in zip(window[key], values):
            near(value, wanted, abs(wanted) * share)
    for key, values in (("u_deg", [115.800, -5.106, -125.502]),
                        ("i_deg", [93.807, -23.955, -146.737])):
        for value, wanted in zip(window[key], values):
            near(value, wanted, 0.05)
    near(totals["duration_s"], 2048 / 30707.244140625, 1e-5)
    near(totals["wh_import"][0], 40500.22 * totals["duration_s"] / 3600, 1e-4)


def synthetic_signal():
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "s.cfg")
        for form in ("ascii", "binary", "binary32", "float32"):
            done = wk("synth", path, "--form", form, "--duration", "4", "--f", "49.9", "--phi",
                      "60", "--u", "231", "--i", "7", "--harmonic-u", "5:10:0", "--harmonic-i",
                      "5:40:0", "--dip", "2:0.2:70")
            assert done.returncode == 0, done.stderr
            windows, events, totals = measure(path, "--nominal", "230")
            share = 1e-3 if form == "binary" else 2e-5
            window = windows[4]
            near(window["f_hz"], 49.9, 0.001)
            near(window["p_w"][1], 231 * 7 * (0.5 + 0.04), 1700 * share)
            near(window["q1_var"][1], 231 * 7 * math.sin(math.radians(60)), 1700 * share)
            near(window["u_v"][2], 231 * math.sqrt(1.01), 231 * share)
            assert [event["event"] for event in events] == ["dip"]
            near(events[0]["start_s"], 2, 0.02)
            near(events[0]["duration_s"], 0.2, 0.02)
            near(events[0]["residual_v"], 231 * math.sqrt(1.01) * 0.7, 0.5)
            assert events[0]["phase"] == ["L1", "L2", "L3"]
            assert sum("flagged" in w["flags"] for w in windows) in (2, 3)
            near(totals["duration_s"], 4, 1e-6)


def channels_left_out():
    windows, _, totals = measure(KEATING, "--u", "U1,-,U3", "--i", "I1,I2,I3")
    assert windows[0]["u_v"][1] is None and windows[0]["p_w"][1] is None
    assert windows[0]["i_a"][1] > 150 and totals["wh_import"][1] is None


def refusals():
    for arguments, status, says in (
            (["measure"], 2, "give one FILE"),
            (["measure", KEATING, "--u", "U9"], 2, 'there is no channel "U9"'),
            (["measure", KEATING, "--i", "U1"], 2, "is not a current"),
            (["measure", KEATING, "--dc", "maybe"], 2, "must be block or keep"),
            (["measure", KEATING, "--nominal", "x"], 2, "must be a number"),
            (["measure", KEATING, "--fnom", "55"], 1, "must be 50 Hz, 60 Hz"),
            (["measure", "/nowhere.cfg"], 1, "No such file"),
            (["measure", str(ROOT / "README.txt")], 1, "must end in .cfg"),
            (["synth", "/nowhere/x.cfg"], 1, "No such file"),
            (["synth", "x.txt"], 1, "must end in .cfg"),
            (["synth", "x.cfg", "--phases", "2"], 2, "must be 1 or 3"),
            (["synth", "x.cfg", "--dip", "1:2"], 2, "three numbers"),
            (["nothing"], 2, 'there is no command "nothing"')):
        done = wk(*arguments)
        assert done.returncode == status, f"{arguments}: {done.returncode} {done.stderr}"
        assert says in done.stderr, f"{arguments}: {done.stderr}"
    for command in ("measure", "synth"):
        done = wk("help", command)
        assert done.returncode == 0 and done.stdout.startswith(f"usage: wk {command}")


TESTS = [
    ("the real recording has its independently computed values", real_recording),
    ("a synthetic signal has its closed form in every form of file", synthetic_signal),
    ("channels that are left out are null", channels_left_out),
    ("what is wrong is refused with a reason and its exit status", refusals),
]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, (name, test) in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, KeyError, IndexError, ValueError, OSError) as error:
            failed += 1
            print(f"# {error}\nnot ok {number} - {name}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
