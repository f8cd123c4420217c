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
HARNESS = ["--steps", "10", "--chain", "600", "--geometry", "0"]
STORE = "management/store.c"
MEDIUM = "management/store_medium.c"
MOUNT = "management/store_mount.c"
READ = "management/store_read.c"
MUTANTS = (
    ("records are not checked by their CRC", MEDIUM,
     "return crc == seen ? WK_OK : WK_E_CORRUPT;", "return WK_OK;"),
    ("sector heads are not checked by their CRC", MEDIUM,
     "crc == wk_crc_32(0, raw, size - CRC_SIZE)", "crc == crc"),
    ("a live key is not carried into the next sector", STORE,
     "if ((carried >> key & 1U) != 0) {", "if ((carried >> key & 1U) != 0 && key != 2) {"),
    ("the sequence is not restored", MOUNT,
     "ring->sequence = first + low;", "ring->sequence = first;"),
    ("stepping back forgets the sequence", MOUNT,
     "    ring->sequence--;\n", ""),
    ("the number of the last transaction is not restored", MOUNT,
     "        store->transaction = head->number;\n", "        store->transaction = 1;\n"),
    ("a sector is opened though it is not blank", STORE,
     "    WK_TRY(erase_unless_blank(store, ring, next));\n", ""),
    ("puts count without their commit", MOUNT,
     "return (head->flags & WK_STORE_COMMITS) != 0 ? complete",
     "return head->number > 0 ? complete"),
    ("puts that were cut are completed by the next commit", MOUNT,
     "    if (broken_off) { /* what was cut must not be completed by a later commit */\n"
     "        replay->keys = 0;\n    }\n", ""),
    ("a commit does not move the heads of logs", MEDIUM,
     "            heads[log] = next;\n", "            heads[log] = heads[log];\n"),
    ("log heads of the checkpoint are ignored", MOUNT,
     "    memcpy(store->committed, sector.heads, sizeof sector.heads);\n", ""),
    ("an entry that commits itself is not seen", MOUNT,
     "alone ? head->number + 1 : head->number - head->count",
     "head->number - head->count"),
    ("a sector opened by a transaction that was cut is kept", MOUNT,
     "if (head.first <= store->committed[log]) {", "if (head.first <= UINT64_MAX) {"),
    ("writing goes on where the torn end began", MEDIUM,
     "if (walk->torn_blindly && walk->at < behind) {", "if (walk->torn) {"),
    ("a reader does not see where writing resumed", READ,
     "        place.placed = place.placed && !resumes;\n        if (head.number == number) {",
     "        if (head.number == number && !place.placed) {"),
    ("writing resumes without telling", MOUNT,
     "ring->resumes = walk.torn || next > committed;", "ring->resumes = false;"),
    ("the sector ahead is not erased after a commit", STORE,
     "    return erase_unless_blank(store, ring, ring->newest + 1U);",
     "    return WK_OK;"),
)


def build(tree, program):
    sources = [f"management/{part}.c" for part in ("store", "store_medium", "store_mount",
                                                   "store_read")]
    sources += ["port/virtual/flash.c", "tests/powercut/store_powercut.c",
                "tests/powercut/store_oracle.c"]
    sources += [f"base/{p.name}" for p in sorted((ROOT / "base").glob("*.c"))
                if not p.name.endswith(("_test.c", "_divide1.c"))]  # that is the target's
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-w", "-I.", *sources, "-o", program], cwd=tree,
                   check=True)


def outcome(change):
    """Exit status of the harness over a changed copy of the store."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in ("base", "management", "port", "tests/powercut"):
            shutil.copytree(ROOT / part, tree / part)
        if change is not None:
            path, old, new = change
            text = (tree / path).read_text()
            if old not in text:
                return f"the line to change is not in {path}"
            (tree / path).write_text(text.replace(old, new, 1))
        build(tree, tree / "mutant")
        try:
            return subprocess.run([tree / "mutant", *HARNESS], capture_output=True,
                                  timeout=120).returncode
        except subprocess.TimeoutExpired:
            return 1  # a store that hangs is caught too


def main():
    failed = 0
    results = [("the store as it is passes", outcome(None))]
    good = [results[0][1] == 0]
    for name, *change in MUTANTS:
        results.append((f"caught: {name}", outcome(change)))
        good.append(results[-1][1] not in (0, 2) and not isinstance(results[-1][1], str))
    for number, ((name, status), holds) in enumerate(zip(results, good), 1):
        failed += not holds
        print(f"{'' if holds else 'not '}ok {number} - {name}", flush=True)
        if not holds:
            print(f"# {status}")
    print(f"1..{len(results)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
