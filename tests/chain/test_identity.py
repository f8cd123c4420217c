#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One identity for all of a meter's TLS, its key in a token (SoftHSM 2): the paths of the link over tls:// and
mqtts://, and the broker of [mqtt], which wants a certificate (Mosquitto). Before the first certificate they
wait and say so; the head-end, which hears the meter over UDP, enrols it; then it renews certificates
that live for seconds while the link is used and the meter is killed (kill -9). What was lost or doubled is
counted in the archive.

usage: test_identity.py [--seed N]"""
import pathlib
import random
import subprocess
import sys
import time

import uplink
from harness import Meter, Tap, free_port
from test_carriers import ALARM_LOG, STOP, Proxy, check_archive, time_alarm
from test_tls import SOFTHSM, token_of
from uplink import KEY, TITLE, wait_for

LIFE_S = 12
KILLS = 5
RENEWALS = 3
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else time.time_ns()


class World:
    """A meter, an authority, a broker and a head-end that has the authority."""

    def __init__(self):
        self.meter = Meter("b", stop=STOP, build="release")
        folder = pathlib.Path(self.meter.folder)
        self.token = token_of(folder)
        self.ca = folder / "ca"
        self.tls = folder / "state" / "tls"
        self.wk("authority", "make", self.ca, "--name", "test root")
        for name, called in (("headend", "headend.example"), ("broker", "127.0.0.1")):
            stem = self.ca / name
            self.wk("tls", "request", "--tls-key", f"{stem}.key", "--tls-name", called, "--csr", f"{stem}.csr")
            self.wk("authority", "sign", self.ca, f"{stem}.csr", "--subject", called, "--name", called,
                    "--out", f"{stem}.pem")
        self.broker_port = free_port()
        self.broker = None
        self.narrow = free_port()
        wired = free_port()
        self.proxy = Proxy(wired)
        self.make_headend(wired)
        self.meter.write("b", self.configure)

    def wk(self, *arguments):
        done = self.meter.wk(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"wk {arguments}: {done.stderr}")
        return done

    def configure(self, text):
        trust = f"tls_ca = {self.ca}/root.pem\ntls_crl = {self.ca}/crl.pem\n"
        enrol = ("[dlms]\ntls_enrol = yes\ntls_key = pkcs11:9, pkcs11:10\n" + trust +
                 f"token_module = {SOFTHSM}\ntoken_label = meter\ntoken_pin_file = {self.token[5]}\n")
        return text.replace("[dlms]\n", enrol) + (
            f"\n[link]\nkey = {KEY}\nidentity = meter\n{trust}"
            f"[path wired]\nto = tls://127.0.0.1:{self.proxy.port}\ntls_name = headend.example\nprobe_s = 2\n"
            f"[path broker]\nto = mqtts://127.0.0.1:{self.broker_port}/city\ncost = 20\nprobe_s = 2\n"
            f"[path narrow]\nto = udp://127.0.0.1:{self.narrow}\ncost = 60\nprobe_s = 2\n"
            f"[mqtt]\nhost = 127.0.0.1\nport = {self.broker_port}\nca = {self.ca}/root.pem\n"
            "identity = meter\n")

    def make_headend(self, wired):
        own = (f"tls_ca = {self.ca}/root.pem\ntls_crl = {self.ca}/crl.pem\n"
               f"tls_certificate = {self.ca}/headend.pem\ntls_key = {self.ca}/headend.key\n")
        self.headend = uplink.Headend(
            self.meter, f"link_port = {self.narrow}\nlink_tls_port = {wired}\n"
            f"link_mqtt = mqtts://127.0.0.1:{self.broker_port}/city\n{own}"
            f"authority = {self.ca}\ncertificate_life_s = {LIFE_S}\n")
        text = self.headend.config.read_text().replace("= 3600\n", "= 1\n")
        head, _, tail = text.partition("[meter WK10000002]\n")
        rest = tail.partition("plan = home\n")[2].replace(
            "role = reader\npassword = nobody\n", f"role = management\nek = {self.meter.keys['EK']}\n"
            f"ak = {self.meter.keys['AK']}\ntitle = 574B480000000009\n")
        self.headend.config.write_text(f"{head}[meter WK10000002]\nhost = link\nplan = home\n{rest}")

    def start_broker(self):
        """Who connects is who its certificate says."""
        (self.ca / "acl").write_text("pattern write city/%u/up\npattern read city/%u/down\n"
                                     f"user {TITLE}\ntopic homeassistant/#\n"
                                     "user headend.example\ntopic read city/+/up\ntopic write city/+/down\n"
                                     "topic read homeassistant/#\n")
        file = self.ca / "broker.conf"
        file.write_text(
            f"listener {self.broker_port} 127.0.0.1\nuser root\npersistence false\nlog_dest none\n"
            f"acl_file {self.ca}/acl\ncafile {self.ca}/root.pem\ncertfile {self.ca}/broker.pem\n"
            f"keyfile {self.ca}/broker.key\nrequire_certificate true\nuse_identity_as_username true\n")
        self.broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", file], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.meter.processes.append(self.broker)

    def end_broker(self):
        self.broker.kill()
        self.broker.wait()

    def start(self):
        self.daemon = self.meter.spawn("wk-meterd", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def paths(self):
        return {path["name"]: path for path in self.meter.get("/api/link", 20)["paths"]}

    def is_up(self, *names):
        return wait_for(lambda: all(self.paths()[name]["state"] == "up" for name in names), 20)

    def certificate(self):
        return self.meter.get("/api/certificate", 20)

    def available(self):
        """What the broker has of the meter for Home Assistant, by a certificate of its own."""
        done = subprocess.run(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker_port), "--cafile", self.ca / "root.pem",
             "--cert", self.ca / "headend.pem", "--key", self.ca / "headend.key", "-t", "homeassistant/#",
             "-C", "1", "-W", "2"], capture_output=True, text=True)
        return done.stdout


def check_config(tap, world):
    """What says two things, or means nobody, does not begin."""
    text = world.meter.config.read_text()
    wrong = {
        "[link] identity = meter needs tls_enrol": text.replace("tls_enrol = yes\n", "").replace(
            "tls_key = pkcs11:9, pkcs11:10\n", ""),
        "[link] identity = meter takes no": text.replace("[link]\n", "[link]\ntls_certificate = a\ntls_key = b\n"),
        "[mqtt] identity = meter takes no": text.replace("[mqtt]\n", "[mqtt]\ncertificate = a\nkey = b\n"),
        "'identity' must be meter": text.replace("[mqtt]\n", "[mqtt]\nidentity = nobody\n"),
        "[mqtt] without TLS": text.replace("[mqtt]\n", "[mqtt]\ntls = no\n"),
    }
    file = world.meter.folder / "wrong.conf"
    for said, config in wrong.items():
        file.write_text(config)
        done = subprocess.run([world.meter.bin / "wk-meterd", "--config", file], capture_output=True, text=True,
                              timeout=20)
        tap.check(done.returncode != 0 and said in done.stderr, f"refused: {said}", done.stderr)


def check_first(tap, world):
    waiting = wait_for(lambda: all("waits for the certificate" in str(world.paths()[name]["advice"])
                                   for name in ("wired", "broker")), 20)
    tap.check(waiting, "before the first certificate the paths over TLS wait and say why", world.paths())
    told = world.meter.wk("diag", f"127.0.0.1:{world.meter.web}")
    tap.check(told.returncode == 1 and "waits for the certificate" in told.stdout and
              "There is no certificate yet" in told.stdout, "... and wk diag says it, too",
              told.stdout + told.stderr)
    begin = time.monotonic()
    world.headend.start()
    there = wait_for(lambda: world.certificate()["state"] == "good", 30)
    tap.check(there, "the head-end enrols a meter that it hears over another path only", world.certificate())
    tap.check(world.is_up("wired", "broker", "narrow"), "then all paths come up by themselves", world.paths())
    print(f"# {time.monotonic() - begin:.1f} s from the start of the head-end to all paths up", flush=True)
    online = wait_for(lambda: "on" in world.available(), 10)
    tap.check(online, "and Home Assistant has the meter from a broker that wants a certificate")
    tap.check(not list(world.tls.glob("*.key")), "no private key lies in a file", list(world.tls.iterdir()))


def check_alarm(tap, world, number, what):
    took = time_alarm(world.meter, world.headend, number)
    tap.check(took is not None and took < 2, f"an alarm arrives: {what}", f"{took} {world.paths()}")
    return took


def revoke_old(world):
    """All of the meter but the newest."""
    lines = [line for line in world.wk("authority", "list", world.ca).stdout.splitlines() if TITLE in line]
    for line in lines[:-1]:
        world.wk("authority", "revoke", world.ca, line.split()[0])
    return len(lines) - 1


def check_renewal(tap, world):
    """While the link is open."""
    before = world.paths()["wired"]["carrier"]
    done = wait_for(lambda: world.certificate()["renewed"] > RENEWALS, 60)
    tap.check(done and world.paths()["wired"]["carrier"] == before,
              f"{RENEWALS} renewals while the link is up: its connection goes on", world.paths()["wired"])
    check_alarm(tap, world, 1, "over the connection from before")
    revoked = revoke_old(world)
    world.proxy.cut()
    wait_for(lambda: world.paths()["wired"]["carrier"] != before, 10)
    told = world.paths()["wired"]["carrier"]
    tap.check(revoked >= RENEWALS and world.is_up("wired") and "with certificates" in told,
              f"with the {revoked} old ones revoked the next connection proves itself by the new pair", told)
    world.end_broker()
    world.start_broker()
    tap.check(world.is_up("broker"), "and so it does to the broker", world.paths()["broker"])
    told = world.meter.wk("diag", f"127.0.0.1:{world.meter.web}", "--check", "broker")
    tap.check("20 echoes sent, 20 back" in told.stdout or "20 came back" in told.stdout,
              "packets go through the broker, there and back", told.stdout)


def check_kills(tap, world, draw):
    for number in range(KILLS):
        time.sleep(draw.uniform(0, LIFE_S / 4))
        if number == KILLS // 2:
            world.headend.kill()
            world.headend.start()
        world.kill()
        world.start()
        world.proxy.cut() if draw.random() < 0.5 else None
    up = world.is_up("wired", "broker", "narrow")
    tap.check(up, f"after {KILLS} kills (kill -9) at random moments of renewals all paths are up again",
              world.paths())


def main():
    tap = Tap()
    print(f"# seed {SEED}", flush=True)
    world = World()
    check_config(tap, world)
    world.start_broker()
    world.meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL)
    world.start()
    check_first(tap, world)
    check_alarm(tap, world, 0, "by the first certificate")
    check_renewal(tap, world)
    check_kills(tap, world, random.Random(SEED))
    check_alarm(tap, world, 2, "after all kills")
    world.meter.wait_finished()
    total, exact = check_archive(tap, world.meter, world.headend, "identity")
    alarms = world.headend.records().get(ALARM_LOG, [])
    tap.figure("key in a token, certificate renewed and meter killed under the link: records lost or doubled",
               0 if exact else 1, f"of {total}, {KILLS} kills, {len(alarms)} alarms", "0", exact, SEED)
    world.end_broker()
    world.daemon.terminate()
    tap.check(world.daemon.wait(10) == 0, "the meter ends well")
    world.headend.process.terminate()
    tap.check(world.headend.process.wait(10) == 0, "the head-end ends well")
    world.meter.remove()
    world.headend.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
