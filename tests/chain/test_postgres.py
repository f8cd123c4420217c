#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The head-end on PostgreSQL: its unit tests once more with a database of it as archive, what only a
server can do to an archive, and a day that is collected and billed as with SQLite, to the last unit."""
import json
import os
import random
import signal
import subprocess
import sys
import time

from harness import Meter, Tap, programs
from postgres import Cluster, may_skip, programs_of_postgres
from test_headend import STOP, Headend

UNITS = ("archive", "archive_postgres", "reading", "intake", "vee", "bill", "command", "api")
SEED = 20261122


def run_units(tap, cluster):
    for unit in UNITS:
        program = programs("dev").parent / "test" / f"headend_{unit}_test"
        done = subprocess.run([program], capture_output=True, text=True, timeout=200,
                              env={**os.environ, "WK_TEST_ARCHIVE": cluster.address("a"),
                                   "WK_TEST_SOCKET": str(cluster.folder)})
        print("".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith("#")),
              end="")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("ok", "not ok"))]
        for line in lines:
            tap.check(line.startswith("ok"), f"{unit} on PostgreSQL: {line.split(' - ')[1]}")
        tap.check(done.returncode == 0 and lines, f"{unit} on PostgreSQL ends cleanly",
                  done.stderr[-2000:])


def once(headend):
    headend.start("--once", "--until", STOP, "--timeout", "60")
    out, err = headend.process.communicate(timeout=90)
    lines = out.strip().splitlines()
    return headend.process.returncode, json.loads(lines[-1]) if lines else None, out + err


def without_times(answer):
    """All of it but when it happened."""
    if isinstance(answer, dict):
        return {key: without_times(value) for key, value in answer.items()
                if key not in ("issued", "now", "collected_at")}
    if isinstance(answer, list):
        return [without_times(value) for value in answer]
    return answer


def bills_are_the_same(tap, cluster):
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    meter = Meter("b", "release", stop=STOP)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    files = Headend(meter)
    status, of_files, said = once(files)
    tap.check(status == 0 and of_files, "with SQLite the day is collected and billed", said[-600:])
    cluster.create("chain")
    headend = Headend(meter, lambda text: text.replace(
        "archive = archive.db", f"archive = {cluster.address('chain')}"))
    for _ in range(5):
        headend.start()
        time.sleep(chance.uniform(0.05, 0.6))
        headend.end(signal.SIGKILL)
    status, of_database, said = once(headend)
    tap.check(status == 0 and without_times(of_database) == without_times(of_files),
              "with PostgreSQL, killed 5 times, it is the same to the last unit",
              f"{said[-800:]}\n{of_files}")
    again, more, said = once(headend)
    tap.check(again == 0 and without_times(more) == without_times(of_database),
              "and it is when asked again", said[-400:])
    headend.start()
    headend.call("/api/meters")
    second = subprocess.run([programs("dev") / "wk-headendd", "--config", headend.config],
                            capture_output=True, text=True, timeout=30)
    tap.check(second.returncode == 1 and "another head-end has this database" in second.stderr,
              "a second head-end on the same database is refused, with the reason", second.stderr)
    cluster.kill()
    status, answer = headend.call("/api/meters/WK10000002/audit")
    tap.check(status >= 500 and "error" in answer, "without its database the API says so", answer)
    cluster.start()
    tap.check(headend.wait_for("/api/meters/WK10000002/audit", lambda m: "audit" in m),
              "and goes on by itself when the database is there again")
    code, _, err = headend.end()
    tap.check(code == 0 and "Sanitizer" not in err, "a signal ends it cleanly", err[-2000:])
    for one in (files, headend):
        one.remove()
    meter.remove()


def main():
    tap = Tap()
    if programs_of_postgres() is None:
        may_skip(tap, "the head-end on PostgreSQL")
        sys.exit(tap.end())
    cluster = Cluster()
    (cluster.data / "pg_hba.conf").write_text(
        "local all locked scram-sha-256\nlocal all all trust\n")
    cluster.start()
    cluster.create("a")
    cluster.create("latin", "LATIN1")
    cluster.rows("a", "CREATE ROLE locked LOGIN PASSWORD 'right'")
    run_units(tap, cluster)
    bills_are_the_same(tap, cluster)
    cluster.remove()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
