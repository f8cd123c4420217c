#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes of model/objects.txt what knows the objects of a meter.

usage: objects.py rows OUT [OVERLAY]      rows of the table of management/objects
       objects.py setup OUT [OVERLAY]     types and first values of management/setup
       objects.py clients OUT [OVERLAY]   client SAPs of the roles
       objects.py parts OUT [OVERLAY]     what management/session does not do without
       objects.py names OUT [OVERLAY]     names of objects for wk and the head-end
       objects.py matrix OUT [OVERLAY]    what each role may do, for the test of roles
       objects.py docs                    docs/objects.md and docs/overlays.md
       objects.py --check                 whether both are fresh
OVERLAY is a name in model/overlays. A line that is wrong is told as FILE:LINE: FIELD: reason.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import objects_overlay  # noqa: E402
import objects_type  # noqa: E402
from objects_line import (Fault, Place, check_text, number, read_class_key, read_obis,  # noqa: E402
                          read_rights, read_selector)

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "model" / "objects.txt"
OVERLAYS = ROOT / "model" / "overlays"
DOCS = ROOT / "docs" / "objects.md"
OVERLAY_DOCS = ROOT / "docs" / "overlays.md"
LISTS = ("single", "three")
STORAGE = ("fixed", "live", "column", "counter", "log", "config", "security")
SETUPS = ("setup", "schedule", "monitor", "compact", "parameter_monitor", "snapshot",
          "data_protection")  # functions whose attributes management/setup keeps
ACTING = ("data_protection",)  # of them: methods are their own
PARTS = ("access", "pairs", "hashed", "names")  # what management/session can do without
OF_PROFILE = "scalers"  # the function whose selector is the OBIS code of a profile, C has its row
PROFILE = 7
METHOD_KINDS = {"add": 1, "remove": 2, "count": 3}


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
        self.selector = None
        self.profile = None  # OBIS code, of scalers

    def obis_text(self):
        return ".".join(map(str, self.obis))


# ---- reading -----------------------------------------------------------------------------------

class Model:
    def __init__(self, text, overlay=None):
        """overlay: (file, text), or None."""
        self.roles = []
        self.clients = {}  # role -> SAP
        self.without = set()  # of PARTS
        self.fixed = set()  # OBIS codes that the code names
        self.classes = {}
        self.objects = []
        self.group = ""
        for count, line in enumerate(text.splitlines(), 1):
            self.read_line(Place("objects.txt", count), line)
        if overlay is not None:
            objects_overlay.apply(self, *overlay)
        for thing in self.objects:
            self.check_setup(thing)
            self.check_columns(thing)
        self.objects.sort(key=lambda thing: LISTS.index(thing.list))
        self.find_profiles()

    def read_line(self, count, line):
        if line.startswith("# ") and line[2:3].isupper():
            self.group = line[2:].strip()
        if not line.strip() or line.startswith("#"):
            return
        if line.startswith("roles "):
            self.roles = line.split()[1:]
        elif line.startswith("without "):
            self.read_without(count, line.split()[1:])
        elif line.startswith("client "):
            self.read_client(count, line.split()[1:])
        elif line.startswith("fixed "):
            self.fixed |= {read_obis(text, count) for text in line.split()[1:]}
        elif line.startswith("class "):
            self.read_class(count, line[6:])
        elif line.startswith(" "):
            self.read_value(count, line.strip())
        else:
            self.read_object(count, [field.strip() for field in line.split("|")])

    def read_client(self, count, words):
        if len(words) != 2 or words[0] not in self.roles:
            raise Fault(count, "client", f"'{' '.join(words)}' is not ROLE SAP")
        self.clients[words[0]] = number(words[1], count, "client", 127)
        if len(set(self.clients.values())) != len(self.clients):
            raise Fault(count, "client", f"{words[1]} is that of another role")

    def read_without(self, count, parts):
        for part in parts:
            if part not in PARTS:
                raise Fault(count, "without", f"'{part}' is none of {', '.join(PARTS)}")
            self.without.add(part)

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
        if thing.function == OF_PROFILE:
            thing.profile = read_obis(selector, count)
        elif thing.function not in SETUPS:
            thing.selector = read_selector(selector, count)
        self.objects.append(thing)

    def check(self, thing):
        for other in self.objects:
            if other.obis == thing.obis:
                raise Fault(thing.line, "OBIS", f"{thing.obis_text()} is at {other.line} too")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", thing.function):
            raise Fault(thing.line, "function", f"'{thing.function}' is no name")
        if thing.storage not in STORAGE:
            raise Fault(thing.line, "storage",
                        f"'{thing.storage}' is none of {', '.join(STORAGE)}")
        check_text(thing.text, thing.line)

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
                if (action >> method - 1 & 1 and method not in thing.actions
                        and thing.function not in ACTING):
                    raise Fault(thing.line, "method", f"{method} may be called but does nothing")

    def check_columns(self, thing):
        """Columns of a snapshot are attributes of the model."""
        if thing.function != "snapshot":
            return
        for class_id, obis, attribute, _ in objects_type.read_value(thing.values[3][3]):
            found = [one for one in self.objects if bytes(one.obis) == obis
                     and one.key[0] == class_id and 1 <= attribute <= len(one.of_class.attributes)]
            if not found:
                raise Fault(thing.line, "column", f"{class_id} {'.'.join(map(str, obis))} {attribute}"
                            " is not in the model")

    def find_profiles(self):
        """The rows that scalers are of: once all objects are there and in order."""
        for thing in self.objects:
            if thing.profile is None:
                continue
            rows = [row for row, one in enumerate(self.objects)
                    if one.obis == thing.profile and one.key[0] == PROFILE]
            if not rows or LISTS.index(self.objects[rows[0]].list) > LISTS.index(thing.list):
                raise Fault(thing.line, "selector",
                            f"{'.'.join(map(str, thing.profile))} is no profile of all these meters")
            thing.selector = rows[0]


def read_model(path, overlay=None):
    """overlay: a name in model/overlays, or None."""
    if overlay is None:
        return Model(path.read_text())
    file = OVERLAYS / f"{overlay}.txt"
    if not file.exists():
        raise Fault(f"overlays/{overlay}.txt", "overlay", "there is none of this name")
    return Model(path.read_text(), (f"overlays/{overlay}.txt", file.read_text()))


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
    sets, accesses = [], []
    for thing in model.objects:
        if thing.rights not in sets:
            sets.append(thing.rights)
        if (thing.rights, thing.function) not in accesses:
            accesses.append((thing.rights, thing.function))
    starts = setup_starts(model)
    lines = [HEAD, "static const struct wk_object_rights k_rights[][WK_ROLE_COUNT] = {"]
    lines += [f"    {c_rights(rights, model.roles)}," for rights in sets]
    lines += ["};", "", "static const struct wk_object_access k_access[] = {"]
    for rights, function in accesses:
        functions = "NULL" if function == "session" else f"&wk_objects_{function}"
        lines.append(f"    {{k_rights[{sets.index(rights)}], {functions}}},")
    lines += ["};", "", "static const struct wk_object k_rows[] = {"]
    for thing in model.objects:
        selector = starts.get(id(thing), thing.selector)
        attributes, methods = counts(thing)
        access = accesses.index((thing.rights, thing.function))
        lines.append(f"    {{{thing.key[0]}, {thing.key[1]}, {c_obis(thing)}, {attributes}, "
                     f"{methods}, {selector}, &k_access[{access}]}},")
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
            fields.append(f"    {{{place(kind.describe())}, {place(value)}}},"
                          f" /* {thing.obis_text()} {attribute} */")
        for method, (kind, attribute) in sorted(thing.actions.items()):
            methods.append(f"    {{{start}, {method}, {kind}, {attribute}}},")
    lines = [HEAD, "static const uint8_t k_octets[] = {"]
    for at in range(0, len(octets), 16):
        lines.append("    " + " ".join(f"{octet}," for octet in octets[at:at + 16]))
    lines += ["};", "", "static const struct field k_fields[] = {", *fields, "};", "",
              "static const struct method k_methods[] = {", *methods, "};", ""]
    return "\n".join(lines)


def write_clients(model):
    lines = [HEAD, "enum {"]
    lines += [f"    WK_CLIENT_SAP_{role.upper()} = {model.clients[role]}," for role in model.roles]
    return "\n".join(lines + ["};", ""])


def write_parts(model):
    there = [part for part in PARTS if part not in model.without]
    lines = [HEAD, "const struct wk_session_parts wk_session_parts = {"]
    lines += [f"    .{part} = &wk_session_with_{part}," for part in there] or ["    .access = NULL,"]
    return "\n".join(lines + ["};", ""])


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


def documents():
    """file -> what it is to hold"""
    names = sorted(path.stem for path in OVERLAYS.glob("*.txt"))
    base = read_model(MODEL)
    overlaid = {name: read_model(MODEL, name) for name in names}
    return {DOCS: write_docs(base), OVERLAY_DOCS: objects_overlay.write_docs(base, overlaid)}


WRITERS = {"rows": write_rows, "setup": write_setup, "clients": write_clients, "parts": write_parts,
           "names": write_names, "matrix": write_matrix}


def run(arguments):
    if arguments == ["docs"]:
        for file, text in documents().items():
            file.write_text(text)
        return 0
    if arguments == ["--check"]:
        for file, text in documents().items():
            if not file.exists() or file.read_text() != text:
                return f"docs/{file.name} is old: run tools/objects.py docs"
        return 0
    if len(arguments) in (2, 3) and arguments[0] in WRITERS:
        model = read_model(MODEL, *arguments[2:])
        pathlib.Path(arguments[1]).write_text(WRITERS[arguments[0]](model))
        return 0
    return __doc__


def main(arguments):
    try:
        return run(arguments)
    except Fault as fault:
        return str(fault)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
