#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running meter over TLS: keys and requests of `wk tls`, the meter's key in a token (SoftHSM 2),
certificates of the openssl command line; wk, the head-end and openssl s_client as clients, and a
client that is revoked while the meter runs; the meter's key pair and certificate are renewed while it runs. Runs the sanitized build."""
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

from authority import Authority
from harness import Meter, Tap, free_port

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
def token_of(folder):
    (folder / "tokens").mkdir()
    (folder / "pin").write_text("1234\n")
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "meter", "--pin", "1234",
                    "--so-pin", "5678"], check=True, stdout=subprocess.DEVNULL)
    return ["--token-module", SOFTHSM, "--token-label", "meter", "--token-pin-file",
            folder / "pin"]


def check_clients(tap, meter, pki, port):
    keys = pki / "keys"
    keys.write_text(f"password = {meter.password}\ntls-ca = {pki}/ca.pem\n"
                    f"tls-certificate = {pki}/client.pem\ntls-key = {pki}/client.key\n"
                    f"tls-crl = {pki}/ca.crl\n")
    address = f"tls://127.0.0.1:{port}"
    done = meter.wk("read", address, "--keys", keys, "0.0.42.0.0.255")
    tap.check(done.returncode == 0 and "WKP" in done.stdout, "wk reads over TLS", done)
    done = meter.wk("profile", address, "--keys", keys, "--last", "4")
    tap.check(done.returncode == 0 and len(done.stdout.splitlines()) >= 4,
              "wk reads a profile over TLS", done)
    done = meter.wk("read", address, "--keys", keys, "--tls-name", "other.example")
    tap.check(done.returncode == 1 and "certificate of the server" in done.stderr,
              "a meter of another name is not asked", done)
    done = meter.wk("read", f"tls://127.0.0.1:{meter.dlms}", "--keys", keys)
    tap.check(done.returncode == 1 and "TLS" in done.stderr,
              "the port without TLS is not taken for one", done)
    done = meter.wk("read", address, "--role", "public")
    tap.check(done.returncode == 1 and "--tls-ca" in done.stderr,
              "what is missing on the command line is told", done)
    return keys


def check_foreign(tap, pki, port):
    """openssl as client: with the certificate the meter goes on, without it and with TLS 1.2 not."""
    def connect(*more):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", pki / "ca.pem",
             "-verify_return_error", "-verify_ip", "127.0.0.1", "-brief", "-ign_eof", *more],
            input=b"", capture_output=True, timeout=30)
    own = ("-cert", pki / "client.pem", "-key", pki / "client.key")
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", pki / "ca.pem",
         "-verify_return_error", "-verify_ip", "127.0.0.1", "-quiet", *map(str, own)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdin.write(bytes.fromhex("000100100001001f601da109060760857405080101be10040e01000000"
                                      "065f1f0400007e1fffff"))
    process.stdin.flush()
    answer = process.stdout.read(10)
    process.kill()
    process.wait()
    tap.check(answer[:6] == bytes.fromhex("000100010010") and answer[8:9] == b"\x61",
              "openssl with the right certificate gets an AARE", answer)
    tap.check(connect().returncode != 0, "openssl without a certificate is refused")
    tap.check(connect("-tls1_2", *own).returncode != 0, "openssl with TLS 1.2 is refused")


def shown_certificate(pki, port):
    """What the meter shows, as DER."""
    context = ssl.create_default_context(cafile=pki / "ca.pem")
    context.load_cert_chain(pki / "client.pem", pki / "client.key")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return connection.getpeercert(True)


def check_renewal(tap, meter, pki, port, keys, token, authority):
    """A new key pair in another slot, its certificate in the place of the old one, the old one revoked;
    meanwhile a client reads without a pause."""
    ended = threading.Event()
    reads = []

    def read_on():
        while not ended.is_set():
            reads.append(meter.wk("read", f"tls://127.0.0.1:{port}", "--keys", keys,
                                  "0.0.42.0.0.255"))

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    old = shown_certificate(pki, port)
    shutil.copy(pki / "meter.pem", pki / "old.pem")
    done = meter.wk("tls", "request", "--tls-key", "pkcs11:10", "--tls-name", "127.0.0.1",
                    "--csr", pki / "next.csr", *token)
    tap.check(done.returncode == 0, "a new key is made in the token beside the running meter", done)
    authority.sign("next")
    tap.check(shown_certificate(pki, port) == old, "... which goes on with its old one")
    os.replace(pki / "next.pem", pki / "meter.pem")
    new = shown_certificate(pki, port)
    told = ssl.PEM_cert_to_DER_cert((pki / "meter.pem").read_text())
    tap.check(new == told != old, "the next connection shows the new certificate")
    authority.revoke("old")
    authority.list()
    time.sleep(1)
    ended.set()
    reader.join()
    wrong = [done for done in reads if done.returncode != 0]
    tap.check(len(reads) > 1 and not wrong,
              "who reads without a pause meanwhile notices nothing, also when the old one is revoked",
              wrong[:1])


def check_headend(tap, meter, pki, port):
    folder = pki / "headend"
    folder.mkdir()
    plan = pathlib.Path(__file__).resolve().parents[2] / "config" / "plan-home.conf"
    (folder / "headend.conf").write_text(
        f"[headend]\narchive = archive.db\nport = {free_port()}\ntls_ca = ../ca.pem\n"
        "tls_certificate = ../client.pem\ntls_key = ../client.key\ntls_crl = ../ca.crl\n"
        f"[plan home]\nfile = {plan}\n[meter WK10000002]\nhost = tls://127.0.0.1:{port}\n"
        f"plan = home\nphases = 1\ninstalled = 2026-02-01T23:00:00Z\nrole = reader\n"
        f"password = {meter.password}\n")
    done = subprocess.run([meter.bin / "wk-headendd", "--config", folder / "headend.conf",
                           "--once", "--until", "2026-02-02T00:00:00Z", "--timeout", "60"],
                          capture_output=True, text=True, timeout=90)
    tap.check(done.returncode == 0 and '"received":4' in done.stdout and not done.stderr,
              "the head-end collects over TLS", done)


def main():
    tap = Tap()
    meter = Meter("b", stop="2026-02-02T01:00:00Z")
    pki = meter.folder / "pki"
    pki.mkdir()
    authority = Authority(pki)
    token = token_of(pki)
    done = meter.wk("tls", "request", "--tls-key", "pkcs11:9", "--tls-name", "127.0.0.1",
                    "--csr", pki / "meter.csr", *token)
    tap.check(done.returncode == 0, "wk tls makes a key in the token", done)
    done = meter.wk("tls", "request", "--tls-key", pki / "client.key", "--tls-name",
                    "client.example", "--curve", "P-384", "--csr", pki / "client.csr")
    tap.check(done.returncode == 0 and (pki / "client.key").stat().st_mode & 0o77 == 0,
              "wk tls makes a key in a file for nobody else", done)
    done = meter.wk("tls", "request", "--tls-key", pki / "client.key", "--tls-name", "x.example")
    tap.check(done.returncode == 1 and "is there one already" in done.stderr,
              "a key that is there is not replaced", done)
    authority.sign("meter")
    authority.sign("client")
    done = meter.wk("tls", "show", pki / "meter.pem")
    tap.check(done.returncode == 0 and "IP Address:127.0.0.1" in done.stdout,
              "wk tls shows a certificate", done)
    port = free_port()
    section = f"""[dlms]
tls_port = {port}
tls_certificate = pki/meter.pem
tls_key = pkcs11:meter key 9, pkcs11:10
tls_ca = pki/ca.pem
tls_crl = pki/ca.crl
tls_client = client.example
token_module = {SOFTHSM}
token_label = meter
token_pin_file = {pki / "pin"}
"""
    meter.write("b", lambda text: text.replace("[dlms]\n", section))
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    keys = check_clients(tap, meter, pki, port)
    check_foreign(tap, pki, port)
    check_headend(tap, meter, pki, port)
    check_renewal(tap, meter, pki, port, keys, token, authority)
    authority.revoke("client")
    time.sleep(0.01)  # the list has another time of change
    authority.list()
    done = meter.wk("read", f"tls://127.0.0.1:{port}", "--keys", keys, "--timeout", "2")
    tap.check(done.returncode == 1, "a client that is revoked is refused by the running meter",
              done)
    tap.check(all(code == 0 for code in meter.stop()), "the meter ends well")
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
