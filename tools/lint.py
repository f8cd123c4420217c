#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gates that look at sources: layers, core promises, format, clang-tidy, cppcheck, clang's
warnings. Prints TAP. Needs build/release, build/clang (configured and built here) and
build/cortexm."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("base", "cosem", "metrology", "management", "link", "view", "port", "headend", "daemon", "accuracy",
           "fleet", "app", "tests")
count = 0
failed = 0


def report(good, name, detail=""):
    global count, failed
    count += 1
    failed += not good
    for line in detail.splitlines()[:40]:
        print(f"# {line}")
    print(f"{'' if good else 'not '}ok {count} - {name}", flush=True)


def run(argv, **more):
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, **more)


def sources(ending):
    for folder in FOLDERS:
        yield from sorted(str(p.relative_to(ROOT)) for p in (ROOT / folder).rglob(f"*.{ending}"))


def planted(tree, path, text):
    """A copy of the checked tree with one line added to a file."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("vectors"))
    shutil.copy(ROOT / "LAYERS", tree / "LAYERS")
    target = tree / path
    target.write_text(target.read_text() + text)


def check_layers():
    result = run(["python3", "tools/check_layers.py"])
    report(result.returncode == 0, "every include goes down the layers", result.stdout)
    with tempfile.TemporaryDirectory() as folder:
        planted(pathlib.Path(folder), "base/crc.c", '\n#include "management/module.h"\n')
        result = run(["python3", "tools/check_layers.py", folder])
        report(result.returncode != 0 and "base/crc.c" in result.stdout,
               "an upward include that was planted is caught")


def check_conformance():
    result = run(["python3", "tools/check_conformance.py"])
    report(result.returncode == 0, "every test that docs/conformance.md names exists",
           result.stdout)


def compile_into(folder, room, code):
    source = pathlib.Path(folder) / "planted.c"
    source.write_text(code)
    build = pathlib.Path(folder) / "build" / room
    build.mkdir(parents=True)
    run(["gcc", "-c", str(source), "-o", f"{folder}/planted.o"], check=True)
    run(["ar", "rcs", str(build / "libwk_planted.a"), f"{folder}/planted.o"], check=True)


def check_core():
    for build in ("release", "cortexm"):
        result = run(["python3", "tools/check_core.py", f"build/{build}"])
        report(result.returncode == 0,
               f"core rooms have no heap, stdio, double or global state ({build})",
               result.stdout)
    plants = {
        "malloc": "#include <stdlib.h>\nvoid *wk_plant(void);\n"
                  "void *wk_plant(void) { return malloc(9); }\n",
        "printf": "#include <stdio.h>\nint wk_plant(int a);\n"
                  "int wk_plant(int a) { return printf(\"%d\", a); }\n",
        "global mutable state": "int wk_plant = 7;\n",
        "without the prefix": "int plant(void);\nint plant(void) { return 1; }\n",
    }
    for what, code in plants.items():
        with tempfile.TemporaryDirectory() as folder:
            compile_into(folder, "base", code)
            result = run(["python3", "tools/check_core.py", f"{folder}/build"])
            report(result.returncode != 0 and what in result.stdout,
                   f"a planted violation is caught: {what}")
    with tempfile.TemporaryDirectory() as folder:
        planted(pathlib.Path(folder), "base/crc.c", "\nstatic double g_plant;\n#if 1\n#endif\n")
        result = run(["python3", "tools/check_core.py", "build/release", folder])
        report(result.returncode != 0 and "double" in result.stdout
               and "conditional" in result.stdout,
               "a planted double and a planted #if are caught")


def check_names():
    result = run(["python3", "tools/check_names.py", "build/release"])
    report(result.returncode == 0, "no two sources define one name", result.stdout)
    with tempfile.TemporaryDirectory() as folder:
        compile_into(folder, "app", "int wk_object_find(void);\n"
                                    "int wk_object_find(void) { return 0; }\n")
        result = run(["python3", "tools/check_names.py", "build/release",
                      f"{folder}/planted.o"])
        report(result.returncode != 0 and "wk_object_find" in result.stdout,
               "a name that was planted twice is caught")


def check_generated():
    for generator in ("gen_events", "gen_spectrum", "objects"):
        result = run(["python3", f"tools/{generator}.py", "--check"])
        report(result.returncode == 0, f"what {generator} writes is fresh", result.stderr)


def check_format():
    files = [*sources("c"), *sources("h")]
    result = run(["clang-format", "--dry-run", "-Werror", *files])
    report(result.returncode == 0, "clang-format changes nothing", result.stderr)


def check_clang():
    configure = run(["cmake", "--preset", "clang"])
    built = run(["cmake", "--build", "build/clang"]) if configure.returncode == 0 else configure
    report(built.returncode == 0, "clang compiles everything without a warning",
           built.stdout[-4000:])


def check_tidy():
    files = [f for f in sources("c") if not f.startswith(("tests/", "port/cortexm"))
             and not f.endswith(("_test.c", "_fuzz.c"))]
    result = run(["xargs", "-P", str(os.cpu_count() or 2), "-n", "6", "clang-tidy", "--quiet",
                  "-p", "build/clang"], input="\n".join(files))
    report(result.returncode == 0, "clang-tidy has nothing to say", result.stdout)


def check_cppcheck():
    folders = [f for f in FOLDERS if f != "tests"]
    result = run(["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "-I.",
                  "--enable=warning,performance,portability", "--inline-suppr",
                  "--suppress=missingIncludeSystem", "-j", str(os.cpu_count() or 2), *folders])
    report(result.returncode == 0, "cppcheck has nothing to say", result.stderr)


def main():
    check_layers()
    check_conformance()
    check_core()
    check_names()
    check_generated()
    check_format()
    check_clang()
    check_tidy()
    check_cppcheck()
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
