#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench programs and shows their figures. Called by ./bench."""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("bench_metrology", "bench_quality", "bench_dlms")


def main():
    form = sys.argv[1] if len(sys.argv) > 1 else ""
    figures = []
    for program in PROGRAMS:
        result = subprocess.run([ROOT / "build" / "release" / "bin" / program],
                                capture_output=True, text=True)
        if result.returncode not in (0, 1) or not result.stdout:
            sys.exit(f"{program} ended with status {result.returncode}: {result.stderr}")
        figures += [json.loads(line) for line in result.stdout.splitlines()]
    missed = [f for f in figures if not f["holds"]]
    for number, figure in enumerate(figures, 1):
        if form == "--json":
            print(json.dumps(figure))
        elif form == "--tap":
            if figure["goal"]:
                print("# figure " + json.dumps({**figure, "seed": 0}))
            print(f"{'ok' if figure['holds'] else 'not ok'} {number} - {figure['figure']}")
        else:
            print(f"  {figure['figure']:46s} {figure['value']:12.6g} {figure['unit']:18s} "
                  f"{('goal ' + figure['goal']) if figure['goal'] else '':16s} "
                  f"{'' if figure['holds'] else 'MISSED'}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
