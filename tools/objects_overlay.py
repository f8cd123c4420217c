# SPDX-License-Identifier: Apache-2.0
"""Overlays: what a country's companion specification has otherwise than model/objects.txt.

A file of model/overlays has, beside comments,
    title TEXT                        what the overlay is for, one line
    client ROLE SAP                   the client SAP of a role
    keep OBIS ...                     of model/objects.txt only these are there; one number of each
                                      may be FIRST-LAST
    remove OBIS                       the object is not there
    rename OBIS | TEXT                it has another text
    map OBIS | OBIS                   it is there under another OBIS code
    rights OBIS | ROLE | RIGHTS       what a role may do with it, as in model/objects.txt
and lines of what the meter does without, of classes, objects and first values as model/objects.txt has them: these are added.
Lines count in their order; a comment that begins with a capital letter is the group of what follows.
"""
from objects_line import Fault, Place, check_text, read_obis, read_obis_range, read_rights

INTRODUCTION = """# Overlays

Made by `tools/objects.py docs` from `model/overlays`.

An overlay is the table of objects of a country, or of a smaller meter, as a change of
`model/objects.txt`: it adds, removes, renames and moves objects, or keeps some and no others, sets
client SAPs and rights, and says what the meter does without. It is data. `cmake --preset release
-DWK_OVERLAY=is15959` builds the meter, the names and the test of roles with one; without the option there
is none. `objects_roles_idis_test`, `objects_roles_dsmr_test`, `objects_roles_is15959_test` and
`objects_roles_single_test` build a meter with each, in `./test unit`, and try every access of every role on it. The other tests are those
of a meter without an overlay.

The lines are described in `tools/objects_overlay.py`. A line that is wrong stops the build with its file,
line, field and reason. Objects that code names (`fixed` in `model/objects.txt`) cannot be moved or
removed. An overlay changes which objects there are, not how they behave: a parameter of setup, for
example, is only kept.

**No conformity is claimed.** What these overlays hold is a proposal made from public descriptions of
the companion specifications (`single`: of what they have in common) and has not been compared with their texts line by line. Whoever
builds for one of them must do that.
"""


def object_at(model, line, text):
    obis = read_obis(text, line)
    for thing in model.objects:
        if thing.obis == obis:
            return thing
    raise Fault(line, "OBIS", f"{text} is not in the model")


def movable(model, line, text):
    thing = object_at(model, line, text)
    if thing.obis in model.fixed:
        raise Fault(line, "OBIS", f"{text} is fixed: code names it")
    return thing


def apply_rename(model, line, fields):
    thing = object_at(model, line, fields[0])
    thing.text = fields[1]
    check_text(thing.text, line)


def apply_map(model, line, fields):
    thing = movable(model, line, fields[0])
    obis = read_obis(fields[1], line)
    for other in model.objects:
        if other.obis == obis:
            raise Fault(line, "OBIS", f"{fields[1]} is at {other.line} too")
    thing.obis = obis


def apply_rights(model, line, fields):
    thing = object_at(model, line, fields[0])
    if fields[1] not in model.roles:
        raise Fault(line, "role", f"'{fields[1]}' is none of {', '.join(model.roles)}")
    column = model.roles.index(fields[1])
    thing.rights[column] = read_rights(fields[2], line, fields[1], thing.of_class)
    thing.rights_text[column] = fields[2]


def apply_remove(model, line, fields):
    model.objects.remove(movable(model, line, fields[0]))


def apply_keep(model, line, fields):
    for text in fields[0].split():
        for obis in read_obis_range(text, line):
            if not any(thing.obis == obis for thing in model.objects):
                raise Fault(line, "OBIS", f"{'.'.join(map(str, obis))} is not in the model")
            model.kept.add(obis)


def drop_others(model, file):
    """All lines that keep objects count together, before what is added."""
    for thing in list(model.objects):
        if thing.obis in model.kept or thing.line.file == file:
            continue
        if thing.obis in model.fixed:
            raise Fault(Place(file, 1), "keep", f"{thing.obis_text()} is missing: code names it")
        model.objects.remove(thing)


APPLY = {"keep": (1, apply_keep), "remove": (1, apply_remove), "rename": (2, apply_rename), "map": (2, apply_map),
         "rights": (3, apply_rights)}


def apply(model, file, text):
    model.title = ""
    model.kept = set()
    model.group = "Added"
    for number, content in enumerate(text.splitlines(), 1):
        line = Place(file, number)
        word, _, rest = content.partition(" ")
        if word in APPLY:
            wanted, function = APPLY[word]
            fields = [field.strip() for field in rest.split("|")]
            if len(fields) != wanted:
                raise Fault(line, "line", f"{len(fields)} fields instead of {wanted}")
            function(model, line, fields)
        elif word == "title":
            model.title = rest.strip()
        elif word in ("roles", "fixed"):
            raise Fault(line, "line", f"'{word}' belongs into objects.txt")
        else:
            model.read_line(line, content)
    if not model.title:
        raise Fault(Place(file, 1), "title", "is missing")
    if model.kept:
        drop_others(model, file)


# ---- the document -----------------------------------------------------------------------------

def describe(base, name, model):
    """A section: how the model differs from that without an overlay."""
    before = {thing.line.number: thing for thing in base.objects}
    rows, kept = [], set()
    for thing in model.objects:
        rights = ", ".join(f"{role} {text}" for role, text in zip(model.roles, thing.rights_text))
        if thing.line.file != "objects.txt":
            rows.append(f"| {thing.obis_text()} | {thing.key[0]} | added | {thing.text}; {rights} |")
            continue
        old = before[thing.line.number]
        kept.add(thing.line.number)
        changes = []
        if old.obis != thing.obis:
            changes.append(f"was {old.obis_text()}")
        if old.text != thing.text:
            changes.append(f"was called {old.text}")
        if old.rights_text != thing.rights_text:
            changes.append(rights)
        if changes:
            rows.append(f"| {thing.obis_text()} | {thing.key[0]} | changed | {thing.text}; "
                        f"{'; '.join(changes)} |")
        elif model.kept:
            rows.append(f"| {thing.obis_text()} | {thing.key[0]} | kept | {thing.text} |")
    if not model.kept:
        rows += [f"| {old.obis_text()} | {old.key[0]} | removed | {old.text} |"
                 for number, old in before.items() if number not in kept]
    saps = ", ".join(f"{role} {model.clients[role]}" for role in model.roles)
    singles = sum(thing.list == "single" for thing in model.objects)
    notes = "" if not model.kept else " Nothing else of `model/objects.txt` is there."
    notes += f" Without: {', '.join(sorted(model.without))}." if model.without else ""
    of_three = len(model.objects)
    counts = f"{singles} of one phase" + (f", {of_three} of three" if of_three > singles else "")
    return [f"## {name}: {model.title}", "", f"Clients: {saps}. Objects: {counts}.{notes}", "",
            "| OBIS | class | | what |", "|---|---|---|---|", *rows, ""]


def write_docs(base, overlaid):
    lines = [INTRODUCTION]
    for name, model in overlaid.items():
        lines += describe(base, name, model)
    return "\n".join(lines)
