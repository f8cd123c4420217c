#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include "..." of the tree against LAYERS.

usage: check_layers.py [ROOT]     exit 1 and one line per violation
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SKIP = {"build", "node_modules", ".git", "ui"}


def read_layers(root):
    rules = []
    for number, line in enumerate((root / "LAYERS").read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"(\w+):\s*([^>]+?)\s*->\s*(.*)", line)
        if match is None:
            sys.exit(f"LAYERS:{number}: not 'name: paths -> allowed'")
        name, paths, allowed = match.groups()
        rules.append((name, paths.split(), allowed.split()))
    names = [name for name, _, _ in rules]
    for name in names:
        if names.count(name) > 1:
            sys.exit(f"LAYERS: the room '{name}' is there twice")
    return rules


def belongs(path, patterns):
    """True if the path without ending is one of the patterns or lies in such a folder."""
    stem = path.rsplit(".", 1)[0]
    return any(stem == p or path.startswith(p + "/") for p in patterns)


def check(root):
    rules = read_layers(root)
    problems = []
    for file in sorted(root.rglob("*.[ch]")):
        path = file.relative_to(root).as_posix()
        if set(file.relative_to(root).parts) & SKIP:
            continue
        is_test = re.search(r"_(test|fuzz)\.[ch]$", path) is not None
        rule = next((r for r in rules if belongs(path, r[1])), None)
        if rule is None:
            problems.append(f"{path}: no line of LAYERS names this file")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            target = match.group(1)
            if not (root / target).exists() and not target.startswith("generated/"):
                problems.append(f"{path}:{number}: \"{target}\" is not written from the root")
            elif not is_test and not belongs(target, rule[1] + rule[2]) \
                    and not target.startswith("generated/"):
                problems.append(f"{path}:{number}: {rule[0]} may not include \"{target}\"")
    return problems


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
