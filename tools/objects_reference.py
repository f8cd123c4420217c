# SPDX-License-Identifier: Apache-2.0
"""Compares model/objects.txt with model/reference.txt, which describes its own lines.

An OBIS code of the reference may have lists of N and FIRST-LAST at each place: 1.0.1-2,9.8.0-4.255."""
import itertools
import pathlib

from objects_line import Fault, Place, number, read_class_key

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "model" / "reference.txt"
KEPT = "setup"  # the function of rows that serve values which management/setup keeps


def read_place(text, line):
    """1-2,9 as numbers"""
    found = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low = number(first, line, "OBIS", 255)
        high = number(last, line, "OBIS", 255) if dash else low
        if high < low:
            raise Fault(line, "OBIS", f"'{part}' does not rise")
        found += range(low, high + 1)
    return found


def read_pattern(text, line):
    """All OBIS codes of a pattern."""
    places = text.split(".")
    if len(places) != 6:
        raise Fault(line, "OBIS", f"'{text}' has not six places")
    return list(itertools.product(*(read_place(place, line) for place in places)))


class Reference:
    def __init__(self, text):
        self.classes = []  # (line, (class, version))
        self.kept = []     # (line, class)
        self.wanted = []   # (line, list, OBIS, class)
        self.instead = []  # (line, OBIS of those that tell it)
        self.absent = []   # (line, OBIS)
        for count, content in enumerate(text.splitlines(), 1):
            if content.strip() and not content.startswith("#"):
                self.read_line(Place("reference.txt", count), content)

    def read_line(self, line, content):
        fields = [field.strip() for field in content.split("|")]
        words = fields[0].split()
        if words[0] == "class":
            self.classes += [(line, read_class_key(word, line)) for word in words[1:]]
        elif words[0] == "older" and len(fields) == 2:
            read_class_key(words[1], line)
        elif words[0] == "kept" and len(fields) == 2:
            self.kept += [(line, number(word, line, "class", 0xFFFF)) for word in words[1:]]
        elif words[0] in ("single", "three") and len(fields) == 4:
            class_id = number(fields[2], line, "class", 0xFFFF)
            self.wanted += [(line, words[0], obis, class_id)
                            for obis in read_pattern(fields[1], line)]
        elif words[0] == "instead" and len(fields) == 4:
            self.absent += [(line, obis) for obis in read_pattern(fields[1], line)]
            self.instead += [(line, obis) for obis in read_pattern(fields[2], line)]
        elif words[0] == "not" and len(fields) == 3:
            self.absent += [(line, obis) for obis in read_pattern(fields[1], line)]
        else:
            raise Fault(line, "line", f"'{words[0]}' is no line of this file, or has other fields")


def name_of(obis):
    return ".".join(map(str, obis))


def compare_objects(model, reference):
    there = {thing.obis: thing for thing in model.objects}
    for line, of_list, obis, class_id in reference.wanted:
        thing = there.get(obis)
        if thing is None:
            yield f"{line}: {name_of(obis)} of class {class_id} is missing"
        elif thing.key[0] != class_id:
            yield f"{line}: {name_of(obis)} has class {thing.key[0]} instead of {class_id}"
        elif of_list == "single" and thing.list != "single":
            yield f"{line}: {name_of(obis)} is missing in meters of one phase"
    for line, obis in reference.instead:
        if obis not in there:
            yield f"{line}: {name_of(obis)} is missing"
    for line, obis in reference.absent:
        if obis in there:
            yield f"{line}: {name_of(obis)} is there, after all"


def compare_classes(model, reference):
    for line, key in reference.classes:
        versions = {thing.key[1] for thing in model.objects if thing.key[0] == key[0]}
        if versions != {key[1]}:
            found = ", ".join(map(str, sorted(versions))) or "none"
            yield f"{line}: class {key[0]} is to have objects of version {key[1]}, not {found}"
    named = {key[0] for _, key in reference.classes}
    for _, _, obis, class_id in reference.wanted:
        if class_id not in named:
            yield f"class {class_id} of {name_of(obis)} is in no line 'class'"
    for line, class_id in reference.kept:
        if class_id not in named:
            yield f"{line}: class {class_id} is in no line 'class'"
        for thing in model.objects:
            if thing.key[0] == class_id and thing.function != KEPT:
                yield f"{line}: {thing.obis_text()} is no kept value"


def compare(model, reference):
    """What the model has otherwise than the reference, in words."""
    return [*compare_objects(model, reference), *compare_classes(model, reference)]


def read_reference():
    return Reference(REFERENCE.read_text())
