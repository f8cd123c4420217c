# SPDX-License-Identifier: Apache-2.0
"""Fields of a line of model/objects.txt or of an overlay."""
import re

MOST_NUMBER = 32  # attributes and methods have a bit each
ALL = 0xFFFFFFFF


class Place:
    """A line of the model or of an overlay."""

    def __init__(self, file, number):
        self.file, self.number = file, number

    def __str__(self):
        return f"{self.file}:{self.number}"


class Fault(Exception):
    """A line that is wrong."""

    def __init__(self, line, field, reason):
        super().__init__(f"{line}: {field}: {reason}")


def number(text, line, field, most):
    if not re.fullmatch(r"\d+", text) or int(text) > most:
        raise Fault(line, field, f"'{text}' is not a number of 0..{most}")
    return int(text)


def read_class_key(text, line):
    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    if match is None or int(match[1]) > 0xFFFF or int(match[2]) > 0xFF:
        raise Fault(line, "class", f"'{text}' is not CLASS.VERSION")
    return int(match[1]), int(match[2])


def read_obis(text, line):
    parts = text.split(".")
    if len(parts) != 6:
        raise Fault(line, "OBIS", f"'{text}' has not six numbers")
    return tuple(number(part, line, "OBIS", 255) for part in parts)


def read_obis_range(text, line):
    """0.0.96.1.0-9.255: the OBIS codes, of which one number may be FIRST-LAST."""
    parts = text.split(".")
    ranges = [part for part in parts if "-" in part]
    if len(ranges) > 1:
        raise Fault(line, "OBIS", f"'{text}' has more than one FIRST-LAST")
    if not ranges:
        return [read_obis(text, line)]
    first, _, last = ranges[0].partition("-")
    low, high = number(first, line, "OBIS", 255), number(last, line, "OBIS", 255)
    if low >= high:
        raise Fault(line, "OBIS", f"'{text}' has no FIRST-LAST that rises")
    return [read_obis(text.replace(ranges[0], str(n)), line) for n in range(low, high + 1)]


def check_text(text, line):
    if not text or '"' in text or "\\" in text:
        raise Fault(line, "text", "is empty or has a quotation mark or backslash")


def read_numbers(text, line, field, most):
    """1-3,5 as a mask."""
    mask = 0
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low = number(first, line, field, MOST_NUMBER)
        high = number(last, line, field, MOST_NUMBER) if dash else low
        if not 1 <= low <= high:
            raise Fault(line, field, f"'{part}' is not a number or FIRST-LAST")
        if high > most:
            raise Fault(line, field, f"there is no {high}, the class has {most}")
        mask |= sum(1 << n - 1 for n in range(low, high + 1))
    return mask


def read_rights(text, line, role, of_class):
    """(get, set, action)"""
    rights = {"r": 0, "w": 0, "x": 0}
    field = f"rights of {role}"
    if text == "-":
        return 0, 0, 0
    for word in text.split():
        letter, what = word[0], word[1:]
        if letter not in rights or rights[letter] != 0:
            raise Fault(line, field, f"'{word}' does not begin with an r, w or x of its own")
        most = len(of_class.methods if letter == "x" else of_class.attributes)
        if what == "*" and letter != "w":
            rights[letter] = ALL
        else:
            rights[letter] = read_numbers(what, line, field, most)
    if rights["w"] & 1:
        raise Fault(line, field, "the logical name cannot be written")
    if not any(rights.values()):
        raise Fault(line, field, "is empty: write - for nothing")
    return rights["r"], rights["w"], rights["x"]


def read_selector(text, line):
    name, colon, index = text.partition(":")
    if not re.fullmatch(r"WK_[A-Z0-9_]+|\d+", name):
        raise Fault(line, "selector", f"'{name}' is neither a number nor a constant WK_...")
    if not colon:
        return name
    return f"WK_OBJECTS_OF({name}, {number(index, line, 'selector', 0xFFFF)})"
