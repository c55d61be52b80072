#!/usr/bin/env python3
"""-AMENDMENT, -MOF and -MFL: one source as two, which say the same together."""
import json
import os
import subprocess

from mofcomp_state import (ENVIRONMENT, MOFCOMP, State, expect,
                           expect_equal)
from harness import SRC, main, scratch, test

MASTER = r"""
#pragma namespace("\\\\.\\root")
instance of __Namespace { Name = "TEST"; };
#pragma namespace("\\\\.\\root\\TEST")
[Description("Localized version of MyClass") : Amended, LOCALE(0x409)]
class myclass
{
    [DisplayName("User Name") : Amended, Description("The name") : Amended,
     key] string Name;
    uint64 Value = 7;
    [DisplayName("Time Stamp") : Amended] uint64 Timestamp;
    [Description("does") : Amended] uint32 Do(
        [in, Description("x") : Amended, id(0)] string A, [out, id(1)] uint8 B);
    uint32 Plain();
};
class Between : myclass { uint8 Own; };
class Sub : Between { [Description("more") : Amended ToSubclass] string M; };
class Other { string X; };
instance of myclass { Name = "a"; };
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
"""


def split(s, text, *switches, code=0):
    paths = [os.path.join(s.top, n) for n in ("n.mof", "l.mfl")]
    out = s.run("-MOF:" + paths[0], "-MFL:" + paths[1], *switches,
                s.file("m.mof", text), code=code)
    return paths, out


def classes(s, *paths):
    """(namespace, class) -> its declaration; and the other statements."""
    out, _ = s.run("--dump=json", *paths)
    found, others = {}, []
    for st in json.loads(out):
        for key in ("file", "line", "lastLine"):
            st.pop(key, None)
        if st["statement"] == "class":
            found[st["namespace"], st["class"]] = st
        else:
            others.append(st)
    return found, others


def amended(qualifiers, wanted):
    return [q for q in qualifiers or []
            if ("Amended" in q.get("flavors", [])) == wanted]


def elements(st):
    """Path of each element of a class -> its qualifiers."""
    found = {(): st.get("qualifiers", [])}
    for p in st.get("properties", []):
        found["property", p["name"]] = p.get("qualifiers", [])
    for m in st.get("methods", []):
        found["method", m["name"]] = m.get("qualifiers", [])
        for p in m.get("parameters", []):
            found["method", m["name"], p["name"]] = p.get("qualifiers", [])
    return found


def expect_together(s, text, locale, *switches):
    """What is amended is in the one, what is not in the other: together they
    are the master."""
    (neutral, localized), _ = split(s, text, *switches)
    master, rest = classes(s, s.file("m.mof", text))
    first, first_rest = classes(s, neutral)
    second, _ = classes(s, localized)
    expect_equal(first_rest, rest, "what is no class")
    expect_equal(list(first), list(master), "the classes")
    for (namespace, name), st in master.items():
        other = second.get(("%s\\%s" % (namespace, locale), name))
        for path, quals in elements(st).items():
            expect_equal(elements(first[namespace, name])[path],
                         amended(quals, False), "neutral %s" % (path,))
            there = elements(other).get(path) if other else None
            expect_equal(amended(there, True), amended(quals, True),
                         "localized %s" % (path,))
    return first, second


@test("what is amended goes into a namespace of its language, all else stays")
def shape():
    s = State()
    first, second = expect_together(s, MASTER, "ms_409", "-AMENDMENT:ms_409")
    expect_equal(sorted(name for _, name in second),
                 ["Between", "Sub", "myclass"], "localized classes")
    marks = {q["name"].lower(): q["value"]
             for q in second["root\\TEST\\ms_409", "myclass"]["qualifiers"]}
    expect_equal((marks["amendment"], marks["locale"]), (True, "ms_409"),
                 "marks")
    names = [p["name"] for p in
             second["root\\TEST\\ms_409", "myclass"]["properties"]]
    expect_equal(names, ["Name", "Timestamp"], "properties")
    expect_equal(len(first), 4, "neutral classes")
    expect_equal(s.names(), [], "stored")


@test("both compile, alone and together, and protect what the master does")
def compiles():
    s = State()
    (neutral, localized), (out, _) = split(s, MASTER, "-AMENDMENT:MS_409")
    expect("split into" in out, out)
    s.run("--quiet", neutral)
    s.run("--quiet", localized)
    both = State()
    both.run("--quiet", localized, neutral)
    for state in (s, both):
        expect_equal([n.lower() for n in state.encrypted()], ["root\\test"],
                     "encrypted")
        expect_equal(state.query("SELECT count(*) FROM class WHERE body IS "
                                 "NOT NULL"), [(7,)], "classes")


@test("the pragma names the language, the switch wins, neither is an error")
def language():
    s = State()
    pragma = '#pragma amendment("MS_407")\n' + MASTER
    for text, switches, locale in ((pragma, [], "MS_407"),
                                   (pragma, ["--amendment=MS_409"], "MS_409")):
        (_, localized), _ = split(s, text, *switches)
        with open(localized, encoding="utf-8") as f:
            expect('Name = "%s"' % locale in f.read(), locale)
    _, (_, err) = split(State(), MASTER, code=1)
    expect("no language is named" in err, err)


@test("both files or none are written, and bad switches are exit 2")
def refusals():
    s = State()
    for words in (["-MOF:a"], ["-MFL:a"], ["-AMENDMENT:MS_409"],
                  ["-MOF:a", "-MFL:b", "-AMENDMENT:a\\b"],
                  ["-MOF:a", "-MFL:b", "--dry-run"],
                  ["-MOF:a", "-MFL:b", "-B:c"], ["-MOF:", "-MFL:b"]):
        s.run(*words, s.file("m.mof", MASTER), code=2)
    split(s, "class A { string };", "-AMENDMENT:MS_409", code=3)
    s.run("-MOF:" + os.path.join(s.top, "n.mof"), "-MFL:/dev/full/x",
          "-AMENDMENT:MS_409", s.file("m.mof", MASTER), code=1)
    expect_equal(sorted(os.listdir(s.top)), ["m.mof", "run", "state"],
                 "files")


@test("real files with amended qualifiers are the same in two")
def real():
    corpus = os.environ.get("NSGATE_MOF_CORPUS") or os.path.join(
        SRC, "../shared/mof-corpus")
    schemas = os.path.join(corpus, "files/PowerShell+PSDscResources")
    if not os.path.isdir(schemas):
        print("# no corpus at %s: skipped" % corpus)
        return
    s, count = State(), 0
    for top, _, names in os.walk(schemas):
        for name in sorted(names):
            if not name.endswith(".mfl"):
                continue
            with open(os.path.join(top, name), "rb") as f:
                data = f.read()
            marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
            text = data.decode("utf-16" if marked else "utf-8")
            # Its superclass is elsewhere.
            text = "class OMI_BaseResource { };\n" + text
            if subprocess.run([MOFCOMP, "-check", s.file("m.mof", text)],
                              env=ENVIRONMENT, stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              check=False).returncode != 0:
                continue
            expect_together(s, text, "MS_409", "-AMENDMENT:MS_409")
            count += 1
    expect(count > 3, "only %d files" % count)


@test("nothing is written over what is read, nor one half over the other")
def overwrites():
    s = State()
    path = s.file("m.mof", MASTER)
    os.symlink(path, os.path.join(s.top, "link.mof"))
    new = os.path.join(s.top, "n.mof")
    dotted = os.path.join(s.top, ".", "n.mof")
    for words in (["-B:" + path, path],
                  ["-B:" + os.path.join(s.top, "link.mof"), path],
                  ["-AMENDMENT:MS_409", "-MOF:" + path, "-MFL:" + new, path],
                  ["-AMENDMENT:MS_409", "-MOF:" + new, "-MFL:" + path, path],
                  ["-AMENDMENT:MS_409", "-MOF:" + new, "-MFL:" + new, path],
                  ["-AMENDMENT:MS_409", "-MOF:" + new, "-MFL:" + dotted,
                   path]):
        done = subprocess.run([MOFCOMP, *words], capture_output=True,
                              text=True, env=ENVIRONMENT, check=False)
        expect_equal((words, done.returncode), (words, 2), "exit status")
        expect("would be written over" in done.stderr or
               "name one file" in done.stderr, done.stderr)
        with open(path, encoding="utf-8") as f:
            expect_equal(f.read(), MASTER, "the source")
        expect(not os.path.exists(new), "something was written")


if __name__ == "__main__":
    scratch()
    main()
