# SPDX-License-Identifier: Apache-2.0
"""A certification authority for tests, made of the openssl command line."""
import os
import subprocess

CA_CONF = """
[ca]
default_ca = own
[own]
database = {0}/index
new_certs_dir = {0}
serial = {0}/serial
certificate = {0}/ca.pem
private_key = {0}/ca.key
default_md = sha256
default_days = 10
default_crl_days = 10
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """Keys and certificates in one folder; `curve` is that of the authority."""
    def __init__(self, folder, curve="P-384"):
        self.folder = folder
        self.digest = "sha256" if curve == "P-256" else "sha384"
        (folder / "ca.conf").write_text(CA_CONF.format(folder))
        (folder / "index").write_text("")
        (folder / "serial").write_text("01\n")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}",
                 "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test root", "-days",
                 "20", f"-{self.digest}")
        self.list()

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def sign(self, name, usage=None):
        """Of NAME.csr. With a `usage` valid since 2020, for meters whose clock is not ours."""
        more = []
        if usage:
            (self.folder / "usage").write_text(f"keyUsage=critical,{usage}\n")
            more = ["-startdate", "20200101000000Z", "-extfile", "usage"]
        self.run("ca", "-batch", "-config", "ca.conf", "-in", f"{name}.csr", "-out", f"{name}.pem",
                 "-notext", "-md", self.digest, *more)

    def issue(self, name, subject, curve, usage):
        """A key pair with its certificate."""
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}",
                 "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                 f"/CN={subject}")
        self.sign(name, usage)

    def revoke(self, name):
        self.run("ca", "-config", "ca.conf", "-revoke", f"{name}.pem")

    def list(self):
        self.run("ca", "-config", "ca.conf", "-gencrl", "-out", "new.crl")
        os.replace(self.folder / "new.crl", self.folder / "ca.crl")
