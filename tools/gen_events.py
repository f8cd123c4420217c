#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ui/kit/events.json, the event texts of management/event.h for the pages.

usage: gen_events.py [--check]     --check only says whether the file is fresh
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "ui" / "kit" / "events.json"


def main():
    header = (ROOT / "management" / "event.h").read_text()
    body = header[header.index("#define WK_EVENT_LIST"):header.index("#define WK_EVENT_ENUM")]
    rows = re.findall(r'X\((\d+),\s*(\w+),\s*(\w+),\s*\\?\s*"([^"]*)"', body)
    text = json.dumps({code: {"group": group, "text": what} for code, _, group, what in rows},
                      indent=1) + "\n"
    if "--check" in sys.argv:
        sys.exit(0 if OUT.read_text() == text else "ui/kit/events.json is old: run "
                                                   "tools/gen_events.py")
    OUT.write_text(text)


if __name__ == "__main__":
    main()
