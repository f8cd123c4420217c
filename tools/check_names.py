#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sure that no two sources define one name. A program takes the first one that it finds, and
the linker says nothing: what is meant for another room is called.

usage: check_names.py BUILD [OBJECT...]

Looks at the objects of a build (of its compile_commands.json) but those of tests, and at further
ones. Sources whose names differ in their last number (quality_sums1, quality_sums4), and lists of
assets, stand for each other: a program links one of them."""
import collections
import json
import pathlib
import re
import subprocess
import sys


def role_of(source):
    """Sources that stand for each other have one role."""
    stem = re.sub(r"\d+$", "", source.stem)
    stem = re.sub(r"^assets_.*", "assets", stem)
    return source.parent / stem


def objects_of(build):
    """object -> role"""
    rows = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for row in rows:
        source = pathlib.Path(row["file"])
        words = row["command"].split()
        made = pathlib.Path(row["directory"]) / words[words.index("-o") + 1]
        if made.exists() and not source.name.endswith(("_test.c", "_fuzz.c")):
            found[str(made)] = role_of(source)
    return found


def main():
    objects = objects_of(pathlib.Path(sys.argv[1]).resolve())
    objects.update((name, pathlib.Path(name)) for name in sys.argv[2:])
    roles = collections.defaultdict(set)
    names = list(objects)
    for at in range(0, len(names), 200):
        listing = subprocess.run(["nm", "-A", "-g", "--defined-only", *names[at:at + 200]],
                                 capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            where, _, name = line.rpartition(" ")
            if name.startswith("wk_"):
                roles[name].add(objects[where.split(":")[0]])
    twice = {name: sorted(map(str, where)) for name, where in roles.items() if len(where) > 1}
    for name, where in sorted(twice.items()):
        print(f"{name} is defined in {' and in '.join(where)}")
    if not roles:
        print(f"{sys.argv[1]} holds no objects: build it first")
    sys.exit(1 if twice or not roles else 0)


if __name__ == "__main__":
    main()
