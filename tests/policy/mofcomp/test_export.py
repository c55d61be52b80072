#!/usr/bin/env python3
"""--export: MOF that compiles into an empty repository to the same content,
shown by the second export, the tables and the policy image."""
import os
import stat
import struct
import subprocess

from mofcomp_state import ENVIRONMENT, State, expect, expect_equal
from harness import SRC, main, scratch, test

ACCEPT = os.path.join(SRC, "tests/mof/accept")
CORPUS = os.environ.get("NSGATE_MOF_CORPUS") or os.path.join(
    SRC, "../shared/mof-corpus")
TABLES = (
    "SELECT path, display, encryption FROM namespace ORDER BY path",
    "SELECT n.path, d.sddl FROM descriptor d JOIN namespace n ON n.id = "
    "d.namespace ORDER BY 1",
    "SELECT n.path, q.name, q.body FROM qualifier q JOIN namespace n ON "
    "n.id = q.namespace ORDER BY 1, 2",
    "SELECT n.path, c.name, c.superclass, c.body FROM class c JOIN namespace "
    "n ON n.id = c.namespace WHERE c.body IS NOT NULL ORDER BY 1, 2",
    # In their order, which pages of instances follow.
    "SELECT n.path, c.name, i.key, i.body FROM instance i JOIN class c ON "
    "c.id = i.class JOIN namespace n ON n.id = c.namespace ORDER BY n.path, "
    "i.id",
)


def levels(state):
    """Namespace -> required level, as policy.image has it."""
    with open(os.path.join(state.dir, "policy.image"), "rb") as f:
        image = f.read()
    at, found = struct.unpack_from("=Q", image, 56)[0], {}
    while at < len(image):
        length, level = struct.unpack_from("=HB", image, at + 4)
        found[image[at + 8:at + 8 + length]] = level
        at += (8 + length + 7) // 8 * 8
    return found


def expect_round_trip(s, what, *switches):
    """The export of s in an empty repository is s again."""
    text, err = s.run("--export", "root")
    expect_equal(err, "", "said by the export of " + what)
    other = State()
    other.run(*switches, "--quiet", other.file("export.mof", text))
    for sql in TABLES:
        before, after = s.query(sql), other.query(sql)
        for one, two in zip(before, after):
            expect_equal(two, one, what)
        expect_equal(len(after), len(before), what)
    again, _ = other.run("--export", "root")
    expect_equal(again, text, what)
    expect_equal(levels(other), levels(s), "image of " + what)
    return text


@test("every file of tests/mof/accept is the same after export and compile")
def accepted():
    count = 0
    for name in sorted(os.listdir(ACCEPT)):
        path = os.path.join(ACCEPT, name)
        if not name.endswith(".mof"):
            continue
        s = State()
        done = subprocess.run(s.arguments(["--quiet", "--create", path]),
                              env=ENVIRONMENT, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:  # it wants a world that is not empty
            continue
        expect_round_trip(s, name)
        count += 1
    expect(count > 25, "only %d files" % count)


EVERYTHING = r"""
#pragma namespace("\\\\.\\Root\\One")
[NamespaceSecuritySDDL("O:BAG:BAD:(A;CI;0x60003;;;WD)")]
instance of __SystemSecurity { };
Qualifier Mark : string, Scope(class, property),
    Flavor(DisableOverride, ToSubclass);
Qualifier Plain : uint8[] = {1, 2};
[Mark("z"), Abstract] class Zebra { [Key] string Name; };
[Description("a \"quoted\"\n\\ text \x0001b") : ToSubclass Amended,
 Values{"a", "b"}]
class Apple : Zebra {
    uint8 Small = 255; sint64 Big = -9223372036854775808;
    uint64 Huge = 18446744073709551615; real32 Real = 1.5; real64 Fine = 1e-300;
    boolean Flag = TRUE; char16 Letter = 'x'; string None = NULL;
    datetime When = "20200101000000.000000+000"; string List[] = {"a", "b"};
    uint8 Fixed[3]; Zebra ref Other; Apple Inside;
    [Static] uint32 Method([In, Id(0)] string A, [Out, Id(1)] uint8 B[]);
};
class Below : Apple { };
instance of Below as $b { Name = "second \"b\""; };
instance of Apple { Name = "first"; Other = $b; Small = NULL; Flag = FALSE;
    Inside = instance of Apple { Name = "in"; List = {}; }; };
instance of __EventFilter { Name = "f"; Query = "SELECT * FROM X";
    QueryLanguage = "WQL"; };
#pragma namespace("\\\\.\\Root\\One\\TWO")
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
#pragma namespace("\\\\.\\root\\one-and")
class Alone { };
"""


@test("what the language has survives; an export is the same text each time")
def everything():
    s = State()
    s.run("--quiet", s.file("a.mof", EVERYTHING))
    text = expect_round_trip(s, "everything")
    for part in ("Qualifier Mark : string", "NamespaceSecuritySDDL",
                 "RequiresEncryption(TRUE)", '"\\\\\\\\.\\\\Root\\\\One"'):
        expect(part in text, part, text)
    expect(text.index("class Zebra") < text.index("class Apple"),
           "a subclass in front of its superclass", text)
    # The same content by another way.
    other = State()
    other.run("--quiet", other.file("a.mof", EVERYTHING))
    other.run("--quiet", other.file("b.mof", '#pragma namespace("root\\\\one")'
                                    "\nclass More { };\n"))
    other.run("--quiet", other.file("b.mof", '#pragma namespace("root\\\\one")'
                                    '\n#pragma deleteclass("More", FAIL)\n'))
    expect_equal(other.run("--export", "root")[0], text, "the other way")


@test("aliases of different files do not meet in an export")
def aliases():
    s = State()
    for name in "ab":
        s.run("--quiet", s.file(name + ".mof", "class A { [Key] string K; };\n"
                                'instance of A as $x { K = "%s"; };\n' % name))
    expect_round_trip(s, "aliases")


@test("an empty namespace that is nearly another takes --create to come back")
def near():
    s = State()
    s.run("--quiet", "--create", s.file(
        "a.mof", '#pragma namespace("root\\\\alpha")\nclass A { };\n'
        '#pragma namespace("root\\\\alphb")\n[RequiresEncryption(TRUE)] '
        "instance of __SystemSecurity { };\n"))
    expect_round_trip(s, "near", "--create")
    text, _ = s.run("--export", "root")
    _, err = State().run(s.file("b.mof", text), code=1)
    expect("did you mean root\\alpha?" in err, err)


@test("a namespace is exported with all below it and nothing beside it")
def part():
    s = State()
    s.run("--quiet", s.file("a.mof", EVERYTHING))
    text, _ = s.run("--export", "root\\ONE")
    for inside in ("Root\\\\One\"", "Root\\\\One\\\\TWO", "class Zebra"):
        expect(inside in text, inside, text)
    expect("one-and" not in text and "Alone" not in text, text)
    two, _ = s.run("--export=root/one/two", "root\\one-and")
    expect("RequiresEncryption" in two and "Alone" in two and
           "Zebra" not in two, two)


@test("--output is in place as a whole or not at all")
def output():
    s = State()
    s.run("--quiet", s.file("a.mof", EVERYTHING))
    text, _ = s.run("--export", "root")
    path = os.path.join(s.top, "out.mof")
    before = set(os.listdir(s.top))
    out, _ = s.run("--export", "root", "--output", path)
    expect_equal(out, "", "standard output")
    with open(path, encoding="utf-8") as f:
        expect_equal(f.read(), text, "the file")
    mask = os.umask(0)
    os.umask(mask)
    expect_equal(stat.S_IMODE(os.stat(path).st_mode), 0o666 & ~mask, "mode")
    with open(path, "w", encoding="utf-8") as f:
        f.write("old\n")
    _, err = s.run("--export", "root", "root\\none", "-o", path, code=1)
    expect("there is no namespace root\\none" in err, err)
    with open(path, encoding="utf-8") as f:
        expect_equal(f.read(), "old\n", "the old file")
    _, err = s.run("--export", "root", "--output=/dev/full/x", code=1)
    expect("/dev/full/x" in err, err)
    os.unlink(path)
    expect_equal(set(os.listdir(s.top)), before, "files")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(s.arguments(["--export", "root"]), stdout=full,
                              stderr=subprocess.PIPE, env=ENVIRONMENT,
                              check=False)
    expect(done.returncode == 1 and b"standard output: No space" in
           done.stderr, "a full disk", done.stderr)


@test("an export stores nothing, and says what it can't do")
def refusals():
    s = State()
    _, err = s.run("--export", "root", code=1)
    expect("repository.db" in err, err)
    expect_equal(s.names(), [], "files")
    s.run("--quiet", s.file("a.mof", EVERYTHING))
    generation = s.generation()
    for words, code in ((["--export"], 2), (["--export", "other"], 1),
                        (["--export", "\\\\m\\root"], 1),
                        (["--export", "root", "-check"], 2),
                        (["--export", "root", "--dry-run"], 2),
                        (["-o", "x", "a.mof"], 2)):
        s.run(*words, code=code)
    s.expect_generation(generation)


@test("real schemas are the same after export and compile")
def corpus():
    if not os.path.isdir(CORPUS):
        print("# no corpus at %s: skipped" % CORPUS)
        return
    schema = os.path.join(CORPUS, "cim-2.41/cim_schema_2.41.0.mof")
    s = State()
    s.run("--quiet", schema)
    expect_equal(s.query("SELECT count(*) FROM class WHERE body IS NOT NULL"),
                 [(1438,)], "classes")
    text = expect_round_trip(s, "CIM 2.41")
    print("# CIM 2.41: %d bytes" % len(text.encode()))


if __name__ == "__main__":
    scratch()
    main()
