# SPDX-License-Identifier: Apache-2.0
"""What the chain tests share: configurations of test meters, processes, TAP."""
import atexit
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START = "2026-02-01T23:00:00Z"


def programs(build):
    return ROOT / "build" / build / "bin"


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, good, name, detail=""):
        self.count += 1
        self.failed += not good
        if not good and detail:
            for line in str(detail).splitlines()[:20]:
                print(f"# {line}")
        print(f"{'' if good else 'not '}ok {self.count} - {name}", flush=True)

    def figure(self, name, value, unit, goal, holds, seed=0):
        print("# figure " + json.dumps({"figure": name, "value": value, "unit": unit,
                                        "goal": goal, "holds": bool(holds), "seed": seed}),
              flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Meter:
    """One meter of config/, with its own state folder, ports and keys."""

    def __init__(self, letter, build="dev", stop=None, pace="full-speed", start=START,
                 analyse="live"):
        self.bin = programs(build)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wk-chain-"))
        self.web = free_port()
        self.dlms = free_port()
        self.password = "reader-secret"
        self.keys = {"EK": "000102030405060708090a0b0c0d0e0f",
                     "AK": "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"}
        self.words = {"STATE": self.folder / "state", "DATA": ROOT / "data", "START": start,
                      "STOP": f"stop = {stop}" if stop else "", "PACE": pace,
                      "PASSWORD": self.password, "DLMS": self.dlms, "WEB": self.web,
                      "TOKEN_KEY": "101112131415161718191a1b1c1d1e1f", **self.keys}
        self.analyse = analyse  # a day of power quality takes minutes with sanitizers
        self.config = self.folder / "meter.conf"
        self.write(letter)
        self.processes = []
        atexit.register(self.remove)  # a test that fails leaves nothing running

    def write(self, letter, change=lambda text: text):
        text = (ROOT / "config" / f"meter-{letter}.conf").read_text()
        for word, value in self.words.items():
            text = text.replace(f"@{word}@", str(value))
        text += f"\n[quality]\nanalyse = {self.analyse}\n"
        self.config.write_text(change(text))

    def spawn(self, program, **more):
        process = subprocess.Popen([self.bin / program, "--config", self.config], text=True,
                                   **more)
        self.processes.append(process)
        return process

    def get(self, path, timeout_s=10):
        """An answer of the local page, waiting for it to be there."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}",
                                            timeout=5) as answer:
                    return json.load(answer)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def wait_finished(self, timeout_s=240):
        """Until the feed has ended and every record of it is counted and committed."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            info = self.get("/api/info")
            if info["progress"]["finished"] and info["records"]["backlog"] == 0:
                return info
            time.sleep(0.1)
        raise TimeoutError("the feed did not end")

    def wk(self, *arguments, **more):
        return subprocess.run([self.bin / "wk", *map(str, arguments)], capture_output=True,
                              text=True, timeout=60, **more)

    def stop(self):
        """Ends every process; returns what each that still ran ended with (0 = cleanly)."""
        ended = []
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                ended.append(process)
        for process in ended:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return [process.returncode for process in ended]

    def remove(self):
        ended = self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return ended
