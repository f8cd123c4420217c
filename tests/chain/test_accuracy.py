#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The accuracy report as a laboratory gets it, on the release build: a quick selection of trials,
whose worst errors become figures, and what the two files promise. Prints TAP. WK names the
program; default build/release/bin/wk."""
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WK = os.environ.get("WK", str(ROOT / "build" / "release" / "bin" / "wk"))
KEYS = {"group", "name", "clause", "conditions", "unit", "expected", "measured", "error",
        "error_unit", "goal", "class", "class_limit", "margin", "holds"}
VOID = {"meta", "circle", "rect", "line", "path", "br"}
count = 0
failed = 0


def wk(*arguments, timeout=240):
    return subprocess.run([WK, "accuracy", *arguments], capture_output=True, text=True,
                          timeout=timeout)


def check(name, good, detail=""):
    global count, failed
    count += 1
    failed += not good
    if detail and not good:
        print("".join(f"# {line}\n" for line in str(detail).splitlines()), end="")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


class Page(html.parser.HTMLParser):
    """Whether all elements close, and what the page would load."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.loads = []
        self.svgs = 0
        self.wrong = None

    def handle_starttag(self, tag, attrs):
        self.svgs += tag == "svg"
        self.loads += [value for key, value in attrs
                       if key in ("src", "href") and not value.startswith("#")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong = self.wrong or f"</{tag}> at line {self.getpos()[0]}"


def figures(report):
    for group in report["groups"]:
        if "worst" not in group:
            continue
        name = "accuracy_" + re.sub(r"\W+", "_", group["group"])
        figure = {"figure": name, "value": abs(group["error"]), "unit": group["error_unit"],
                  "goal": f"<= {group['goal']:g}", "holds": group["hold"] == group["trials"],
                  "seed": 20261121}
        print("# figure " + json.dumps(figure))


def report_of(folder):
    done = wk("--quick", "--report", folder)
    check("a quick run holds all its goals", done.returncode == 0, done.stdout + done.stderr)
    report = json.loads(pathlib.Path(folder, "accuracy.json").read_text())
    figures(report)
    names = [trial["name"] for trial in report["trials"]]
    check("every trial says what it measured and against what",
          all(KEYS <= set(trial) for trial in report["trials"]) and report["holds"])
    check("every field of the standards has a trial in a quick run, too",
          all(group["trials"] > 0 for group in report["groups"]), report["groups"])
    text = pathlib.Path(folder, "accuracy.html").read_text()
    page = Page()
    page.feed(text)
    check("the page is well-formed and has its plots",
          page.wrong is None and not page.open[1:] and page.svgs >= 9,
          f"{page.wrong} {page.open} {page.svgs}")
    check("the page loads nothing", page.loads == [] and "url(" not in text, page.loads)
    check("no two trials have one name", len(set(names)) == len(names))


def listed_and_exported(folder):
    rows = [line.split("\t") for line in wk("--list").stdout.splitlines()]
    check("every trial is listed, each name once",
          len(rows) > 1000 and len({row[1] for row in rows}) == len(rows), len(rows))
    name = "class 0.2S CT, balanced, PF 0.5 L, 1 In"
    target = str(pathlib.Path(folder, "case.cfg"))
    done = wk("--export", name, target)
    check("the samples of a trial become COMTRADE", done.returncode == 0, done.stderr)
    measured = subprocess.run([WK, "measure", target, "--json"], capture_output=True, text=True,
                              timeout=60)
    lines = [json.loads(line) for line in measured.stdout.splitlines()]
    power = [line["p_w"] for line in lines if "p_w" in line][5]
    check("... and `wk measure` reads its power from them",
          all(abs(value - 575) < 0.05 for value in power), power)


def wrong_usage(folder):
    wrong = [(), ("--report",), ("--quick",), ("--export", "x"), ("--nonsense",),
             ("--report", folder, "--case", "there is no such trial"),
             ("--export", "there is no such trial", str(pathlib.Path(folder, "x.cfg")))]
    check("wrong usage is told and ends with 2",
          all(wk(*w).returncode == 2 and wk(*w).stderr for w in wrong))
    blocked = wk("--report", "/proc/no", "--case", "meter constant")
    check("a folder that cannot be made is told", blocked.returncode == 1
          and "/proc/no" in blocked.stderr, blocked.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        report_of(folder)
        listed_and_exported(folder)
        wrong_usage(folder)
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
