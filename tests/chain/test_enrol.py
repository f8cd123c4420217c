#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The certificate of a meter from its first key to its renewal: the key is made in a token (SoftHSM 2), its
request is signed by `wk authority` and brought back by hand; then a head-end with the authority renews
certificates that live for seconds, while somebody reads without a pause and the meter is killed; the old
certificate, revoked, is refused. Runs the sanitized build.

usage: test_enrol.py [--long] [--seed N]     long: 40 kills instead of 4"""
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

from harness import ROOT, Meter, Tap, free_port
from test_tls import SOFTHSM, shown_certificate, token_of

TITLE = "574B500010000002"
LIFE_S = 12  # of what the head-end signs: renewed after about ten
LONG = "--long" in sys.argv
CHECKS = 28
KILLS = 40 if LONG else 4
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else time.time_ns()


class World:
    """A meter that enrols, an authority, and a client."""

    def __init__(self, tap, tls_key):
        self.tap = tap
        self.meter = Meter("b", stop="2026-02-02T00:00:00Z")
        self.ca = self.meter.folder / "ca"
        self.tls = self.meter.folder / "state" / "tls"
        self.port = free_port()
        self.keys = self.meter.folder / "keys"
        self.wk("authority", "make", self.ca, "--name", "test root")
        self.wk("tls", "request", "--tls-key", self.ca / "client.key", "--tls-name", "client.example",
                "--csr", self.ca / "client.csr")
        self.wk("authority", "sign", self.ca, self.ca / "client.csr", "--subject", "client.example",
                "--name", "client.example", "--out", self.ca / "client.pem")
        shutil.copy(self.ca / "root.pem", self.ca / "ca.pem")  # as test_tls names it
        self.keys.write_text(f"ek = {self.meter.keys['EK']}\nak = {self.meter.keys['AK']}\n"
                             f"password = {self.meter.password}\n"
                             f"tls-ca = {self.ca}/root.pem\ntls-crl = {self.ca}/crl.pem\n"
                             f"tls-certificate = {self.ca}/client.pem\n"
                             f"tls-key = {self.ca}/client.key\n")
        section = (f"[dlms]\ntls_port = {self.port}\ntls_enrol = yes\n{tls_key}"
                   f"tls_ca = {self.ca}/root.pem\ntls_crl = {self.ca}/crl.pem\n"
                   "tls_client = client.example\n")
        self.meter.write("b", lambda text: text.replace("[dlms]\n", section))

    def wk(self, *arguments):
        done = self.meter.wk(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"wk {arguments}: {done.stderr}")
        return done

    def start(self):
        self.daemon = self.meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)

    def state(self):
        return self.meter.get("/api/certificate", 20)

    def wait(self, good, timeout_s=30):
        """The state once it is good; else the last one."""
        deadline = time.monotonic() + timeout_s
        state = self.state()
        while not good(state) and time.monotonic() < deadline:
            time.sleep(0.1)
            state = self.state()
        return state

    def secure(self, *arguments):
        return self.meter.wk("security", f"127.0.0.1:{self.meter.dlms}", "--keys", self.keys,
                             *arguments)

    def read(self):
        return self.meter.wk("read", f"tls://127.0.0.1:{self.port}", "--keys", self.keys, "--role",
                             "reader", "0.0.42.0.0.255")

    def sign(self, *more):
        return self.wk("authority", "sign", self.ca, self.ca / "meter.csr", "--name", "127.0.0.1",
                       "--out", self.ca / "meter.pem", *more)


def is_closed(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def check_first(world):
    """By hand, over DLMS without TLS."""
    tap = world.tap
    state = world.state()
    tap.check(state["state"] == "wanted" and "BEGIN CERTIFICATE REQUEST" in state["request"],
              "a meter without a certificate makes a key in its token and asks for one", state)
    tap.check(is_closed(world.port), "... and serves no TLS")
    done = world.secure("--csr", world.ca / "meter.csr")
    text = (world.ca / "meter.csr").read_text()
    tap.check(done.returncode == 0 and text == state["request"],
              "its request is the same over DLMS and on its page", done)
    tap.check((world.tls / "request.pem").read_text() == text, "... and in its folder")
    done = subprocess.run(["openssl", "req", "-in", world.ca / "meter.csr", "-noout", "-verify",
                           "-subject"], capture_output=True, text=True)
    tap.check(done.returncode == 0 and TITLE in done.stdout,
              "openssl finds the request right and of this meter", done)
    done = world.meter.wk("authority", "sign", world.ca, world.ca / "meter.csr", "--name",
                          "192.0.2.7")
    tap.check(done.returncode == 1 and "not ordered" in done.stderr,
              "the authority signs no name that was not ordered", done)
    stranger = world.meter.folder / "stranger"
    world.wk("authority", "make", stranger, "--name", "test root")
    world.wk("authority", "sign", stranger, world.ca / "meter.csr", "--name", "127.0.0.1", "--out",
             world.ca / "wrong.pem")
    done = world.secure("--import", world.ca / "wrong.pem")
    state = world.state()
    tap.check(done.returncode == 1 and "prove" in (state["refused"] or "") and is_closed(world.port),
              "a certificate of a stranger is refused, and the page says why", f"{done} {state}")
    world.sign("--seconds", "20")
    done = world.secure("--import", world.ca / "meter.pem")
    state = world.wait(lambda s: s["state"] != "wanted" and not is_closed(world.port))
    tap.check(done.returncode == 0 and state["state"] == "good" and state["request"] is None,
              "the right one is taken", f"{done} {state}")
    done = world.read()
    tap.check(done.returncode == 0, "and TLS is served at once", done)


def events(world):
    return [e for e in world.meter.get("/api/events?last=50")["events"] if e["code"] == 246]


def check_end(world):
    """Nobody renews: what is left is told."""
    tap = world.tap
    state = world.wait(lambda s: s["request"] is not None, 45)
    tap.check(state["request"] is not None and state["left_percent"] <= 20 and
              state["needs_somebody"] and "--csr" in state["words"],
              "at 80 % of its life a new key waits, and the page says what to do", state)
    tap.check(world.read().returncode == 0, "... while the old one serves")
    done = world.meter.wk("diag", f"127.0.0.1:{world.meter.web}")
    tap.check(done.returncode == 1 and "certificate" in done.stdout, "wk diag says it, too", done)
    state = world.wait(lambda s: s["state"] == "expired", 30)
    tap.check(state["state"] == "expired" and "ended" in state["words"],
              "and that it is over, when it is", state)
    deadline = time.monotonic() + 10
    while events(world)[:1] == [] or events(world)[0]["detail"] != 3:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    found = events(world)
    # the second may fall between two looks at so short a life
    tap.check([e["detail"] for e in found] in ([3, 2, 1], [3, 1]) and found[0]["value"] == 0 and
              found[-1]["value"] < 20 and {e["group"] for e in found} == {"security"},
              "the security log has: less than 20 %, less than 5 %, ended", found)
    tap.check(world.read().returncode == 1, "who trusts certificates does not trust that one")
    shutil.copy(world.ca / "meter.pem", world.tls / "incoming.pem")
    state = world.wait(lambda s: not (world.tls / "incoming.pem").exists())
    tap.check(not (world.tls / "refused.pem").exists(), "the one in use is no news", state)
    world.secure("--csr", world.ca / "meter.csr")
    world.sign("--days", "10")
    shutil.copy(world.ca / "meter.pem", world.tls / "part")
    (world.tls / "part").rename(world.tls / "incoming.pem")
    state = world.wait(lambda s: s["state"] == "good")
    tap.check(state["state"] == "good" and world.read().returncode == 0,
              "one that is put into its folder by hand is taken", state)


def headend_of(world):
    folder = world.meter.folder / "headend"
    folder.mkdir()
    (folder / "headend.conf").write_text(
        f"[headend]\narchive = archive.db\nport = {free_port()}\nauthority = {world.ca}\n"
        f"certificate_life_s = {LIFE_S}\npoll_s = 1\nretry_s = 1\nretry_max_s = 1\n"
        f"[plan home]\nfile = {ROOT}/config/plan-home.conf\n"
        f"[meter WK10000002]\nhost = 127.0.0.1\nport = {world.meter.dlms}\nplan = home\nphases = 1\n"
        f"installed = 2026-02-01T23:00:00Z\nrole = management\nek = {world.meter.keys['EK']}\n"
        f"ak = {world.meter.keys['AK']}\ntitle = 574B480000000009\n")
    process = subprocess.Popen([world.meter.bin / "wk-headendd", "--config",
                                folder / "headend.conf"], stdout=subprocess.DEVNULL)
    world.meter.processes.append(process)


class Reader:
    """Reads over TLS without a pause."""

    def __init__(self, world):
        self.done = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(world,), daemon=True)
        self.thread.start()

    def run(self, world):
        while not self.ended.is_set():
            self.done.append(world.read())

    def end(self):
        self.ended.set()
        self.thread.join()
        return [done for done in self.done if done.returncode != 0]


def keys_of(world):
    return [path.read_text() for path in world.tls.glob("*.key")]


def check_automatic(world):
    """The head-end enrols and renews by itself."""
    tap = world.tap
    headend_of(world)
    state = world.wait(lambda s: s["state"] == "good")
    tap.check(state["state"] == "good", "the head-end enrols a meter without anybody", state)
    first = shown_certificate(world.ca, world.port)
    old = world.meter.folder / "old"
    shutil.copytree(world.tls, old)
    reader = Reader(world)
    state = world.wait(lambda s: s["renewed"] >= 2, 40)
    time.sleep(1)
    wrong = reader.end()
    tap.check(state["renewed"] >= 2 and shown_certificate(world.ca, world.port) != first,
              "... and renews it before it ends", state)
    tap.check(len(reader.done) > 3 and not wrong,
              f"who read without a pause meanwhile ({len(reader.done)} times) noticed nothing",
              wrong[:1])
    old_key = next(old.glob("*.key")).read_text()
    deadline = time.monotonic() + 10
    while old_key in keys_of(world) and time.monotonic() < deadline:
        time.sleep(0.1)
    tap.check(old_key not in keys_of(world), "the old key is not kept")
    return old


def serves(world):
    try:
        shown_certificate(world.ca, world.port)
        return True
    except (OSError, ssl.SSLError):
        return False


def check_kills(world):
    """Killed at any moment, a start finds a pair that serves."""
    tap = world.tap
    draw = random.Random(SEED)
    print(f"# seed {SEED}", flush=True)
    without = 0
    renewed = 0
    for _ in range(KILLS):
        world.secure("--renew")
        time.sleep(draw.random() * 2)
        renewed += world.state()["renewed"]
        world.daemon.kill()
        world.daemon.wait()
        world.start()
        deadline = time.monotonic() + 20
        while not serves(world) and time.monotonic() < deadline:
            time.sleep(0.1)
        without += not serves(world)
    tap.figure("kill -9 of a meter while its certificate is renewed", KILLS, "kills",
               f">= {KILLS}", True, SEED)
    tap.check(without == 0, f"after {KILLS} kills there was always a pair that serves",
              f"{without} times none")
    tap.check(renewed > 0, f"and renewal went on ({renewed})")


def check_revoked(world, old):
    """The old pair, kept by a thief, revoked by number: the list refuses it, the new one serves."""
    tap = world.tap
    der = ssl.PEM_cert_to_DER_cert((old / "certificate.pem").read_text())
    serial = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der,
                            capture_output=True).stdout.decode().strip().split("=")[1]
    listed = world.wk("authority", "list", world.ca).stdout
    tap.check(serial in listed and listed.count(TITLE) >= 3,
              "the authority knows all it has signed", listed)
    # the thief's meter is made anew, with a life that is not over
    key = next(path for path in old.glob("*.key"))
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", f"/CN={TITLE}", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", old / "csr"], check=True)
    world.wk("authority", "sign", world.ca, old / "csr", "--name", "127.0.0.1", "--out",
             old / "certificate.pem")
    port = free_port()
    thief = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", old / "certificate.pem",
         "-key", key, "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    world.meter.processes.append(thief)
    while is_closed(port):
        time.sleep(0.05)
    def ask():
        return world.meter.wk("read", f"tls://127.0.0.1:{port}", "--keys", world.keys, "--role",
                              "reader", "--timeout", "3")
    tap.check("revoked" not in ask().stderr, "the old pair would be believed")
    serial = next(line.split()[0] for line in
                  reversed(world.wk("authority", "list", world.ca).stdout.splitlines())
                  if TITLE in line and line.split()[2][:4] != line.split()[3][:4])
    world.wk("authority", "revoke", world.ca, serial)
    done = ask()
    tap.check(done.returncode == 1 and "revoked" in done.stderr, "until it is revoked", done)
    done = world.read()
    tap.check(done.returncode == 0, "the new one of the same meter is believed", done)


class Later:
    """What was found, to be told when others have told theirs."""

    def __init__(self):
        self.found = []

    def check(self, *found):
        self.found.append(("check", found))

    def figure(self, *found):
        self.found.append(("figure", found))

    def tell(self, tap):
        for what, found in self.found:
            getattr(tap, what)(*found)


def by_hand(tap):
    folder = pathlib.Path(Meter("b").folder)  # of the token
    token = token_of(folder)
    world = World(tap, "tls_key = pkcs11:9, pkcs11:10\n"
                  f"token_module = {SOFTHSM}\ntoken_label = meter\ntoken_pin_file = {token[5]}\n")
    world.start()
    world.meter.spawn("wk-metrologyd")
    world.meter.wait_finished()
    check_first(world)
    check_end(world)
    tap.check(all(code == 0 for code in world.meter.stop()), "the meter ends well")
    world.meter.remove()


def by_headend(tap):
    world = World(tap, "")
    world.start()
    world.meter.spawn("wk-metrologyd")
    world.meter.wait_finished()
    old = check_automatic(world)
    check_kills(world)
    check_revoked(world, old)
    world.meter.remove()


def main():
    tap = Tap()
    later = Later()
    both = [threading.Thread(target=by_headend, args=(later,), daemon=True),
            threading.Thread(target=by_hand, args=(tap,), daemon=True)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    later.tell(tap)
    tap.check(tap.count == CHECKS, f"all of it was looked at: {tap.count} of {CHECKS}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
