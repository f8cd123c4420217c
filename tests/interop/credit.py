#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Payment of a running meter, looked at from outside: the independent client reads every attribute
of classes 111, 112, 113 and 115; what was used costs what Python's integers make of the registers; a
token made here, with the client's AES and GHASH written out below, counts once, also when the meter
is killed right after its answer. Prints TAP. Run tests/interop/run first: it installs the peer.
"""
import argparse
import json
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "chain"))
from gurux_client import MANAGEMENT, READER, Meter as Client  # noqa: E402
from gurux_dlms.GXDLMSChipperingStream import GXDLMSChipperingStream  # noqa: E402
from gurux_dlms.enums import DataType  # noqa: E402
from gurux_dlms.objects import (GXDLMSAccount, GXDLMSCharge, GXDLMSCredit, GXDLMSData,  # noqa: E402
                                GXDLMSRegister, GXDLMSTokenGateway)
from harness import Meter, Tap  # noqa: E402

NAME = "WKP000WK10000002"
TITLE = "574B500010000002"
KEY = "101112131415161718191a1b1c1d1e1f"
PRICES_E6 = [342000, 298000, 231000]
OPENING_E6 = 3000000
SECTION = """
[credit]
mode = prepayment
currency = EUR
opening = 3.00
price_t1 = 0.3420
price_t2 = 0.2980
price_t3 = 0.2310
emergency = 5.00
emergency_below = 1.00
low = 2.00
token_key = @TOKEN_KEY@
"""
USED, NOT_AUTHENTIC = 0x08, 0x02


# ---- GMAC ----------------------------------------------------------------------------------------

def block_of(key, block):
    data = bytearray(block)
    GXDLMSChipperingStream.aes1Encrypt(data, 0, bytearray(key))
    return bytes(data[:16])


def multiply(x, y):
    product = 0
    for bit in range(127, -1, -1):
        product ^= y if x >> bit & 1 else 0
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def gmac(key, iv, text):
    h = int.from_bytes(block_of(key, bytes(16)), "big")
    padded = text + bytes(-len(text) % 16) + (8 * len(text)).to_bytes(8, "big") + bytes(8)
    state = 0
    for at in range(0, len(padded), 16):
        state = multiply(state ^ int.from_bytes(padded[at:at + 16], "big"), h)
    mask = int.from_bytes(block_of(key, iv + b"\0\0\0\1"), "big")
    return (state ^ mask).to_bytes(16, "big")[:12]


def token_of(number, amount_e6):
    head = b"WKT1\1\1" + number.to_bytes(4, "big") + amount_e6.to_bytes(8, "big")
    iv = bytes.fromhex(TITLE) + number.to_bytes(4, "big")
    return head + gmac(bytes.fromhex(KEY), iv, head + NAME.encode())


# ---- the meter -----------------------------------------------------------------------------------

def client_of(meter, role):
    options = argparse.Namespace(
        framing="wrapper", host="127.0.0.1", port=meter.dlms, password=meter.password,
        title="47525558475258%02X" % role, ek=meter.keys["EK"], ak=meter.keys["AK"],
        counter=client_of.counter)
    client_of.counter += 1000
    return Client(options, role).open()


client_of.counter = 1


def exact(client):
    data = GXDLMSData("0.0.128.5.0.255")
    client.read(data, 2)
    return [int(value) for value in data.value]


def enter(client, token):
    gateway = GXDLMSTokenGateway("0.0.19.40.0.255")
    client.transfer(client.client.method(gateway, 1, bytearray(token), DataType.OCTET_STRING))
    client.read(gateway, 6)
    return int(gateway.statusCode), gateway.dataValue


def read_all(tap, client):
    things = [(GXDLMSAccount("0.0.19.0.0.255"), 19)]
    things += [(GXDLMSCredit(f"0.0.19.10.{i}.255"), 11) for i in range(5)]
    things += [(GXDLMSCharge(f"0.0.19.20.{i}.255"), 13) for i in range(5)]
    things += [(GXDLMSTokenGateway("0.0.19.40.0.255"), 6)]
    read = wrong = 0
    for thing, attributes in things:
        for attribute in range(2, attributes + 1):
            try:
                client.read(thing, attribute)
                read += 1
            except Exception as error:  # pylint: disable=broad-except
                wrong += 1
                print(f"# {thing.logicalName}:{attribute}: {type(error).__name__} {error}")
    tap.check(wrong == 0, "the peer reads every attribute of every object of payment")
    tap.figure("attributes of payment that the peer read", read, "attributes", "133",
               read == 133)
    account = things[0][0]
    tap.check(account.currency.name == "EUR" and account.currency.scale == -2 and
              int(account.paymentMode) == 2 and int(account.accountStatus) == 2 and
              len(account.creditReferences) == 5 and len(account.chargeReferences) == 5,
              "the account is active, in prepayment, in hundredths of a euro")
    return things


def wk(meter, *arguments):
    return meter.wk(*arguments, "--password", meter.password)


def check_commands(tap, meter):
    address = f"127.0.0.1:{meter.dlms}"
    made = meter.wk("credit", "make", "--meter", NAME, "--meter-title", TITLE, "--id", "77",
                    "--amount", "1.25", "--token-key", KEY)
    tap.check(made.stdout.strip() == token_of(77, 1250000).hex(),
              "wk makes the token that is made here, octet by octet", made.stdout + made.stderr)
    shown = json.loads(wk(meter, "credit", "show", address, "--json").stdout)
    entered = wk(meter, "credit", "enter", address, made.stdout.strip())
    after = json.loads(wk(meter, "credit", "show", address, "--json").stdout)
    tap.check(entered.returncode == 0 and
              round(1e6 * (after["balance"] - shown["balance"])) == 1250000,
              "wk enters it, and shows the new balance", entered.stderr)
    again = wk(meter, "credit", "enter", address, made.stdout.strip())
    tap.check(again.returncode == 1 and "used before" in again.stderr,
              "wk says why a token is refused", again.stderr)
    text = wk(meter, "credit", "show", address)
    tap.check(text.returncode == 0 and "prepayment, active, EUR" in text.stdout,
              "wk shows the account as a table", text.stdout + text.stderr)


def check_setting(tap, meter):
    client = client_of(meter, MANAGEMENT)
    account = GXDLMSAccount("0.0.19.0.0.255")
    account.lowCreditThreshold = 1234
    client.transfer(client.client.write(account, 16))
    credit = GXDLMSCredit("0.0.19.10.0.255")
    before = exact(client)
    client.transfer(client.client.method(credit, 1, -50, DataType.INT32))
    after = exact(client)
    account.lowCreditThreshold = 0
    client.read(account, 16)
    client.close()
    tap.check(account.lowCreditThreshold == 1234, "the utility sets a threshold")
    tap.check(before[0] - after[0] == 500000 and after[6] - before[6] == -500000,
              "... and adjusts a credit", (before, after))


def main():
    tap = Tap()
    meter = Meter("b", stop="2026-02-02T01:00:00Z")
    section = SECTION.replace("@TOKEN_KEY@", KEY)
    meter.write("b", lambda text: text[:text.index("\n[credit]")] + section +
                "\n[quality]\nanalyse = no\n")
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.spawn("wk-metrologyd")
    meter.wait_finished()
    fips = block_of(bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff"))
    tap.check(fips.hex() == "69c4e0d86a7b0430d8cdb78070b4c55a", "the peer's AES is FIPS-197's")

    client = client_of(meter, READER)
    read_all(tap, client)
    used_uwh = [int(read_raw(client, f"1.0.1.8.{tariff}.255")) for tariff in (1, 2, 3)]
    cost_e6 = sum(uwh * price for uwh, price in zip(used_uwh, PRICES_E6)) // 10**9
    figures = exact(client)
    tap.check(sum(used_uwh) > 0 and figures[0] == OPENING_E6 - cost_e6 and
              figures[4] == cost_e6, "what was used costs what the registers say",
              (used_uwh, cost_e6, figures))
    tap.figure("balance of the running meter against its registers",
               abs(figures[0] - OPENING_E6 + cost_e6), "10^-6 EUR", "0",
               figures[0] == OPENING_E6 - cost_e6)

    status = enter(client, token_of(5, 20000000))
    tap.check(status[0] == 3, "a token made by the peer counts", status)
    tap.check(exact(client)[0] == figures[0] + 20000000, "... and is in the balance")
    meter.processes[0].send_signal(signal.SIGKILL)
    meter.processes[0].wait()
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    meter.get("/api/info")
    client = client_of(meter, READER)
    tap.check(exact(client)[0] == figures[0] + 20000000,
              "... after the meter was killed right behind its answer, too")
    tap.check(enter(client, token_of(5, 20000000))[0] == 6, "it does not count again")
    forged = bytearray(token_of(6, 20000000))
    forged[17] ^= 1
    tap.check(enter(client, forged)[0] == 5, "one that was changed never does")
    tap.check(enter(client, token_of(4, 1))[0] == 3, "an older one that was never used does")
    tap.check(exact(client)[0] == figures[0] + 20000001, "the balance says so")
    client.close()
    check_commands(tap, meter)
    check_setting(tap, meter)
    meter.remove()
    sys.exit(tap.end())


def read_raw(client, obis):
    """The raw value: the peer applies scalers it was told of."""
    register = GXDLMSRegister(obis)
    client.read(register, 2)
    return register.value


if __name__ == "__main__":
    main()
