# SPDX-License-Identifier: Apache-2.0
"""A broker of MQTT between meters and their head-end, and the certificates that all of them have."""
import atexit
import subprocess

from authority import Authority
from harness import free_port
from uplink import TITLE


def make_pki(folder):
    folder.mkdir()
    authority = Authority(folder)
    for name, names in (("headend", "DNS:headend.example,IP:127.0.0.1"), ("meter", "DNS:meter.example"),
                        ("broker", "IP:127.0.0.1"), ("stranger", "DNS:stranger.example")):
        authority.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                      f"/CN={name}", "-addext", f"subjectAltName={names}")
        if name != "stranger":
            authority.sign(name)
    authority.run("x509", "-req", "-in", "stranger.csr", "-key", "stranger.key", "-out", "stranger.pem",
                  "-days", "10")
    return folder


def trust(pki, name):
    return (f"tls_ca = {pki}/ca.pem\ntls_certificate = {pki}/{name}.pem\n"
            f"tls_key = {pki}/{name}.key\n")


class Broker:
    """Mosquitto that keeps nothing: who may say what is by the name of the user."""

    def __init__(self, pki):
        self.port = free_port()
        self.plain = free_port()
        self.file = pki / "broker.conf"
        for flags, user in (("-c", "-b"), TITLE), (("-b",), "headend"):
            subprocess.run(["mosquitto_passwd", *flags, pki / "users", user, "secret"], check=True,
                           stderr=subprocess.DEVNULL)
        (pki / "acl").write_text("pattern write city/%u/up\npattern read city/%u/down\nuser headend\n"
                                 "topic read city/+/up\ntopic write city/+/down\n")
        self.file.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\npersistence false\nlog_dest none\n"
            f"allow_anonymous false\npassword_file {pki}/users\nacl_file {pki}/acl\n"
            f"cafile {pki}/ca.pem\ncertfile {pki}/broker.pem\nkeyfile {pki}/broker.key\n"
            f"listener {self.plain} 127.0.0.1\n")
        self.process = None
        atexit.register(self.kill)

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", self.file],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()
