#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes of model/objects.txt what knows the objects of a meter.

usage: objects.py rows OUT     rows of the table of management/objects
       objects.py setup OUT    types and first values of management/setup
       objects.py names OUT    names of objects for wk and the head-end
       objects.py matrix OUT   what each role may do, for the test of roles
       objects.py docs         docs/objects.md
       objects.py --check      whether docs/objects.md is fresh
A line that is wrong is told as objects.txt:LINE: FIELD: reason.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import objects_type  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "model" / "objects.txt"
DOCS = ROOT / "docs" / "objects.md"
LISTS = ("single", "three")
STORAGE = ("fixed", "live", "column", "counter", "log", "config", "security")
MOST_NUMBER = 32  # attributes and methods have a bit each
ALL = 0xFFFFFFFF
SETUPS = ("setup", "schedule", "monitor")  # functions whose attributes management/setup keeps
METHOD_KINDS = {"add": 1, "remove": 2, "count": 3}


class Fault(Exception):
    """A line of the model that is wrong."""

    def __init__(self, line, field, reason):
        super().__init__(f"objects.txt:{line}: {field}: {reason}")


class Class:
    def __init__(self, name, attributes, methods):
        self.name = name
        self.attributes = ["logical_name", *attributes]
        self.methods = methods


class Object:
    def __init__(self, line):
        self.line = line
        self.values = {}   # attribute -> (type, value), of a setup
        self.actions = {}  # method -> (kind, attribute), of a setup

    def obis_text(self):
        return ".".join(map(str, self.obis))


# ---- reading -----------------------------------------------------------------------------------

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


class Model:
    def __init__(self, text):
        self.roles = []
        self.classes = {}
        self.objects = []
        self.group = ""
        for count, line in enumerate(text.splitlines(), 1):
            self.read_line(count, line)
        for thing in self.objects:
            self.check_setup(thing)
        self.objects.sort(key=lambda thing: LISTS.index(thing.list))

    def read_line(self, count, line):
        if line.startswith("# ") and line[2:3].isupper():
            self.group = line[2:].strip()
        if not line.strip() or line.startswith("#"):
            return
        if line.startswith("roles "):
            self.roles = line.split()[1:]
        elif line.startswith("class "):
            self.read_class(count, line[6:])
        elif line.startswith(" "):
            self.read_value(count, line.strip())
        else:
            self.read_object(count, [field.strip() for field in line.split("|")])

    def read_class(self, count, line):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 4:
            raise Fault(count, "class", f"{len(fields)} fields instead of 4")
        key = read_class_key(fields[0], count)
        if key in self.classes:
            raise Fault(count, "class", f"{fields[0]} is there twice")
        self.classes[key] = Class(fields[1], fields[2].split(), fields[3].split())

    def read_object(self, count, fields):
        wanted = 7 + len(self.roles)
        if len(fields) != wanted:
            raise Fault(count, "line", f"{len(fields)} fields instead of {wanted}")
        thing = Object(count)
        thing.list = fields[0]
        if thing.list not in LISTS:
            raise Fault(count, "list", f"'{thing.list}' is neither single nor three")
        thing.obis = read_obis(fields[1], count)
        thing.key = read_class_key(fields[2], count)
        if thing.key not in self.classes:
            raise Fault(count, "class", f"{fields[2]} has no line of its own")
        thing.of_class = self.classes[thing.key]
        thing.rights = [read_rights(text, count, role, thing.of_class)
                        for role, text in zip(self.roles, fields[3:-4])]
        thing.rights_text = fields[3:-4]
        thing.function, selector, thing.storage, thing.text = fields[-4:]
        thing.group = self.group
        self.check(thing)
        thing.selector = read_selector(selector, count) if thing.function not in SETUPS else None
        self.objects.append(thing)

    def check(self, thing):
        for other in self.objects:
            if other.obis == thing.obis:
                raise Fault(thing.line, "OBIS", f"{thing.obis_text()} is in line {other.line} too")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", thing.function):
            raise Fault(thing.line, "function", f"'{thing.function}' is no name")
        if thing.storage not in STORAGE:
            raise Fault(thing.line, "storage",
                        f"'{thing.storage}' is none of {', '.join(STORAGE)}")
        if not thing.text or '"' in thing.text or "\\" in thing.text:
            raise Fault(thing.line, "text", "is empty or has a quotation mark or backslash")

    def read_value(self, count, line):
        """NUMBER : TYPE = VALUE, or method NUMBER : KIND ATTRIBUTE, of the object above."""
        if not self.objects or self.objects[-1].function not in SETUPS:
            raise Fault(count, "line", "is indented, but the object above is no setup")
        thing = self.objects[-1]
        match = re.fullmatch(r"method (\d+) : (\w+) (\d+)", line)
        if match is not None:
            self.read_method(count, thing, match)
            return
        match = re.fullmatch(r"(\d+) : (.*?) = (.*)", line)
        if match is None:
            raise Fault(count, "line", "is neither 'N : TYPE = VALUE' nor 'method N : KIND N'")
        attribute = number(match[1], count, "attribute", len(thing.of_class.attributes))
        if attribute < 2 or attribute in thing.values:
            raise Fault(count, "attribute", f"{attribute} is the name or there twice")
        try:
            kind = objects_type.read_type(match[2])
            thing.values[attribute] = (kind, kind.encode(objects_type.read_value(match[3])),
                                       match[2], match[3])
        except objects_type.Wrong as wrong:
            raise Fault(count, wrong.field, wrong.reason) from None

    def read_method(self, count, thing, match):
        method = number(match[1], count, "method", len(thing.of_class.methods))
        if match[2] not in METHOD_KINDS:
            raise Fault(count, "method", f"'{match[2]}' is none of {', '.join(METHOD_KINDS)}")
        attribute = int(match[3])
        if attribute not in thing.values or not thing.values[attribute][0].is_array():
            raise Fault(count, "method", f"attribute {attribute} is no array above this line")
        thing.actions[method] = (METHOD_KINDS[match[2]], attribute)

    def check_setup(self, thing):
        if thing.function not in SETUPS:
            return
        attributes = len(thing.of_class.attributes)
        for attribute in range(2, attributes + 1):
            if attribute not in thing.values:
                raise Fault(thing.line, "attribute", f"{attribute} has no type and value")
        for _, _, action in thing.rights:
            for method in range(1, len(thing.of_class.methods) + 1):
                if action >> method - 1 & 1 and method not in thing.actions:
                    raise Fault(thing.line, "method", f"{method} may be called but does nothing")


def read_model(path):
    return Model(path.read_text())


# ---- writing -----------------------------------------------------------------------------------

HEAD = "/* SPDX-License-Identifier: Apache-2.0\n * Made by tools/objects.py from model/objects.txt. */\n"


def c_obis(thing):
    return "{" + ", ".join(map(str, thing.obis)) + "}"


def c_rights(rights, roles):
    cells = [f"[WK_ROLE_{role.upper()}] = {{0x{get:X}U, 0x{put:X}U, 0x{act:X}U}}"
             for role, (get, put, act) in zip(roles, rights)]
    return "{" + ", ".join(cells) + "}"


def counts(thing):
    return len(thing.of_class.attributes), len(thing.of_class.methods)


def setup_starts(model):
    """id of an object that is a setup -> its first field"""
    starts, at = {}, 0
    for thing in model.objects:
        if thing.function in SETUPS:
            starts[id(thing)] = at
            at += len(thing.values)
    return starts


def write_rows(model):
    sets = []
    for thing in model.objects:
        if thing.rights not in sets:
            sets.append(thing.rights)
    starts = setup_starts(model)
    lines = [HEAD, "static const struct wk_object_rights k_rights[][WK_ROLE_COUNT] = {"]
    lines += [f"    {c_rights(rights, model.roles)}," for rights in sets]
    lines += ["};", "", "static const struct wk_object k_rows[] = {"]
    for thing in model.objects:
        functions = "NULL" if thing.function == "session" else f"&wk_objects_{thing.function}"
        selector = starts.get(id(thing), thing.selector)
        attributes, methods = counts(thing)
        lines.append(f"    {{{thing.key[0]}, {thing.key[1]}, {c_obis(thing)}, {attributes}, "
                     f"{methods}, {selector}, k_rights[{sets.index(thing.rights)}], {functions}}},")
    singles = sum(thing.list == "single" for thing in model.objects)
    lines += ["};", "", f"#define SINGLE_PHASE_ROWS {singles}", ""]
    return "\n".join(lines)


def write_setup(model):
    octets, places, fields, methods = bytearray(), {}, [], []

    def place(part):
        if part not in places:
            places[part] = len(octets)
            octets.extend(part)
        return places[part]

    for thing in model.objects:
        start = len(fields)
        for attribute in sorted(thing.values):
            kind, value = thing.values[attribute][:2]
            fields.append(f"    {{{place(kind.describe())}, {place(value)}, {len(value)}}},"
                          f" /* {thing.obis_text()} {attribute} */")
        for method, (kind, attribute) in sorted(thing.actions.items()):
            methods.append(f"    {{{start}, {method}, {kind}, {attribute}}},")
    lines = [HEAD, "static const uint8_t k_octets[] = {"]
    for at in range(0, len(octets), 16):
        lines.append("    " + " ".join(f"{octet}," for octet in octets[at:at + 16]))
    lines += ["};", "", "static const struct field k_fields[] = {", *fields, "};", "",
              "static const struct method k_methods[] = {", *methods, "};", ""]
    return "\n".join(lines)


def write_names(model):
    lines = [HEAD, "static const struct object_name k_names[] = {"]
    for thing in sorted(model.objects, key=lambda one: one.obis):
        lines.append(f'    {{{c_obis(thing)}, "{thing.text}"}},')
    lines += ["};", "", "static const struct class_name k_classes[] = {"]
    for (class_id, _), one in sorted(model.classes.items()):
        attributes = " ".join(one.attributes)
        lines.append(f'    {{{class_id}, "{one.name}", "{attributes}", '
                     f'"{" ".join(one.methods)}"}},')
    return "\n".join(lines + ["};", ""])


def write_matrix(model):
    lines = [HEAD, "static const struct expected k_expected[] = {"]
    for thing in model.objects:
        attributes, methods = counts(thing)
        lines.append(f"    {{{thing.key[0]}, {c_obis(thing)}, {attributes}, {methods}, "
                     f"{1 if thing.list == 'single' else 3}, {c_rights(thing.rights, model.roles)}}},")
    return "\n".join(lines + ["};", ""])


def write_docs(model):
    lines = ["# Objects", "",
             "Made by `tools/objects.py docs` from `model/objects.txt`. Rights: r read, w write, x call,",
             "by number of attribute or method; \"-\": the role does not see the object.", ""]
    for group in dict.fromkeys(thing.group for thing in model.objects):
        lines += [f"## {group}", "",
                  "| OBIS | class | meters | what | " + " | ".join(model.roles) + " | storage |",
                  "|---|---|---|---|" + "---|" * (len(model.roles) + 1)]
        for thing in model.objects:
            if thing.group == group:
                meters = "all" if thing.list == "single" else "three phases"
                rights = " | ".join(thing.rights_text)
                lines.append(f"| {thing.obis_text()} | {thing.key[0]} v{thing.key[1]} | {meters} | "
                             f"{thing.text} | {rights} | {thing.storage} |")
        lines.append("")
    lines += ["## Classes", "", "| class | name | attributes | methods |", "|---|---|---|---|"]
    for (class_id, version), one in sorted(model.classes.items()):
        names = [f"{n} {name}" for n, name in enumerate(one.attributes, 1)]
        methods = [f"{n} {name}" for n, name in enumerate(one.methods, 1)]
        lines.append(f"| {class_id} v{version} | {one.name} | {', '.join(names)} | "
                     f"{', '.join(methods)} |")
    lines += ["", "## First values of setups", "",
              "| OBIS | attribute | type | value |", "|---|---|---|---|"]
    for thing in model.objects:
        for attribute, (_, _, kind, value) in sorted(thing.values.items()):
            name = thing.of_class.attributes[attribute - 1]
            lines.append(f"| {thing.obis_text()} | {attribute} {name} | {kind} | {value} |")
    return "\n".join(lines) + "\n"


WRITERS = {"rows": write_rows, "setup": write_setup, "names": write_names, "matrix": write_matrix}


def main(arguments):
    try:
        model = read_model(MODEL)
    except Fault as fault:
        return str(fault)
    if arguments == ["docs"]:
        DOCS.write_text(write_docs(model))
        return 0
    if arguments == ["--check"]:
        fresh = DOCS.exists() and DOCS.read_text() == write_docs(model)
        return 0 if fresh else "docs/objects.md is old: run tools/objects.py docs"
    if len(arguments) == 2 and arguments[0] in WRITERS:
        pathlib.Path(arguments[1]).write_text(WRITERS[arguments[0]](model))
        return 0
    return __doc__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
