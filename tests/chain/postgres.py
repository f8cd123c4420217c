# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL cluster of a test: in a folder of its own, on a unix socket, fsync on, as an unprivileged
user because it refuses to run as root. It can be killed like a machine that loses power."""
import atexit
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time


def programs_of_postgres():
    """The folder with initdb and postgres; None: it is not installed."""
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return pathlib.Path(found).resolve().parent if found else None


def may_skip(tap, name):
    """Says that there is no PostgreSQL; run_tests.py lets nothing be skipped in CI."""
    tap.count += 1
    print(f"ok {tap.count} - {name} # SKIP PostgreSQL is not installed")


def whole_tree(pid):
    """The processes below one, and itself last."""
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            found += whole_tree(int(child))
        except OSError:
            pass  # it has just ended
    return found + [pid]


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Cluster:
    def __init__(self, settings=None):
        self.bin = programs_of_postgres()
        # the socket's path must stay short
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.user = None
        if os.geteuid() == 0:
            names = {user.pw_name for user in pwd.getpwall()}
            self.user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.settings = {"listen_addresses": "''", "unix_socket_directories": f"'{self.folder}'",
                         "max_connections": "60", "shared_buffers": "32MB",
                         "log_min_messages": "fatal", **(settings or {})}
        self.process = None
        atexit.register(self.remove)
        self.run("initdb", "-D", self.data, "-U", "wattkeeper", "-E", "UTF8", "--no-locale",
                 "-A", "trust", "-N")

    def run(self, program, *arguments, check=True):
        return subprocess.run([self.bin / program, *map(str, arguments)], capture_output=True,
                              text=True, check=check, timeout=60, cwd=self.folder,
                              **self.identity())

    def identity(self):
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def spawn(self):
        options = [f"-c{key}={value.strip(chr(39))}" for key, value in self.settings.items()]
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen([self.bin / "postgres", "-D", self.data, *options],
                                        stdout=log, stderr=log, cwd=self.folder, **self.identity())
        log.close()

    def start(self):
        self.spawn()
        deadline = time.monotonic() + 30
        while self.run("pg_isready", "-q", "-h", self.folder, check=False).returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError((self.folder / "log").read_text())
            time.sleep(0.05)

    def kill(self):
        """kill -9 of the server with all its processes, as a power cut would end them. It may have
        ended by itself, if it could not begin."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGSTOP)  # no new children
        killed = whole_tree(self.process.pid)
        for pid in reversed(killed):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        deadline = time.monotonic() + 5  # while one lives, its memory keeps the next from beginning
        while any(lives(pid) for pid in killed) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)

    def create(self, name, encoding="UTF8"):
        self.run("createdb", "-h", self.folder, "-U", "wattkeeper", "-E", encoding, "-T", "template0",
                 name)

    def address(self, name, user="wattkeeper"):
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def rows(self, name, sql):
        """The rows of a query, as lists of texts. Raises when the server does not answer."""
        done = self.run("psql", "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                        "-h", self.folder, "-U", "wattkeeper", "-d", name, "-c", sql)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
