#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/objects.py: what it makes of a small model, and what it says of bad lines."""
import sys
import tempfile
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import objects  # noqa: E402
import objects_line  # noqa: E402
import objects_reference  # noqa: E402
import objects_type  # noqa: E402

MODEL = """roles public reader
class 1.0 | Data | value |
class 3.0 | Register | value scaler_unit | reset
class 42.0 | IPv4 setup | reference addresses | add remove
three | 1.0.52.7.0.255 | 3.0 | - | r* w2-3 x1 | register | WK_OBJECTS_U:1 | live | voltage L2
single | 0.0.96.1.0.255 | 1.0 | r1-2 | r* | data | WK_OBJECTS_SERIAL | fixed | serial number
single | 0.0.25.1.0.255 | 42.0 | - | r* w2 x1-2 | setup | | config | IPv4
  2 : octets 6 = 0.0.25.2.0.255
  3 : array 2 of u32 = [1, 2]
  method 1 : add 3
  method 2 : remove 3
"""
LINE = "single | 0.0.96.1.9.255 | 1.0 | r1-2 | r* | data | WK_OBJECTS_SERIAL | fixed | a text\n"

PROFILE = "class 7.1 | Profile | buffer capture_objects |\n"
SNAPSHOT = "single | 1.0.94.91.0.255 | 7.1 | - | r* | snapshot | | live | a text\n  2 : null = null\n"

# What a line is changed to, or what is put behind the model, and what must be said.
WRONG = [
    (LINE.replace("single", "dual"), "line 12: list: 'dual' is neither single nor three"),
    (LINE.replace("0.0.96.1.9.255", "0.0.96.1.9"), "line 12: OBIS: '0.0.96.1.9' has not six numbers"),
    (LINE.replace("0.0.96.1.9", "0.0.96.1.256"), "line 12: OBIS: '256' is not a number of 0..255"),
    (LINE.replace("96.1.9", "96.1.0"), "line 12: OBIS: 0.0.96.1.0.255 is at objects.txt:6 too"),
    (LINE.replace("| 1.0 |", "| 1 |"), "line 12: class: '1' is not CLASS.VERSION"),
    (LINE.replace("| 1.0 |", "| 2.0 |"), "line 12: class: 2.0 has no line of its own"),
    (LINE.replace("r1-2", "r1-3"), "line 12: rights of public: there is no 3, the class has 2"),
    (LINE.replace("r1-2", "r2-1"), "line 12: rights of public: '2-1' is not a number or FIRST-LAST"),
    (LINE.replace("r1-2", "q1"), "line 12: rights of public: 'q1' does not begin with an r, w or x of its own"),
    (LINE.replace("r1-2", "r1 r2"), "line 12: rights of public: 'r2' does not begin with an r, w or x of its own"),
    (LINE.replace("r*", "w1"), "line 12: rights of reader: the logical name cannot be written"),
    (LINE.replace("r*", ""), "line 12: rights of reader: is empty: write - for nothing"),
    (LINE.replace("| data |", "| Data |"), "line 12: function: 'Data' is no name"),
    (LINE.replace("WK_OBJECTS_SERIAL", "SERIAL"), "line 12: selector: 'SERIAL' is neither a number nor a constant WK_..."),
    (LINE.replace("fixed", "stable"), "line 12: storage: 'stable' is none of fixed, live, column, counter, log, config, security"),
    (LINE.replace("a text", ""), "line 12: text: is empty or has a quotation mark or backslash"),
    (LINE.replace(" | fixed", ""), "line 12: line: 8 fields instead of 9"),
    ("class 1.0 | Data | value |\n", "line 12: class: 1.0 is there twice"),
    ("class 9.0 | Script\n", "line 12: class: 2 fields instead of 4"),
    (LINE + "  2 : u8 = 1\n", "line 13: line: is indented, but the object above is no setup"),
    ("  4 : u8 = 1\n", "line 12: attribute: '4' is not a number of 0..3"),
    ("  3 : u8 = 1\n", "line 12: attribute: 3 is the name or there twice"),
    ("  something\n", "line 12: line: is neither 'N : TYPE = VALUE' nor 'method N : KIND N'"),
    ("  method 1 : sort 3\n", "line 12: method: 'sort' is none of add, remove, count"),
    ("  method 1 : add 2\n", "line 12: method: attribute 2 is no array above this line"),
    (PROFILE + "single | 1.0.94.91.3.255 | 7.1 | - | r* | scalers | 0.0.96.1.0.255 | live | a text\n",
     "line 13: selector: 0.0.96.1.0.255 is no profile of all these meters"),
    (PROFILE + SNAPSHOT + "  3 : array 1 of struct(u16, octets 6, i8, u16) = [(3, 0.0.96.1.0.255, 2, 0)]\n",
     "line 13: column: 3 0.0.96.1.0.255 2 is not in the model"),
]
WRONG_VALUES = [
    ("u9", "1", "type: 'u9' is none"),
    ("u8 1..300", "1", "type: 1..300 is not inside of 0..255"),
    ("u8 9..1", "1", "type: 9..1 is not inside of 0..255"),
    ("u8 1..9", "0", "value: 0 is not in 1..9"),
    ("u8", '"x"', "value: x is no u8"),
    ("octets 6", "0x01", "value: 1 octets are not 6..6"),
    ("octets 1..2", "0x012", "value: '0x012' has half an octet"),
    ("text 0..2", '"abc"', "value: 3 octets are not 0..2"),
    ("array 1 of bool", "[true, false]", "value: 2 elements are more than 1"),
    ("struct(u8, u8)", "(1)", "value: 1 members instead of 2"),
    ("struct(u8", "(1)", "type: ')' is missing before ''"),
    ("u8", "1 2", "value: '2' is too much"),
    ("bits 3", "0b10", "value: 3 bits 0b... are wanted"),
]
OVERLAY = "title Nowhere\n"
WRONG_OVERLAYS = [
    ("remove 0.0.96.1.7.255\n", "line 2: OBIS: 0.0.96.1.7.255 is not in the model"),
    ("remove 0.0.96.1\n", "line 2: OBIS: '0.0.96.1' has not six numbers"),
    ("remove 1.0.52.7.0.255\n", "line 2: OBIS: 1.0.52.7.0.255 is fixed: code names it"),
    ("keep 0.0.96.1.0-1.255\n", "line 2: OBIS: 0.0.96.1.1.255 is not in the model"),
    ("keep 0.0.96.1.1-0.255\n", "line 2: OBIS: '0.0.96.1.1-0.255' has no FIRST-LAST that rises"),
    ("keep 0.0.96.1-2.0-1.255\n",
     "line 2: OBIS: '0.0.96.1-2.0-1.255' has more than one FIRST-LAST"),
    ("keep 0.0.96.1.0.255\n", "line 1: keep: 1.0.52.7.0.255 is missing: code names it"),
    ("without tea\n", "line 2: without: 'tea' is none of access, pairs, hashed, names"),
    ("rename 0.0.96.1.0.255\n", "line 2: line: 1 fields instead of 2"),
    ("rename 0.0.96.1.0.255 | \n", "line 2: text: is empty or has a quotation mark or backslash"),
    ("map 1.0.52.7.0.255 | 1.0.12.7.0.255\n", "line 2: OBIS: 1.0.52.7.0.255 is fixed: code names it"),
    ("map 0.0.96.1.0.255 | 0.0.25.1.0.255\n", "line 2: OBIS: 0.0.25.1.0.255 is at objects.txt:7 too"),
    ("rights 0.0.96.1.0.255 | guest | r*\n", "line 2: role: 'guest' is none of public, reader"),
    ("rights 0.0.96.1.0.255 | public | r3\n", "line 2: rights of public: there is no 3, the class has 2"),
    ("client guest 4\n", "line 2: client: 'guest 4' is not ROLE SAP"),
    ("client reader 200\n", "line 2: client: '200' is not a number of 0..127"),
    ("client reader 16\nclient public 16\n", "line 3: client: 16 is that of another role"),
    ("roles public\n", "line 2: line: 'roles' belongs into objects.txt"),
    (LINE.replace("single", "dual"), "line 2: list: 'dual' is neither single nor three"),
    (LINE + "  2 : u8 = 1\n", "line 3: line: is indented, but the object above is no setup"),
]
# By hand from IEC 62056-6-2 and the tags of A-XDR.
ENCODED = [
    ("u16 1..9999", "4059", "12 0FDB"),
    ("i8", "-3", "0F FD"),
    ("enum 0..9", "5", "16 05"),
    ("bool", "true", "03 01"),
    ("octets 6", "0.0.25.1.0.255", "09 06 0000190100FF"),
    ("text 0..9", '"wk"', "0A 02 776B"),
    ("bits 10", "0b1010000001", "04 0A A040"),
    ("array 3 of struct(u8, null)", "[(1, null), (2, null)]", "01 02 02 02 11 01 00 02 02 11 02 00"),
    ("u64", "1", "15 0000000000000001"),
]
count = 0
failed = 0


def report(good, name, detail=""):
    global count, failed
    count += 1
    failed += not good
    if detail and not good:
        print(f"# {detail}")
    print(f"{'' if good else 'not '}ok {count} - {name}")


def said_of(text):
    try:
        objects.Model(text)
        return "nothing"
    except objects.Fault as fault:
        return str(fault).replace("objects.txt:", "line ", 1)


def said_of_value(kind, value):
    try:
        objects_type.read_type(kind).encode(objects_type.read_value(value))
        return "nothing"
    except objects_type.Wrong as wrong:
        return f"{wrong.field}: {wrong.reason}"


def check_wrong():
    for line, wanted in WRONG:
        said = said_of(MODEL + line)
        report(said == wanted, f"it says {wanted}", f"said {said}")
    said = said_of(MODEL.replace("  3 : array 2 of u32 = [1, 2]\n  method 1 : add 3\n  method 2 : remove 3\n", ""))
    report(said == "line 7: attribute: 3 has no type and value", "a setup has all its attributes", said)
    said = said_of(MODEL.replace("  method 2 : remove 3\n", ""))
    report(said == "line 7: method: 2 may be called but does nothing", "methods do something", said)
    for kind, value, wanted in WRONG_VALUES:
        said = said_of_value(kind, value)
        report(said == wanted, f"of {kind} = {value} it says {wanted}", f"said {said}")


def said_of_overlay(text):
    try:
        objects.Model(MODEL + "fixed 1.0.52.7.0.255\n", ("nowhere.txt", text))
        return "nothing"
    except objects.Fault as fault:
        return str(fault).replace("nowhere.txt:", "line ", 1)


def check_overlay():
    for line, wanted in WRONG_OVERLAYS:
        said = said_of_overlay(OVERLAY + line)
        report(said == wanted, f"of an overlay it says {wanted}", f"said {said}")
    said = said_of_overlay("remove 0.0.96.1.0.255\n")
    report(said == "line 1: title: is missing", "an overlay has a title", said)
    text = OVERLAY + ("client reader 32\nrights 1.0.52.7.0.255 | reader | r2\n"
                      "remove 0.0.25.1.0.255\nmap 0.0.96.1.0.255 | 0.0.96.1.1.255\n"
                      "rename 0.0.96.1.1.255 | number\n" + LINE.replace("1.9.255", "1.0.255"))
    model = objects.Model(MODEL, ("nowhere.txt", text))
    found = [(thing.obis_text(), thing.text, thing.rights) for thing in model.objects]
    nothing, all_read = (0, 0, 0), (objects_line.ALL, 0, 0)
    report(model.clients == {"reader": 32} and found == [
        ("0.0.96.1.1.255", "number", [(3, 0, 0), all_read]),
        ("0.0.96.1.0.255", "a text", [(3, 0, 0), all_read]),
        ("1.0.52.7.0.255", "voltage L2", [nothing, (2, 0, 0)]),
    ], "an overlay adds, removes, renames, moves, sets clients and rights", str(found))
    text = OVERLAY + ("keep 1.0.52.7.0.255\nwithout access pairs\n"
                      + LINE.replace("1.9.255", "1.5.255"))
    model = objects.Model(MODEL, ("nowhere.txt", text))
    found = [thing.obis_text() for thing in model.objects]
    report(found == ["0.0.96.1.5.255", "1.0.52.7.0.255"],
           "an overlay that keeps objects keeps no others, and adds", str(found))
    parts = objects.write_parts(model)
    report("hashed" in parts and "access" not in parts and "pairs" not in parts,
           "what a meter does without is not named", parts)
    base = objects.Model(MODEL)
    report(len(base.objects) == 3 and base.objects[0].text == "serial number",
           "the model itself stays as it is")


def check_written():
    model = objects.Model(MODEL)
    rows = objects.write_rows(model)
    report("{1, 0, {0, 0, 96, 1, 0, 255}, 2, 0, WK_OBJECTS_SERIAL, &k_access[0]}," in rows
           and "k_access[] = {\n    {k_rights[0], &wk_objects_data}," in rows,
           "a row has class, version, OBIS, counts, selector, rights and function", rows)
    report("[WK_ROLE_READER] = {0xFFFFFFFFU, 0x6U, 0x1U}" in rows, "rights are masks", rows)
    report(rows.index("{0, 0, 25, 1, 0, 255}") < rows.index("{1, 0, 52, 7, 0, 255}")
           and "#define SINGLE_PHASE_ROWS 2" in rows, "rows of three phases are the last", rows)
    report("WK_OBJECTS_OF(WK_OBJECTS_U, 1)" in rows, "a selector may have an index", rows)
    profiles = MODEL + PROFILE + SNAPSHOT + (
        "  3 : array 1 of struct(u16, octets 6, i8, u16) = [(3, 1.0.52.7.0.255, 2, 0)]\n"
        "single | 1.0.94.91.3.255 | 7.1 | - | r* | scalers | 1.0.94.91.0.255 | live | a text\n")
    rows = objects.write_rows(objects.Model(profiles))
    report("{1, 0, 94, 91, 3, 255}, 3, 0, 2, &k_access[3]" in rows,
           "scalers have the row of their profile", rows)
    report('{{0, 0, 96, 1, 0, 255}, "serial number"}' in objects.write_names(model),
           "names are those of the text")
    docs = objects.write_docs(model)
    report("| 1.0.52.7.0.255 | 3 v0 | three phases | voltage L2 | - | r* w2-3 x1 | live |" in docs,
           "the document has a line for each object", docs)
    for kind, value, wanted in ENCODED:
        octets = objects_type.read_type(kind).encode(objects_type.read_value(value))
        report(octets == bytes.fromhex(wanted), f"{kind} = {value} is {wanted}", octets.hex())


def check_fresh():
    report(objects.main(["--check"]) == 0, "docs/objects.md and docs/overlays.md are fresh")
    said = objects.main(["rows", "/dev/null", "atlantis"])
    report(said == "overlays/atlantis.txt: overlay: there is none of this name",
           "an overlay that is not there is told", str(said))
    kept = objects.DOCS
    with tempfile.TemporaryDirectory() as folder:
        objects.DOCS = pathlib.Path(folder) / "objects.md"
        objects.DOCS.write_text(kept.read_text() + "more\n")
        report(objects.main(["--check"]) != 0, "a document that is old is found")
        objects.DOCS = kept


# What a reference says of MODEL, and what must be said of that.
REFERENCES = [
    ("single | 0.0.96.1.0-1.255 | 1 | a\n", ["line 1: 0.0.96.1.1.255 of class 1 is missing"]),
    ("three | 1.0.52.7.0.255 | 4 | a\n",
     ["line 1: 1.0.52.7.0.255 has class 3 instead of 4"]),
    ("single | 1.0.52.7.0.255 | 3 | a\n",
     ["line 1: 1.0.52.7.0.255 is missing in meters of one phase"]),
    ("class 3.1 9.0\n", ["line 1: class 3 is to have objects of version 1, not 0",
                         "line 1: class 9 is to have objects of version 0, not none"]),
    ("not | 0.0.25.1-2.0.255 | a\n", ["line 1: 0.0.25.1.0.255 is there, after all"]),
    ("instead | 1.0.52.7.1,2.255 | 1.0.52.7.3.255 | a\n",
     ["line 1: 1.0.52.7.3.255 is missing"]),
    ("kept 1 42 | a\n", ["line 1: 0.0.96.1.0.255 is no kept value"]),
]
WRONG_REFERENCES = [
    ("some | 0.0.96.1.0.255 | 1 | a\n",
     "line 1: line: 'some' is no line of this file, or has other fields"),
    ("single | 0.0.96.1.0.255 | 1\n",
     "line 1: line: 'single' is no line of this file, or has other fields"),
    ("single | 0.0.96.1.255 | 1 | a\n", "line 1: OBIS: '0.0.96.1.255' has not six places"),
    ("single | 0.0.96.3-1.0.255 | 1 | a\n", "line 1: OBIS: '3-1' does not rise"),
    ("single | 0.0.96.1.0.255 | 1.0 | a\n", "line 1: class: '1.0' is not a number of 0..65535"),
]


def in_lines(text):
    return text.replace("reference.txt:", "line ")


def check_reference():
    classes = "class 1.0 3.0 4.0 42.0\n"
    model = objects.Model(MODEL.replace("class 42.0", "class 4.0 | Extended | value |\nclass 42.0"))
    for text, wanted in REFERENCES:
        reference = objects_reference.Reference(text + ("" if "class" in text else classes))
        said = [in_lines(one) for one in objects_reference.compare(model, reference)
                if "line 2: class 4 " not in in_lines(one)]
        report(said == wanted, f"of a reference it says {wanted}", str(said))
    for text, wanted in WRONG_REFERENCES:
        try:
            objects_reference.Reference(text)
            said = "nothing"
        except objects_line.Fault as fault:
            said = in_lines(str(fault))
        report(said == wanted, f"of a reference it says {wanted}", said)
    reference = objects_reference.read_reference()
    said = objects_reference.compare(objects.read_model(objects.MODEL), reference)
    report(not said, "the model has what model/reference.txt names", "\n# ".join(said))
    report(len(reference.wanted) > 400, "that is more than 400 objects",
           str(len(reference.wanted)))


check_wrong()
check_overlay()
check_reference()
check_written()
check_fresh()
print(f"1..{count}")
sys.exit(1 if failed else 0)
