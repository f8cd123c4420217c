#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ROM, RAM and stack of the core rooms on the Cortex-M target, from build/cortexm.

usage: report_size.py [--tap]

ROM and RAM are sums over the objects of a room before the linker drops what is unused; stack is
the largest frame of a function (gcc -fstack-usage). The table is kept in build/report/size.txt.
"""
import bisect
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "cortexm"
CORE = ("base", "cosem", "metrology", "management")
# Whole rooms, used or not: metrology with its tools (70 KiB), management (64 KiB), COSEM with all
# services, transports, suites 1 and 2 and certificates (110 KiB), and data protection (7 KiB).
LIMIT_ROM = 269312
# Vector loops of PCs, built here for the tests only; what listens to other meters.
NOT_OF_THE_TARGET = ("lanes4", "push_decoder", "push_decoder_walk")
# What only a meter with an overlay of model/overlays links: it has a limit of its own.
OF_OVERLAYS = ("objects_snapshot",)
LIMIT_OVERLAYS = 1024
# What is linked of metrology and power quality, and of the compiler's library for them: 40 KiB.
LIMIT_LINKED = 40960
LIMIT_MANAGEMENT = 65536 # without what serves COSEM, and without payment
LIMIT_PAYMENT = 16384    # account, tokens and their classes: linked by meters that have them
LIMIT_COUNTS = 2048      # of sags, outages, tampers, likewise
LIMIT_MONITOR = 2048     # parameter monitor, likewise
LIMIT_PROTECTION = 7168  # data protection, likewise
LIMIT_QUANTITIES = 2048  # demand of more quantities, likewise
# A server of the full list of objects with suites 0 and 1, linked: COSEM, and the cryptography.
LIMIT_SERVER = 112640
LIMIT_SINGLE = 65536 # ... of the basic list for one phase (model/overlays/single.txt), suite 0
LIMIT_STATE = 8192   # RAM of it, pushes included, without its buffers (tests/dlms_size_server.c)
LIMIT_DLT645 = 8192      # a view of its own, likewise
LIMIT_VIEWS = 24576      # Modbus, P1, optical port: each is optional
LIMIT_NETWORK = 8192     # views for a network in the house, MQTT and HTTP: likewise
LIMIT_CARRIERS = 6144    # of the link: CoAP, lines; each is optional
LIMIT_MODEM = 13312      # AT engine, modem, profiles and words: of meters with a cellular path
LIMIT_LINE_MODEM = 5120  # modems for power lines and radio: of meters with such a path
LIMIT_LISTENER = 12288   # the push decoder and what it needs of COSEM and base, without AES-GCM


def frames():
    """object stem -> largest frame"""
    largest = {}
    for file in BUILD.rglob("*.su"):
        folder = file.relative_to(BUILD).parts[0]
        for line in file.read_text().splitlines():
            size = int(line.split("\t")[1])
            key = (folder, file.name.split(".")[0])
            largest[key] = max(largest.get(key, 0), size)
    return largest


def rows(folders=CORE):
    stack = frames()
    for folder in folders:
        for archive in sorted((BUILD / folder).glob("libwk_*.a")):
            output = subprocess.run(["arm-none-eabi-size", archive], capture_output=True,
                                    text=True, check=True).stdout
            for line in output.splitlines()[1:]:
                text, data, bss, _, _, name = line.split(maxsplit=5)
                stem = re.match(r"(\w+)\.", name).group(1)
                if stem in NOT_OF_THE_TARGET:
                    continue
                yield (folder, stem, int(text) + int(data), int(data) + int(bss),
                       stack.get((folder, stem), 0))


def sections(program, own):
    """(address, octets, is code) of what the linker took from the libraries `own`, base and the
    compiler's library into a program that has nothing else. Base and metrology are compiled as a
    whole when they are linked (ltrans); the program around them is not."""
    named = None
    mine = re.compile(rf"\.ltrans\.o$|lib({own}|wk_base|wk_cortexm_integers|gcc)\.a\(")
    text = (BUILD / f"{program}.map").read_text()
    for line in text[text.index("Linker script and memory map"):].splitlines():
        match = re.match(r"^ (\.(?:text|rodata)\S*)?\s*(?:0x(\w+)\s+0x(\w+)\s+(\S+))?\s*$", line)
        if match is None or not (match.group(1) or named):
            named = None
            continue
        name = match.group(1) or named
        if match.group(2) and mine.search(match.group(4)):
            yield int(match.group(2), 16), int(match.group(3), 16), name.startswith(".text")
        named = name if match.group(2) is None else None


def lines_of_code(program):
    """(address, room) in the order of addresses, from the debugger's table of lines: a function
    that was made part of another is counted where it is written."""
    output = subprocess.run(["arm-none-eabi-objdump", "--dwarf=decodedline",
                             BUILD / "bin" / program],
                            capture_output=True, text=True, check=True).stdout
    rooms = {file.stem: f"{folder}/{file.stem}" for folder in CORE
             for file in (ROOT / folder).glob("*.c")}
    found = re.findall(r"^(\w+)\.[ch] +(?:\d+|-) +0x(\w+)", output, re.MULTILINE)
    return sorted((int(address, 16), rooms.get(stem, "others")) for stem, address in found)


def linked(program, own):
    """room -> octets of code; constants, which have no lines, by themselves"""
    rows = lines_of_code(program)
    addresses = [address for address, _ in rows]
    taken = {}
    for begin, size, is_code in sections(program, own):
        end = begin + size
        at = bisect.bisect_right(addresses, begin) if is_code else len(rows)
        room = rows[at - 1][1] if is_code and at > 0 else "constants"
        while at < len(rows) and addresses[at] < end:
            taken[room] = taken.get(room, 0) + addresses[at] - begin
            begin, room = rows[at]
            at += 1
        taken[room] = taken.get(room, 0) + end - begin
    return taken


# What of a server's map serves COSEM: what is compiled as a whole, base included (ltrans), and what
# is not; the rooms behind its objects are management's own.
SERVER = re.compile(r"ltrans\d*\.ltrans\.o$|lib(?:wk_(?:cosem|session|object|push|bearssl)|"
                    r"bearssl_gcm)\.a\(|libwk_(?:management|payment)\.a\("
                    r"(?:image|object|schedule|setup|module_security)")


def placed(program):
    """(address, octets, path) of what the linker put into flash. Strings that it merges are told as
    so many octets of one file, but take none there: a section ends where the next begins."""
    text = (BUILD / f"{program}.map").read_text()
    text = text[text.index("Linker script and memory map"):]
    found = [(int(begin, 16), int(size, 16), path) for begin, size, path in
             re.findall(r"^ \.(?:text|rodata|data)\S*\s+0x(\w+)\s+0x(\w+)\s+(\S+)$", text,
                        re.MULTILINE)]
    found = sorted(row for row in found if row[1] > 0 and row[0] > 0)
    ends = [row[0] for row in found[1:]] + [sys.maxsize]
    return [(begin, min(size, end - begin), path)
            for (begin, size, path), end in zip(found, ends)]


def served(program):
    """Octets of code and constants in flash that a DLMS server brings."""
    return sum(size for _, size, path in placed(program) if SERVER.search(path))


def octets_of(program, name):
    """Size of what a program calls `name`."""
    output = subprocess.run(["arm-none-eabi-nm", "-S", BUILD / "bin" / program],
                            capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^\w+ (\w+) \w {name}$", output, re.MULTILINE).group(1), 16)


def is_cosem(stem):
    """Rooms of management that serve COSEM: keys and lines of its clients included."""
    return stem.startswith(("image", "notify", "object", "push", "schedule", "session", "setup")) or stem in ("line", "module_security")


def is_payment(stem):
    """Rooms of the library wk_payment, which the module reaches by pointers only."""
    return stem in ("account", "account_pack", "charge", "credit", "payment", "token",
                    "objects_account", "objects_charge", "objects_token")


def is_counts(stem):
    """Rooms of the library wk_counts, likewise."""
    return stem in ("counts", "counts_object")


def is_parameter_monitor(stem):
    """The room of the library wk_parameter_monitor, likewise."""
    return stem == "parameter_monitor"


def is_data_protection(stem):
    """Rooms of the library wk_data_protection, likewise."""
    return stem.startswith("data_protection")


def is_modem(stem):
    """Rooms of the library wk_modem, which only a cellular path needs."""
    return stem == "at" or stem.startswith("modem")


def is_quantities(stem):
    """The room of the library wk_quantities, likewise."""
    return stem == "quantities"


def is_optional(stem):
    """What an assembler of a meter may leave out."""
    return (is_payment(stem) or is_counts(stem) or is_parameter_monitor(stem)
            or is_quantities(stem) or is_data_protection(stem))


def is_dlt645(stem):
    return stem.startswith("dlt645")


def is_network(stem):
    """Views over MQTT and HTTP, and what only they need."""
    return stem in ("committed", "homeassistant", "json", "shelly")


def is_carrier(stem):
    """Rooms of link that a meter has for what its paths go over."""
    return stem.startswith("coap") or stem == "line"


def is_line_modem(stem):
    """Rooms of the library wk_line_modem, which only a path over a power line or radio needs."""
    return stem.startswith("line_modem")


def check(number, name, octets, limit, wanted):
    good = 0 < octets <= limit
    print(f'# figure {{"figure":"{name}","value":{octets},"unit":"octets",'
          f'"goal":"<= {limit}{wanted}","holds":{str(good).lower()},"seed":0}}')
    print(f"{'ok' if good else 'not ok'} {number} - {name} fits")
    return good


def main():
    table = list(rows())
    lines = [f"{'room':34s} {'ROM':>8s} {'RAM':>6s} {'stack':>6s}"]
    for folder, stem, rom, ram, stack in table:
        lines.append(f"{folder + '/' + stem:34s} {rom:8d} {ram:6d} {stack:6d}")
    total = sum(row[2] for row in table if row[1] not in OF_OVERLAYS)
    for folder in CORE:
        part = [row for row in table if row[0] == folder]
        lines.append(f"{folder:34s} {sum(r[2] for r in part):8d} {sum(r[3] for r in part):6d} "
                     f"{max((r[4] for r in part), default=0):6d}")
    views = list(rows(("view",)))
    links = list(rows(("link",)))
    lines += [f"{'link/' + row[1]:34s} {row[2]:8d} {row[3]:6d} {row[4]:6d}" for row in links]
    lines += [f"{'view/' + row[1]:34s} {row[2]:8d} {row[3]:6d} {row[4]:6d}" for row in views]
    lines.append(f"{'all core rooms':34s} {total:8d} {sum(r[3] for r in table):6d} "
                 f"{max((r[4] for r in table), default=0):6d}")
    rooms = linked("size_target", "wk_metrology")
    listener = linked("push_size_target", "wk_push_decoder|wk_cosem")
    lines.append("linked for metrology and power quality:")
    lines += [f"  {room:32s} {size:8d}" for room, size in sorted(rooms.items())]
    lines.append(f"  {'together':32s} {sum(rooms.values()):8d}")
    lines.append("linked for a listener to pushes:")
    lines += [f"  {room:32s} {size:8d}" for room, size in sorted(listener.items())]
    lines.append(f"  {'together':32s} {sum(listener.values()):8d}")
    server = served("dlms_size_target")
    single = served("dlms_size_single_target")
    state = octets_of("dlms_size_single_target", "server_state")
    lines += ["linked for a DLMS server, with the cryptography:",
              f"  {'full list, suites 0 and 1':32s} {server:8d}",
              f"  {'one phase, suite 0':32s} {single:8d}",
              f"  {'... RAM beside its buffers':32s} {'':8s} {state:6d}"]
    text = "\n".join(lines)
    report = ROOT / "build" / "report"
    report.mkdir(parents=True, exist_ok=True)
    (report / "size.txt").write_text(text + "\n")
    if "--tap" not in sys.argv:
        print(text)
        return
    print("".join(f"# {line}\n" for line in lines), end="")
    # Two images of everything fit a part of 512 kB.
    core = sum(row[2] for row in table if row[0] == "management"
               and not is_cosem(row[1]) and not is_optional(row[1]))
    payment = sum(row[2] for row in table if row[0] == "management" and is_payment(row[1]))
    monitor = sum(row[2] for row in table
                  if row[0] == "management" and is_parameter_monitor(row[1]))
    counts = sum(row[2] for row in table if row[0] == "management" and is_counts(row[1]))
    quantities = sum(row[2] for row in table
                     if row[0] == "management" and is_quantities(row[1]))
    good = [check(1, "ROM of all core rooms, Cortex-M4 -Os", total, LIMIT_ROM, ""),
            check(2, "ROM of metrology and power quality, linked", sum(rooms.values()),
                  LIMIT_LINKED, ""),
            check(3, "ROM of management without COSEM", core, LIMIT_MANAGEMENT, ""),
            check(4, "ROM of the push decoder, linked, without AES-GCM", sum(listener.values()),
                  LIMIT_LISTENER, ""),
            check(5, "ROM of payment", payment, LIMIT_PAYMENT, ""),
            check(6, "ROM of a DLMS server, full list, suite 1, linked", server, LIMIT_SERVER,
                  ""),
            check(7, "ROM of counts", counts, LIMIT_COUNTS, ""),
            check(8, "ROM of a DLMS server, one phase, suite 0, linked", single, LIMIT_SINGLE,
                  ""),
            check(9, "RAM of a DLMS server with pushes, without buffers", state, LIMIT_STATE,
                  ""),
            check(10, "ROM of the views on lines",
                  sum(row[2] for row in views
                      if not is_network(row[1]) and not is_dlt645(row[1])), LIMIT_VIEWS, ""),
            check(11, "ROM of the views on networks",
                  sum(row[2] for row in views if is_network(row[1])), LIMIT_NETWORK, ""),
            check(12, "ROM of the parameter monitor", monitor, LIMIT_MONITOR, ""),
            check(13, "ROM of the carriers of the link",
                  sum(row[2] for row in links if is_carrier(row[1])), LIMIT_CARRIERS, ""),
            check(14, "ROM of the cellular modem",
                  sum(row[2] for row in links if is_modem(row[1])), LIMIT_MODEM, ""),
            check(15, "ROM of demand and energy of more quantities", quantities,
                  LIMIT_QUANTITIES, ""),
            check(16, "ROM of DL/T 645", sum(row[2] for row in views if is_dlt645(row[1])),
                  LIMIT_DLT645, ""),
            check(17, "ROM of data protection",
                  sum(row[2] for row in table
                      if row[0] == "management" and is_data_protection(row[1])),
                  LIMIT_PROTECTION, ""),
            check(18, "ROM of modems for power lines and radio",
                  sum(row[2] for row in links if is_line_modem(row[1])), LIMIT_LINE_MODEM,
                  ""),
            check(19, "ROM of what an overlay alone links",
                  sum(row[2] for row in table if row[1] in OF_OVERLAYS), LIMIT_OVERLAYS, "")]
    print(f"1..{len(good)}")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
