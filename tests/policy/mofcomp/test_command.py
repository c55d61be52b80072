#!/usr/bin/env python3
"""mofcomp as a person and a program meet it: switches and their page, dry
runs, dumps, diagnostics, terminals, interrupts."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import time

from mofcomp_state import (CLASS, ENVIRONMENT, MOFCOMP, SECURITY, Master,
                           State, expect, expect_equal)
from harness import DEADLINE, SRC, main, read, test

BROKEN = "class Broken { string };\n"
PAGE = read(os.path.join(SRC, "docs/man/mofcomp.1"))


def plain(*words, code=0, stdin=b"", env=None):
    done = subprocess.run([MOFCOMP] + list(words), input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(ENVIRONMENT, **(env or {})),
                          timeout=DEADLINE, check=False)
    expect(done.returncode == code, "exit %d instead of %d: %s" %
           (done.returncode, code, words), done.stderr.decode())
    return done.stdout.decode(), done.stderr.decode()


def expect_in(text, *parts):
    for part in parts:
        expect(part in text, "no %r in:" % part, text)


# -- switches --------------------------------------------------------------------

def page_text():
    """The page without its markup."""
    text = re.sub(r"\\f[BIRP]", "", PAGE.replace("\\-", "-"))
    text = re.sub(r"(?m)^\.(?:[BIR]{1,2}|TP|SS|SH|PP)\b ?", "", text)
    return text.replace('"', "").replace("\\ ", " ")


@test("--help, the parser and the page know the same switches and classes of "
      "warnings")
def switches_agree():
    text, _ = plain("--help")
    page = page_text()
    helped = set(re.findall(r"--[a-z][a-z-]+", text))
    paged = set(re.findall(r"--[a-z][a-z-]+", page))
    expect_equal(sorted(paged), sorted(helped), "switches of the page")
    for switch in helped:
        # Known: the value is what is wrong, or what comes behind it.
        _, err = plain(switch + "=nonsense", "--frobnicate", code=2)
        expect("%s=nonsense: there is no" % switch not in err or
               "no such class" in err, switch, err)
    windows = set(re.findall(r"(?<![\w-])-([A-Za-z?]+)(?=[:, ])", text))
    expect({"N", "I", "W", "?", "check"} <= windows, "found", windows)
    for switch in windows:
        expect(re.search(r"(?<![\w-])-%s(?!\w)" % re.escape(switch), page),
               "-%s is not in the page" % switch)
    classes = re.findall(r"(?m)^  ([a-z-]+)", text[text.index("Classes of"):])
    section = page[page.index("WARNINGS\n"):page.index("EXIT STATUS")]
    listed = re.findall(r"(?m)^([a-z-]+)$", section)
    expect_equal(sorted(listed), sorted(classes), "classes of the page")
    document = read(os.path.join(SRC, "docs/mof.md"))
    for name in classes:
        plain("--warn=" + name, "--version")
        expect("| `%s` |" % name in document, name + " is not in docs/mof.md")


@test("a switch that is nearly right, or written the other way, is named")
def switch_meant():
    for words, meant in (
            (["--chekc", "x"], "did you mean --check?"),
            (["-namespace:root\\x", "x"], "did you mean --namespace=NAMESPACE"),
            (["--N=root\\x", "x"], "did you mean --namespace=NAMESPACE"),
            (["-dry-run", "x"], "did you mean --dry-run?"),
            (["--colour=never", "x"], "did you mean --color=WHEN?"),
            (["--dump=jsn", "x"], "did you mean json?"),
            (["-class:createonli", "x"], "did you mean createonly?"),
            (["--error=unencrypted-chil", "x"],
             "did you mean unencrypted-child?"),
            (["--frobnicate", "x"], "--help lists them")):
        _, err = plain(*words, code=2)
        expect_in(err, meant)
        expect_equal(err.count("\n"), 1, "lines: " + err)


@test("Windows' switches that mean nothing here are refused with a reason, "
      "and a password is not repeated")
def foreign():
    page = page_text()
    section = page[page.index("Switches of Windows that"):
                   page.index("DIAGNOSTICS\n")]
    named = re.findall(r"(?<![\w-])-([A-Z]+)", section)
    expect({"P", "U", "A", "ER", "L", "WMI"} <= set(named), "named", named)
    for word in ["-%s:secret" % name for name in named] + ["-WMI"]:
        _, err = plain(word, "x.mof", code=2)
        expect_in(err, "mofcomp: %s: " % word.split(":")[0])
        expect("secret" not in err, "the password", err)
        expect("no such switch" not in err, word, err)
    for word in ("-P:x", "-U:x", "-A:x"):
        expect_in(plain(word, "x.mof", code=2)[1], "no other machine")


@test("a namespace that a route serves is no slip of the pen and not empty")
def routed():
    s = State()
    s.run(s.file("class.mof", CLASS))
    text = s.file("r.mof", SECURITY.replace("MyNamespace", "MyNamespaces")
                  % "TRUE")
    conf = "[nsgate]\nstate_dir = %s\nruntime_dir = %s\n" % (s.dir, s.runtime)
    plain("--config", s.file("a.conf", conf), "--dry-run", text, code=1)
    routed_conf = s.file("b.conf", conf + "[route/x]\npath = /x/\n"
                         "namespace = root\\mynamespaces\n")
    for words in (["--dry-run"], ["--dump=mof"], []):
        _, err = plain("--config", routed_conf, *words, text)
        expect("protects nothing" not in err, "a warning", err)
    expect_in("\n".join(s.encrypted()), "MyNamespaces")


@test("-check stands alone, and switches that contradict are refused")
def together():
    s = State()
    path = s.file("class.mof", CLASS)
    for words in (["-N:root\\x"], ["-class:createonly"],
                  ["-instance:updateonly"], ["-autorecover"], ["--create"],
                  ["--dry-run"], ["--dump=mof"]):
        for order in (words + ["-check"], ["-check"] + words):
            _, err = plain(*order, path, code=2)
            expect_in(err, "-check stands alone", words[0])
    for words in (["--strict"], ["--error=all"], ["--max-errors=3"], ["-I", "."],
                  ["--quiet"], ["--diagnostics=json"], ["--color=never"]):
        plain("-check", *words, path)
    _, err = plain("--dry-run", "--dump=mof", path, code=2)
    expect_in(err, "exclude each other")
    _, err = plain("-check", "-", "-", code=2)
    expect_in(err, "standard input")


# -- dry run ---------------------------------------------------------------------

def contents(s):
    """Of the state: what a dry run must not change."""
    if "repository.db" not in s.names():
        return s.names()
    return [s.query("SELECT * FROM %s ORDER BY id" % t) for t in
            ("policy", "namespace", "class", "instance")] + [s.image()]


def dry(s, *words, code=0):
    before = contents(s)
    out, err = s.run("--dry-run", *words, code=code)
    expect_equal(contents(s), before, "the state after a dry run")
    return out, err


@test("a dry run shows what would be made, protection first, and makes "
      "nothing")
def dry_first():
    s = State()
    temporary = os.path.join(s.top, "tmp")
    os.mkdir(temporary)
    os.environ["TMPDIR"] = ENVIRONMENT["TMPDIR"] = temporary
    try:
        out, _ = dry(s, s.file("class.mof", CLASS),
                     s.file("security.mof", SECURITY % "TRUE"))
    finally:
        del os.environ["TMPDIR"], ENVIRONMENT["TMPDIR"]
    expect_equal(s.names(), [], "files")
    expect_equal(os.listdir(temporary), [], "what is left in TMPDIR")
    expect_equal(out, r"""Protection:
  + root\MyNamespace would be new and require encryption (PktPrivacy)
Namespaces:
  + root\MyNamespace
Classes:
  + root\MyNamespace:My_Class
Instances:
  + root\MyNamespace:My_Class.name="one"
  + root\MyNamespace:My_Class.name="two"
Dry run: nothing was stored; it would be policy generation 1.
""", "what is said")


@test("a dry run shows each way in which protection can change")
def dry_protection():
    s = State()
    path = s.file("class.mof", CLASS)
    on = s.file("on.mof", SECURITY % "TRUE")
    off = s.file("off.mof", SECURITY % "FALSE")
    gone = s.file("gone.mof", '#pragma deleteinstance("__Namespace.Name='
                  '\\"MyNamespace\\"", FAIL)\n')
    expect_in(dry(s, path)[0], "! root\\MyNamespace would be new and open")
    s.run(path)
    expect_in(dry(s, on)[0], "+ root\\MyNamespace would require encryption "
              "(PktPrivacy), which it does not now")
    expect_equal(dry(s, off)[0].split("\n")[0], "Nothing would change.", "off")
    s.run(on)
    expect_equal(dry(s, on)[0].split("\n")[0], "Nothing would change.", "on")
    expect_in(dry(s, off)[0],
              "! root\\MyNamespace would be open: it requires encryption now")
    out, _ = dry(s, "-N:root", gone)
    expect_in(out, "! root\\MyNamespace would be deleted: it requires "
              "encryption now", "Namespaces:\n  - root\\MyNamespace\n")


@test("a dry run shows the lines of classes and instances that would change")
def dry_changes():
    s = State()
    other = "class My_Other { [key] string Name; %s };\n"
    s.run(s.file("class.mof", CLASS + other % ""))
    out, _ = dry(s, s.file("more.mof", CLASS.replace("Size = 2", "Size = 3")
                           + other % "string More;"
                           + 'instance of My_Class { Name = "three"; };\n'
                           + '#pragma deleteinstance('
                           '"My_Class.Name=\\"one\\"", FAIL)\n'))
    expect_in(out, "  ~ root\\MyNamespace:My_Other\n"
              "      +     string More;\n",
              '  ~ root\\MyNamespace:My_Class.name="two"\n'
              "      -     Size = 2;\n      +     Size = 3;\n",
              '  + root\\MyNamespace:My_Class.name="three"\n',
              '  - root\\MyNamespace:My_Class.name="one"\n')
    expect("Protection:" not in out and "Namespaces:" not in out, "sections",
           out)
    out, _ = dry(s, "-N:root\\MyNamespace",
                 s.file("drop.mof",
                        '#pragma deleteclass("My_Class", FAIL)\n'))
    expect_in(out, "Classes:\n  - root\\MyNamespace:My_Class\n",
              "My_Class.name=\"one\"", "My_Class.name=\"two\"")


@test("a dry run shows descriptors and declarations of qualifiers")
def dry_descriptor():
    s = State()
    text = '''#pragma namespace("root\\\\Guarded")
Qualifier Note : string = "x", Scope(class);
#pragma namespace("root")
[NamespaceSecuritySDDL("O:BAG:BAD:(A;CI;0x60003;;;WD)")]
instance of __Namespace { Name = "Guarded"; };
'''
    out, _ = dry(s, s.file("a.mof", text))
    expect_in(out, "  + root\\Guarded security descriptor",
              "      + O:BAG:BAD:(A;CI;0x60003;;;WD)\n",
              "Qualifiers:\n  + root\\Guarded:Note\n")
    s.run(s.file("a.mof", text))
    expect_in(dry(s, s.file("a.mof", text))[0], "Nothing would change.")
    out, _ = dry(s, s.file("b.mof", text.replace("0x60003", "0x20")
                           .replace('"x"', '"y"')))
    expect_in(out, "  ~ root\\Guarded security descriptor",
              "      - O:BAG:BAD:(A;CI;0x60003;;;WD)\n",
              "      + O:BAG:BAD:(A;CI;0x20;;;WD)\n",
              "  ~ root\\Guarded:Note\n")


@test("a dry run tells keys apart that differ in case alone")
def dry_case():
    s = State()
    out, _ = dry(s, s.file("a.mof", CLASS.replace('"two"', '"ONE"')))
    expect_in(out, 'My_Class.name="one"\n', 'My_Class.name="ONE"\n')


@test("of many instances alike a dry run names ten")
def dry_many():
    s = State()
    out, _ = dry(s, s.file("many.mof", CLASS + "".join(
        'instance of My_Class { Name = "%03d"; };\n' % i
        for i in range(500))))
    expect_equal(out.count("+ root\\MyNamespace:My_Class.name="), 10, "named")
    expect_in(out, "  + root\\MyNamespace:My_Class and 492 more\n")


@test("a dry run ends as the compile would and bothers no gateway")
def dry_exit():
    s = State()
    good = s.file("class.mof", CLASS)
    master = Master(s, lambda r: "+{}")
    dry(s, good)
    dry(s, s.file("broken.mof", BROKEN), code=3)
    dry(s, s.file("bad.mof", "instance of None { };\n"), code=1)
    expect_equal(master.requests, [], "requests")
    s.run(good)
    del master.requests[:]
    for words in ([good], ["-class:createonly", good], ["-instance:createonly",
                                                        good],
                  ["-N:foo\\x", good], [os.path.join(s.top, "none.mof")],
                  ["--error=all", s.file("w.mof", "#pragma foo(\"x\")\n")]):
        code = subprocess.run(
            s.arguments(["--dry-run"] + words), env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode
        expect_equal(master.requests, [], "requests of %s" % words)
        real = State()
        real.run(good)
        expect_equal(code, subprocess.run(
            real.arguments(words), env=ENVIRONMENT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False).returncode,
            "exit of %s" % words)
    master.close()
    os.chmod(s.dir, 0o777)
    s.run("--dry-run", good, code=1)


# -- dump ------------------------------------------------------------------------

EVERYTHING = r"""
#pragma namespace("\\\\.\\root\\Dump")
Qualifier Note : string = "x", Scope(class, property), Flavor(ToSubclass);
[Abstract] class Base { [Key, Note("k")] string Name; };
class Thing : Base
{
    uint64 Big = 18446744073709551615;
    sint64 Low = -9223372036854775808;
    real64 Real = 1.5;
    boolean Flag;
    char16 Letter = 'A';
    uint8 Bytes[3] = {1, 2, 3};
    Base ref Other;
    [Description("d")] uint32 Do([In] string What, [Out] uint8 Result[]);
};
instance of Thing as $One { Name = "o\"ne"; Flag = TRUE; };
instance of Thing { Name = "two"; Other = $One; };
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
#pragma deleteclass("Gone", NOFAIL)
#pragma deleteinstance("Thing.Name=\"x\"", NOFAIL)
#pragma deleteinstance("__Namespace.Name=\"Sub\"", NOFAIL)
[NamespaceSecuritySDDL("O:BAG:BAD:(A;CI;0x60003;;;WD)")]
instance of __Namespace { Name = "Guarded"; };
"""


@test("--dump=json is the checked unit, whole, in one document")
def dump_json():
    s = State()
    out, _ = s.run("--dump=json", s.file("all.mof", EVERYTHING))
    expect_equal(s.names(), [], "files")
    unit = json.loads(out)
    kinds = [st["statement"] for st in unit]
    expect_equal(kinds, ["namespace", "qualifier", "class", "class",
                         "instance", "instance", "encryption",
                         "deleteClass", "deleteInstance", "deleteNamespace",
                         "namespace", "descriptor"], "statements")
    expect_equal({st["namespace"] for st in unit}, {
        "root\\Dump", "root\\Dump\\Sub", "root\\Dump\\Guarded"}, "namespaces")
    expect_equal((unit[1]["scopes"], unit[1]["flavors"], unit[1]["value"]),
                 (["class", "property"], ["ToSubclass"], "x"),
                 "the declaration")
    expect_equal(unit[-1]["sddl"], "O:BAG:BAD:(A;CI;0x60003;;;WD)", "sddl")
    thing = unit[3]
    expect_equal((thing["class"], thing["superclass"], thing["line"],
                  thing["lastLine"]), ("Thing", "Base", 5, 15), "the class")
    values = {p["name"]: p for p in thing["properties"]}
    expect_equal(values["Big"]["value"], "18446744073709551615", "uint64")
    expect_equal(values["Low"]["value"], "-9223372036854775808", "sint64")
    expect_equal(values["Real"]["value"], 1.5, "real64")
    expect_equal(values["Letter"]["value"], 65, "char16")
    expect_equal((values["Bytes"]["array"], values["Bytes"]["arraySize"],
                  values["Bytes"]["value"]), (True, 3, [1, 2, 3]), "array")
    expect_equal((values["Other"]["type"], values["Other"]["class"]),
                 ("ref", "Base"), "reference")
    expect("value" not in values["Flag"], "a value that nobody gave")
    method = thing["methods"][0]
    expect_equal((method["name"], method["type"],
                  [p["name"] for p in method["parameters"]]),
                 ("Do", "uint32", ["What", "Result"]), "method")
    expect_equal(unit[4]["key"], 'name="o\\"ne"', "key")
    expect_equal(unit[4]["alias"], "One", "alias")
    expect_equal(unit[6]["requiresEncryption"], True, "encryption")
    expect_equal(unit[7]["mustExist"], False, "mustExist")
    for line in out.split("\n")[1:-2]:
        json.loads(line.rstrip(","))


@test("--dump=mof compiles to the same again")
def dump_mof():
    s = State()
    path = s.file("all.mof", EVERYTHING)
    once, _ = s.run("--dump=mof", path)
    again, _ = s.run("--dump=mof", s.file("once.mof", once))
    expect_equal(again, once, "the second dump")
    s.run(path)
    t = State()
    t.run(t.file("once.mof", once))
    for table in ("namespace", "class", "instance"):
        expect_equal(t.query("SELECT * FROM %s ORDER BY id" % table),
                     s.query("SELECT * FROM %s ORDER BY id" % table), table)


@test("--dump looks at the repository where one is named, and needs none")
def dump_world():
    s = State()
    s.run(s.file("class.mof", CLASS))
    path = s.file("i.mof", '#pragma namespace("root\\\\MyNamespace")\n'
                  'instance of My_Class { Name = "x"; };\n')
    expect_equal(json.loads(s.run("--dump=json", path)[0])[0]["key"],
                 'name="x"', "key")
    plain("--dump=json", path, code=1)
    plain("--dump=json", s.file("class.mof", CLASS))
    plain("--dump=json", s.file("broken.mof", BROKEN), code=3)
    s.expect_generation(1)


@test("a dump that cannot be written is an error")
def dump_full():
    if not os.path.exists("/dev/full"):
        return
    s = State()
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            [MOFCOMP, "--dump=mof", s.file("class.mof", CLASS)], stdout=full,
            stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    expect_equal(done.returncode, 1, done.stderr.decode())


# -- diagnostics -----------------------------------------------------------------

@test("--diagnostics=json is one object a line, with all that is known")
def json_diagnostics():
    s = State()
    s.file("part.mof", "class Part {\n  uint8 x;\n  string x;\n};\n")
    path = s.file("top.mof", '// \n#pragma include("part.mof")\n'
                  '[RequireEncryption(TRUE)]\n'
                  'instance of __SystemSecurity { };\n'
                  '#pragma foo("x")\n')
    _, err = s.run("--diagnostics=json", path, code=3)
    found = [json.loads(line) for line in err.splitlines()]
    by_line = {(os.path.basename(d["file"]), d["line"]): d for d in found}
    twice = by_line["part.mof", 3]
    expect_equal((twice["severity"], twice["code"], twice["name"],
                  twice["phase"], twice["column"], twice["end"]),
                 ("error", "0x8004401B", "WBEMMOF_E_DUPLICATE_PROPERTY",
                  "syntax", 10, {"line": 3, "column": 11}), "the error")
    expect_equal([(n["severity"], n["message"], n["line"])
                  for n in twice["notes"]],
                 [("note", "first declared here", 2)], "notes")
    expect_equal([(i["file"], i["line"], i["column"])
                  for i in twice["included"]], [(path, 2, 17)], "included")
    near = by_line["top.mof", 3]
    expect_equal((near["meant"], near["code"]),
                 ("RequiresEncryption", "0x8004402E"), "meant")
    pragma = by_line["top.mof", 5]
    expect_equal((pragma["severity"], pragma["class"], "phase" in pragma),
                 ("warning", "unknown-pragma", False), "the warning")
    _, err = s.run("--diagnostics=json", os.path.join(s.top, "none.mof"),
                   code=1)
    expect_equal(json.loads(err)["phase"], "argument", err)
    _, err = plain("--diagnostics=json", "--config", "/none/at/all", path,
                   code=1)
    expect_equal(json.loads(err)["severity"], "error", err)
    for words in (["--diagnostics=json", "--bogus"],
                  ["--bogus", "--diagnostics=json"]):
        _, err = plain(*words, path, code=2)
        expect_in(json.loads(err)["message"], "--bogus: there is no such")


@test("what the store says has a place, a line and a mark as well")
def store_diagnostics():
    s = State()
    path = s.file("class.mof", CLASS)
    s.run(path)
    _, err = s.run("-class:createonly", path, code=0x19)
    expect_in(err, "    3 | class My_Class {", "      | ^~~~~\n")
    child = CLASS.replace("MyNamespace", "MyNamespace\\\\Child")
    s.run(s.file("child.mof", child))
    on = s.file("on.mof", SECURITY % "TRUE")
    _, err = s.run(on)
    expect_in(err, "on.mof:3:1: warning: ", "[unencrypted-child]",
              "    3 | [RequiresEncryption(TRUE)]\n")
    s.run(s.file("off.mof", SECURITY % "FALSE"))
    before = s.generation()
    _, err = s.run("--error=unencrypted-child", on, code=1)
    expect_in(err, "[--error=unencrypted-child]")
    expect_equal((s.generation(), s.encrypted()), (before, []),
                 "what was stored")
    _, err = s.run("--no-warn=unencrypted-child", on)
    expect("unencrypted-child" not in err, "left out", err)


@test("classes of warnings are left out or made errors; the last switch "
      "counts")
def warnings():
    s = State()
    path = s.file("w.mof", 'class A { string S = "\\q"; uint8 X = 1.5; };\n')
    _, err = plain("-check", path)
    expect_in(err, "[escape]")
    for words, code, escape in (
            (["--no-warn=escape"], 0, 0), (["--no-warn=all"], 0, 0),
            (["--error=escape"], 3, 1), (["--error=all"], 3, 1),
            (["--error=rounding"], 3, 1), (["-W", "escape"], 0, 1),
            (["--error=escape", "--no-warn=escape"], 0, 0),
            (["--no-warn=all", "-W", "escape"], 0, 1),
            (["--no-warn=escape", "--error=all"], 3, 0),
            (["--error=ESCAPE"], 3, 1)):
        _, err = plain("-check", *words, path, code=code)
        expect_equal(err.count("[escape]") + err.count("[--error=escape]"),
                     escape, "%s: %s" % (words, err))


@test("nothing that a source, a file or a switch holds reaches a terminal "
      "raw")
def raw():
    s = State()
    nasty = "\x1b[2J\x07\u202e\u200b\x9b"
    path = s.file("a.mof", 'class A { [%s] uint8 \x1b]0;x\x07 x; };\n'
                  '#pragma deleteinstance("\\x1b[31m%s", NOFAIL)\n' % (
                      nasty, nasty))
    bad = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]")
    for words in (["-check", path], ["-check", "--diagnostics=json", path]):
        _, err = plain(*words, code=3)
        expect(not bad.search(err), "%s: %r" % (words, err))
    for words, code in ((["-check", "/none/" + nasty], 1),
                        (["--" + nasty, "x"], 2),
                        (["--dump=" + nasty, "x"], 2),
                        (["-check", "--diagnostics=json", "/none/" + nasty],
                         1)):
        _, err = plain(*words, code=code)
        expect(err and not bad.search(err), "%s: %r" % (words, err))
    out, _ = plain("--dump=json", s.file("b.mof", 'class B { string S = "%s'
                                         '"; };\n' % nasty.replace("\x1b", "")
                                         ))
    expect(not bad.search(out), "a dump: %r" % out)
    expect_in(json.loads(out)[-1]["properties"][0]["value"], "\u202e\u200b")


# -- terminals -------------------------------------------------------------------

class Terminal:
    """A program whose standard error is a terminal."""

    def __init__(self, words, env=None, stdin=subprocess.DEVNULL):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            words, stdin=stdin, stdout=subprocess.PIPE, stderr=slave,
            env=dict(ENVIRONMENT, **dict({"TERM": "xterm"}, **(env or {}))))
        os.close(slave)
        self.seen = b""

    def read_until(self, part=None):
        """Up to that part, or to the end."""
        deadline = time.monotonic() + DEADLINE
        while part is None or part not in self.seen:
            left = deadline - time.monotonic()
            expect(left > 0, "%r did not come" % part, self.seen)
            if not select.select([self.master], [], [], left)[0]:
                continue
            try:
                more = os.read(self.master, 4096)
            except OSError:
                more = b""
            if not more:
                expect(part is None, "the end before %r" % part, self.seen)
                break
            self.seen += more
        return self.seen.decode()

    def end(self):
        text = self.read_until()
        self.process.stdout.read()
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        os.close(self.master)
        return code, text


@test("colours on a terminal only, and as told")
def colors():
    s = State()
    path = s.file("broken.mof", BROKEN)
    for words, env, colored in (
            ([], {}, True), ([], {"NO_COLOR": "1"}, False),
            ([], {"NO_COLOR": ""}, True), ([], {"TERM": "dumb"}, False),
            (["--color=never"], {}, False),
            (["--color=always"], {"NO_COLOR": "1"}, True),
            (["--diagnostics=json", "--color=always"], {}, False)):
        code, text = Terminal([MOFCOMP, "-check"] + words + [path],
                              env=env).end()
        expect_equal((code, "\x1b[" in text), (3, colored),
                     "%s %s: %r" % (words, env, text))
    _, err = plain("-check", path, code=3)
    expect("\x1b" not in err, "no terminal", err)
    _, err = plain("-check", "--color=always", path, code=3)
    expect_in(err, "\x1b[1;31merror")


@test("progress on a terminal when it takes longer than a second, wiped at "
      "the end; none elsewhere, and none when quiet")
def progress():
    s = State()
    shown = Terminal(s.arguments(["-"]), stdin=subprocess.PIPE)
    others = [Terminal(s.arguments(["-", word]), stdin=subprocess.PIPE)
              for word in ("--quiet", "--diagnostics=json")]
    piped = s.start_with("-")
    # The others began in the same second.
    expect_in(shown.read_until(b"(2 s)"), "\r\x1b[Kreading standard input")
    for t in [shown] + others:
        t.process.stdin.write(CLASS.encode())
        t.process.stdin.close()
        code, text = t.end()
        expect_equal(code, 0, text)
        expect(" s)" not in text or text.rindex("\x1b[K") >
               text.rindex(" s)"), "the line is left", text)
        expect((" s)" in text) == (t is shown), "progress", text)
    _, err = piped.communicate(CLASS.encode(), timeout=DEADLINE)
    expect(b" s)" not in err, "progress without a terminal", err)


# -- interrupts ------------------------------------------------------------------

@test("an interrupt leaves everything as it was, says so, and ends by its "
      "signal")
def interrupt():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        s = State()
        s.run(s.file("class.mof", CLASS))
        before = contents(s)
        t = Terminal(s.arguments(["-"]), stdin=subprocess.PIPE)
        t.process.stdin.write(b"class A { [key] string Name; };\n")
        t.process.stdin.flush()
        t.read_until(b"reading standard input")
        t.process.send_signal(number)
        code, text = t.end()
        t.process.stdin.close()
        expect_equal(code, -number, "how it ended")
        expect_in(text, "interrupted, nothing has changed")
        expect_equal(contents(s), before, "the state")


@test("an interrupted dry run leaves nothing in TMPDIR")
def interrupt_dry():
    s = State()
    temporary = os.path.join(s.top, "tmp")
    os.mkdir(temporary)
    path = s.file("big.mof", BIG)
    made = 0
    for i in range(8):
        process = subprocess.Popen(
            s.arguments(["--dry-run", path]), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(ENVIRONMENT, TMPDIR=temporary))
        while not os.listdir(temporary) and process.poll() is None:
            pass
        made += bool(os.listdir(temporary))
        # The instant is what is tried.
        try:
            process.wait(i * 0.04)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)
        expect_equal(os.listdir(temporary), [], "what is left")
    expect(made > 4, "no directory was seen")
    expect_equal(s.names(), [], "files")


BIG = CLASS + "".join('instance of My_Class { Name = "%d"; Size = %d; };\n'
                      % (i, i) for i in range(30000))


@test("interrupted anywhere in a compile: the old policy or the new one, and "
      "no half image")
def interrupt_anywhere():
    s = State()
    s.run(s.file("class.mof", CLASS))
    big = s.file("big.mof", BIG)
    begun = time.monotonic()
    s.run(big)
    whole = time.monotonic() - begun
    interrupted = 0
    for i in range(12):
        generation = s.generation()
        with open(big, "w", encoding="ascii") as f:
            f.write(BIG.replace("Size = 1;", "Size = %d;" % (i + 100)))
        process = s.start(big)
        # The instant is what is tried.
        try:
            process.wait(whole * (i + 0.5) / 12)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE)
        if process.returncode == -signal.SIGINT:
            interrupted += 1
            if b"interrupted, nothing has changed" in err:
                s.expect_generation(generation)
        else:
            expect_equal(process.returncode, 0, err.decode())
        expect("policy.image.new" not in s.names(), "half an image is left")
        s.expect_generation(s.generation())
    expect(interrupted > 2, "only %d were interrupted" % interrupted)


@test("interrupted while another compile is at work: that one's image stays")
def interrupt_waiting():
    s = State()
    s.run(s.file("class.mof", CLASS))
    image = os.path.join(s.dir, "policy.image.new")
    with open(os.path.join(s.dir, "repository.lock"), "rb+") as lock:
        fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0,
                                          0))  # F_OFD_SETLK
        with open(image, "w", encoding="ascii") as f:
            f.write("the other's")
        t = Terminal(s.arguments([s.file("class.mof", CLASS)]))
        t.read_until(b"another compile is at work")
        t.process.send_signal(signal.SIGINT)
        code, text = t.end()
    expect_equal(code, -signal.SIGINT, text)
    expect_in(text, "interrupted, nothing has changed")
    expect_equal(read(image), "the other's", "the other's image")


@test("a signal that was ignored stays ignored")
def ignored():
    s = State()
    process = subprocess.Popen(
        s.arguments(["-"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=ENVIRONMENT,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.stdin.write(CLASS.encode())
    process.stdin.flush()
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=DEADLINE)
    expect_equal(process.returncode, 0, err.decode())
    s.expect_generation(1)


main()
