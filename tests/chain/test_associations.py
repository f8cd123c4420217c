#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running meter whose file says who may come: suites 0, 1 and 2, HLS 5, 6 and 7, signatures, a
reader who is ciphered, keys in files and in a token; read by wk and, where build/venv has it, by
the Gurux client. What is wrong in such a file is refused with its line. Runs the sanitized build."""
import os
import pathlib
import re
import subprocess
import sys

from authority import Authority
from harness import ROOT, Meter, Tap

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
TITLE = "434C540000000009"
EK = "000102030405060708090A0B0C0D0E0F"
AK = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
SECRET = "a secret of HLS"


def openssl(folder, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def make_keys(folder, curve):
    """A root; a key pair of the meter and one of the client with their certificates to sign."""
    authority = Authority(folder, curve)
    for name, title in (("meter", "574B500010000002"), ("client", TITLE)):
        authority.issue(name, title, curve, "digitalSignature")
    (folder / "certificates.pem").write_text((folder / "ca.pem").read_text() +
                                             (folder / "client.pem").read_text())
    return authority


def key_octets(folder, name):
    """The private and the public key of a PEM file."""
    text = openssl(folder, "pkey", "-in", f"{name}.key", "-text", "-noout").decode()
    hexed = [re.sub(r"[^0-9a-f]", "", block) for block in
             re.findall(r"(?:priv|pub):\n((?:    .*\n)+)", text)]
    size = (len(hexed[1]) - 2) // 2
    return hexed[0][-size:].rjust(size, "0"), hexed[1]


def without_usual(text):
    return re.sub(r"(?m)^(reader_password|encryption_key|authentication_key) = .*\n", "", text)


def configure(meter, dlms, sections):
    meter.write("b", lambda text: without_usual(text).replace("[dlms]\n", "[dlms]\n" + dlms) +
                sections)


def sections_of(suite, size):
    return f"""
[association everybody]
client = 16
role = public
mechanism = none

[association office]
client = 1
role = management
mechanism = hls5, hls6, hls7
suite = {suite}
password = {SECRET}
encryption_key = file:ek
authentication_key = {AK.ljust(size, "0")}

[association ciphered reader]
client = 3
role = reader
mechanism = lls
suite = 0
policy = sealed
password = reader of suite 0
encryption_key = {"11" * 16}
authentication_key = {"22" * 16}
"""


def start(meter):
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()


def check_wk(tap, meter, folder, suite, size):
    keys = folder / "keys"
    keys.write_text(f"ek = {EK.ljust(size, '0')}\nak = {AK.ljust(size, '0')}\n"
                    f"password = {SECRET}\ntitle = {TITLE}\n")
    pair = ("--signing-key", folder / "client.key", "--meter-certificate", folder / "meter.pem")
    ways = {"hls5": ("--mechanism", "hls5"), "hls6": ("--mechanism", "hls6"),
            "hls7": ("--mechanism", "hls7", *pair),
            "hls7, signed": ("--mechanism", "hls7", "--signed", *pair)}
    for name, way in ways.items():
        done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "management", "--keys", keys,
                        "--suite", suite, *way, "0.0.42.0.0.255")
        tap.check(done.returncode == 0 and "WKP" in done.stdout, f"suite {suite}: wk by {name}",
                  done)
    done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "management", "--keys", keys,
                    "--suite", 0, "--mechanism", "hls5", "--ek", EK, "--ak", AK, "0.0.42.0.0.255")
    tap.check(done.returncode == 1, f"suite {suite}: suite 0 is refused", done)
    reader = ("--client", 3, "--suite", 0, "--mechanism", "lls", "--ek", "11" * 16, "--ak",
              "22" * 16, "--title", TITLE)
    done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--password", "reader of suite 0", *reader,
                    "1.0.1.8.0.255")
    tap.check(done.returncode == 0 and "Wh" in done.stdout,
              f"suite {suite}: the ciphered reader reads with keys of its own", done)
    done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--password", "wrong", *reader)
    tap.check(done.returncode == 1, f"suite {suite}: a wrong password is refused", done)
    done = meter.wk("read", f"127.0.0.1:{meter.dlms}", "--role", "reader", "--password",
                    meter.password)
    tap.check(done.returncode == 1, f"suite {suite}: the usual reader is not known", done)


def check_gurux(tap, meter, folder, suite, size):
    python = ROOT / "build" / "venv" / "bin" / "python"
    if not python.exists():
        return
    more = []
    if suite == 1:  # the peer signs over P-256 only
        more = ["--private", key_octets(folder, "client")[0], "--public",
                key_octets(folder, "meter")[1]]
    done = subprocess.run(
        [python, ROOT / "tests" / "interop" / "gurux_suites.py", "--port", str(meter.dlms),
         "--suite", str(suite), "--ek", EK.ljust(size, "0"), "--ak", AK.ljust(size, "0"),
         "--password", SECRET, *more], capture_output=True, text=True, timeout=120)
    tap.check(done.returncode == 0 and done.stdout.count("\nok") >= 15,
              f"suite {suite}: gurux-dlms reads the running meter", done.stdout + done.stderr)


def run_suite(tap, suite):
    size = 64 if suite == 2 else 32
    meter = Meter("b", stop="2026-02-02T00:00:00Z")
    folder = meter.folder
    make_keys(folder, "P-384" if suite == 2 else "P-256")
    (folder / "ek").write_text(EK.ljust(size, "0") + "\n")
    configure(meter, "signing_key = meter.key\ncertificates = certificates.pem\n",
              sections_of(suite, size))
    start(meter)
    check_wk(tap, meter, folder, suite, size)
    check_gurux(tap, meter, folder, suite, size)
    tap.check(all(code == 0 for code in meter.stop()), f"suite {suite}: the meter ends well")
    meter.remove()


def run_token(tap):
    """The encryption and the signing key never are in the file, or only once."""
    meter = Meter("b", stop="2026-02-02T00:00:00Z")
    folder = meter.folder
    authority = make_keys(folder, "P-256")
    (folder / "tokens").mkdir()
    (folder / "pin").write_text("1234\n")
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "meter", "--pin", "1234",
                    "--so-pin", "5678"], check=True, stdout=subprocess.DEVNULL)
    meter.wk("tls", "request", "--tls-key", "pkcs11:5", "--tls-name", "meter.example", "--csr",
             folder / "meter.csr", "--token-module", SOFTHSM, "--token-pin-file", folder / "pin")
    authority.sign("meter", "digitalSignature")
    (folder / "ek").write_text(EK + "\n")
    dlms = (f"signing_key = pkcs11:5\ncertificates = certificates.pem\ntoken_module = {SOFTHSM}\n"
            f"token_label = meter\ntoken_pin_file = {folder / 'pin'}\n")
    sections = sections_of(1, 32).replace("encryption_key = file:ek\n",
                                          "encryption_key = file:ek\nencryption_key_slot = 1\n")
    configure(meter, dlms, sections)
    start(meter)
    meter.stop()
    configure(meter, dlms, sections.replace("encryption_key = file:ek\n", ""))
    start(meter)
    check_wk(tap, meter, folder, 1, 32)
    meter.remove()


BAD = [
    ("client = 200", "client", "from 1 to 127"),
    ("role = boss", "role", "must be public"),
    ("mechanism = hls9", "mechanism", "must be some of"),
    ("suite = 3", "suite", "from 0 to 2"),
    ("policy = secret", "policy", "must be none"),
    ("encryption_key = 00", "encryption_key", "64 hexadecimal digits"),
    ("encryption_key = file:nothing", "encryption_key", "cannot be read"),
    ("colour = red", "colour", "is not a key of [association]"),
    ("role = public\nmechanism = lls\nclient = 5", "association x", "goes with mechanism none"),
    ("role = reader\nmechanism = lls\nclient = 5", "association x", "needs a password"),
    ("role = reader\nclient = 5", "association x", "needs client, role and mechanism"),
    ("role = management\nmechanism = hls5\nclient = 5", "association x", "need a suite"),
    ("role = management\nmechanism = hls5\nclient = 5\nsuite = 2\nencryption_key = " + EK +
     "\nauthentication_key = " + AK, "association x", "64 digits"),
    ("role = management\nmechanism = hls7\nclient = 5\nsuite = 0\nencryption_key = " + EK +
     "\nauthentication_key = " + AK, "association x", "need suite 1 or 2"),
    ("role = management\nmechanism = hls7\nclient = 5\nsuite = 1\nencryption_key = " + EK +
     "\nauthentication_key = " + AK, "association x", "need signing_key"),
    ("role = public\nmechanism = none\nclient = 16", "association x", "same client"),
]


def run_errors(tap):
    meter = Meter("b")
    for lines, key, why in BAD:
        configure(meter, "", "\n[association everybody]\nclient = 16\nrole = public\n"
                  f"mechanism = none\n[association x]\n{lines}\n")
        text = meter.config.read_text().splitlines()
        at = text.index("[association x]") + 1
        single = key != "association x"
        line = at + (1 if single else 0)
        done = subprocess.run([meter.bin / "wk-meterd", "--config", meter.config, "--check"],
                              capture_output=True, text=True)
        tap.check(done.returncode == 1 and f":{line}: " in done.stderr and key in done.stderr and
                  why in done.stderr, f"refused with its line: {lines.splitlines()[0]} ({why})",
                  done.stderr)
    meter.remove()


def main():
    tap = Tap()
    run_errors(tap)
    for suite in (1, 2):
        run_suite(tap, suite)
    run_token(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
