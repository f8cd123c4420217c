#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures which lines and branches the unit tests of a room reach (gcc --coverage, gcov).

usage: coverage.py [--missing] [ROOM...]      rooms: store, tariff, supply, tamper, cosem

Builds the preset `coverage` (-O0), runs the tests of each room and counts its own sources only. Every
error path of WK_TRY is a branch. Prints TAP; --missing lists what is not reached. Writes
build/report/coverage.json and build/report/coverage.html. Fails below LINES or BRANCHES."""
import html
import json
import subprocess
import sys

from mutate import ROOMS, Bench, ROOT, REPORT

BUILD = ROOT / "build" / "coverage"
LINES = 95.0
BRANCHES = 90.0
TIMEOUT_S = 120
ALL = (*ROOMS, "cosem")


# Tests of cosem/ that stand elsewhere: both sides speak it.
COSEM_USERS = ("session_test", "session_service_test", "session_security_test")


def tests_of(room):
    """The unit tests of a room, without the programs that take arguments."""
    if room == "cosem":
        return sorted(test.stem for test in (ROOT / "cosem").glob("*_test.c")) + list(COSEM_USERS)
    return [test[0] for test in ROOMS[room][1] if len(test) == 1 and Bench.exists(test[0])]


def sources_of(room):
    """The sources of a room, as paths from the root without ending."""
    if room == "cosem":
        return sorted(f"cosem/{source.stem}" for source in (ROOT / "cosem").glob("*.c")
                      if not source.stem.endswith(("_test", "_fuzz")))
    return [f"management/{source}" for source in ROOMS[room][0]]


def build(tests):
    for argv in (["cmake", "--preset", "coverage"],
                 ["ninja", "-C", BUILD, "-j2", *tests]):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])


def run(tests):
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    for test in tests:
        done = subprocess.run([BUILD / "test" / test], cwd=ROOT, stdout=subprocess.DEVNULL,
                              timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise SystemExit(f"{test} fails")


def counted(source):
    """Rows (line, times, branches taken, branches) of one source."""
    folder, name = source.split("/")
    data = [path / f"{name}.c.gcda" for path in (BUILD / folder / "CMakeFiles").glob("wk_*.dir")]
    data = next((path for path in data if path.exists()), None)
    if data is None:
        raise SystemExit(f"no test of the room runs {source}.c")
    out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", data],
                         cwd=BUILD, check=True, capture_output=True, text=True).stdout
    rows = {}
    for file in json.loads(out)["files"]:
        if not file["file"].endswith(f"{source}.c"):
            continue
        for line in file["lines"]:
            taken = sum(b["count"] > 0 for b in line["branches"])
            before = rows.get(line["line_number"], (0, 0, 0))
            rows[line["line_number"]] = (before[0] + line["count"], before[1] + taken,
                                         before[2] + len(line["branches"]))
    return [(number, *row) for number, row in sorted(rows.items())]


def summed(rows):
    lines = len(rows)
    branches = sum(row[3] for row in rows)
    hit = sum(row[1] > 0 for row in rows)
    taken = sum(row[2] for row in rows)
    return {"lines": lines, "lines_hit": hit, "branches": branches, "branches_hit": taken,
            "line_percent": 100 * hit / lines if lines else 100.0,
            "branch_percent": 100 * taken / branches if branches else 100.0}


def print_missing(source, rows):
    text = (ROOT / f"{source}.c").read_text().splitlines()
    for number, times, taken, branches in rows:
        if times == 0 or taken < branches:
            what = "never" if times == 0 else f"{taken} of {branches} branches"
            print(f"# {source}.c:{number}: {what}: {text[number - 1].strip()}")


def page(result, details):
    """A page of the table and of the sources, what is not reached marked."""
    head = ("<!doctype html><meta charset=utf-8><title>Coverage</title><style>"
            "body{font:14px sans-serif}pre{font-size:12px}.n{background:#fcc}.b{background:#ffc}"
            "td,th{padding:2px 12px;text-align:right}td:first-child{text-align:left}</style>"
            "<h1>Coverage of the unit tests</h1><table><tr><th>source<th>lines<th>branches</tr>")
    rows = "".join(f"<tr><td><a href='#{name}'>{name}</a><td>{row['line_percent']:.1f} %"
                   f"<td>{row['branch_percent']:.1f} %</tr>"
                   for room in result.values() for name, row in room["files"].items())
    body = ""
    for source, counts in details.items():
        marks = {n: "n" if times == 0 else "b" if taken < branches else ""
                 for n, times, taken, branches in counts}
        text = (ROOT / f"{source}.c").read_text().splitlines()
        body += f"<h2 id='{source}.c'>{source}.c</h2><pre>" + "\n".join(
            f"<span class='{marks.get(n, '')}'>{n:4d} {html.escape(line)}</span>"
            for n, line in enumerate(text, 1)) + "</pre>"
    return head + rows + "</table>" + body


def main():
    missing = "--missing" in sys.argv
    rooms = [a for a in sys.argv[1:] if not a.startswith("--")] or list(ALL)
    unknown = [room for room in rooms if room not in ALL]
    if unknown:
        raise SystemExit(f"there is no room '{unknown[0]}'; there are: {' '.join(ALL)}")
    build(sorted({test for room in rooms for test in tests_of(room)}))
    result = {}
    details = {}
    failed = 0
    for number, room in enumerate(rooms, 1):
        run(tests_of(room))
        rows = {source: counted(source) for source in sources_of(room)}
        details.update(rows)
        whole = summed([row for source in rows.values() for row in source])
        result[room] = {**whole, "files": {f"{s}.c": summed(r) for s, r in rows.items()}}
        for source, counts in rows.items():
            one = result[room]["files"][f"{source}.c"]
            print(f"# {source + '.c':36s} lines {one['line_percent']:5.1f} %  "
                  f"branches {one['branch_percent']:5.1f} %")
            if missing:
                print_missing(source, counts)
        for what, goal in (("line", LINES), ("branch", BRANCHES)):
            value = whole[f"{what}_percent"]
            print("# figure " + json.dumps({"figure": f"{what} coverage, {room}", "value": value,
                                            "unit": "%", "goal": f">= {goal:g}",
                                            "holds": value >= goal}))
        holds = whole["line_percent"] >= LINES and whole["branch_percent"] >= BRANCHES
        failed += not holds
        print(f"{'' if holds else 'not '}ok {number} - the unit tests reach {LINES:g} % of the lines "
              f"and {BRANCHES:g} % of the branches of {room}", flush=True)
    print(f"1..{len(rooms)}")
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / "coverage.json").write_text(json.dumps(result, indent=1))
    (REPORT / "coverage.html").write_text(page(result, details))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
