#!/usr/bin/env python3
"""The compiler and the repository: speed, memory, and how both grow.

usage: bench_mof.py [ROUNDS [INSTANCES]]

Texts are compiled by mofcomp into an empty repository each time, a process a
compile, in one transaction.  What a compile takes is set beside something
fixed in the same round: one look at each byte of the same text, and the same
rows inserted into a table of one index (tests/bench/mof_limit.c).  Medians of
ROUNDS are shown; CPU time is user and system; memory is the largest resident
size of a process.

The DMTF's schema is read from NSGATE_MOF_CORPUS (or ../shared/mof-corpus) if
it is there; a text of similar shape that is made here stands beside it.
INSTANCES is the largest number of instances (default 1000000).
"""
import json
import os
import re
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

CORPUS = os.environ.get("NSGATE_MOF_CORPUS") or os.path.join(
    harness.SRC, "../shared/mof-corpus")
SCHEMA = os.path.join(CORPUS, "cim-2.41", "cim_schema_2.41.0.mof")
INCLUDE = re.compile(rb'^[ \t]*#pragma[ \t]+include[ \t]*'
                     rb'\([ \t]*"([^"]*)"[ \t]*\)', re.M | re.I)
NAMESPACES = (5000, 20000)
WORDS = ("The state of the element as it was last seen by the management "
         "service. A value of zero means that it is not known, and that a "
         "client should ask the element itself or wait for an indication. ")


# -- texts -------------------------------------------------------------------

def schema_in_one(path):
    """The schema with each include replaced by its file."""
    with open(path, "rb") as f:
        text = f.read()

    def included(match):
        name = match.group(1).decode().replace("\\", "/")
        return schema_in_one(os.path.join(os.path.dirname(path), name))
    return INCLUDE.sub(included, text)


def made_schema(count):
    """Classes that look like the DMTF's: mostly prose in qualifiers."""
    yield "Qualifier Made : boolean = false, Scope(any);\n"
    for n in range(count):
        above = " : Made_Class%d" % ((n - 1) // 8) if n > 0 else ""
        yield ("// Class %d, a part of the made schema.\n\n"
               "   [Version ( \"2.%d.0\" ), UMLPackagePath ( \"Made::P%d\" ),"
               "\n    Description (\n       \"%s\"\n       \"%s\" )]\n"
               "class Made_Class%d%s {\n\n" % (
                   n, n % 40, n % 20, WORDS, WORDS, n, above))
        if n == 0:
            yield "      [Key, Description ( \"The key.\" )]\n" \
                  "   string InstanceID;\n\n"
        for p in range(5):
            yield ("      [Description (\n          \"%s\"\n          \"%s\" ),"
                   "\n       ValueMap { \"0\", \"1\", \"2\", \"3..16\" },\n"
                   "       Values { \"Unknown\", \"Other\", \"On\", \"Rest\" }"
                   ",\n       MappingStrings { \"MIF.Made|C%d|%d\" }]\n"
                   "   uint16 State%dOf%d;\n\n" % (WORDS, WORDS, n, p, p, n))
        yield ("      [Description (\n          \"%s\" )]\n"
               "   uint32 Change%d(\n         [In, Description ( \"%s\" )]\n"
               "      uint16 State,\n         [In ( false ), Out]\n"
               "      Made_Class0 REF Job%d);\n\n};\n\n" % (
                   WORDS, n, WORDS, n))


def made_instances(count, scattered=False):
    """With keys that rise, or in no order."""
    yield ('#pragma namespace("\\\\\\\\.\\\\root\\\\bench")\n'
           "class Bench_Item { [key] uint64 Id; string Name; boolean On; "
           "uint64 Size; string Tags[]; };\n")
    for n in range(count):
        yield ("instance of Bench_Item\n{\n    Id = %d;\n    Name = "
               "\"item number %d\";\n    On = %s;\n    Size = %d;\n"
               "    Tags = {\"a%d\", \"b\"};\n};\n" % (
                   n * 0x9E3779B97F4A7C15 % 2 ** 64 if scattered else n, n,
                   "TRUE" if n % 2 else "FALSE", n * 4096, n % 10))


def made_namespaces(count):
    for n in range(count):
        yield ('#pragma namespace("\\\\\\\\.\\\\root\\\\site%d\\\\rack%d")\n'
               "[RequiresEncryption(TRUE)]\n"
               "instance of __SystemSecurity { };\n" % (n // 1000, n))


def text_write(name, parts):
    path = os.path.join(harness.scratch(), name)
    with open(path, "wb") as f:
        for part in parts:
            f.write(part if isinstance(part, bytes) else part.encode())
    return path


# -- measuring ---------------------------------------------------------------

def limit(*arguments):
    return json.loads(harness.run(harness.program("tests/bench/mof_limit"),
                                  *arguments, timeout=600).stdout)


def compile_into_new(path, directory):
    """Seconds, of the clock and of CPU, and peak KiB of one mofcomp."""
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory, 0o755)
    return limit("run", harness.program("mofcomp"), "--quiet", "--state-dir",
                 directory, path)


def median_of(found, key):
    return statistics.median(f[key] for f in found)


def measure_texts(texts, rounds):
    print("\none text, MB a second of CPU, and the ratio to one look at each "
          "byte")
    print("  %-28s %6s %7s %7s %7s %16s %7s" % (
        "text", "MB", "bytes", "tokens", "syntax", "syntax+meaning",
        "ratio"))
    for name, path in texts:
        found = limit("text", path, str(rounds))
        size = found["length"] / 1e6
        rate = {p: size / found[p]
                for p in ("bytes", "tokens", "syntax", "meaning")}
        print("  %-28s %6.2f %7.0f %7.0f %7.0f %16.0f %7.1f" % (
            name, size, rate["bytes"], rate["tokens"], rate["syntax"],
            rate["meaning"], rate["bytes"] / rate["meaning"]), flush=True)


def measure_compiles(rows, rounds):
    """rows: (name, path, things in it, family whose sizes are compared)"""
    directory = os.path.join(harness.scratch(), "bench-mof")
    before = {}
    print("\ninto an empty repository, one process and transaction; CPU time "
          "beside that of bare rows")
    print("  %-28s %8s %8s %11s %8s %8s %6s" % (
        "text", "seconds", "CPU s", "things/CPU", "peak MB", "rows CPU",
        "ratio"))
    for name, path, count, family in rows:
        found, limits = [], []
        for _ in range(rounds):
            found.append(compile_into_new(path, directory))
            if family in ("instances", "scattered"):
                limits.append(limit("rows", directory, "1"))
        cpu = median_of(found, "cpu")
        line = "  %-28s %8.3f %8.3f %11.0f %8.1f" % (
            name, median_of(found, "seconds"), cpu, count / cpu,
            max(f["peak"] for f in found) / 1024)
        if limits:
            rows_cpu = median_of(limits, "seconds")
            line += " %8.3f %6.2f" % (rows_cpu, cpu / rows_cpu)
        if family in before:
            less, then = before[family]
            line += "   x%g things: x%.2f CPU" % (count / less, cpu / then)
        before[family] = count, cpu
        print(line, flush=True)
    shutil.rmtree(directory, ignore_errors=True)


def measure_in_force(path, rounds):
    """Until mofcomp says that the running workers have it."""
    seconds = []
    for _ in range(rounds):
        gate = harness.Gate(workers=2, mof=(harness.OPEN_MOF,))
        start = time.monotonic()
        said = gate.mofcomp("--quiet", path)
        seconds.append(time.monotonic() - start)
        harness.expect("not in force" not in said.stderr, "in force")
        gate.close()
    print("\n%d namespaces in force in a running gateway of two workers: "
          "%.3f s" % (NAMESPACES[-1], statistics.median(seconds)), flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    texts, rows = [], []
    if os.path.exists(SCHEMA):
        one = text_write("schema.mof", [schema_in_one(SCHEMA)])
        texts.append(("DMTF schema 2.41, one file", one))
        rows.append(("DMTF schema 2.41, one file", one, 1438, "schema"))
    else:
        print("skipped: no DMTF schema in %s" % CORPUS)
    made = text_write("made.mof", made_schema(1400))
    texts.append(("made schema", made))
    rows.append(("made schema", made, 1400, "made"))
    for count in (10000, 100000, 1000000):
        if count <= most:
            path = text_write("i%d.mof" % count, made_instances(count))
            rows.append(("%d instances" % count, path, count, "instances"))
    for count in (100000, 1000000):
        if count <= most:
            path = text_write("s%d.mof" % count, made_instances(count, True))
            rows.append(("%d, keys in no order" % count, path, count,
                         "scattered"))
    for count in NAMESPACES:
        path = text_write("n%d.mof" % count, made_namespaces(count))
        rows.append(("%d namespaces" % count, path, count, "namespaces"))
    measure_texts(texts, 4 * rounds)
    measure_compiles(rows, rounds)
    if os.path.exists(SCHEMA):
        measure_compiles([("DMTF schema 2.41, as published", SCHEMA, 1438,
                           "published")], rounds)
    measure_in_force(path, rounds)
    harness.end_all()


if __name__ == "__main__":
    main()
