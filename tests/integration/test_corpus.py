#!/usr/bin/env python3
"""Real MOF: each file of a corpus gets from mofcomp what is known of it.

$NSGATE_MOF_CORPUS, or ../shared/mof-corpus beside the source tree, holds
index.tsv (what a check of the syntax must answer), malformed/manifest.tsv
(what a compile must) and whole schemas; without it this is skipped."""
import csv
import os
import re
import resource
import subprocess
import sys

from harness import DEADLINE, SRC, expect, expect_equal, main, test

sys.path.insert(0, os.path.join(SRC, "tests/policy/mofcomp"))
# pylint: disable=wrong-import-position,wrong-import-order
from mofcomp_state import ENVIRONMENT, MOFCOMP, State  # noqa

CORPUS = os.environ.get("NSGATE_MOF_CORPUS") or os.path.join(
    SRC, "../shared/mof-corpus")
PEGASUS = "files/OpenPegasus+OpenPegasus/pegasus/Schemas/"
ERROR = re.compile(r"^(.*?):(?:(\d+):(\d+):)? error 0x([0-9A-F]{8}): (.*)$",
                   re.MULTILINE)


def rows(name):
    with open(os.path.join(CORPUS, name), newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t",
                                   quoting=csv.QUOTE_NONE))


def errors(text):
    """(file, line, column, code, text) of each."""
    return [(os.path.basename(m[1]), int(m[2] or 0), int(m[3] or 0),
             int(m[4], 16), m[5]) for m in ERROR.finditer(text)]


def check(path):
    done = subprocess.run([MOFCOMP, "-check", path], env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=DEADLINE * 2,
                          check=False)
    return done.returncode, done.stderr.decode()


def index_problem(row):
    """None, or how the answer differs from the index."""
    code, err = check(os.path.join(CORPUS, row["file"]))
    expected = row["expect (-check)"]
    if expected.startswith("accept"):
        return None if code == 0 else "exit %d: %s" % (code, err[:300])
    place = re.fullmatch(r"reject (\d+):(\d+) \S+", expected)
    expect(place, "the index says %r" % expected)
    # One run shows several mistakes; the index names one of them.
    if code == 3 and (int(place[1]), int(place[2])) in (
            e[1:3] for e in errors(err)):
        return None
    return "exit %d, expected %s: %s" % (code, expected, err[:300])


def index_check(binary):
    chosen = [r for r in rows("index.tsv")
              if ("binary" in r["expect (-check)"]) == binary]
    wrong = []
    for row in chosen:
        problem = index_problem(row)
        if problem:
            wrong.append("%s: %s" % (row["file"], problem))
    expect(not wrong, "%d of %d files" % (len(wrong), len(chosen)),
           *wrong[:20])
    return len(chosen)


def text_files():
    expect(index_check(False) > 900, "the index is short")


def binary_files():
    expect(index_check(True) > 100, "the index is short")


def one_of(value, expected):
    return str(value) in expected.split("|")


def manifest_problem(row):
    """Compiled into an empty repository."""
    state = State()
    path = os.path.join(CORPUS, "malformed", row["file"] + ".mof")
    done = subprocess.run(state.arguments([path]), env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=DEADLINE,
                          check=False)
    err = done.stderr.decode()
    said = "exit %d: %s" % (done.returncode, err[:300])
    if not one_of(done.returncode, row["exit"]):
        return said
    if row["exit"] == "0":
        return None
    found = errors(err)
    if len(found) != 1:
        return "%d errors, %s" % (len(found), said)
    name, line, column, code, _ = found[0]
    if row["hres"] != "-" and not any(int(h, 16) == code
                                      for h in row["hres"].split("|")):
        return said
    # What the text shows is phase 1 and exit 3, the store phase 3 and 1.
    if not one_of({3: 1, 1: 3}[done.returncode], row["phase"]):
        return said
    if row["line:col"].startswith("limit"):
        return None
    if row["line:col"].startswith("offset"):
        place = ":0x%X" % int(row["line:col"].split()[1])
        return None if name.endswith(place) else said
    for place in row["line:col"].split("|"):
        m = re.fullmatch(r"(?:(.*):)?(\d+):(\d+)", place)
        if m and (line, column) == (int(m[2]), int(m[3])) and \
                m[1] in (None, name):
            return None
    return "expected %s, %s" % (row["line:col"], said)


def malformed():
    wrong = []
    chosen = [r for r in rows("malformed/manifest.tsv")
              if "generate it" not in (r["note"] or "")]
    for row in chosen:
        problem = manifest_problem(row)
        if problem:
            wrong.append("%s: %s" % (row["file"], problem))
    expect(not wrong, "%d of %d" % (len(wrong), len(chosen)), *wrong)
    expect(len(chosen) > 60, "the manifest is short")


def generated():
    """Rows of the manifest that are too large to keep."""
    names = sorted(r["file"] for r in rows("malformed/manifest.tsv")
                   if "generate it" in (r["note"] or ""))
    expect_equal(names, ["111_depth_embedded", "115_long_string"],
                 "what is to be generated")
    state = State()
    deep = "class A { A a; };\ninstance of A {" + \
        " a = instance of A {" * 20000 + " };" * 20000 + " };\n"
    _, err = state.run(state.file("deep.mof", deep), code=3)
    # The statement's own instance is the first, so the 101st is too many.
    expect_equal(errors(err)[0][:4],
                 ("deep.mof", 2, 15 + 20 * 100 + 6, 0x80044017),
                 "the first instance too deep")
    for size, code in ((8 << 20, 3), (1 << 20, 0)):
        text = 'class A { string s = "%s"; };\n' % ("x" * size)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        state.run(state.file("long.mof", text), code=code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        expect(after < max(before, 400 << 10), "%d KiB" % after)


def schema(folder, name, classes, qualifiers):
    """The whole of it, in one transaction, into an empty repository."""
    def run():
        state = State()
        state.run(os.path.join(CORPUS, folder, name))
        expect_equal((state.query("SELECT count(*) FROM class")[0][0],
                      state.query("SELECT count(*) FROM qualifier")[0][0]),
                     (classes, qualifiers), "classes and qualifiers")
        state.expect_generation(1)
    return run


def absent():
    print("# skipped: no corpus in %s" % os.path.relpath(CORPUS, SRC))


if os.path.exists(os.path.join(CORPUS, "index.tsv")):
    test("each text file passes the check or fails where the index says")(
        text_files)
    test("each binary file passes the check")(binary_files)
    test("each malformed file is refused as the manifest says")(malformed)
    test("what is deep or long ends at its limit")(generated)
    test("DMTF's schema 2.41 compiles whole")(
        schema("cim-2.41", "cim_schema_2.41.0.mof", 1438, 70))
    test("the schema CIM 2.9 compiles whole")(
        schema(PEGASUS + "CIM29", "CIM_Schema.mof", 1202, 62))
    test("the schema CIM 2.5 compiles whole")(
        schema(PEGASUS + "CIM25", "CIM_Schema25.mof", 776, 59))
else:
    test("a corpus of real files: skipped, there is none")(absent)

main()
