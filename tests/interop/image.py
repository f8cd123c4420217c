#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Image transfer to a running meter: the Gurux DLMS client sends an image, blocks in any order, and
has it verified; then one with a wrong bit. Then wk sends one over HDLC over TCP. Prints TAP. Run it
with the interpreter of build/venv: tests/interop/run installs the peer.
"""
import argparse
import io
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chain"))
import gurux_client  # noqa: E402
from gurux_dlms import GXByteBuffer  # noqa: E402
from gurux_dlms.enums import DataType  # noqa: E402
from gurux_dlms.objects import GXDLMSData, GXDLMSImageTransfer  # noqa: E402
from harness import Meter, free_port  # noqa: E402

SEED = 20261121
VERIFYING, VERIFIED, REFUSED = 2, 3, 4
BLOCK_SIZE, RECEIVED, MISSING, STATUS, TO_ACTIVATE = 2, 3, 4, 6, 7


def make(meter, key, version, payload):
    program = meter.folder / "program"
    program.write_bytes(payload)
    image = meter.folder / f"{version}.wkimage"
    done = meter.wk("image", "sign", "--key", key, "--version", version, program, image)
    assert done.returncode == 0, done.stderr
    return image


def start(hdlc):
    meter = Meter("b", stop="2026-02-02T00:00:00Z")
    key = meter.folder / "maker.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-384", "-out", key], check=True, capture_output=True)
    line = meter.wk("image", "key", key).stdout
    meter.write("b", lambda text: text.replace("[dlms]\n", f"[dlms]\nhdlc_port = {hdlc}\n")
                + f"\n[firmware]\n{line}")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    return meter, key


def connect(meter):
    options = argparse.Namespace(
        host="127.0.0.1", port=meter.dlms, framing="wrapper", password=meter.password,
        ek=meter.keys["EK"], ak=meter.keys["AK"], title="4755525558000001", counter=1, info=128)
    public = gurux_client.Meter(options, gurux_client.PUBLIC).open()
    options.counter = public.read(GXDLMSData("0.0.43.1.0.255"), 2) + 1
    public.close()
    return gurux_client.Meter(options, gurux_client.MANAGEMENT).open()


def send(client, transfer, octets, rng):
    client.transfer(transfer.imageTransferInitiate(client.client, f"image {rng.random()}",
                                                   len(octets)))
    size = transfer.imageBlockSize
    numbers = list(range(-(-len(octets) // size)))
    rng.shuffle(numbers)
    for number in numbers:
        part = octets[number * size:(number + 1) * size]
        client.transfer(block_request(client, transfer, number, part))
    return numbers


def block_request(client, transfer, number, octets):
    """The peer makes requests for all blocks in their order only; this is one."""
    data = bytearray(b"\x02\x02\x06") + number.to_bytes(4, "big")
    data += b"\x09" + (bytes([len(octets)]) if len(octets) < 128
                       else b"\x82" + len(octets).to_bytes(2, "big")) + octets
    return client.client.method(transfer, 2, GXByteBuffer(data), DataType.ARRAY)


def verified(client, transfer):
    """The status after verification; the meter answers "temporary failure" while it goes on."""
    try:
        client.transfer(transfer.imageVerify(client.client))
    except ValueError as error:
        if "TEMPORARY" not in str(error).upper() and " 2" not in str(error):
            raise
    status = VERIFYING
    until = time.monotonic() + 20
    while status == VERIFYING and time.monotonic() < until:
        client.read(transfer, STATUS)
        status = int(transfer.imageTransferStatus)
    return status


def in_order(client, transfer, octets):
    """As the peer itself does it."""
    client.transfer(transfer.imageTransferInitiate(client.client, "in order", len(octets)))
    count = [0]
    for request in transfer.imageBlockTransfer(client.client, octets, count):
        client.transfer(request)
    return verified(client, transfer)


def peer(tap, meter, image):
    rng = random.Random(SEED)
    client = connect(meter)
    transfer = GXDLMSImageTransfer("0.0.44.0.0.255")
    for attribute in (BLOCK_SIZE, RECEIVED, MISSING, 5, STATUS, TO_ACTIVATE):
        tap.run(f"attribute {attribute} is read", lambda a=attribute: client.read(transfer, a))
    octets = image.read_bytes()
    tap.check("the peer's own order of blocks arrives and is verified",
              in_order(client, transfer, octets) == VERIFIED)
    numbers = tap.run("blocks are taken in any order",
                      lambda: send(client, transfer, octets, rng))
    client.read(transfer, RECEIVED)
    client.read(transfer, MISSING)
    tap.check("the status of blocks says that all are there",
              str(transfer.imageTransferredBlocksStatus).count("1") == len(numbers)
              and transfer.imageFirstNotTransferredBlockNumber == len(numbers),
              transfer.imageTransferredBlocksStatus)
    tap.check("the image is verified", verified(client, transfer) == VERIFIED,
              transfer.imageTransferStatus)
    client.read(transfer, TO_ACTIVATE)
    element = transfer.imageActivateInfo[0] if transfer.imageActivateInfo else None
    tap.check("image_to_activate_info has size and signature",
              element is not None and element.size == len(octets)
              and bytes(element.signature) == octets[160:256], element)
    wrong = bytearray(octets)
    wrong[rng.randrange(256, len(wrong))] ^= 1 << rng.randrange(8)
    send(client, transfer, bytes(wrong), rng)
    tap.check("an image with a wrong bit is not", verified(client, transfer) == REFUSED,
              transfer.imageTransferStatus)
    client.close()


def carriers(tap, meter, image, hdlc):
    keys = meter.folder / "keys"
    keys.write_text(f"ek = {meter.keys['EK']}\nak = {meter.keys['AK']}\n")
    for address in (f"hdlc+tcp://127.0.0.1:{hdlc}/1", f"tcp://127.0.0.1:{meter.dlms}"):
        done = meter.wk("image", "send", address, image, "--keys", keys)
        tap.check(f"wk sends an image by {address.split(':')[0]}",
                  done.returncode == 0 and done.stdout == "verified\n", done.stderr)


def main():
    tap = gurux_client.Tap()
    gurux_client.say(f"# seed {SEED}")
    hdlc = free_port()
    meter, key = start(hdlc)
    payload = random.Random(SEED).randbytes(20011)
    peer(tap, meter, make(meter, key, "1.0.0", payload))
    carriers(tap, meter, make(meter, key, "1.0.1", payload), hdlc)
    ended = meter.remove()
    tap.check("the meter ends cleanly", ended == [0], ended)
    gurux_client.say(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.stdout = io.StringIO()  # the peer talks; standard output is TAP
    sys.exit(main())
