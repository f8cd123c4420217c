#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meter through two months of two seeds, held against the oracle (docs/simulation.md), on the
release build. Prints TAP."""
import html.parser
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import Tap, programs

DAYS = 60
SEEDS = (1, 2)
WALL_S = 60  # for a year on a machine that does nothing else
WK = os.environ.get("WK", str(programs("release") / "wk"))
VOID = {"meta", "rect", "line", "circle"}


def simulate(*arguments):
    return subprocess.run([WK, "simulate", *map(str, arguments)], capture_output=True, text=True,
                          timeout=200)


class Page(html.parser.HTMLParser):
    """Whether all elements close, and what the page would load."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.loads = []
        self.seen = set()
        self.wrong = None

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.loads += [value for key, value in attrs if key in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong = tag


def year_of(tap, seed):
    done = simulate("--days", DAYS, "--seed", seed, "--json")
    tap.check(done.returncode == 0, f"meter and oracle agree over {DAYS} days, seed {seed}",
              done.stderr)
    if done.returncode != 0:
        return None
    year = json.loads(done.stdout)
    tap.check(year["unexplained_uwh"] == 0 and year["fed_import_uwh"] > 10**12
              and year["fed_export_uwh"] > 0, "... to the uWh, of import and export", done.stdout)
    tap.check(year["bill_registers_minor"] == year["bill_intervals_minor"] > 0,
              "... bills from registers and from intervals are the same", done.stdout)
    tap.check(year["cuts"] > 50 and year["cuts_erase"] > 5 and year["outages"] > 50
              and year["cuts_again"] > 0, "... through cuts at programs, erases and recoveries",
              done.stdout)
    tap.check(year["clock_steps"] > 0 and year["clock_slews"] > 0 and year["periods"] >= 2
              and year["tamper_detected"] > 5, "... steps, periods and attacks", done.stdout)
    return year


def wrong_usage(tap):
    wrong = (("--days", "0"), ("--days", "x"), ("--seed", "-1"), ("--report",), ("--nonsense", "1"))
    tap.check(all(simulate(*w).returncode == 2 and simulate(*w).stderr for w in wrong),
              "wrong usage is told and ends with 2")
    done = simulate("--days", 1, "--data", "/nowhere")
    tap.check(done.returncode == 1 and "/nowhere" in done.stderr, "a load that is missing is told",
              done.stderr)


def page(tap):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "year.html")
        done = simulate("--days", 10, "--seed", 3, "--report", path, "--events")
        text = path.read_text()
        parser = Page()
        parser.feed(text)
        tap.check(done.returncode == 0 and "Power is back" in done.stdout,
                  "the events are told on request", done.stdout)
        tap.check(parser.wrong is None and not parser.open and {"canvas", "svg"} <= parser.seen,
                  "the page is well-formed and has its pictures", f"{parser.wrong} {parser.open}")
        tap.check(parser.loads == [] and "url(" not in text, "the page loads nothing")
        blocked = simulate("--days", 1, "--report", "/proc/no")
        tap.check(blocked.returncode == 1 and "/proc/no" in blocked.stderr,
                  "a page that cannot be written is told", blocked.stderr)


def main():
    tap = Tap()
    years = [year for year in (year_of(tap, seed) for seed in SEEDS) if year]
    wrong_usage(tap)
    page(tap)
    wall_s = max((y["cpu_s"] * 365 / y["days"] for y in years), default=1e9)
    tap.figure("simulate: time of a year, one processor", round(wall_s, 1), "s", f"<= {WALL_S}",
               wall_s <= WALL_S, SEEDS[0])
    tap.figure("simulate: energy unexplained", sum(y["unexplained_uwh"] for y in years), "uWh",
               "0", len(years) == len(SEEDS) and not any(y["unexplained_uwh"] for y in years),
               SEEDS[0])
    tap.figure("simulate: cuts of power", sum(y["cuts"] for y in years), "cuts", "> 100",
               sum(y["cuts"] for y in years) > 100, SEEDS[0])
    tap.check(wall_s <= WALL_S, f"a year of management takes at most {WALL_S} s", wall_s)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
