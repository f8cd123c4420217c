#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of `wk` that talk to a meter, against the server of the tests; prints TAP.

wk_commands.py WK SERVER     starts SERVER (dlms_test_server)

Among it: a connection that is lost while values are read costs no value, and one that is lost
while something is written is told as such and not repeated.
"""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

KEYS = "ek = 000102030405060708090A0B0C0D0E0F\nak = D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF\n" \
       "password = Wattkeeper\n"
NOTE = "0.0.96.1.9.255"
count = failed = 0


def check(name, good, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    if not good:
        print("".join(f"# {line}\n" for line in str(detail).splitlines()[:20]), end="")


class Breaker:
    """Passes octets on; cuts a connection instead of the n-th answer of all."""
    def __init__(self, port, cut_at):
        self.server, self.left, self.connections = port, cut_at, 0
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.server))
            threading.Thread(target=self.ask, args=(client, server), daemon=True).start()
            threading.Thread(target=self.answer, args=(client, server), daemon=True).start()

    def ask(self, client, server):
        try:
            while octets := client.recv(65536):
                self.asked.append(octets)
                server.sendall(octets)
        except OSError:
            pass
        server.close()

    def answer(self, client, server):
        try:
            while octets := server.recv(65536):
                self.left -= 1
                if self.left == 0:
                    client.shutdown(socket.SHUT_RDWR)
                    break
                client.sendall(octets)
        except OSError:
            pass
        client.close()


def main():
    wk, program = sys.argv[1], sys.argv[2]
    server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(server.stdout.readline().split()[1])
    folder = tempfile.TemporaryDirectory()
    keys = pathlib.Path(folder.name) / "keys"
    keys.write_text(KEYS)

    def run(command, *arguments, at=port):
        return subprocess.run([wk, command, f"127.0.0.1:{at}", "--keys", keys, "--timeout", "5",
                               *arguments], capture_output=True, text=True, timeout=60)
    try:
        check_commands(run)
        check_losses(run, port)
    finally:
        server.stdin.close()
        check("the server ends well", server.wait(10) == 0)
    print(f"1..{count}")
    return 1 if failed else 0


def check_commands(run):
    done = run("objects", "--json", "--rights")
    objects = {o["obis"]: o for o in json.loads(done.stdout)["objects"]}
    check("objects: the reader may read the clock and not set it", done.returncode == 0 and
          objects["0.0.1.0.0.255"]["attributes"][1]["access"] == "r", done)
    done = run("objects", "--json", "--rights", "--role", "management")
    managed = {o["obis"]: o for o in json.loads(done.stdout)["objects"]}
    check("objects: management sees more and may write the note",
          len(managed) > len(objects) and managed[NOTE]["attributes"][1]["access"] == "rw",
          managed)
    done = run("write", NOTE, "octet-string:48656C6C6F")
    check("write: an attribute is set", done.returncode == 0 and not done.stderr, done)
    done = run("read", "--role", "management", "--json", NOTE)
    check("read: it has the value", json.loads(done.stdout)["values"][0]["value"] == "Hello",
          done)
    done = run("write", NOTE, "long:5")
    check("write: another type is refused, and what to do next is told",
          done.returncode == 1 and "another type is wanted" in done.stderr, done)
    done = run("write", "--role", "reader", NOTE, "octet-string:00")
    check("write: who may not is told so", done.returncode == 1 and "may not" in done.stderr,
          done)
    for value in ("long", "nothing:1", "unsigned:256", "unsigned:-1", "integer:128", "long:",
                  "boolean:1", "data:02", "octet-string:0", "date-time:now", "null:1"):
        done = run("write", NOTE, value)
        check(f"write: the value {value} is refused before anything is sent",
              done.returncode == 2 and f'"{value}"' in done.stderr, done)
    done = run("call", "0.0.96.3.10.255:1")
    state = run("read", "--role", "management", "0.0.96.3.10.255:2")
    check("call: the supply is disconnected", done.returncode == 0 and "false" in state.stdout,
          (done, state))
    check("read: a value has the name of its object", "disconnect control" in state.stdout, state)
    run("call", "0.0.96.3.10.255:2")
    done = run("read", "--role", "management", "0.0.1.0.0.255:3")
    check("read: an attribute has its own name", "time_zone" in done.stdout, done)
    done = run("objects", "--names", "--role", "management")
    check("objects: attributes and methods have their names",
          "attribute 6 daylight_savings_end: " in done.stdout and
          "method 1 remote_disconnect: x" in done.stdout, done)
    done = run("security", "--json")
    told = json.loads(done.stdout)["security"]
    check("security: policies and counters are shown",
          told[0]["policy"] == 0 and told[-1]["invocation_counter"] > 0, done)
    done = run("security", "--change", "unicast", "--new", "00" * 16)
    check("security: a key change without the master key is refused", done.returncode == 2, done)
    done = run("read", "9.9.9.9.9", "1.0.1.8.0", "1.0.1.8.0:9")
    check("read: what is not there is told, the rest is read",
          done.returncode == 1 and "9.9.9.9.9" in done.stderr and "Wh" in done.stdout and
          "1.0.1.8.0:9" in done.stderr, done)


def check_losses(run, port):
    names = ["1.0.1.8.0", "1.0.1.8.1", "0.0.42.0.0.255", "0.0.1.0.0.255:3", "0.0.1.0.0.255:4"]
    whole = run("read", *names)
    relay = Breaker(port, 0)
    run("read", *names, at=relay.port)
    check("read: many values go with one request for them", len(relay.asked) <= 8,
          len(relay.asked))
    answers = -relay.left
    for cut in range(answers - 2, answers):
        relay = Breaker(port, cut)
        done = run("read", *names, at=relay.port)
        if cut == answers - 1:
            check("read: a connection lost while values are read costs none of them",
                  done.stdout == whole.stdout and "Sanitizer" not in done.stderr and
                  relay.connections == 2, (done, whole))
    check_profile(run, port)
    for cut in range(4, 11):
        relay = Breaker(port, cut)
        done = run("write", NOTE, "octet-string:4142", at=relay.port)
        writes = sum(0xC9 == octets[8] for octets in relay.asked if len(octets) > 8)
        if "may be done or not" in done.stderr:
            check("write: an answer that is lost is told, and nothing is sent twice",
                  done.returncode == 1 and writes == 1, (done, writes))
            return
    check("write: an answer that is lost is told", False, done)


def check_profile(run, port):
    """Loses the connection once, at each answer in turn."""
    asked = ("--from", "2000-01-01", "--to", "2100-01-01")
    relay = Breaker(port, 0)
    whole = run("profile", *asked, at=relay.port)
    answers = -relay.left
    rows = whole.stdout.splitlines()
    check("profile: rows come, many of them", whole.returncode == 0 and len(rows) > 20, whole)
    resumed = 0
    for cut in range(2, answers):
        relay = Breaker(port, cut)
        done = run("profile", *asked, at=relay.port)
        if "went on behind" in done.stderr:
            resumed += 1
            good = done.returncode == 0 and done.stdout == whole.stdout
            if not good:
                check(f"profile: cut at answer {cut}, every row comes once", False, done)
                return
    check(f"profile: cut at {resumed} places, every row comes once", resumed >= 3, answers)


if __name__ == "__main__":
    sys.exit(main())
