#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the files of a built page into a C table of gzipped assets.

usage: embed.py DIST OUT.c HEADER TABLE COUNT     the table is of struct wk_asset
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json"}


def rows(octets):
    for start in range(0, len(octets), 20):
        yield "    " + "".join(f"{b}," for b in octets[start:start + 20])


def main():
    dist, out, header, table, count = sys.argv[1:]
    arrays, entries = [], []
    files = sorted(p for p in pathlib.Path(dist).rglob("*") if p.is_file())
    if not files:
        sys.exit(f"{dist} is empty: build the pages first (tools/build_ui.sh)")
    for number, file in enumerate(files):
        plain = file.read_bytes()
        packed = gzip.compress(plain, 9, mtime=0)
        path = "/" + file.relative_to(dist).as_posix()
        path = "/" if path == "/index.html" else path
        etag = hashlib.sha256(plain).hexdigest()[:16]
        arrays.append(f"static const unsigned char k_file_{number}[] = {{\n"
                      + "\n".join(rows(packed)) + "\n};\n")
        entries.append(f"    {{.path = \"{path}\",\n     .type = \"{TYPES[file.suffix]}\",\n"
                       f"     .octets = k_file_{number},\n     .size = sizeof k_file_{number},\n"
                       f"     .gzipped = 1,\n     .etag = \"\\\"{etag}\\\"\"}},\n")
    text = ("/* Made by tools/embed.py from the built page. */\n"
            f"#include \"{header}\"\n\n" + "\n".join(arrays)
            + f"\nconst struct wk_asset {table}[] = {{\n" + "".join(entries) + "};\n"
            + f"const size_t {count} = {len(entries)};\n")
    pathlib.Path(out).write_text(text)


if __name__ == "__main__":
    main()
