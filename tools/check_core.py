#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the core rooms stay what they promise: no heap, no stdio, no operating system, no
double, no conditional compilation, no global mutable state, only wk_ symbols.

usage: check_core.py BUILD [ROOT]   exit 1 and one line per violation

Reads the sources of base, cosem, metrology, management, link and view, and the archives of the same rooms
in BUILD (of the host, or of the target where soft doubles show as __aeabi_d*).
"""
import pathlib
import re
import subprocess
import sys

CORE = ("base", "cosem", "metrology", "management", "link", "view")
HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "string.h", "inttypes.h", "limits.h", "math.h"}
FORBIDDEN = re.compile(
    r"^(malloc|calloc|realloc|free|reallocarray|aligned_alloc|strdup|strndup|alloca"
    r"|.*printf.*|puts|putchar|fputs|fwrite|fopen|fclose|fread|scanf|sscanf|perror|abort|exit"
    r"|time|clock|clock_gettime|gettimeofday|rand|srand|random|getenv|signal|open|close|read"
    r"|write|setjmp|longjmp|__aeabi_d\w+|__aeabi_f2d|__aeabi_i2d|__aeabi_l2d|__aeabi_ul2d"
    r"|__aeabi_ui2d|__\w*df\d|sqrt|sin|cos|atan2|pow|floor|ceil|round|fabs|log|exp)$")


def strip(text):
    """Removes comments and the contents of strings, keeping the lines."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check_source(root, problems):
    for folder in CORE:
        for file in sorted((root / folder).glob("*.[ch]")):
            if re.search(r"_(test|fuzz)\.[ch]$", file.name):
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(strip(file.read_text()).splitlines(), 1):
                if re.search(r"\bdouble\b", line):
                    problems.append(f"{path}:{number}: double in a core room")
                if file.suffix == ".c" and re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
                    problems.append(f"{path}:{number}: conditional compilation in a .c file")
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
                if match and match.group(1) not in HEADERS:
                    problems.append(f"{path}:{number}: <{match.group(1)}> in a core room")


def tool_for(archive, tool):
    """The binutils tool of the machine the archive is for."""
    header = subprocess.run(["readelf", "-h", archive], capture_output=True, text=True).stdout
    is_arm = re.search(r"Machine:\s+ARM", header) is not None
    return f"arm-none-eabi-{tool}" if is_arm else tool


def check_symbol(where, kind, symbol, problems):
    if kind == "U" and FORBIDDEN.match(symbol):
        problems.append(f"{where}: needs {symbol}")
    elif kind in "TRDBVW" and not symbol.startswith("wk_"):
        problems.append(f"{where}: exports {symbol} without the prefix wk_")


def check_archive(archive, problems):
    name = pathlib.Path(archive).name
    symbols = subprocess.run([tool_for(archive, "nm"), "-A", archive], capture_output=True,
                             text=True, check=True).stdout
    for line in symbols.splitlines():
        match = re.match(r"(?:.*?:)?([^:]+\.ob?j?):\s*(?:[0-9a-f]+)?\s+(\w)\s+(\S+)$", line)
        if match is not None:
            check_symbol(f"{name}({match.group(1)})", match.group(2), match.group(3), problems)
    member = ""
    table = subprocess.run([tool_for(archive, "objdump"), "-t", archive], capture_output=True,
                           text=True, check=True).stdout
    for line in table.splitlines():
        match = re.match(r"(\S+\.ob?j?):\s+file format", line)
        if match is not None:
            member = match.group(1)
        fields = re.match(r"[0-9a-f]+ .{7} (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(\S+)$", line)
        if fields is None or int(fields.group(2), 16) == 0:
            continue
        section = fields.group(1)
        if re.match(r"\.(data|bss)(\.|$)|\*COM\*", section) \
                and not section.startswith(".data.rel.ro"):
            problems.append(f"{name}({member}): global mutable state {fields.group(3)}")


def archives(build):
    for folder in CORE:
        yield from sorted((build / folder).glob("libwk_*.a"))


def main():
    build = pathlib.Path(sys.argv[1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    problems = []
    check_source(root, problems)
    found = list(archives(build))
    if not found:
        problems.append(f"{build}: there are no archives of core rooms to check")
    for archive in found:
        check_archive(str(archive), problems)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
