#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzzers, two at a time. Prints TAP.

usage: fuzz.py [--long SECONDS | --runs N]

Short form (in ./test): a fixed number of executions of each fuzzer from a fixed seed, 10^7 in all.
--long: each fuzzer for so many seconds, --runs: N executions in all (10^9 take about a day), both
from a new seed and with the corpus kept in build/fuzz-corpus.
"""
import concurrent.futures
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
SHORT_RUNS = {"client_fuzz": 1800000, "session_fuzz": 1200000, "cosem_fuzz": 1500000,
              "hdlc_fuzz": 1200000, "shield_fuzz": 700000, "explain_fuzz": 600000,
              "push_decoder_fuzz": 1500000, "line_fuzz": 700000, "block_fuzz": 300000,
              "objects_fuzz": 700000, "recording_fuzz": 200000, "submeter_fuzz": 200000,
              "modbus_fuzz": 300000, "dlt645_fuzz": 200000, "coap_fuzz": 300000,
              "store_fuzz": 100000, "link_fuzz": 100000, "at_fuzz": 100000,
              "image_fuzz": 100000, "token_fuzz": 300000}
OTHER_RUNS = 100000
ALL_RUNS = 10**7
SEED = 20261121
UNIT_TIMEOUT_S = 5
SHORT_TIMEOUT_S = 800
HANG_MS = 100
STALLS = 3  # of the machine, most


def executions(text):
    found = re.findall(r"#(\d+)\s+DONE", text) or re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    return int(found[-1]) if found else 0


def is_stall(fuzzer, artifact):
    """Whether what took seconds takes no time when it is done again: then the machine stood still, not the code."""
    result = subprocess.run([str(fuzzer), f"-timeout={UNIT_TIMEOUT_S}", "-runs=1", str(artifact)],
                            capture_output=True, text=True, cwd=ROOT, timeout=SHORT_TIMEOUT_S)
    took = re.search(r"Executed .* in (\d+) ms", result.stderr)
    return result.returncode == 0 and took is not None and int(took.group(1)) <= HANG_MS


def attempt(fuzzer, seed, limit, folders, timeout_s):
    """One process of a fuzzer: (executions, what it ended with, its last lines, an input that took too long)."""
    findings = ROOT / "build" / "fuzz-findings" / fuzzer.name
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.glob("timeout-*"))
    result = subprocess.run([str(fuzzer), f"-seed={seed}", f"-timeout={UNIT_TIMEOUT_S}",
                             f"-artifact_prefix={findings}/", "-print_final_stats=1", limit,
                             *folders], capture_output=True, text=True, cwd=ROOT, timeout=timeout_s)
    slow = set(findings.glob("timeout-*")) - before
    return executions(result.stderr), result.returncode, result.stderr.splitlines(), slow


def run(fuzzer, runs, seconds):
    """One fuzzer: (executions, whether all is well, its last lines, seed)."""
    corpus = ROOT / "build" / "fuzz-corpus" / fuzzer.name
    corpus.mkdir(parents=True, exist_ok=True)
    # What the short form finds goes to the seeds' folder, which is made anew each time.
    seeds = ROOT / "build" / "fuzz-seeds" / fuzzer.name
    fuzz_seeds.write(fuzzer.name, seeds)
    is_short = seconds == 0 and runs == SHORT_RUNS.get(fuzzer.name, OTHER_RUNS)
    seed = SEED if is_short else random.SystemRandom().randrange(1, 2**31)
    folders = [str(seeds)] if is_short else [str(corpus), str(seeds)]
    timeout_s = seconds + SHORT_TIMEOUT_S if is_short or seconds else None
    done = 0
    told = []
    for stalls in range(STALLS + 1):
        limit = f"-max_total_time={seconds}" if seconds else f"-runs={runs - done}"
        count, status, lines, slow = attempt(fuzzer, seed + stalls, limit, folders, timeout_s)
        done += count
        told += lines[-25:]
        if status == 0 or not slow or not all(is_stall(fuzzer, input) for input in slow):
            break
        told.append(f"the machine stood still at execution {done}: the input takes no time when done again")
    good = status == 0 and (seconds > 0 or done >= runs)
    return done, good, told, seed


def main():
    option = sys.argv[1] if len(sys.argv) == 3 else ""
    seconds = int(sys.argv[2]) if option == "--long" else 0
    wanted = int(sys.argv[2]) if option == "--runs" else 0
    fuzzers = sorted(p for p in FUZZ.iterdir() if p.is_file() and p.name.endswith("_fuzz"))
    runs = {p: SHORT_RUNS.get(p.name, OTHER_RUNS) for p in fuzzers}
    if wanted:
        runs = {p: -(-wanted * n // sum(runs.values())) for p, n in runs.items()}
    failed = not fuzzers
    total = 0
    print(f"1..{len(fuzzers) + (0 if seconds else 1)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        longest_first = sorted(fuzzers, key=lambda p: -runs[p])
        jobs = {p: pool.submit(run, p, runs[p], seconds) for p in longest_first}
        for number, fuzzer in enumerate(fuzzers, 1):
            done, good, told, seed = jobs[fuzzer].result()
            total += done
            failed |= not good
            if not good:
                print("".join(f"# {line}\n" for line in told), end="")
            print("# figure " + json.dumps({
                "figure": f"{fuzzer.name}: executions without crash, hang or leak", "value": done,
                "unit": "executions", "goal": f">= {runs[fuzzer]}" if not seconds
                else "no finding", "holds": good, "seed": seed}))
            print(f"{'ok' if good else 'not ok'} {number} - {fuzzer.name}", flush=True)
    if not seconds:
        enough = total >= (wanted or ALL_RUNS)
        failed |= not enough
        print("# figure " + json.dumps({"figure": "executions of all fuzzers", "value": total,
                                        "unit": "executions", "goal": f">= {wanted or ALL_RUNS}",
                                        "holds": enough}))
        print(f"{'ok' if enough else 'not ok'} {len(fuzzers) + 1} - executions of all fuzzers")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
