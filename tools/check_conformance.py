#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sure that every test and file named in docs/conformance.md exists."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "conformance.md"


def registered():
    """test program -> its sources, as the CMake lists have them."""
    found = {}
    for file in ROOT.glob("*/**/CMakeLists.txt"):
        if "build" in file.relative_to(ROOT).parts:
            continue
        for name, source in re.findall(r"wk_test\((\w+)\s+SOURCES\s+(\S+)", file.read_text()):
            found[name] = file.parent / source
    return found


def main():
    tests = registered()
    missing = []
    named = 0
    for line_number, line in enumerate(DOCUMENT.read_text().splitlines(), 1):
        for word in re.findall(r"`([^`]+)`", line) if line.startswith("|") else []:
            program, _, sentence = word.partition(": ")
            named += 1
            if word.startswith("wk ") or re.fullmatch(r"[a-z]+", word):
                continue  # a command, not what shows it
            if "/" in word:
                if not (ROOT / word).exists():
                    missing.append(f"line {line_number}: there is no {word}")
            elif program not in tests:
                missing.append(f"line {line_number}: there is no test {program}")
            elif sentence and f"T({sentence})" not in re.sub(r"\s", "", tests[program].read_text()):
                missing.append(f"line {line_number}: {program} does not promise {sentence}")
    for text in missing:
        print(f"docs/conformance.md, {text}")
    if not missing and named < 30:
        print("docs/conformance.md names too few tests: was it read?")
    sys.exit(1 if missing or named < 30 else 0)


if __name__ == "__main__":
    main()
