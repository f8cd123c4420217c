#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what the tests notice: changes one thing in a source, and asks whether a test fails.

usage: mutate.py [--sample N] [--seed N] [--jobs 1|2] [--survivors] [--tap] ROOM|FILE...
       mutate.py --all [--write]      the whole campaign; --write renews docs/mutation.md

Rooms: store, tariff, supply, tamper. A mutant is one change of one line: an operator, a constant, a
condition, an index, an error that becomes success, a statement that is gone. Its file is compiled and
linked with the tests of its room, which run in turn until one fails. tcc compiles the first look, in
a hundredth of a second; what survives it is compiled by gcc, with the sanitizers:

  killed      a test failed, crashed, or took five times as long as without the change
  same        the compiler made the very same machine code: no program can tell the difference
  invalid     it does not compile
  equivalent  listed with its reason in tests/mutation/equivalent.txt
  survived    no test noticed it, with and without the sanitizers: a test is missing

The score is killed / (killed + survived). --survivors repeats those that survived the last run.
Results go to build/report/mutation-<room>.json."""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import math
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "report"
EQUIVALENT = ROOT / "tests" / "mutation" / "equivalent.txt"
DOCUMENT = ROOT / "docs" / "mutation.md"
BUILD = "build/mutation"
SANITIZED = "build/mutation-sanitized"
FLAGS = {BUILD: "-O2 -w", SANITIZED: "-O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all"}
CPU_FACTOR = 5 # of the time without a change: a test that takes longer noticed it
UNCHANGED_S = 600 # for a test of unchanged code
WALL_FACTOR = 30
SAMPLE_GOAL = 0.85 # of a sample; the whole campaign judges by the goal of the room
MEMORY_MAX = 2 << 30
QUICK_COMPILER = shutil.which("tcc")

# room -> sources, tests (the quick ones first), the score it must reach
HARNESS = ("store_powercut", "--steps", "4", "--chain", "200", "--geometry", "0")
ROOMS = {
    "store": (["store", "store_medium", "store_mount", "store_read"],
              [("store_format_test",), ("store_test",), ("store_edge_test",),
               ("store_figure_test",), ("powercut_sweep_test",), HARNESS], 1.0),
    "tariff": (["tariff", "tariff_pack", "registers", "demand", "price", "billing",
                "power_factor", "clock"],
               [("tariff_test",), ("tariff_edge_test",), ("registers_test",), ("demand_test",),
                ("price_test",), ("billing_test",), ("power_factor_test",), ("clock_test",),
                ("clock_edge_test",),
                ("module_test",)], 0.85),
    "supply": (["supply", "contact", "limiter", "protection", "reclose", "relay", "response",
                "latch", "module_supply", "module_supply_pack"],
               [("supply_test",), ("supply_edge_test",), ("control_test",), ("control_edge_test",),
                ("module_supply_test",),
                ("module_supply_edge_test",)], 0.85),
    "tamper": (["tamper", "tamper_look", "tamper_pack"], [("tamper_test",)], 0.85),
}

TOKEN = re.compile(r"""
      (?P<comment>/\*.*?\*/) | (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+\.\d*(?:[eE][-+]?\d+)?[fF]?|\d+[uUlL]*)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%<>=!&|^~?:;,.(){}\[\]])
    | (?P<space>\s+)""", re.X | re.S | re.M)

SWAPS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
         "==": ("!=",), "!=": ("==",), "&&": ("||",), "||": ("&&",),
         "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("/",),
         "<<": (">>",), ">>": ("<<",), "&": ("|",), "|": ("&",), "^": ("|",),
         "+=": ("-=",), "-=": ("+=",), "|=": ("&=",), "&=": ("|=",), "*=": ("/=",),
         "/=": ("*=",), "<<=": (">>=",), ">>=": ("<<=",), "^=": ("|=",),
         "++": ("--",), "--": ("++",)}
RELATIONS = {"<", "<=", ">", ">=", "==", "!="}
TYPES = {"const", "static", "struct", "enum", "union", "bool", "char", "int", "unsigned", "float",
         "size_t", "void", "short", "long", "extern"}
NO_STATEMENT = {"if", "while", "for", "do", "else", "switch", "case", "default", "return", "goto",
                "typedef"}

Token = collections.namedtuple("Token", "kind text begin end")
Mutant = collections.namedtuple("Mutant", "file function line operator begin end text old new")


def tokens_of(source):
    """Tokens without spaces and comments; a directive is one token."""
    result = []
    at = 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            raise SystemExit(f"cannot read {source[at:at + 20]!r}")
        if match.lastgroup not in ("space", "comment"):
            result.append(Token(match.lastgroup, match.group(), match.start(), match.end()))
        at = match.end()
    return result


def matching(tokens, at):
    """Index of the bracket that closes the one at `at`."""
    opens = tokens[at].text
    closes = {"(": ")", "{": "}", "[": "]"}[opens]
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i].text == opens) - (tokens[i].text == closes)
        if depth == 0:
            return i
    raise SystemExit("brackets do not match")


def functions_of(tokens):
    """Yields (name, type of result, first token, last token) of each function body."""
    at = 0
    begin = 0
    while at < len(tokens):
        text = tokens[at].text
        if text in (";",) or tokens[at].kind == "directive":
            begin = at + 1
        if text == "{":
            end = matching(tokens, at)
            if tokens[at - 1].text == ")":
                name = next(i for i in range(begin, at) if tokens[i + 1].text == "(")
                yield (tokens[name].text, " ".join(t.text for t in tokens[begin:name]), at, end)
                begin = end + 1
            at = end
        at += 1


class Source:
    def __init__(self, path):
        self.path = path
        self.text = (ROOT / path).read_text()
        self.tokens = tokens_of(self.text)
        self.mutants = []
        self.function = ""

    def add(self, operator, first, last, text):
        """Replaces the tokens first..last."""
        begin = self.tokens[first].begin
        end = self.tokens[last].end
        line = self.text.count("\n", 0, begin) + 1
        changed = self.text[:begin] + text + self.text[end:]
        rest = self.text[end:].find("\n")
        from_line = self.text.rfind("\n", 0, begin) + 1
        old = self.text[from_line:end + rest]
        new = changed[from_line:begin + len(text) + rest]
        self.mutants.append(Mutant(self.path, self.function, line, operator, begin, end, text,
                                   " ".join(old.split()), " ".join(new.split())))

    def original(self, first, last):
        return self.text[self.tokens[first].begin:self.tokens[last].end]

    def spaced(self, i):
        """clang-format sets spaces on both sides of binary operators only."""
        before = self.text[self.tokens[i].begin - 1]
        after = self.text[self.tokens[i].end]
        return before.isspace() and after.isspace()

    def is_declaration(self, first):
        """A statement that begins with a type. What it computes is mutated, it is not removed."""
        words = self.tokens[first:first + 3]
        if words[0].text in TYPES or words[0].text.endswith("_t"):
            return True
        return words[0].kind == "word" and words[1].kind == "word" or (
            words[0].kind == "word" and words[1].text == "*" and words[2].kind == "word" and
            not self.spaced(first + 1))

    # ---- what is mutated ----------------------------------------------------------------

    def operator(self, i):
        text = self.tokens[i].text
        if text not in SWAPS or (text not in ("++", "--") and not self.spaced(i)):
            return
        for other in SWAPS[text]:
            kind = "relation" if text in RELATIONS else \
                "logic" if text in ("&&", "||") else "arithmetic"
            self.add(kind, i, i, other)

    def constant(self, i):
        token = self.tokens[i]
        if token.text in ("true", "false"):
            self.add("constant", i, i, "false" if token.text == "true" else "true")
        if token.kind != "number":
            return
        match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", token.text)
        if match is None:  # a float
            self.add("constant", i, i, f"({token.text} + 1.0F)")
            return
        value = int(match.group(1), 0)
        for other in [value + 1] + ([value - 1] if value > 0 else []):
            self.add("constant", i, i, f"{other}{match.group(2)}")

    def condition(self, first, last):
        """Negates the tokens of a condition, unless changing its relation does that already."""
        if any(t.text in RELATIONS for t in self.tokens[first:last + 1]):
            return
        self.add("negation", first, last, f"!({self.original(first, last)})")

    def choice(self, i):
        """The condition before a question mark."""
        depth = 0
        first = i
        while first > 0:
            text = self.tokens[first - 1].text
            depth += (text in ")]") - (text in "([")
            if depth < 0 or depth == 0 and text in ("=", "return", ",", ";", "+=", "-=", "|=", "&=",
                                                    "?", ":", "{"):
                break
            first -= 1
        if first < i:
            self.condition(first, i - 1)

    def index(self, i):
        if self.tokens[i - 1].kind == "word" or self.tokens[i - 1].text in (")", "]"):
            last = matching(self.tokens, i)
            inner = self.original(i + 1, last - 1)
            self.add("index", i + 1, last - 1, f"({inner}) + 1")

    def result(self, i, end, kind):
        """return EXPRESSION ;"""
        if end == i + 1:
            self.add("removal", i, end, ";")
            return
        expression = self.original(i + 1, end - 1)
        if expression == "WK_OK":
            self.add("result", i + 1, end - 1, "WK_E_IO")
        elif expression.startswith("WK_E_") and end == i + 2:
            self.add("result", i + 1, end - 1, "WK_OK")
        elif expression not in ("0", "true", "false", "NULL"):
            self.add("result", i + 1, end - 1, "0")
            if "wk_err" in kind.split():
                self.add("result", i + 1, end - 1, "WK_E_IO")

    def statement(self, i, kind):
        """A statement that begins at token i."""
        token = self.tokens[i]
        if token.text in ("}", "{", ";") or token.kind == "directive":
            return
        end = i
        while self.tokens[end].text != ";":
            end = matching(self.tokens, end) + 1 if self.tokens[end].text in "({[" else end + 1
            if end >= len(self.tokens):
                return
        if token.text == "return":
            self.result(i, end, kind)
        elif token.text == "WK_TRY":
            self.add("removal", i, end, ";")
            self.add("result", i, end, f"(void){self.original(i + 1, end)}")
        elif token.text in ("break", "continue"):
            self.add("removal", i, end, ";")
        elif token.text not in NO_STATEMENT and not self.is_declaration(i) and \
                self.tokens[i + 1].text != ":":
            self.add("removal", i, end, ";")

    def declared_sizes(self, first, last):
        """Tokens inside the brackets of declared arrays: their sizes are no behaviour."""
        skipped = set()
        i = first
        while i < last:
            if self.tokens[i - 1].text in ("{", "}", ";") and self.is_declaration(i):
                while self.tokens[i].text not in ("=", ";"):
                    if self.tokens[i].text == "[":
                        close = matching(self.tokens, i)
                        skipped.update(range(i, close + 1))
                        i = close
                    i += 1
            i += 1
        return skipped

    def body(self, first, last, kind):
        skipped = self.declared_sizes(first, last)
        for i in range(first + 1, last):
            text = self.tokens[i].text
            if i in skipped:
                continue
            self.operator(i)
            self.constant(i)
            if text == "?":
                self.choice(i)
            if text in ("if", "while") and self.tokens[i + 1].text == "(":
                self.condition(i + 2, matching(self.tokens, i + 1) - 1)
            if text == "[":
                self.index(i)
            previous = self.tokens[i - 1].text
            after_condition = previous == ")" and self.is_end_of_condition(i - 1)
            if previous in ("{", "}", ";", "else") or after_condition or \
                    previous == ":" and self.tokens[i - 3].text in ("case", "}", ";"):
                if not self.in_for(i, first) and not self.in_braced_value(i, first):
                    self.statement(i, kind)

    def is_end_of_condition(self, close):
        depth = 0
        for i in range(close, 0, -1):
            depth += (self.tokens[i].text == ")") - (self.tokens[i].text == "(")
            if depth == 0:
                return self.tokens[i - 1].text in ("if", "while", "for")
        return False

    def in_for(self, i, first):
        """Between the brackets of a for, where no statement stands."""
        depth = 0
        for k in range(i - 1, first, -1):
            depth += (self.tokens[k].text == ")") - (self.tokens[k].text == "(")
            if depth < 0:
                return True
            if self.tokens[k].text in ("{", "}"):
                return False
        return False

    def in_braced_value(self, i, first):
        """Inside the braces of an initialiser."""
        depth = 0
        for k in range(i - 1, first, -1):
            depth += (self.tokens[k].text == "}") - (self.tokens[k].text == "{")
            if depth < 0:
                return self.tokens[k - 1].text in ("=", "(", ",", "{", "]") or \
                    self.tokens[k - 1].text == ")" and self.tokens[k - 2].kind == "word" and \
                    not self.is_end_of_condition(k - 1)
        return False

    def directive(self, token):
        """#define NAME NUMBER"""
        match = re.match(r"#define\s+(\w+)\s+(\d+|0x[0-9a-fA-F]+)([uUlL]*)\s*(/\*|$)", token.text)
        if match is None:
            return
        value = int(match.group(2), 0)
        for other in [value + 1] + ([value - 1] if value > 0 else []):
            begin = token.begin + match.start(2)
            end = token.begin + match.end(2)
            line = self.text.count("\n", 0, begin) + 1
            old = " ".join(token.text.split())
            new = " ".join((token.text[:match.start(2)] + str(other) +
                            token.text[match.end(2):]).split())
            self.mutants.append(Mutant(self.path, "#define", line, "constant", begin, end,
                                       str(other), old, new))

    def all(self):
        for token in self.tokens:
            if token.kind == "directive":
                self.directive(token)
        for name, kind, first, last in functions_of(self.tokens):
            self.function = name
            self.body(first, last, kind)
        return self.mutants


# ---- building and running -----------------------------------------------------------------------


def configure(folder, targets):
    subprocess.run(["cmake", "-S", ".", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None",
                    f"-DCMAKE_C_FLAGS={FLAGS[folder]}"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "-j2", *targets], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)


class Bench:
    """The tests of a room, built in one folder, and the commands that build them again."""

    def __init__(self, folder, tests, files):
        self.folder = ROOT / folder
        self.tests = [test for test in tests if self.exists(test[0])]
        configure(folder, [test[0] for test in self.tests])
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        self.compile = {os.path.relpath(row["file"], ROOT): row["command"].split()
                        for row in commands}
        self.link = {test: self.link_command(test[0]) for test in self.tests}
        self.objects = {}
        for path in files:
            with tempfile.TemporaryDirectory() as place:
                self.objects[path] = digest(self.compiled(path, (ROOT / path).read_text(),
                                                          pathlib.Path(place)))
        self.limit_s = {}  # (test, file, compiler) -> seconds of processor time

    @staticmethod
    def exists(name):
        lists = [ROOT / "management/CMakeLists.txt", ROOT / "tests/CMakeLists.txt"]
        return any(re.search(rf"\({name} ", file.read_text()) for file in lists)

    def program(self, name):
        test = self.folder / "test" / name
        return test if test.exists() else self.folder / "bin" / name

    def link_command(self, name):
        """What links a program, and how it names the program."""
        path = os.path.relpath(self.program(name), self.folder)
        shown = subprocess.run(["ninja", "-t", "commands", "-s", path], cwd=self.folder,
                               check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        return shown.replace(": && ", "").replace(" && :", "").split(), path

    def compiled(self, path, text, place, compiler=None):
        """Compiles a changed source. Returns the object or None."""
        source = place / pathlib.Path(path).name
        source.write_text(text)
        made = place / "mutant.o"
        argv = list(self.compile[path])
        argv[argv.index("-o") + 1] = str(made)
        argv[-1] = source.name
        if compiler is not None:
            argv = [compiler, "-w", f"-I{ROOT}", "-c", source.name, "-o", str(made)]
        done = subprocess.run(argv, cwd=place, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        return made if done.returncode == 0 else None

    def time_unchanged(self, path, text, compiler=None):
        """Unchanged code must pass with either compiler, or every mutant would seem killed; how
        long its tests take then is what a mutant's time is compared with."""
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            made = self.compiled(path, text, place, compiler)
            if made is None:
                sys.exit(f"mutate.py: {path} does not compile with {compiler or 'gcc'}")
            for test in self.tests:
                if not self.linked(test, made, place, compiler):
                    sys.exit(f"mutate.py: {test[0]} does not link with {path}")
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                verdict = self.run(test, place, UNCHANGED_S)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                if verdict is not None:
                    sys.exit(f"mutate.py: {path} fails unchanged ({verdict} {test[0]}): its "
                             "mutants prove nothing")
                self.limit_s[(test, path, compiler)] = 1 + math.ceil(
                    CPU_FACTOR * (after.ru_utime - before.ru_utime))

    def judge(self, path, made, place, compiler=None):
        """None if no test notices what is in the object; else the verdict and the test."""
        for test in self.tests:
            if not self.linked(test, made, place, compiler):
                return "invalid", ""
            verdict = self.run(test, place, self.limit_s[(test, path, compiler)])
            if verdict is not None:
                return verdict, test[0]
        return None

    def linked(self, test, made, place, compiler):
        argv, output = self.link[test]
        argv = [str(place / "program") if word == output else word for word in argv]
        argv.insert(argv.index("-o"), str(made))  # before the archives: it is taken first
        if compiler is not None:
            argv = [compiler] + [word for word in argv[1:] if word not in FLAGS[BUILD].split()]
        return subprocess.run(argv, cwd=self.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def run(self, test, place, limit_s):
        memory = None if self.folder == ROOT / SANITIZED else MEMORY_MAX

        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if memory is not None:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        try:
            done = subprocess.run([place / "program", *test[1:]], cwd=place,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=WALL_FACTOR * limit_s, preexec_fn=limit)
        except subprocess.TimeoutExpired:
            return "timeout"
        if done.returncode == 0:
            return None
        return "timeout" if done.returncode == -signal.SIGXCPU else "killed"


def digest(made):
    if made is None:
        raise SystemExit("a source does not compile without any change")
    return hashlib.sha256(made.read_bytes()).digest()


# ---- the campaign -------------------------------------------------------------------------------


def key_of(mutant):
    return (mutant.file, mutant.function, mutant.old, mutant.new)


def equivalents():
    """(file, function, old, new) -> reason. The list is blocks of
         file: function
         - old line
         + new line      (several pairs may share a reason)
         = reason"""
    known = {}
    waiting = []
    place = old = None
    for line in EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []:
        if line.startswith("- "):
            old = line[2:]
        elif line.startswith("+ "):
            waiting.append((*place, old, line[2:]))
        elif line.startswith("= "):
            known.update((key, line[2:]) for key in waiting)
            waiting = []
        elif line.startswith("management/"):
            place = tuple(line.split(": "))
    return known


def changed(mutant, source):
    return source[:mutant.begin] + mutant.text + source[mutant.end:]


def judge(mutant, source, quick, sanitized):
    """(outcome, by which test). `sanitized` gives the bench with the sanitizers."""
    text = changed(mutant, source)
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        if QUICK_COMPILER is not None:
            made = quick.compiled(mutant.file, text, place, QUICK_COMPILER)
            verdict = quick.judge(mutant.file, made, place, QUICK_COMPILER) if made is not None else None
            if verdict is not None and verdict[0] != "invalid":
                return verdict
        made = quick.compiled(mutant.file, text, place)
        if made is None:
            return "invalid", ""
        if digest(made) == quick.objects[mutant.file]:
            return "same", ""
        for bench in (quick, sanitized()) if QUICK_COMPILER is None else (sanitized(),):
            made = bench.compiled(mutant.file, text, place)
            verdict = bench.judge(mutant.file, made, place)
            if verdict is not None:
                return verdict
    return "survived", ""


def chosen(files, options, room):
    mutants = [m for path in files for m in Source(path).all()]
    if options.survivors:
        last = json.loads((REPORT / f"mutation-{room}.json").read_text())["survived"]
        wanted = {(r["file"], r["line"], r["old"], r["new"]) for r in last}
        mutants = [m for m in mutants if (m.file, m.line, m.old, m.new) in wanted]
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    return mutants


def campaign(room, files, tests, options):
    """Runs the mutants of some files. Returns (rows, stale equivalents)."""
    sources = {path: (ROOT / path).read_text() for path in files}
    mutants = chosen(files, options, room)
    known = equivalents()
    quick = Bench(BUILD, tests, files)
    lock = threading.Lock()
    thorough = []

    def sanitized():
        with lock:
            if not thorough:
                thorough.append(Bench(SANITIZED, [t for t in tests if len(t) == 1], files))
                for path, text in sources.items():
                    thorough[0].time_unchanged(path, text)
            return thorough[0]

    for path, text in sources.items():
        for compiler in [None] if QUICK_COMPILER is None else [None, QUICK_COMPILER]:
            quick.time_unchanged(path, text, compiler)
    rows = []
    begin = time.monotonic()

    def work(mutant):
        if key_of(mutant) in known:
            return "equivalent", ""
        return judge(mutant, sources[mutant.file], quick, sanitized)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutant, (outcome, by) in zip(mutants, pool.map(work, mutants)):
            rows.append({"file": mutant.file, "function": mutant.function, "line": mutant.line,
                         "operator": mutant.operator, "old": mutant.old, "new": mutant.new,
                         "outcome": "killed" if outcome == "timeout" else outcome,
                         "timeout": outcome == "timeout", "by": by})
            if len(rows) % 200 == 0 and not options.tap:
                print(f"{len(rows)} of {len(mutants)}", file=sys.stderr, flush=True)
            if outcome == "survived" and not options.tap:
                print(f"survived  {mutant.file}:{mutant.line} {mutant.function}\n"
                      f"  - {mutant.old}\n  + {mutant.new}", flush=True)
    present = {key_of(m) for m in mutants}
    whole = not (options.sample or options.survivors)
    stale = [key for key in known if whole and key[0] in files and key not in present]
    for key in stale:
        print(f"no such mutant any more: {key[0]}: {key[1]}\n  - {key[2]}\n  + {key[3]}")
    print(f"# {room}: {len(mutants)} mutants in {time.monotonic() - begin:.0f} s, "
          f"seed {options.seed}", flush=True)
    return rows, stale


def counts_of(rows):
    counts = collections.Counter(row["outcome"] for row in rows)
    counts["timeout"] = sum(row["timeout"] for row in rows)
    tested = counts["killed"] + counts["survived"]
    return counts, counts["killed"] / tested if tested else 1.0


def renewed(room, rows):
    """The last table of a room, with what became of its survivors."""
    table = json.loads((REPORT / f"mutation-{room}.json").read_text())["files"]
    for row in rows:
        counts = table[row["file"]]
        if row["outcome"] != "survived":
            counts["survived"] -= 1
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    for counts in table.values():
        tested = counts.get("killed", 0) + counts.get("survived", 0)
        counts["score"] = counts.get("killed", 0) / tested if tested else 1.0
    return table


def write_report(room, rows, again):
    REPORT.mkdir(parents=True, exist_ok=True)
    table = renewed(room, rows) if again else {}
    for path in sorted({row["file"] for row in rows}) if not again else []:
        counts, score = counts_of([row for row in rows if row["file"] == path])
        table[path] = {**counts, "mutants": sum(counts.values()) - counts["timeout"],
                       "score": score}
    (REPORT / f"mutation-{room}.json").write_text(json.dumps(
        {"files": table, "survived": [r for r in rows if r["outcome"] == "survived"]}, indent=1))
    return table


def print_table(table):
    print(f"{'':38s} mutants  killed  (late)  equivalent  same  survived   score")
    for path, row in table.items():
        print(f"{path:38s} {row['mutants']:7d} {row.get('killed', 0):7d} {row['timeout']:7d} "
              f"{row.get('equivalent', 0):11d} {row.get('same', 0):5d} "
              f"{row.get('survived', 0):9d}  {100 * row['score']:5.1f} %")


def rooms_of(names):
    """Room names or files -> (room, files, tests, goal)."""
    for name in names:
        if name in ROOMS:
            parts, tests, goal = ROOMS[name]
            yield name, [f"management/{p}.c" for p in parts], tests, goal
            continue
        part = pathlib.Path(name).stem
        room = next((r for r in ROOMS if part in ROOMS[r][0]), None)
        if room is None:
            raise SystemExit(f"'{name}' is neither a room ({' '.join(ROOMS)}) nor a file of one")
        yield room, [f"management/{part}.c"], ROOMS[room][1], ROOMS[room][2]


def write_document():
    """Renews the tables of docs/mutation.md between its marks."""
    lines = ["| file | mutants | killed | same machine code | equivalent | survived | score |",
             "|---|---|---|---|---|---|---|"]
    for room in ROOMS:
        file = REPORT / f"mutation-{room}.json"
        if not file.exists():
            continue
        for path, row in json.loads(file.read_text())["files"].items():
            lines.append(f"| `{path}` | {row['mutants']} | {row.get('killed', 0)} | "
                         f"{row.get('same', 0)} | {row.get('equivalent', 0)} | "
                         f"{row.get('survived', 0)} | {100 * row['score']:.1f} % |")
    reasons = collections.OrderedDict()
    for key, reason in equivalents().items():
        reasons.setdefault((key[0], key[1], reason), []).append((key[2], key[3]))
    known = ["| where | change | why nothing can notice it |", "|---|---|---|"]
    for (path, function, reason), pairs in reasons.items():
        change = "<br>".join(f"`{old}` → `{new}`".replace("|", "\\|") for old, new in pairs)
        known.append(f"| `{pathlib.Path(path).name}`, `{function}` | {change} | {reason} |")
    text = DOCUMENT.read_text()
    for mark, table in (("scores", lines), ("equivalent", known)):
        text = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- end -->)",
                      lambda m, t=table: m.group(1) + "\n".join(t) + "\n" + m.group(2), text,
                      count=1, flags=re.S)
    DOCUMENT.write_text(text)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("rooms", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2))
    options = parser.parse_args()
    names = list(ROOMS) if options.all else options.rooms
    failed = 0
    for number, (room, files, tests, goal) in enumerate(rooms_of(names), 1):
        if options.list:
            for m in (m for path in files for m in Source(path).all()):
                print(f"{m.file}:{m.line} {m.function} [{m.operator}]\n  - {m.old}\n  + {m.new}")
            continue
        rows, stale = campaign(room, files, tests, options)
        partial = options.sample or options.survivors or len(files) < len(ROOMS[room][0])
        table = write_report(f"{room}-part" if partial and not options.survivors else room, rows,
                             options.survivors)
        counts, score = counts_of(rows)
        goal = min(goal, SAMPLE_GOAL) if options.sample else goal
        holds = score >= goal and not stale
        failed += not holds
        if options.tap:
            for row in (r for r in rows if r["outcome"] == "survived"):
                print(f"# survived {row['file']}:{row['line']} - {row['old']} + {row['new']}")
            print("# figure " + json.dumps(
                {"figure": f"mutation score, {room}, {len(rows)} sampled", "value": 100 * score,
                 "unit": "%", "goal": f">= {100 * goal:g}", "holds": holds,
                 "seed": options.seed}))
            print(f"{'' if holds else 'not '}ok {number} - the tests of {room} notice what is "
                  f"changed", flush=True)
        else:
            print_table(table)
    if options.write:
        write_document()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
