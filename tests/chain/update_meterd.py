#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings a new wk-meterd to a metering meter with `wk image`, and compares what the meter counted with a
meter left alone on the same feed: no record may be lost or counted twice, and the process must keep
its id. Then images that must not stay: one that ends at once, one that hangs, one that cannot be
executed. And images that must not begin: another maker's, older, for another hardware, cut off
while it is sent. Before that a transfer is broken off by kill -9 and goes on.

usage: update_meterd.py [SEED]
"""
import json
import random
import subprocess
import sys
import time

from harness import Meter, Tap

STOP = "2026-02-03T23:00:00Z"
TRIAL_S = 1
BROKEN = {"ends at once": "#!/bin/sh\nexit 1\n", "hangs": "#!/bin/sh\nexec sleep 600\n",
          "cannot be executed": "this is no program\n"}


class Maker:
    """Key pairs and images in a folder."""

    def __init__(self, meter):
        self.meter = meter
        self.folder = meter.folder

    def key(self, name, curve="P-256"):
        path = self.folder / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                        f"ec_paramgen_curve:{curve}", "-out", path], check=True,
                       capture_output=True)
        return path

    def sign(self, key, version, program, name, *more):
        image = self.folder / f"{name}.wkimage"
        done = self.meter.wk("image", "sign", "--key", key, "--version", version, *more,
                             program, image)
        assert done.returncode == 0, done.stderr
        return image


def openssl_agrees(folder, image, key):
    """The signature, checked by another program over what docs/image.md says is signed."""
    octets = image.read_bytes()
    (folder / "signed").write_bytes(octets[:160])
    half = octets[10]
    numbers = octets[160:160 + half], octets[160 + half:160 + 2 * half]
    der = b""
    for number in numbers:
        number = number.lstrip(b"\0")
        number = b"\0" + number if number[0] & 0x80 else number
        der += bytes([2, len(number)]) + number
    (folder / "der").write_bytes(bytes([0x30, len(der)]) + der)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", folder / "public"],
                   check=True)
    checked = subprocess.run(["openssl", "dgst", "-sha256" if half == 32 else "-sha384", "-verify",
                              folder / "public", "-signature", folder / "der", folder / "signed"],
                             capture_output=True, text=True)
    digest = subprocess.run(["sha256sum"], input=octets[256:], capture_output=True)
    return (checked.returncode == 0
            and digest.stdout.split()[0].decode() == octets[72:104].hex())


class Updated:
    """A meter with a maker's key."""

    def __init__(self, stop):
        self.meter = Meter("b", build="release", stop=stop, analyse="yes")
        self.maker = Maker(self.meter)
        self.key = self.maker.key("maker")
        line = self.meter.wk("image", "key", self.key).stdout
        self.meter.write("b", lambda text: text + f"\n[firmware]\n{line}trial_s = {TRIAL_S}\n")
        self.keys = self.meter.folder / "keys"
        self.keys.write_text(f"ek = {self.meter.keys['EK']}\nak = {self.meter.keys['AK']}\n")
        self.meterd = None

    def start(self):
        self.meterd = self.meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
        self.meter.get("/api/info")

    def feed(self):
        return self.meter.spawn("wk-metrologyd", stderr=subprocess.DEVNULL)

    def image(self, *words):
        return subprocess.run([self.meter.bin / "wk", "image", words[0],
                               f"127.0.0.1:{self.meter.dlms}", *map(str, words[1:]), "--keys",
                               self.keys], capture_output=True, text=True, timeout=120)

    def status(self):
        done = self.image("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def runs(self):
        return self.meter.get("/api/info")["firmware"]

    def kill(self):
        self.meterd.kill()
        self.meterd.wait()


def events_of(info):
    return [event["code"] for event in info]


def stripped(updated):
    program = updated.meter.folder / "wk-meterd-next"
    subprocess.run(["strip", "-o", program, updated.meter.bin.parent / "test" / "wk-meterd-next"],
                   check=True)
    return program


def broken_off(tap, updated, image, rng):
    """Kills the meter while blocks come; then the rest is sent."""
    sender = subprocess.Popen([updated.meter.bin / "wk", "image", "send",
                               f"127.0.0.1:{updated.meter.dlms}", image, "--keys", updated.keys],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    sender.stderr.readline()  # the first tenth is there
    time.sleep(rng.uniform(0, 0.02))
    updated.kill()
    sender.kill()
    sender.communicate()
    updated.start()
    there = updated.status()["first_missing"]
    blocks = -(-image.stat().st_size // updated.status()["block_size"])
    tap.check(blocks // 10 <= there < blocks,
              "blocks that came before a kill -9 are there after it", f"{there} of {blocks}")
    sent = updated.image("send", image)
    tap.check(sent.returncode == 0, "the transfer goes on where it was left off", sent.stderr)
    first = sent.stderr.splitlines()[0] if sent.stderr else ""
    print(f"# {there} blocks were there; {first}")


def update(tap, updated, program, rng):
    image = updated.maker.sign(updated.key, "0.2.0", program, "next")
    tap.check(openssl_agrees(updated.meter.folder, image, updated.key),
              "openssl and sha256sum agree with the head of the image")
    broken_off(tap, updated, image, rng)
    tap.check(updated.runs() == "wk-meterd 0.1.0", "a verified image does not run yet",
              updated.runs())
    begin = time.monotonic()
    done = updated.image("activate")
    tap.check(done.returncode == 0, "the new firmware is activated", done.stderr)
    print(f"# activation until it is confirmed: {time.monotonic() - begin:.1f} s")
    tap.check(updated.runs() == "wk-meterd 0.2.0", "the new firmware runs", updated.runs())
    tap.check(updated.meterd.poll() is None, "under the same process id")


def refuse(tap, updated, program):
    other = updated.maker.key("other")
    hardware = ["--hardware", "elsewhere"]
    for name, key, version, more, wanted in (
            ("another maker's", other, "0.3.0", [], "not signed by the maker"),
            ("an older one", updated.key, "0.1.9", [], "not newer than 0.2.0"),
            ("one for another hardware", updated.key, "0.3.0", hardware, "is for elsewhere")):
        image = updated.maker.sign(key, version, program, "wrong", *more)
        done = updated.image("send", image, "--activate")
        tap.check(done.returncode == 1 and wanted in done.stderr, f"{name} is refused", done.stderr)
    image.write_bytes(image.read_bytes()[:-1])
    done = updated.image("send", image)
    tap.check(done.returncode == 1 and "not whole" in done.stderr,
              "a file that is cut off is not sent", done.stderr)


def fall_back(tap, updated):
    for number, (name, text) in enumerate(BROKEN.items()):
        program = updated.meter.folder / "broken"
        program.write_text(text)
        image = updated.maker.sign(updated.key, f"0.{number + 3}.0", program, "broken")
        done = updated.image("send", image, "--activate")
        tap.check(done.returncode == 1 and "came back" in done.stderr,
                  f"one that {name} falls back by itself", done.stdout + done.stderr)
        tap.check(updated.runs() == "wk-meterd 0.2.0" and updated.meterd.poll() is None,
                  "and the one before it runs under the same process id", updated.runs())


def outage(tap, updated):
    """After kill -9 the installed program starts, and hands over to what was confirmed."""
    updated.kill()
    updated.start()
    tap.check(updated.runs() == "wk-meterd 0.2.0",
              "the confirmed firmware runs after a restart of what was installed", updated.runs())


def take(meter):
    return (meter.get("/api/registers")["registers"], meter.get("/api/profile")["entries"],
            meter.get("/api/events?last=500")["events"])


def left_alone():
    meter = Meter("b", build="release", stop=STOP, analyse="yes")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    return meter


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20261121
    tap = Tap()
    print(f"# seed {seed}")
    updated = Updated(STOP)
    program = stripped(updated)
    alone = left_alone()
    updated.start()
    feed = updated.feed()
    update(tap, updated, program, random.Random(seed))
    refuse(tap, updated, program)
    fall_back(tap, updated)
    outage(tap, updated)
    metered = feed.poll() is None
    updated.meter.wait_finished()
    registers, profile, events = take(updated.meter)
    updated.meter.remove()
    tap.check(metered, "records came all the time")
    alone.wait_finished()
    quiet_registers, quiet_profile, _ = take(alone)
    alone.remove()
    same = registers == quiet_registers and profile == quiet_profile
    tap.check(same, "registers and load profile equal those of a meter left alone",
              f"{registers}\n{quiet_registers}\n{len(profile)} {len(quiet_profile)}")
    codes = events_of(events)
    tap.check(14 not in codes, "no record was missing", codes)
    tap.check(codes.count(330) == 1 and codes.count(17) == 4 and codes.count(332) == 3
              and codes.count(331) == 1 and codes.count(333) == 1,
              "the event logs tell what happened to firmware, once each", codes)
    tap.figure("update of a metering wk-meterd, three that fail, two kills: records lost or doubled",
               0 if same else 1, "differences", "0", same, seed)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
