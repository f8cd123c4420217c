#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running meter at Mosquitto over TLS 1.3: what it says is held against the rules of Home Assistant,
its totals never fall over 10 times kill -9 and restarts of the broker, the will says that it is
offline, and brokers that cannot be trusted get nothing. Runs the sanitized build."""
import atexit
import json
import os
import re
import signal
import subprocess
import sys
import time

from authority import Authority
from harness import Meter, Tap, free_port

KILLS = 10
COMMIT_WH = 150
PREFIX = "homeassistant"
# sensor/const.py of Home Assistant: units and state classes by device class
RULES = {
    "energy": ({"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh"},
               {"total", "total_increasing"}),
    "power": ({"mW", "W", "kW", "MW", "GW", "TW"}, {"measurement"}),
    "reactive_power": ({"mvar", "var", "kvar"}, {"measurement"}),
    "apparent_power": ({"mVA", "VA", "kVA"}, {"measurement"}),
    "voltage": ({"µV", "mV", "V", "kV", "MV"}, {"measurement"}),
    "current": ({"mA", "A"}, {"measurement"}),
    "frequency": ({"Hz", "kHz", "MHz", "GHz"}, {"measurement"}),
    "power_factor": ({None, "%"}, {"measurement"}),
}
# mqtt/schemas.py and mqtt/sensor.py: what a component of a device may have
KEYS = {"sensor": {"platform", "name", "unique_id", "value_template", "device_class", "state_class",
                   "unit_of_measurement", "suggested_display_precision"},
        "binary_sensor": {"platform", "name", "unique_id", "value_template", "payload_on",
                          "payload_off"}}
ROOT_KEYS = {"device", "origin", "components", "state_topic", "availability_topic",
             "payload_available", "payload_not_available"}
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "serial_number", "sw_version"}


# ---- brokers ---------------------------------------------------------------------------------

class Broker:
    """Mosquitto that keeps nothing: after a restart it knows no retained message."""

    def __init__(self, pki, certificate="broker"):
        self.pki = pki
        self.port = free_port()
        self.file = pki / f"{certificate}.conf"
        self.log = pki / f"{self.port}.log"
        subprocess.run(["mosquitto_passwd", "-b", "-c", pki / "users", "meter", "secret"],
                       check=True, stderr=subprocess.DEVNULL)
        self.file.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\npersistence false\n"
            f"log_dest file {self.log}\nlog_type all\n"
            f"allow_anonymous false\npassword_file {pki}/users\n"
            f"cafile {pki}/ca.pem\ncertfile {pki}/{certificate}.pem\n"
            f"keyfile {pki}/{certificate}.key\nrequire_certificate true\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", self.file],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)  # a test that fails leaves nothing running
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def listen(self):
        return Listener(self)


class Listener:
    """What the broker says to everybody, in order."""

    def __init__(self, broker):
        self.path = broker.pki / f"heard-{time.monotonic_ns()}"
        self.out = open(self.path, "w")
        pki = broker.pki
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "--cafile",
             pki / "ca.pem", "--cert", pki / "client.pem", "--key", pki / "client.key", "-u",
             "meter", "-P", "secret", "-t", "#", "-q", "1", "-F", "%r %t %p"],
            stdout=self.out, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)

    def messages(self, ending):
        found = []
        for line in self.path.read_text(errors="replace").splitlines(keepends=True):
            if line.endswith("\n"):
                retained, topic, payload = line[:-1].split(" ", 2)
                if topic.endswith(ending):
                    found.append((retained == "1", payload))
        return found

    def wait(self, ending, good=lambda payload: True, timeout_s=15):
        """The newest payload of a topic that is as wanted; None if there is none in time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = [payload for _, payload in self.messages(ending)]
            if found and good(found[-1]):
                return found[-1]
            time.sleep(0.05)
        return None

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.out.close()


def say(broker, topic, payload):
    pki = broker.pki
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "--cafile",
                    pki / "ca.pem", "--cert", pki / "client.pem", "--key", pki / "client.key",
                    "-u", "meter", "-P", "secret", "-t", topic, "-m", payload], check=True)


def make_pki(folder):
    folder.mkdir()
    authority = Authority(folder)
    for name, names in (("broker", "IP:127.0.0.1"), ("client", "DNS:meter.example"),
                        ("named", "DNS:broker.example"), ("expired", "IP:127.0.0.1")):
        authority.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                      f"/CN={name}", "-addext", f"subjectAltName={names}")
        if name != "expired":
            authority.sign(name)
    authority.run("ca", "-batch", "-config", "ca.conf", "-in", "expired.csr", "-out", "expired.pem",
                  "-notext", "-md", authority.digest, "-startdate", "20200101000000Z", "-enddate",
                  "20210101000000Z")
    return folder


# ---- the meter -------------------------------------------------------------------------------

def configure(meter, port, more="", ca="pki/ca.pem"):
    """The building draws 40 Wh in a second: a commit every four. A total that ran ahead of it by
    more than the second before the first state would be seen to fall."""
    meter.write("a", lambda text: text.replace("commit_wh = 200", f"commit_wh = {COMMIT_WH}") + f"""
[mqtt]
host = 127.0.0.1
port = {port}
ca = {ca}
certificate = pki/client.pem
key = pki/client.key
user = meter
password = secret
{more}""")


def spawn(meter):
    """The two processes; what management says on stderr is kept."""
    errors = open(meter.folder / "errors", "a")
    return (meter.spawn("wk-meterd", stdout=subprocess.DEVNULL, stderr=errors),
            meter.spawn("wk-metrologyd", stderr=subprocess.DEVNULL))


def said(meter, text, timeout_s=15):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if text in (meter.folder / "errors").read_text():
            return True
        time.sleep(0.05)
    return False


# ---- what Home Assistant demands -------------------------------------------------------------

def faults_of(description, state, serial):
    """Every rule that the description breaks."""
    faults = []

    def expect(good, fault):
        if not good:
            faults.append(fault)
    expect(set(description) <= ROOT_KEYS, f"keys {set(description) - ROOT_KEYS}")
    expect(description.get("device", {}).get("identifiers"), "the device has no identifiers")
    expect(set(description["device"]) <= DEVICE_KEYS, f"keys {description['device']}")
    expect(description.get("origin", {}).get("name"), "there is no name of the origin")
    expect(description["device"].get("serial_number") == serial, "the serial number")
    ids = [component.get("unique_id") for component in description["components"].values()]
    expect(all(ids) and len(set(ids)) == len(ids), "unique_id is missing or not unique")
    for key, component in description["components"].items():
        platform = component.get("platform")
        kind = component.get("device_class")
        expect(platform in KEYS and set(component) <= KEYS[platform], f"{key}: {component}")
        expect(re.fullmatch(r"\{\{ value_json\.(\w+) \}\}", component["value_template"])[1] == key,
               f"{key}: its template")
        expect(key in state, f"{key} is not in the state")
        if kind is not None:
            units, classes = RULES[kind]
            expect(component.get("unit_of_measurement") in units, f"{key}: its unit")
            expect(component.get("state_class") in classes, f"{key}: its state class")
        if component.get("state_class") is not None or "unit_of_measurement" in component:
            expect(state.get(key) is None or isinstance(state[key], (int, float)),
                   f"{key} is no number")
    expect(set(state) == set(description["components"]), "the state has other members")
    return faults


def check_description(tap, meter, listener, serial):
    config = listener.wait(f"{PREFIX}/device/wattkeeper_{serial}/config")
    text = listener.wait(f"wattkeeper/{serial}/state", lambda p: '"power":null' not in p)
    tap.check(config is not None and text is not None, "the meter describes itself, and its state")
    description = json.loads(config)
    state = json.loads(text)
    faults = faults_of(description, state, serial)
    tap.check(not faults, f"Home Assistant takes {len(description['components'])} entities", faults)
    tap.check(description["state_topic"] == f"wattkeeper/{serial}/state" and
              description["availability_topic"] == f"wattkeeper/{serial}/availability",
              "the topics that are described are those that are used", description)
    energies = [c for c in description["components"].values() if c.get("device_class") == "energy"]
    tap.check(all(c["state_class"] == "total_increasing" and c["unit_of_measurement"] == "kWh"
                  for c in energies) and "export" in description["components"],
              "energies are totals in kWh, the export apart", energies)
    tap.check(re.search(r'"import":\d+\.\d{3,}', text), "with three decimals at least", text)


def check_values(tap, meter, listener, serial):
    """The feed has ended, and everything is committed: the state is what DLMS says."""
    meter.wait_finished()
    time.sleep(2)
    state = json.loads(listener.messages(f"wattkeeper/{serial}/state")[-1][1])
    keys = meter.folder / "keys"
    keys.write_text(f"password = {meter.password}\n")
    for obis, key, factor in (("1.0.1.8.0.255", "import", 1e3), ("1.0.2.8.0.255", "export", 1e3),
                              ("1.0.32.7.0.255", "voltage_l1", 1), ("1.0.14.7.0.255", "frequency", 1)):
        done = meter.wk("read", f"tcp://127.0.0.1:{meter.dlms}", "--keys", keys, "--json", obis)
        value = re.search(r'"value": ?"?(-?[\d.]+)', done.stdout)
        tap.check(value and abs(float(value[1]) - state[key] * factor) <= 0.001,
                  f"{key} is what DLMS says", f"{done.stdout}\n{done.stderr}\n{state[key]}")


# ---- the chapters ----------------------------------------------------------------------------

def totals(listener, serial):
    for _, payload in listener.messages(f"wattkeeper/{serial}/state"):
        state = json.loads(payload)
        yield {key: value for key, value in state.items() if key.startswith(("import", "export"))}


def check_kills(tap, meter, broker, serial):
    """Every other time the ring is lost as well, as after a power cut: what was counted since the last
    commit is gone then."""
    listener = broker.listen()
    heard = []
    offline = 0
    for number in range(KILLS):
        management, metrology = spawn(meter)
        before = len(listener.messages("/state"))
        listener.wait("/availability", lambda p: p == "online")
        deadline = time.monotonic() + 15
        while len(listener.messages("/state")) < before + 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        management.send_signal(signal.SIGKILL)
        metrology.send_signal(signal.SIGKILL)
        management.wait()
        metrology.wait()
        offline += listener.wait("/availability", lambda p: p == "offline") is not None
        if number % 2:
            os.unlink(meter.folder / "state" / "ring")
        if number in (3, 7):  # the broker forgets everything
            heard += totals(listener, serial)
            listener.stop()
            broker.stop()
            broker.start()
            time.sleep(0.3)
            listener = broker.listen()
    heard += totals(listener, serial)
    falls = [(key, a[key], b[key]) for a, b in zip(heard, heard[1:]) for key in a
             if b[key] < a[key]]
    rises = sum(b["import"] > a["import"] for a, b in zip(heard, heard[1:]))
    tap.check(offline == KILLS, f"the will says offline after {offline} of {KILLS} kills")
    tap.check(not falls, f"no total fell in {len(heard)} states over {KILLS} kills", falls)
    tap.check(rises >= KILLS // 2, f"and the import rose {rises} times")
    tap.figure("MQTT: totals that fell over kill -9, ring lost, broker restarted", len(falls),
               f"of {len(heard)} states", "0", not falls and len(heard) >= KILLS)
    listener.stop()


def check_running(tap, meter, broker, serial):
    """A meter that runs while its broker does not."""
    processes = spawn(meter)
    listener = broker.listen()
    check_description(tap, meter, listener, serial)
    before = len(listener.messages("/state"))
    time.sleep(5)
    count = len(listener.messages("/state")) - before
    tap.check(4 <= count <= 6, f"a state a second: {count} in 5 s")
    described = len(listener.messages("/config"))
    say(broker, f"{PREFIX}/status", "online")
    deadline = time.monotonic() + 5
    while len(listener.messages("/config")) == described and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.check(len(listener.messages("/config")) == described + 1,
              "it describes itself again when Home Assistant starts")
    listener.stop()
    broker.stop()
    tap.check(said(meter, "MQTT: 127.0.0.1"), "a broker that is gone is told")
    broker.start()
    time.sleep(0.3)
    listener = broker.listen()
    tap.check(listener.wait("/config", timeout_s=20) and
              listener.wait("/availability", lambda p: p == "online"),
              "a broker that lost everything is told everything again")
    check_values(tap, meter, listener, serial)
    listener.stop()
    listener = broker.listen()
    time.sleep(0.5)
    kept = [topic for topic in ("/config", "/availability", "/state")
            if any(retained for retained, _ in listener.messages(topic))]
    tap.check(kept == ["/config", "/availability"], "description and availability are retained, "
              "states are not", kept)
    processes[0].terminate()
    tap.check(listener.wait("/availability", lambda p: p == "offline"),
              "a meter that ends says that it is offline")
    tap.check(processes[0].wait(10) == 0, "and ends well")
    meter.stop()
    listener.stop()


class Old:
    """Something that speaks TLS 1.2 at most."""

    def __init__(self, pki):
        self.port = free_port()
        self.log = pki / "old.log"
        self.log.write_text("")
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", pki / "broker.pem",
             "-key", pki / "broker.key", "-tls1_2", "-quiet"], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)

    def stop(self):
        self.process.kill()
        self.process.wait()


def check_refusals(tap, meter, pki):
    """Brokers that must not be trusted, and one that a name in the configuration makes good."""
    other = pki / "other"
    other.mkdir()
    Authority(other)
    cases = ((lambda: Broker(pki).start(), "pki/other/ca.pem", "", "certificate in certificate chain",
              "of another authority"),
             (lambda: Broker(pki, "named").start(), "pki/ca.pem", "", "address mismatch",
              "of another name"),
             (lambda: Broker(pki).start(), "pki/ca.pem", "name = broker.example\n",
              "ostname mismatch", "that is not the one that is named"),
             (lambda: Broker(pki, "expired").start(), "pki/ca.pem", "", "certificate has expired",
              "that has expired"),
             (lambda: Old(pki), "pki/ca.pem", "", "TLS error", "that speaks TLS 1.2 at most"))
    for make, ca, more, why, what in cases:
        broker = make()
        (meter.folder / "errors").write_text("")
        time.sleep(0.2)
        configure(meter, broker.port, more, ca)
        process = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL,
                              stderr=open(meter.folder / "errors", "a"))
        told = said(meter, why)
        process.terminate()
        tap.check(told and process.wait(10) == 0 and " wk-WK" not in broker.log.read_text(),
                  f"a broker {what} is refused", (meter.folder / "errors").read_text())
        broker.stop()
    broker = Broker(pki, "named").start()
    time.sleep(0.2)
    configure(meter, broker.port, "name = broker.example\n")
    process = meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while " as wk-WK" not in broker.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.check(" as wk-WK" in broker.log.read_text(), "a broker of the name that is configured is not",
              broker.log.read_text())
    process.terminate()
    process.wait(10)
    broker.stop()


def main():
    tap = Tap()
    meter = Meter("a", pace="realtime", stop="2026-02-01T23:10:00Z", analyse="no")
    pki = make_pki(meter.folder / "pki")
    serial = re.search(r"serial = (\S+)", meter.config.read_text())[1]
    broker = Broker(pki).start()
    time.sleep(0.3)
    configure(meter, broker.port)
    check_kills(tap, meter, broker, serial)
    meter.words["PACE"] = "full-speed"
    configure(meter, broker.port)
    check_running(tap, meter, broker, serial)
    broker.stop()
    check_refusals(tap, meter, pki)
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
