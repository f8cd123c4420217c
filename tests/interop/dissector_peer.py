#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tshark shows with tools/wireshark/wattkeeper-dlms.lua against `wk decode`; prints TAP.

dissector_peer.py WK SERVER     the capture is that of decode_peer.py
"""
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import decode_peer
import gurux_client

SCRIPT = decode_peer.ROOT / "tools" / "wireshark" / "wattkeeper-dlms.lua"
PROTECTED = ("glo-", "ded-", "general-")
NAMES = {"class-id": "wkdlms.class", "instance-id": "wkdlms.obis", "attribute-id": "wkdlms.id",
         "method-id": "wkdlms.id", "invocation-counter": "wkdlms.counter",
         "block-number": "wkdlms.block"}
FIELDS = ["wkdlms.apdu", "wkdlms.source", "wkdlms.type", *sorted(set(NAMES.values()))]


def shown(tshark, path):
    """field -> its values in the order of the capture"""
    command = [tshark, "-r", path, "-X", f"lua_script:{SCRIPT}", "-o",
               "tcp.reassemble_out_of_order:TRUE", "-Y", "wkdlms", "-T", "json"]
    for field in FIELDS + ["_ws.malformed", "wkdlms.malformed"]:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = {field: [] for field in FIELDS}
    faults = 0
    for packet in json.loads(done.stdout or "[]"):
        layers = packet["_source"]["layers"]
        faults += "wkdlms.malformed" in layers or "_ws.malformed" in layers
        for field in FIELDS:
            found[field] += layers.get(field, [])
    return found, faults, done.stderr


def told(lines):
    """The same of wk decode: what stands in clear, or in the head of what is protected."""
    found = {field: [] for field in FIELDS}

    def walk(items, inside):
        for item in items:
            name = item.get("name", "")
            if name == "blocks together":
                continue
            if name in NAMES and not (inside and name == "block-number"):
                found[NAMES[name]].append(str(item["value"]))
            if item.get("type") is not None:
                found["wkdlms.type"].append(item["type"])
            deeper = name.startswith(PROTECTED)
            below = item.get("items", ())
            if deeper or name in ("aarq", "aare", "rlrq", "rlre"):
                below = [i for i in below if not ("items" in i and i["name"].endswith(
                    ("-request", "-response", "-ciphering")))]
            walk(below, inside or deeper)
    for line in lines:
        wrapper = line["items"][0]
        found["wkdlms.source"] += [str(i["value"]) for i in wrapper["items"]
                                   if i["name"] == "source"]
        apdu = wrapper["items"][-1]
        found["wkdlms.apdu"].append(apdu["name"])
        walk([apdu], apdu["name"] == "general-block-transfer")
    return found


def numbers(script, table):
    """name -> number of a table of the script"""
    part = script.split(f"local {table} = {{", 1)[1].split("}", 1)[0]
    return {name: int(number, 0) for number, name in re.findall(r'\[(\w+)\] = "([^"]+)"', part)}


def main():
    tap = gurux_client.Tap()
    wk, server, tshark = sys.argv[1], sys.argv[2], sys.argv[3]
    script = SCRIPT.read_text()
    apdus, types = numbers(script, "apdus"), numbers(script, "types")
    octets = decode_peer.as_pcap(decode_peer.record(server), random.Random(decode_peer.SEED))
    _, lines = decode_peer.decode(wk, octets, ".pcap")
    ours = told(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "session.pcap"
        path.write_bytes(octets)
        theirs, faults, errors = shown(tshark, path)
    tap.check("the script loads", "lua" not in errors.lower(), errors)
    tap.check("nothing is malformed", faults == 0, faults)
    theirs["wkdlms.apdu"] = [int(v, 0) for v in theirs["wkdlms.apdu"]]
    ours["wkdlms.apdu"] = [apdus[v] for v in ours["wkdlms.apdu"]]
    theirs["wkdlms.type"] = [int(v, 0) for v in theirs["wkdlms.type"]]
    ours["wkdlms.type"] = [types[v] for v in ours["wkdlms.type"]]
    for field in FIELDS:
        tap.check(f"{field}: {len(ours[field])} values are as wk decode tells them",
                  ours[field] and sorted(map(str, theirs[field])) == sorted(map(str, ours[field])),
                  f"{len(theirs[field])} {theirs[field][:40]}\n# {ours[field][:40]}")
    gurux_client.say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
