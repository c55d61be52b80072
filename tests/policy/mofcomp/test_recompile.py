#!/usr/bin/env python3
"""Compiling again: what each -class: and -instance: switch lets happen, the
exit code of what it refuses, and that a refusal changes nothing."""

from mofcomp_state import State, expect, expect_equal
from harness import main, scratch, test

IN_T = '#pragma namespace("\\\\\\\\.\\\\root\\\\t")\n'
OLD = "class Base { [Key] string Name; uint8 Old; };\n"
NEW = "class Base { [Key] string Name; uint32 More; };\n"
INSTANCE = 'instance of %s { Name = "x"; };\n'

# An exit status holds the lowest byte of 0x8004....: mofcomp(1).
EXISTS, ABSENT, CHILDREN, INSTANCES = 0x19, 0x02, 0x25, 0x26
SWITCHES = ([], ["-class:createonly"], ["-class:updateonly"],
            ["-class:safeupdate"], ["-CLASS:ForceUpdate"],
            ["-class:updateonly", "-class:forceupdate"])
CREATED, UPDATED, SAME = "created", "updated", "unchanged"
TABLE = (
    ("new", "class Other { };\n", NEW,
     (CREATED, CREATED, ABSENT, CREATED, CREATED, ABSENT)),
    ("the same", NEW + "class Child : Base { };\n" + INSTANCE % "Child", NEW,
     (SAME, EXISTS, SAME, SAME, SAME, SAME)),
    ("another one", OLD, NEW,
     (UPDATED, EXISTS, UPDATED, UPDATED, UPDATED, UPDATED)),
    ("a subclass that fits", OLD + "class Child : Base { uint8 Own; };\n",
     NEW, (1, EXISTS, CHILDREN, UPDATED, UPDATED, UPDATED)),
    ("a subclass that contradicts",
     OLD + "class Child : Base { string More; };\n", NEW,
     (1, EXISTS, CHILDREN, CHILDREN, UPDATED, UPDATED)),
    ("instances", OLD + INSTANCE % "Base", NEW,
     (1, EXISTS, INSTANCES, INSTANCES, INSTANCES, INSTANCES)),
    ("instances of a subclass",
     OLD + "class Child : Base { };\n" + INSTANCE % "Child", NEW,
     (1, EXISTS, INSTANCES, INSTANCES, INSTANCES, INSTANCES)),
    ("other words", '[Description("a")] ' + NEW +
     "class Child : Base { };\n" + INSTANCE % "Child",
     '[Description("b")] ' + NEW,
     (UPDATED, EXISTS, UPDATED, UPDATED, UPDATED, UPDATED)),
)
CODES = {EXISTS: "0x80041019", ABSENT: "0x80041002", CHILDREN: "0x80041025",
         INSTANCES: "0x80041026", 1: "0x8004102"}


def everything(s):
    return [s.query("SELECT * FROM %s" % table) for table in
            ("policy", "namespace", "class", "instance")], s.image()


def expect_outcome(s, words, outcome, kind, what):
    before = everything(s)
    code = outcome if isinstance(outcome, int) else 0
    out, err = s.run(*words, code=code)
    if code != 0:
        expect("error %s" % CODES[code] in err, what, err)
        expect_equal(everything(s), before, what)
        return
    for word in (CREATED, UPDATED, SAME):
        said = any(kind in part and word in part for part in out.split(","))
        expect_equal(said, word == outcome, "%s: %s" % (what, out))


@test("each -class: switch does what the table of docs/repository.md says")
def classes():
    for state, before, compiled, outcomes in TABLE:
        for switches, outcome in zip(SWITCHES, outcomes):
            s = State()
            s.run(s.file("before.mof", IN_T + before))
            expect_outcome(s, switches + [s.file("a.mof", IN_T + compiled)],
                           outcome, "class", "%s, %s" % (state, switches))


@test("forceupdate says what it takes out of a subclass")
def force_tells():
    s = State()
    s.run(s.file("before.mof", IN_T + OLD +
                 "class Child : Base { string More; };\n"))
    path = s.file("a.mof", IN_T + NEW)
    _, err = s.run("-class:safeupdate", path, code=CHILDREN)
    expect("a.mof:2:1: error 0x80041025: class Base would contradict its "
           "subclass Child, whose property More has another type" in err, err)
    _, err = s.run("-class:forceupdate", path)
    expect("a.mof:2:1: note: forceupdate takes property More out of subclass "
           "Child: it has another type" in err, err)


@test("a pragma in the file beats the switch, from where it stands")
def pragmas():
    s = State()
    s.run(s.file("before.mof", IN_T + NEW))
    for pragma, switches, code in (
            ('classflags("createonly")', [], EXISTS),
            ('classflags("updateonly", "forceupdate")',
             ["-class:createonly"], 0),
            ("classflags(64)", ["-class:createonly"], 0),
            ('classflags("updateonly,safeupdate")', [], 0),
            ('instanceflags("createonly")', [], 0),
            ('classflags("createonly","updateonly")', [], 3),
            ('classflags("safeupdate","forceupdate")', [], 3),
            ("classflags(96)", [], 3), ("classflags(4)", [], 3),
            ('classflags("never")', [], 3), ("classflags()", [], 3),
            ('instanceflags("forceupdate")', [], 3),
            ("instanceflags(32)", [], 3)):
        s.run(*switches, s.file("a.mof", "#pragma %s\n%s%s" % (
            pragma, IN_T, NEW)), code=code)


@test("each -instance: switch does what the table of docs/repository.md says")
def instances():
    thing = "class A { [Key] string K; uint8 P; };\n"
    row = 'instance of A { K = "x"; P = %d; };\n'
    for before, compiled, outcomes in (
            (thing, row % 1, (CREATED, CREATED, ABSENT)),
            (thing + row % 1, row % 1, (SAME, EXISTS, SAME)),
            (thing + row % 1, row % 2, (UPDATED, EXISTS, UPDATED))):
        for switches, outcome in zip(([], ["-instance:createonly"],
                                      ["-instance:updateonly"]), outcomes):
            s = State()
            s.run(s.file("before.mof", IN_T + before))
            expect_outcome(s, switches + [s.file("a.mof", IN_T + compiled)],
                           outcome, "instance", "%s %s" % (compiled, switches))


@test("-instance:createonly lets no namespace change that exists")
def namespaces():
    s = State()
    secure = "[RequiresEncryption(%s)] instance of __SystemSecurity { };\n"
    child = 'instance of __Namespace { Name = "n"; };\n'
    s.run(s.file("before.mof", IN_T + NEW))
    for text, code in ((child, 0), (child, EXISTS), (secure % "TRUE", EXISTS),
                       (secure % "FALSE", 0)):
        s.run("-instance:createonly", s.file("a.mof", IN_T + text), code=code)
    s.run("-instance:updateonly", s.file("a.mof", IN_T + child))
    s.run("-instance:updateonly", s.file("b.mof", IN_T + child.replace(
        '"n"', '"m"')), code=ABSENT)
    s.run("-instance:updateonly", s.file("a.mof", IN_T + secure % "TRUE"))
    expect_equal(s.encrypted(), ["root\\t"], "encrypted")


@test("FAIL wants something to delete, NOFAIL does not: exit 1 or 0")
def deletes():
    s = State()
    s.run(s.file("before.mof", IN_T + NEW + "class Child : Base { };\n" +
                 INSTANCE % "Child"))
    for what in ('deleteclass("None", FAIL)',
                 'deleteinstance("Base.Name=\\"y\\"", FAIL)',
                 'deleteinstance("None.Name=\\"y\\"", FAIL)'):
        before = everything(s)
        _, err = s.run("-class:createonly", s.file(
            "a.mof", "%sclass Fresh { };\n#pragma %s\n" % (IN_T, what)),
            code=1)
        expect("a.mof:3:" in err and "error 0x80041002" in err, err)
        expect_equal(everything(s), before, what)
        s.run(s.file("a.mof", "%s#pragma %s\n" % (
            IN_T, what.replace("FAIL", "NoFail"))))
    out, _ = s.run(s.file("a.mof", IN_T + '#pragma deleteinstance('
                          '"Base.Name=\\"x\\"", FAIL)\n'))
    expect("1 instance deleted" in out, out)
    out, _ = s.run(s.file("a.mof", IN_T +
                          '#pragma deleteclass("base", FAIL)\n' + NEW))
    expect("1 class created, 2 classes deleted" in out, out)


@test("a class that is deleted and declared again may become another one")
def deleted_and_declared():
    s = State()
    s.run(s.file("before.mof", IN_T + OLD + INSTANCE % "Base"))
    out, _ = s.run(s.file("a.mof", IN_T + '#pragma deleteclass("Base", FAIL)'
                          "\n" + NEW + INSTANCE % "Base"))
    expect("1 instance created" in out and "1 instance deleted" in out, out)


@test("one refusal in the last of many files undoes all of them")
def one_transaction():
    s = State()
    s.run(s.file("before.mof", IN_T + NEW))
    before = everything(s)
    first = s.file("1.mof", IN_T + "class Fresh { };\n"
                   "[RequiresEncryption(TRUE)] instance of __SystemSecurity "
                   "{ };\n")
    last = s.file("2.mof", '#pragma classflags("createonly")\n' + IN_T + NEW)
    s.run(first, last, code=EXISTS)
    expect_equal(everything(s), before, "the repository")
    expect("policy.image.new" not in s.names(), "policy.image.new is left")


if __name__ == "__main__":
    scratch()
    main()
