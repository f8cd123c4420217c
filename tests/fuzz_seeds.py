# SPDX-License-Identifier: Apache-2.0
"""Inputs from which the fuzzers of the DLMS side begin: honest frames of every kind."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import objects  # noqa: E402  (found only now)

GET_CLOCK = "C001C100080000010000FF0200"
GET_PROFILE = "C001C100070100630100FF0200"
GET_NEXT = "C002C100000001"
GET_LIST = "C003C102 00080000010000FF0200 00010000600100FF0200"
GET_OBJECTS = "C001C1000F0000280000FF0200"
GET_ENTRIES = ("C001C100070100630100FF02 01 02"
               "0204 0600000001 0600000010 120001 120003")
GET_RANGE = ("C001C100070100630100FF02 01 01 0204"
             "0204 120008 09060000010000FF 0F02 120000"
             "090C07EA0916FF00000000000000 090C07EA0917FF00000000000000 0100")
SET_NOTE = "C101C100010000600109FF02000903414243"
SET_FIRST = "C102C100010000600109FF0200 00 00000001 04 09034142"
SET_LAST = "C103C1 01 00000002 01 43"
SET_LIST = "C104C102 00010000600109FF0200 00030100010800FF0200 02 0901AA 1105"
SET_SECRET = "C101C1000F0000280002FF0700 09036E6577"
ACTION = "C301C10046000060030AFF01010F00"
AARQ = "601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF"

DIALOGUES = ([GET_CLOCK], [GET_PROFILE, GET_NEXT], [GET_LIST], [GET_OBJECTS, GET_NEXT],
             [GET_ENTRIES], [GET_RANGE], [SET_NOTE], [SET_FIRST, SET_LAST], [SET_LIST],
             [SET_SECRET], [ACTION])

# The kinds of step of management/session_fuzz.c.
AS_IT_IS, OPEN, SEALED, SEALED_GENERAL, HONEST = 0, 3, 4, 5, 6
ROLES = {"public": 0, "reader": 1, "management": 2}

# The readers of cosem/cosem_fuzz.c, by their number.
READERS = {
    0: [GET_CLOCK, GET_LIST, GET_ENTRIES, GET_NEXT, SET_NOTE, SET_FIRST, SET_LAST, SET_LIST,
        ACTION],
    1: ["C401C10009024142", "C401C10103", "C402C1010000000100024142", "C403C10200 1105 010B",
        "C501C100", "C502C100000001", "C503C10000000001", "C505C1020003",
        "C701C100 01 00 0901AA"],
    2: [AARQ, "6203800100",
        "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F040000501D04000007"],
    3: ["01000000065F1F0400007E1FFFFF", "0800065F1F040000501D04000007", "0E010604"],
    4: ["0102 0203 0901AA 1105 00", "07EA0B150603110100000000",
        "13 0202 11 01000212 03 010203"],
    5: ["05 0102 0203 0901AA 1105 00 0200"],
    6: ["0001000100010003C00102 0001000200010001C0"],
    7: ["312D303A312E382E302A323535"],
    8: ["C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", "D80106000000FF",
        "DB084D4D4D0000BC614E1E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"],
}


def step(kind, text=""):
    octets = bytes.fromhex(text)
    return bytes([kind, len(octets)]) + octets


def session_seeds():
    yield step(AS_IT_IS, AARQ) + step(AS_IT_IS, GET_CLOCK)
    for role in ROLES.values():
        opened = step(OPEN | role << 3)
        kinds = (SEALED, SEALED_GENERAL) if role == ROLES["management"] else (AS_IT_IS,)
        for kind in kinds:
            for dialogue in DIALOGUES:
                yield opened + b"".join(step(kind, frame) for frame in dialogue)
        yield opened + step(HONEST, "00070100630100FF0200")
        yield opened + step(HONEST, "00010000600109FF02000903414243")


def cosem_seeds():
    for reader, texts in READERS.items():
        for text in texts:
            yield bytes([reader]) + bytes.fromhex(text)


def sunspec_registers(model, size):
    """A SunSpec meter as registers: the mark, common model, meter model, end."""
    words = [0x5375, 0x6E53, 1, 66] + [0x4142] * 66 + [model, size] + [1] * size + [0xFFFF, 0]
    return b"".join(word.to_bytes(2, "big") for word in words)


def submeter_seeds():
    # RTU and TCP: unit 17, function 4, count 3 (2 + 1), the answer and a refusal
    yield bytes.fromhex("00 11 02 1104 06 022B 0000 0064 0000")
    yield bytes.fromhex("00 11 02 118402 0000 11040600")
    yield bytes.fromhex("01 11 02 0001 0000 0009 11 04 06 022B 0000 0064")
    yield bytes.fromhex("01 11 02 0001 0000 0003 11 84 02")
    for model, size in ((203, 105), (213, 124), (103, 50)):
        for base in (40000, 50000, 0):
            yield bytes([2]) + base.to_bytes(2, "big") + sunspec_registers(model, size)
    for kind in (3, 4):
        yield bytes([kind, 0, 0]) + bytes.fromhex("43668000") * 190


def shield_seeds():
    """Certificates of the tests, protected APDUs, and octets to be sealed."""
    text = (pathlib.Path(__file__).resolve().parent / "certificates.h").read_text()
    for literal in re.findall(r'((?:"[0-9A-F]+"\s*)+)', text):
        octets = bytes.fromhex("".join(re.findall(r'"([0-9A-F]+)"', literal)))
        if octets[:1] == b"\x30":
            yield bytes([0]) + octets
    for title in ("434C49454E543031", "5345525645523031"):
        yield bytes([1]) + bytes.fromhex("DB08" + title + "1E3000000006" + "AA" * 25)
        yield bytes([1]) + bytes.fromhex("DD080000000000000001" + "08434C49454E5430310853455256"
                                         "45523031" + "00000100001E3000000006" + "AA" * 25)
        yield bytes([1]) + bytes.fromhex("DF080000000000000001" + "08434C49454E5430310853455256"
                                         "45523031" + "00000DC001C100080000010000FF020040"
                                         + "BB" * 64)
    for how in (0x00, 0x81, 0xC2, 0x42):
        yield bytes([2, how]) + bytes.fromhex(GET_CLOCK)


# Pushes: a recorded frame; {name, value, {scaler, unit}}; captured objects and their values.
PUSHED = (
    "7EA02B032110FBAFE6E600601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF99C87E",
    "0F00000000 0C 07EA0B15060C0000FF800000 01 02 02 03 0906 0100010700FF 06 00000513 0202 0F00 "
    "161B 02 03 0906 0100200700FF 12 08FC 0202 0FFF 1623",
    "0F00000002 00 02 02 01 02 0204 120028 0906 0000190900FF 0F02 120000 0204 120003 "
    "0906 0100010800FF 0F02 120000 06 0000007B",
    "DB082F192291991641033B30000001E5025CE9D2271FD78BE8C204211A916A9D7F587E0A7A814CADEA89E9593F"
    "01F92EA8C087B5BDFDEFEAB6BECF282DFE49C08F5BE6DC8400",
    "680D0D6853FF1001670F000000000006000001237C16",
    "000100010001000B 0F00000000000600000123")


def push_decoder_seeds():
    for text in PUSHED:
        for kind in (1, 2, 7):
            yield bytes([kind]) + bytes.fromhex(text.replace(" ", ""))


def explain_seeds():
    texts = [text for some in READERS.values() for text in some] + list(PUSHED) + [
        "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
        "E0400001000006C001C1000800", "C401C100 13 02 02 12 11 06 000101 000202",
        "D9 00000001 00 01 01 0008 0000010000FF 02 01 00"]
    for text in texts:
        octets = bytes.fromhex(text.replace(" ", ""))
        yield bytes([3]) + octets
        yield bytes([128]) + octets


def frame(how, control, text=""):
    octets = bytes.fromhex(text)
    return bytes([how, control, len(octets)]) + octets


def line_seeds():
    """Connections of three clients, dialogues in one, and octets as they are."""
    for client in range(3):
        connected = frame(0x40 | client, 0)
        yield connected + frame(0x28 | client, 0, AARQ)
        for dialogue in DIALOGUES:
            yield (connected + frame(0x28 | client, 0, AARQ)
                   + b"".join(frame(0x28 | client, 0, text) for text in dialogue)
                   + frame(client, 0x53))
    yield frame(0x80, 0, "7EA00802232193BD647E")
    yield frame(0x40, 0) + frame(0x38, 0, AARQ[:20]) + frame(0x20, 0, AARQ[20:]) + frame(7, 200)


def client_seeds():
    """An operation, and the rest of an answer that fits it; blocks; an association."""
    for how in (0, 1, 2, 3, 4):
        for number, rest in enumerate(("001105", "00", "00010011 05", "020011050104", "020003",
                                       "0200000300")):
            begin = bytes([how]) + bytes([0, number, 0])
            sealed = 0x80 if how & 1 else 0
            yield begin + frame(3, sealed | (0, 0, 0, 2, 4, 2)[number], rest)
            yield bytes([how]) + bytes([0, number | 0x40, 0]) + frame(3, sealed | 1, "00000001")
        yield bytes([how]) + bytes([0, 0, 0]) + frame(5, 0x81, "C401C1001105")
        yield bytes([how]) + bytes([0, 6, 0]) + frame(2, 0, "DA40000006000000 00")
        yield bytes([how]) + bytes([0, 0, 0]) + frame(6, 0, "C401C1001105") + bytes([7, 60, 0])
    yield bytes([8]) + frame(2, 0, READERS[2][2])


def block_seeds():
    for window in range(4):
        for line in (b"", bytes(range(64)), bytes([2, 4, 1, 0, 3, 2] * 20)):
            yield bytes([40 * window, window, 90]) + line
            yield bytes([40 * window, window, 1]) + line


def objects_seeds():
    """Every object: a value into an attribute, a parameter to a method, a selected buffer."""
    values = ("1105", "120384", "0906000001000 0FF".replace(" ", ""), "0300", "0F00",
              "090C07EA0B15FF0000000000FF80", "0600000384", "1601", "0100", "0200", "15" + "00" * 8,
              "02021600120001", "0101020209020102 1101".replace(" ", ""))
    for row in range(300):
        for number, value in enumerate(values):
            if number % 4 == row % 4:
                octets = bytes.fromhex(value)
                attribute = 1 + (row + number) % 9
                yield (row.to_bytes(2, "big") + bytes([attribute, len(octets)]) + octets
                       + row.to_bytes(2, "big") + bytes([0x60 | number % 3, len(octets)]) + octets
                       + row.to_bytes(2, "big") + bytes([0xF1, 15, row % 3]) + b"\0" * 14)


# Class 30: an attribute, a list of two, layers to and from the meter with keys of each kind.
ONE = "0101 0205 120001 09060000600101FF 0F02 120000 0202 1600 00"
TWO = ("0102 0205 120001 09060000600101FF 0F02 120000 00"
       "0205 12003E 09060000420000FF 0F02 120000 0202 1602 0202 0600000001 0600000000")
NO_LAYERS = "0100"
CLIENT, METER = "0908434C540000000009", "0908574B500000000001"
KEYS = ("0202 1600 1600", "0202 1600 1601", "0202 1601 0202 1600 0918" + "11" * 24,
        "0202 1602 0202 0901 02 0900", "0200")


def layer(kind, one, other, key):
    return f"0101 0202 16{kind:02X} 0205 0908{'00' * 7}05 {one} {other} 0900 {key}"


def protection_seeds():
    """Steps on class 30 as it is, and on other objects through it."""
    rows = [thing.obis_text() for thing in objects.read_model(objects.MODEL).objects]

    def one_step(obis, how, octets):
        return rows.index(obis).to_bytes(2, "big") + bytes([how, len(octets)]) + octets

    def on(how, text):
        return one_step("0.0.43.2.0.255", how, bytes.fromhex(text))

    lenient = on(5, "1600")
    for kind in range(4):
        for key in KEYS:
            out, back = layer(kind, CLIENT, METER, key), layer(kind, METER, CLIENT, key)
            yield lenient + on(2, ONE) + on(3, back) + on(4, out) + on(1, "0917" + "30" * 23)
            yield lenient + on(0x60, f"0202 {TWO} {back}") + on(
                0x61, f"0203 {ONE} {out} 0917" + "30" * 23)
    yield lenient + on(0x60, f"0202 {TWO} {NO_LAYERS}") + on(
        0x61, f"0203 {ONE} {NO_LAYERS} 0201 09024142")
    for form in range(27):
        for how in (form, form + 8 * 27):  # as it was sealed; spoiled
            yield lenient + one_step("0.0.96.1.1.255", 0xF0, bytes([how, 2]) + b"\x09\x02AB")
        yield lenient + one_step("0.0.96.3.10.255", 0xF0, bytes([form, 1, 0x0F, 0]))
        yield lenient + one_step("1.0.99.1.0.255", 0xF0, bytes([form, 2, 0x00]))
    # The lists of compact data, parameter monitor and data protection name each other.
    for obis, entry in (("0.0.66.0.0.255", "12003E 09060000420000FF 0F02"),
                        ("0.0.16.2.0.255", "120041 09060000100200FF 0F08")):
        naming = "12001E 090600002B0200FF 0F02"
        compact = one_step(obis, 2, bytes.fromhex(f"0101 0204 {naming} 120000"))
        monitor = one_step(obis, 3, bytes.fromhex(f"0101 0203 {naming}"))
        listed = on(2, f"0101 0205 {entry} 120000 00")
        yield lenient + (compact if "66" in obis else monitor) + listed + on(0xF1, "00" * 20)


# What a modem says from its start to its sleep, each with the time before it (700 ms) and its length.
MODEM = ("RDY", "OK", "OK", "OK", "Quectel|OK", "BG95-M3|OK", "BG95M3LAR02A03|OK", "8671|OK",
         "+CPIN: READY|OK", "OK", "OK", "OK", "OK", "OK", "OK", "OK",
         '+CEREG: 5,1,"1A2B","01A2D001",9|OK', '+COPS: 0,0,"Lab",9|OK', "+CGACT: 1,1|OK",
         "+CEREG: 5,3,,,,0,13|OK", "+CESQ: 99,99,255,255,19,46|OK", "+CSQ: 19,99|OK",
         '+QCSQ: "eMTC",-84,-91,165,-6|OK', '+CEREG: 1,"1A2B","2",9,,,"00001010","00100100"',
         "PSM POWER DOWN", "+CME ERROR: 10", "+CPIN: SIM PIN|OK", "+CGEV: NW DETACH", "ERROR")


def at_seeds():
    for ends in range(12, len(MODEM) + 1):
        said = [("\r\n" + line.replace("|", "\r\n\r\n") + "\r\n").encode()
                for line in MODEM[:ends]]
        yield b"\x17" + b"".join(bytes([0x40 | (len(text) - 1)]) + text for text in said
                                 if len(text) <= 64)


SEEDS = {"at_fuzz": at_seeds, "line_fuzz": line_seeds, "client_fuzz": client_seeds, "block_fuzz": block_seeds,
         "objects_fuzz": lambda: [*objects_seeds(), *protection_seeds()],
         "session_fuzz": session_seeds, "shield_fuzz": shield_seeds, "cosem_fuzz": cosem_seeds,
         "submeter_fuzz": submeter_seeds, "explain_fuzz": explain_seeds,
         "push_decoder_fuzz": push_decoder_seeds}


def write(fuzzer, folder):
    """Fills the empty folder with the seeds of a fuzzer, if it has any."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, seed in enumerate(SEEDS.get(fuzzer, lambda: [])()):
        (folder / f"{number:03}").write_bytes(seed)
