#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the power-cut harness: each mutant of the store, a copy with one safeguard taken out, must
make it fail. Prints TAP."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STEPS = "30"
SEED = "20261121"
MUTANTS = (
    ("records are not checked by their CRC", "management/store_medium.c",
     "return crc == head->crc ? WK_OK : WK_E_CORRUPT;", "return WK_OK;"),
    ("sector heads are not checked by their CRC", "management/store_medium.c",
     "crc == wk_crc_32(0, raw, WK_STORE_SECTOR_HEAD - 8)", "crc == crc"),
    ("a live key is not carried into the next sector", "management/store.c",
     "if (store->keys[key].live) {\n            WK_TRY(carry_key",
     "if (store->keys[key].live && key != 2) {\n            WK_TRY(carry_key"),
    ("puts without a commit do not seal their sector", "management/store.c",
     "ring->sealed = !blank || uncommitted;", "ring->sealed = !blank;"),
    ("the torn end of a log does not seal its sector", "management/store.c",
     "ring->sealed = ring->sealed || !blank;", ""),
)


def build(tree, program):
    sources = [p for folder in ("management/store", "management/store_medium",
                                "management/store_read", "port/virtual/flash")
               for p in [f"{folder}.c"]]
    sources += [f"base/{p.name}" for p in sorted((ROOT / "base").glob("*.c"))
                if not p.name.endswith("_test.c")]
    subprocess.run(["gcc", "-std=c11", "-O2", "-I.", "tests/powercut/store_powercut.c", *sources,
                    "-o", program], cwd=tree, check=True)


def outcome(change):
    """Exit status of the harness over a changed copy of the store."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in ("base", "management", "port", "tests"):
            shutil.copytree(ROOT / part, tree / part)
        if change is not None:
            path, old, new = change
            text = (tree / path).read_text()
            if old not in text:
                return f"the line to change is not in {path}"
            (tree / path).write_text(text.replace(old, new, 1))
        build(tree, tree / "mutant")
        return subprocess.run([tree / "mutant", STEPS, SEED], capture_output=True).returncode


def main():
    failed = 0
    results = [("the store as it is passes", outcome(None) == 0)]
    for name, *change in MUTANTS:
        results.append((f"caught: {name}", outcome(change) == 1))
    for number, (name, good) in enumerate(results, 1):
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)
    print(f"1..{len(results)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
