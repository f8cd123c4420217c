#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzzers. Prints TAP.

usage: fuzz.py [--long SECONDS]

Short form (in ./test): a fixed number of executions of each fuzzer from a fixed seed. Long form:
each fuzzer for so many seconds, from a new seed, with its corpus kept in build/fuzz-corpus.
"""
import json
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import fuzz_seeds  # noqa: E402  (found only now)

FUZZ = ROOT / "build" / "fuzz" / "fuzz"
SHORT_RUNS = {"session_fuzz": 1000000, "cosem_fuzz": 500000, "hdlc_fuzz": 500000,
              "shield_fuzz": 500000, "explain_fuzz": 300000, "push_decoder_fuzz": 500000,
              "recording_fuzz": 200000,
              "submeter_fuzz": 200000, "store_fuzz": 100000}
SEED = 20261121
UNIT_TIMEOUT_S = 5
SHORT_TIMEOUT_S = 800


def executions(text):
    found = re.findall(r"#(\d+)\s+DONE", text) or re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    return int(found[-1]) if found else 0


def main():
    seconds = int(sys.argv[2]) if sys.argv[1:2] == ["--long"] else 0
    fuzzers = sorted(p for p in FUZZ.iterdir() if p.is_file() and p.name.endswith("_fuzz"))
    failed = not fuzzers
    print(f"1..{len(fuzzers)}")
    for number, fuzzer in enumerate(fuzzers, 1):
        corpus = ROOT / "build" / "fuzz-corpus" / fuzzer.name
        corpus.mkdir(parents=True, exist_ok=True)
        seed = random.SystemRandom().randrange(1, 2**31) if seconds else SEED
        runs = SHORT_RUNS.get(fuzzer.name, 100000)
        limit = [f"-max_total_time={seconds}"] if seconds else [f"-runs={runs}"]
        # What the short form finds goes to the seeds' folder, which is made anew each time.
        seeds = ROOT / "build" / "fuzz-seeds" / fuzzer.name
        fuzz_seeds.write(fuzzer.name, seeds)
        folders = [str(corpus), str(seeds)] if seconds else [str(seeds)]
        result = subprocess.run([str(fuzzer), f"-seed={seed}", f"-timeout={UNIT_TIMEOUT_S}",
                                 f"-artifact_prefix={corpus}/", "-print_final_stats=1", *limit,
                                 *folders], capture_output=True, text=True, cwd=ROOT,
                                timeout=seconds + SHORT_TIMEOUT_S)
        done = executions(result.stderr)
        good = result.returncode == 0 and (seconds > 0 or done >= runs)
        failed |= not good
        if not good:
            print("".join(f"# {line}\n" for line in result.stderr.splitlines()[-25:]), end="")
        print("# figure " + json.dumps({
            "figure": f"{fuzzer.name}: executions without crash, hang or leak", "value": done,
            "unit": "executions", "goal": f">= {runs}" if not seconds else "no finding",
            "holds": good, "seed": seed}))
        print(f"{'ok' if good else 'not ok'} {number} - {fuzzer.name}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
