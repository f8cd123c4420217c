#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs suites of tests and counts what they report.

usage: run_tests.py [SUITE...]

A suite is a list of commands that print TAP ("ok 1 - name", "not ok 2 - name"). Lines
"# figure {json}" are collected in build/report/figures.jsonl. Everything a command prints goes to
build/report/<suite>-<name>.log. The last line is "N passed, N failed"; a command that dies, times
out or reports nothing counts as a failure.
"""
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "report"
# Suites whose commands run two at a time: they have folders and ports of their own, and no figure that
# another process could spoil.
SIDE_BY_SIDE = {"unit": 2, "target": 2, "powercut": 2, "interop": 2, "chain": 2}
# ... and those of them that measure time: one at a time, when the others of their suite are done.
ALONE = {"interop": {"crowd", "gateway", "modbus"}, "chain": {"test_line_modem"}}
RESULT = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*)$")


def commit():
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"],
                          capture_output=True, text=True)
    return head.stdout.strip() or "unknown"


class Tally:
    """What all commands reported; called by several threads."""

    def __init__(self):
        self.lock = threading.RLock()
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.figures = []
        self.commit = commit()

    def fail(self, what):
        self.failed.append(what)
        print(f"    FAILED  {what}", flush=True)

    def figure(self, text, command):
        figure = json.loads(text)
        row = {key: figure.get(key) for key in ("figure", "value", "unit", "goal", "holds")}
        row["command"] = command
        row["seed"] = figure.get("seed")
        row["commit"] = self.commit
        self.figures.append(row)
        with open(REPORT / "figures.jsonl", "a") as out:
            out.write(json.dumps(row) + "\n")
        if not row["holds"]:
            self.fail(f"figure {row['figure']}: {row['value']} {row['unit']}, "
                      f"goal {row['goal']}")

    def line(self, suite, name, text, command):
        with self.lock:
            return self.take(suite, name, text, command)

    def take(self, suite, name, text, command):
        if text.startswith("# figure "):
            self.figure(text[len("# figure "):], command)
            return 0
        match = RESULT.match(text)
        if match is None:
            return 0
        label = f"{suite}/{name}: {match.group(2)}"
        if match.group(1):
            self.fail(label)
        elif "# SKIP" in text:
            self.skipped.append(label)
            print(f"    SKIPPED {label}", flush=True)
            if os.environ.get("CI"):
                self.fail(label + " (nothing may be skipped in CI)")
        else:
            self.passed += 1
        return 1


def run_command(tally, suite, name, argv, timeout_s, environment=None):
    """Runs one command and takes its results."""
    log = REPORT / f"{suite}-{name}.log"
    shown = " ".join(os.path.relpath(a, ROOT) if os.path.isabs(str(a)) else str(a) for a in argv)
    begin = time.monotonic()
    seen = 0
    status = None
    with open(log, "w") as out:
        process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace",
                                   cwd=ROOT, start_new_session=True,
                                   env={**os.environ, **(environment or {})})
        killer = None
        try:
            killer = threading.Timer(timeout_s,
                                     lambda: os.killpg(process.pid, signal.SIGKILL))
            killer.start()
            for text in process.stdout:
                out.write(text)
                seen += tally.line(suite, name, text.rstrip("\n"), shown)
            status = process.wait()
        finally:
            killer.cancel()
    seconds = time.monotonic() - begin
    with tally.lock:
        judge(tally, (suite, name), seen, seconds, timeout_s, status)


def lines_of(log):
    return log.read_text(errors="replace").splitlines()


def show_end(most, lines):
    print("".join("      | " + line[:300] + "\n" for line in lines[-most:]), end="", flush=True)


def judge(tally, command, seen, seconds, timeout_s, status):
    """Says how a command ended."""
    suite, name = command
    log = REPORT / f"{suite}-{name}.log"
    print(f"  {suite:9s} {name:32s} {seen:4d} results  {seconds:6.1f} s", flush=True)
    failed_inside = any(f.startswith(f"{suite}/{name}:") for f in tally.failed)
    if status != 0 and not failed_inside:
        reason = "timed out" if seconds >= timeout_s else f"ended with status {status}"
        tally.fail(f"{suite}/{name}: {reason}, see {os.path.relpath(log, ROOT)}")
        show_end(15, lines_of(log))
    elif failed_inside:
        show_end(25, [line for line in lines_of(log) if line.startswith("# ")
                      and not line.startswith("# figure")])
    elif seen == 0:
        tally.fail(f"{suite}/{name}: no test ran")


def listed(build, suite):
    """Programs that CMake listed for a suite."""
    file = ROOT / "build" / build / "tests.list"
    for row in file.read_text().splitlines() if file.exists() else []:
        row_suite, name, path = row.split("\t")
        if row_suite == suite:
            yield name, [ROOT / "build" / build / path]


def qemu(path, *more):
    return ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none",
            "-serial", "none", "-chardev", "stdio,id=console",
            "-semihosting-config", "enable=on,target=native,chardev=console", *more,
            "-kernel", path]


def suites():
    """name -> list of (name, argv, timeout in seconds)."""
    table = {}
    table["lint"] = [("lint", ["python3", "tools/lint.py"], 900),
                     ("objects", ["python3", "tools/objects_test.py"], 60)]
    table["unit"] = [(name, argv, 300) for name, argv in listed("dev", "unit")]
    table["target"] = [(name, qemu(argv[0]), 300) for name, argv in listed("cortexm", "unit")]
    # An instruction is a nanosecond of the board's clock: counts are the same on every run.
    table["target"] += [(name, qemu(argv[0], "-icount", "shift=0"), 300)
                        for name, argv in listed("cortexm", "count")]
    table["target"].append(("size", ["python3", "tools/report_size.py", "--tap"], 60))
    table["powercut"] = [
        ("store", ["build/release/bin/store_powercut"], 300),
        ("mutants", ["python3", "tests/powercut/mutants.py"], 300)]
    table["adversary"] = [("dlms", ["build/release/bin/dlms_adversary"], 300)]
    table["coverage"] = [("coverage", ["python3", "tools/coverage.py"], 300)]
    table["seam"] = [("kill", ["python3", "tests/chain/kill_meterd.py"], 300),
                     ("update", ["python3", "tests/chain/update_meterd.py"], 300),
                     ("latency", ["python3", "tests/chain/latency.py"], 300)]
    table["interop"] = [("server", ["tests/interop/run", "build/dev"], 300),
                        ("suites", ["tests/interop/run", "build/dev", "suites"], 300),
                        ("commands", ["tests/interop/run", "build/dev", "commands"], 300),
                        ("decode", ["tests/interop/run", "build/dev", "decode"], 300),
                        ("cosem", ["tests/interop/run", "build/dev", "cosem"], 300),
                        ("their-meter", ["tests/interop/run", "build/dev", "meter"], 300),
                        ("crowd", ["tests/interop/run", "build/dev", "crowd"], 300),
                        ("dissector", ["tests/interop/run", "build/dev", "dissector"], 300),
                        ("spectrum", ["tests/interop/run", "build/dev", "spectrum"], 300),
                        ("accuracy", ["tests/interop/run", "build/dev", "accuracy"], 300),
                        ("flicker", ["tests/interop/run", "build/dev", "flicker"], 300),
                        ("comtrade", ["tests/interop/run", "build/dev", "comtrade"], 300),
                        ("submeter", ["tests/interop/run", "build/dev", "submeter"], 300),
                        ("gateway", ["tests/interop/run", "build/dev", "gateway"], 300),
                        ("modbus", ["tests/interop/run", "build/dev", "modbus"], 300),
                        ("dlt645", ["tests/interop/run", "build/dev", "dlt645"], 300),
                        ("p1", ["tests/interop/run", "build/dev", "p1"], 300),
                        ("optical", ["python3", "tests/interop/optical.py"], 300),
                        ("meter", ["python3", "tests/interop/meter.py"], 300),
                        ("credit", ["tests/interop/run", "build/dev", "credit"], 300),
                        ("image", ["tests/interop/run", "build/dev", "image"], 300)]
    table["chain"] = [(script.stem, ["python3", str(script)], 600)
                      for script in sorted((ROOT / "tests" / "chain").glob("test_*.py"))]
    table["fuzz"] = [("fuzz", ["python3", "tools/fuzz.py"], 1200)]
    table["ui"] = [("pages", ["python3", "tests/e2e/pages.py"], 300)]
    table["bench"] = [("bench", ["./bench", "--tap"], 300)]
    return table


def print_figures(figures):
    if not figures:
        return
    print("\nMeasured figures")
    for row in figures:
        value = row["value"]
        text = f"{value:.6g}" if isinstance(value, (int, float)) else str(value)
        print(f"  {row['figure']:58s} {text:>12s} {row['unit']:14s} goal {row['goal']:16s} "
              f"{'holds' if row['holds'] else 'MISSED'}")


def main():
    table = suites()
    wanted = sys.argv[1:] or list(table)
    unknown = [name for name in wanted if name not in table]
    if unknown:
        print(f"there is no suite '{unknown[0]}'; there are: {' '.join(table)}")
        sys.exit(2)
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / "figures.jsonl").unlink(missing_ok=True)
    tally = Tally()
    begin = time.monotonic()
    print(f"{datetime.datetime.now():%Y-%m-%d %H:%M}  commit {tally.commit}")
    for suite in wanted:
        if not table[suite]:
            tally.fail(f"{suite}: the suite is empty")
        alone = ALONE.get(suite, set())
        with ThreadPoolExecutor(SIDE_BY_SIDE.get(suite, 1)) as pool:
            runs = [pool.submit(run_command, tally, suite, *command)
                    for command in table[suite] if command[0] not in alone]
            for run in runs:
                run.result()
        for command in table[suite]:
            if command[0] in alone:
                run_command(tally, suite, *command)
    print_figures(tally.figures)
    for what in tally.failed:
        print(f"FAILED  {what}")
    print(f"\n{time.monotonic() - begin:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failed)} failed"
          + (f", {len(tally.skipped)} skipped" if tally.skipped else ""))
    sys.exit(1 if tally.failed or tally.passed == 0 else 0)


if __name__ == "__main__":
    main()
