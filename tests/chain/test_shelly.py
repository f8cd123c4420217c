#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running meter answers the RPC of Shelly over HTTP and UDP: the members that clients look for, and
the values that DLMS gives of the same meter. Runs the sanitized build."""
import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

from harness import Meter, Tap, free_port

NUMBER = (int, float)
PHASE = ("current", "voltage", "act_power", "aprt_power", "pf", "freq")
SHAPES = {
    "EM.GetStatus": {"id": int, "n_current": NUMBER, "total_current": NUMBER,
                     "total_act_power": NUMBER, "total_aprt_power": NUMBER,
                     "user_calibrated_phase": list,
                     **{f"{p}_{name}": NUMBER for p in "abc" for name in PHASE}},
    "EMData.GetStatus": {"id": int, "total_act": NUMBER, "total_act_ret": NUMBER,
                         **{f"{p}_total_act{way}_energy": NUMBER for p in "abc"
                            for way in ("", "_ret")}},
    "EM.GetConfig": {"id": int, "blink_mode_selector": str, "phase_selector": str,
                     "monitor_phase_sequence": bool, "reverse": dict, "ct_type": str},
    "Sys.GetStatus": {"mac": str, "restart_required": bool, "time": str, "unixtime": int},
    "Shelly.GetDeviceInfo": {"name": str, "id": str, "mac": str, "model": str, "gen": int,
                             "fw_id": str, "ver": str, "app": str, "auth_en": bool},
    "Shelly.GetStatus": {"em:0": dict, "emdata:0": dict, "sys": dict},
    "Shelly.ListMethods": {"methods": list},
}
VALUES = (("EM.GetStatus", "a_voltage", "1.0.32.7.0.255", 0.1),
          ("EM.GetStatus", "c_current", "1.0.71.7.0.255", 0.001),
          ("EM.GetStatus", "b_freq", "1.0.14.7.0.255", 0.01),
          ("EMData.GetStatus", "total_act", "1.0.1.8.0.255", 0.01),
          ("EMData.GetStatus", "b_total_act_energy", "1.0.41.8.0.255", 0.01),
          ("EMData.GetStatus", "total_act_ret", "1.0.2.8.0.255", 0.01))


def fetch(url, data=None):
    """Status and JSON."""
    try:
        with urllib.request.urlopen(url, data, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ask_udp(port, frame):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(frame, ("127.0.0.1", port))
        return json.loads(client.recv(8192))


def check_shapes(tap, base):
    for method, shape in SHAPES.items():
        status, result = fetch(f"{base}/rpc/{method}?id=0")
        wrong = [key for key, kind in shape.items() if not isinstance(result.get(key), kind)]
        tap.check(status == 200 and not wrong, f"{method} has what clients look for",
                  f"{wrong} {result}")
    info = fetch(f"{base}/shelly")[1]
    tap.check(info == fetch(f"{base}/rpc/Shelly.GetDeviceInfo")[1] and
              info["id"] == "shellypro3em-" + info["mac"].lower() and
              "compatible" in info["name"] and int(info["mac"][:2], 16) & 3 == 2,
              "the identity is of the kind, of a local address, and labelled", info)
    tap.check(set(fetch(f"{base}/rpc/Shelly.ListMethods")[1]["methods"]) == set(SHAPES),
              "the methods listed are those that are there")


def check_frames(tap, base, port):
    frame = b'{"id":7,"src":"user_1","method":"EM.GetStatus","params":{"id":0}}'
    bare = fetch(f"{base}/rpc/EM.GetStatus?id=0")[1]
    posted = fetch(f"{base}/rpc", frame)[1]
    sent = ask_udp(port, frame)
    tap.check(posted == sent and sent["id"] == 7 and sent["dst"] == "user_1" and
              sent["src"].startswith("shellypro3em-") and sent["result"] == bare,
              "a frame has the same answer over HTTP and UDP", f"{posted}\n{sent}")
    for wrong, code in ((b'{"id":1,"method":"No.Such"}', 404), (b"{", 400), (b"[1]", 400),
                        (b'{"id":{"a":1},"method":3}', 400)):
        answer = ask_udp(port, wrong)
        tap.check(answer.get("error", {}).get("code") == code and "result" not in answer,
                  f"{wrong.decode()} is answered by {code}", answer)
    status, answer = fetch(f"{base}/rpc/No.Such")
    tap.check(status == 404 and answer["code"] == 404, "so is a method that is not there", answer)
    status, answer = fetch(f"{base}/rpc", b" " * 1025)
    tap.check(status == 413, "a request that is too long is refused", answer)
    status, _ = fetch(f"{base}/api/info", b"{}")
    tap.check(status == 405, "nothing else can be posted to")


def check_values(tap, meter, base):
    keys = meter.folder / "keys"
    keys.write_text(f"password = {meter.password}\n")
    for method, key, obis, step in VALUES:
        done = meter.wk("read", f"tcp://127.0.0.1:{meter.dlms}", "--keys", keys, "--json", obis)
        value = re.search(r'"value": ?"?(-?[\d.]+)', done.stdout)
        shown = fetch(f"{base}/rpc/{method}?id=0")[1][key]
        tap.check(value and 0 <= float(value[1]) - shown <= step,
                  f"{key} is what DLMS says", f"{done.stdout}{done.stderr}{shown}")


def main():
    tap = Tap()
    meter = Meter("a", stop="2026-02-01T23:10:00Z", analyse="no")
    port = free_port()
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    tap.check(fetch(f"http://127.0.0.1:{meter.web}/shelly")[0] == 404 and
              fetch(f"http://127.0.0.1:{meter.web}/rpc", b"{}")[0] == 405,
              "without its section there is none of it")
    meter.stop()
    meter.write("a", lambda text: text + f"\n[shelly]\nport = {port}\n")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    base = f"http://127.0.0.1:{meter.web}"
    check_shapes(tap, base)
    check_frames(tap, base, port)
    check_values(tap, meter, base)
    tap.check(all(code == 0 for code in meter.stop()), "the meter ends well")
    meter.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
