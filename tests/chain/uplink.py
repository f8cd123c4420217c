# SPDX-License-Identifier: Apache-2.0
"""A head-end that a meter sends to by itself, and what its archive has of it."""
import atexit
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

from harness import ROOT, START, free_port

KEY = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
TITLE = "574B500010000002"
LOAD_PROFILE = "1.0.99.1.0.255"


def wait_for(what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if what():
                return True
        except (sqlite3.OperationalError, subprocess.CalledProcessError):
            pass  # the head-end is just making it, or its server starts
        time.sleep(0.1)
    return False


class Headend:
    """wk-headendd whose only way to the meter is what the meter sends; `keys` are more of [headend]."""

    def __init__(self, meter, keys, archive="archive.db"):
        self.bin = meter.bin
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-link-"))
        self.archive = self.folder / "archive.db"
        self.config = self.folder / "headend.conf"
        self.config.write_text(
            f"[headend]\narchive = {archive}\nport = {free_port()}\n{keys}"
            "poll_s = 3600\nretry_s = 3600\nretry_max_s = 3600\n"
            f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
            f"[meter WK10000002]\nhost = 127.0.0.1\nport = {free_port()}\nplan = home\n"
            f"installed = {START}\nrole = reader\npassword = nobody\n"
            f"meter_title = {TITLE}\nlink_key = {KEY}\n")
        self.process = None
        atexit.register(self.remove)  # a test that fails leaves nothing running

    def start(self):
        self.process = subprocess.Popen([self.bin / "wk-headendd", "--config", self.config],
                                        stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.archive}?mode=ro", uri=True, timeout=20) as db:
            return db.execute(sql, values).fetchall()

    def records(self):
        """stream -> the sequence numbers of its records, in order; gaps count whole"""
        found = {}
        for obis, first, count in self.rows(
                "SELECT l.obis, r.seq, r.count FROM link_record r JOIN link l USING(meter, epoch, "
                "stream) ORDER BY l.obis, r.seq"):
            found.setdefault(obis, []).extend(range(first, first + max(count, 1)))
        return found

    def applied(self):
        return dict(self.rows("SELECT obis, applied FROM link"))

    def intervals(self):
        """channel -> end -> how many readings, of open days and of blocks"""
        return self.rows("SELECT ts, count(*), max(rev), max(reg) FROM interval_open "
                         "WHERE channel = 0 GROUP BY ts ORDER BY ts")

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
