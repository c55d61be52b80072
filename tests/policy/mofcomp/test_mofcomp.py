#!/usr/bin/env python3
"""mofcomp from the outside: switches, exit codes, messages, atomicity."""
import os
import resource
import socket
import sqlite3
import stat
import subprocess

from mofcomp_state import (CLASS, ENVIRONMENT, MOFCOMP, SECURITY, Master,
                           State, expect, expect_equal)
from harness import DEADLINE, ROOT, SRC, main, scratch, test

BROKEN = "class Broken { string };\n"
MEANINGLESS = 'instance of No_Such_Class { Name = "x"; };\n'


def expect_in(text, *parts):
    for part in parts:
        expect(part in text, "no %r in:" % part, text)


# -- what a compile does ------------------------------------------------------

@test("the three lines require encryption, and say so")
def three_lines():
    s = State()
    out, _ = s.run(os.path.join(SRC, "docs/examples/MyNamespace.mof"),
                   os.path.join(SRC,
                                "docs/examples/MyNamespace_security.mof"))
    expect_in(out, "MyNamespace now requires encryption (PktPrivacy)\n",
              "classes created", "policy generation 1 is stored; no gateway is "
              "running\n")
    expect_equal([n.lower() for n in s.encrypted()], ["root\\mynamespace"],
                 "encrypted namespaces")
    s.expect_generation(1)


@test("FALSE turns it off and TRUE on again, one generation each")
def false_true():
    s = State()
    s.run(s.file("class.mof", CLASS))
    for generation, value, said in (
            (2, "TRUE", "now requires encryption (PktPrivacy)"),
            (3, "FALSE", "does not require encryption any more"),
            (4, "true", "now requires encryption (PktPrivacy)")):
        out, _ = s.run(s.file("security.mof", SECURITY % value))
        expect_in(out, "MyNamespace %s\n" % said)
        expect_equal(len(s.encrypted()), int(value.lower() == "true"), value)
        s.expect_generation(generation)


@test("a security descriptor and declarations of qualifiers are stored, and "
      "hold in the next compile")
def kept_beside_classes():
    s = State()
    _, err = s.run(s.file("a.mof", r"""
#pragma namespace("root")
[NamespaceSecuritySDDL("D:(A;CI;0x60003;;;WD)")]
instance of __Namespace { Name = "x"; };
#pragma namespace("root\\x")
Qualifier OnClass : boolean = false, Scope(class), Flavor(DisableOverride);
[OnClass] class A { [key] uint8 k; };
"""))
    expect_in(err, "[descriptor]")
    expect_equal(s.query("SELECT n.path, sddl FROM descriptor d JOIN namespace"
                         " n ON n.id = d.namespace"),
                 [("root\\x", "D:(A;CI;0x60003;;;WD)")], "descriptors")
    expect_equal(s.query("SELECT name FROM qualifier"), [("OnClass",)],
                 "declarations")
    _, err = s.run("-N:root\\x", s.file("b.mof", """class B {
 [OnClass] uint8 p; };
[OnClass(FALSE)] class C : A { };
"""), code=3)
    expect_in(err, "b.mof:2:3: error 0x8004402E")
    _, err = s.run("-N:root\\x", s.file(
        "c.mof", "[OnClass(FALSE)] class C : A { };"), code=1)
    expect_in(err, "c.mof:1:2: error 0x80041053")


@test("compiling the same again changes nothing")
def again():
    s = State()
    out, _ = s.run(s.file("class.mof", CLASS))
    expect_in(out, "1 class created, 2 instances created\n")
    out, _ = s.run(s.file("class.mof", CLASS))
    expect_in(out, "1 class unchanged, 2 instances unchanged\n")
    expect_equal(s.query("SELECT count(*) FROM instance"), [(2,)],
                 "instances")


@test("several files are one compile and one generation")
def several():
    s = State()
    s.run(s.file("class.mof", CLASS), s.file("security.mof",
                                             SECURITY % "TRUE"))
    s.expect_generation(1)


@test("files are 0640, the lock 0600, and only those of a state directory")
def files():
    s = State()
    s.run(s.file("class.mof", CLASS))
    expect_equal([n for n in s.names() if not n.endswith(("-wal", "-shm"))],
                 ["policy.image", "repository.db", "repository.lock"],
                 "files")
    for name in s.names():
        mode = stat.S_IMODE(os.stat(os.path.join(s.dir, name)).st_mode)
        expect_equal(oct(mode), oct(0o600 if name == "repository.lock"
                                    else 0o640), name)


@test("files made by root belong to the owner of the directory")
def owner():
    if not ROOT:
        return
    s = State()
    os.chown(s.dir, 4242, 4243)
    s.run(s.file("class.mof", CLASS))
    s.run(s.file("security.mof", SECURITY % "TRUE"))
    for name in s.names():
        st = os.stat(os.path.join(s.dir, name))
        expect_equal((st.st_uid, st.st_gid), (4242, 4243), name)


@test("root reads a source that the directory's owner may not read")
def private_source():
    if not ROOT:
        return
    s = State()
    os.chown(s.dir, 4242, 4243)
    path = s.file("class.mof", CLASS)
    os.chmod(path, 0o600)
    s.run(path)
    s.run(path)


# -- what is said -----------------------------------------------------------

def statement(namespace, value="TRUE"):
    return '#pragma namespace("%s")\n[RequiresEncryption(%s)]\n' \
        'instance of __SystemSecurity { };\n' % (
            namespace.replace("\\", "\\\\"), value)


@test("exit 3 is what the text alone shows, 1 what is wrong beside it")
def exit_codes():
    s = State()
    for text, code in (
            ("class A { uint8 X = 300; };\n", 3),
            ("[RequiresEncryption(TRUE)] class A { uint8 X; };\n", 3),
            (statement("root\\x") + statement("root\\x", "FALSE"), 3),
            (statement("root\\x\\"), 3),
            (statement("\\\\machine\\root\\x"), 3),
            ('#pragma include("none.mof")\n', 3),
            (statement("foo\\x"), 1),
            ("class A : None { };\n", 1),
            ("instance of None { };\n", 1)):
        s.run(s.file("a.mof", text), code=code)
    s.run(os.path.join(s.top, "none.mof"), code=1)
    expect_equal(s.names(), [], "files")


@test("what is refused is not said to be done")
def contradictions():
    s = State()
    s.run(s.file("class.mof", CLASS))
    pragma = '#pragma namespace("root\\\\other")\n' \
        "class A { [key] string Name; };\n"
    _, err = s.run("--strict", s.file("a.mof", pragma), code=1)
    expect("is created" not in err, "a refused namespace", err)
    _, err = s.run(s.file("a.mof", pragma))
    expect_in(err, "root\\other does not exist and is created")
    _, err = s.run(s.file("a.mof", statement("root\\othre")), code=1)
    expect_in(err, "did you mean root\\other?")
    expect("is created" not in err, "a slip of the pen", err)
    unknown = '#pragma foo("x")\n'
    _, err = s.run("--strict", s.file("a.mof", unknown), code=3)
    expect("ignored" not in err, "an unknown pragma", err)
    _, err = s.run(s.file("a.mof", unknown))
    expect_in(err, "'foo' is ignored")


@test("a stored class, property or namespace is suggested for one that is "
      "nearly it")
def did_you_mean():
    s = State()
    s.run(s.file("class.mof", CLASS))
    head = '#pragma namespace("root\\\\MyNamespace")\n'
    for text, meant in (
            (head + 'instance of My_Clas { Name = "x"; };\n', "My_Class"),
            (head + "class B : My_Calss { uint8 X; };\n", "My_Class"),
            (head + 'instance of My_Class { Nam = "x"; };\n', "Name"),
            (statement("root\\MyNamespac"), "root\\mynamespace")):
        _, err = s.run(s.file("a.mof", text), code=1)
        expect_in(err, "; did you mean %s?\n" % meant)


@test("a child of one letter is not taken for its parent")
def short_child():
    s = State()
    _, err = s.run(s.file("a.mof", statement("root\\u")))
    expect("did you mean" not in err, "root\\u", err)


@test("a file that is not there is named once")
def missing_file():
    path = os.path.join(State().top, "none.mof")
    _, err = plain("-check", path, code=1)
    expect_equal(err.count("none.mof"), 1, "in: " + err)


# -- all or nothing ------------------------------------------------------------

def expect_nothing_changed(s, words, code):
    before = s.query("SELECT * FROM policy"), s.query(
        "SELECT * FROM namespace"), s.query("SELECT * FROM class"), s.image()
    s.run(*words, code=code)
    after = s.query("SELECT * FROM policy"), s.query(
        "SELECT * FROM namespace"), s.query("SELECT * FROM class"), s.image()
    expect_equal(after, before, "the repository")
    expect("policy.image.new" not in s.names(), "policy.image.new is left")


@test("a broken second file changes nothing: exit 3 or 1")
def broken_second():
    s = State()
    s.run(s.file("class.mof", CLASS))
    good = s.file("security.mof", SECURITY % "TRUE")
    expect_nothing_changed(s, [good, s.file("broken.mof", BROKEN)], 3)
    expect_nothing_changed(s, [s.file("broken.mof", BROKEN), good], 3)
    expect_nothing_changed(s, [good, s.file("bad.mof", MEANINGLESS)], 1)
    expect_nothing_changed(s, [good, os.path.join(s.top, "missing.mof")], 1)


@test("a broken first compile leaves no file behind")
def broken_first():
    s = State()
    s.run(s.file("broken.mof", BROKEN), code=3)
    s.run(s.file("bad.mof", MEANINGLESS), code=1)
    expect_equal(s.names(), [], "files")


@test("a security statement that is no TRUE or FALSE is refused")
def no_boolean():
    s = State()
    s.run(s.file("class.mof", CLASS))
    for value in ('"TRUE"', "1", "NULL", "{TRUE}"):
        done = subprocess.run(
            s.arguments([s.file("security.mof", SECURITY % value)]),
            stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
        expect(done.returncode in (1, 3), "%s: exit %d" %
               (value, done.returncode))
        expect_equal(s.encrypted(), [], value)
        s.expect_generation(1)


@test("what the store refuses is told with file, line and code")
def store_refuses():
    s = State()
    s.run(s.file("class.mof", CLASS))
    path = s.file("class.mof", CLASS)
    _, err = s.run("-class:createonly", path, code=0x19)
    expect_in(err, "class.mof:3:", "error 0x80041019: ")
    _, err = s.run("-instance:createonly", path, code=0x19)
    expect_in(err, "class.mof:4:", "error 0x80041019: ")
    s.run("-class:updateonly", "-INSTANCE:UpdateOnly", path)
    s.expect_generation(2)


@test("a child in the clear below an encrypted namespace is warned of")
def child_in_clear():
    s = State()
    child = CLASS.replace("MyNamespace", "MyNamespace\\\\Child")
    s.run(s.file("class.mof", CLASS), s.file("child.mof", child))
    _, err = s.run(s.file("security.mof", SECURITY % "TRUE"))
    expect_in(err, "warning: Root\\MyNamespace requires encryption, its child "
              "root\\MyNamespace\\Child does not")
    _, err = s.run(s.file("security.mof", SECURITY % "FALSE"))
    expect("not inherited" not in err, "a warning too many", err)


@test("a full disk changes nothing, and there is a next time")
def full_disk():
    s = State()
    s.run(s.file("class.mof", CLASS))
    path = s.file("many.mof", CLASS + "".join(
        'instance of My_Class { Name = "%d"; };\n' % i for i in range(5000)))
    before = s.query("SELECT count(*) FROM instance")
    failed = 0
    for limit in (4096, 20000, 40000, 80000, 160000, 320000, 640000):
        done = subprocess.run(
            s.arguments([path]), env=ENVIRONMENT, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, restore_signals=False, check=False,
            preexec_fn=lambda l=limit: resource.setrlimit(
                resource.RLIMIT_FSIZE, (l, l)))
        if done.returncode == 0:
            break
        failed += 1
        expect_equal(done.returncode, 1, done.stderr.decode())
        expect_equal(s.query("SELECT count(*) FROM instance"), before,
                     "instances at limit %d" % limit)
        s.expect_generation(1)
    expect(failed > 3, "the disk was never full")
    s.run(path)
    s.expect_generation(s.generation())


# -- binary MOF ----------------------------------------------------------------

BOTH = CLASS + SECURITY % "TRUE"


@test("-B makes a binary that compiles to what its text does")
def binary():
    s, t = State(), State()
    text = s.file("both.mof", BOTH)
    made = os.path.join(s.top, "both.bmf")
    out, err = plain("-B:" + made, text)
    expect_equal((out, err), ("binary MOF is in %s\n" % made, ""), "said")
    with open(made, "rb") as f:
        expect_equal(f.read(4), b"FOMB", "the first bytes")
    s.run(text)
    t.run(made)
    for sql in ("SELECT display, encryption FROM namespace ORDER BY path",
                "SELECT name, body FROM class ORDER BY name",
                "SELECT key, body FROM instance ORDER BY key"):
        expect_equal(t.query(sql), s.query(sql), sql)
    t.expect_generation(1)


@test("--binary says its file once, --quiet nothing, of standard input too")
def binary_forms():
    s = State()
    made = os.path.join(s.top, "x.bmf")
    out, err = plain("--quiet", "--binary", made, "-", stdin=BOTH.encode())
    expect_equal((out, err), ("", ""), "said")
    plain("-check", made)


@test("-B writes nothing when the text has an error or does not fit")
def binary_refused():
    s = State()
    made = os.path.join(s.top, "x.bmf")
    for text, code, part in ((BROKEN, 3, "error 0x8004400C"),
                             ("class A { uint8 x = 300; };", 3,
                              "error 0x8004401D"),
                             ("[Q(1.5)] class A {};", 1,
                              "x.mof:1:4: error 0x8004100C: binary MOF can't "
                              "hold a real"),
                             ('#pragma deleteclass("A", FAIL)', 1,
                              "binary MOF can't hold #pragma deleteclass")):
        path = s.file("x.mof", text)
        _, err = plain("-B:" + made, path, code=code)
        expect_in(err, part)
    _, err = plain("-B:/nowhere/x.bmf", s.file("x.mof", CLASS), code=1)
    expect_in(err, "/nowhere/x.bmf: error 0x80041001: No such file")
    expect_equal(sorted(n for n in os.listdir(s.top)),
                 ["run", "state", "x.mof"], "files")


@test("a damaged binary is exit 3 with an offset, and changes nothing")
def binary_damaged():
    s = State()
    made = os.path.join(s.top, "x.bmf")
    plain("-B:" + made, s.file("x.mof", BOTH))
    with open(made, "rb") as f:
        data = bytearray(f.read())
    _, err = s.run(s.file("cut.bmf", bytes(data[:-3])), code=3)
    expect_in(err, "cut.bmf:0x8: error 0x8004401E: this binary MOF is "
              "damaged: the packed data are longer than the file")
    data[20:24] = b"\0\0\0\0"
    _, err = s.run(s.file("bad.bmf", bytes(data)), code=3)
    expect_in(err, "bad.bmf:0x", "a copy has no length")
    expect_equal(s.names(), [], "files")


@test("a binary without a namespace goes where -N says; its errors have "
      "places too")
def binary_namespace():
    s = State()
    made = os.path.join(s.top, "x.bmf")
    plain("-B:" + made, s.file("x.mof", "class A : WMIEvent {};"))
    _, err = s.run("-N:root\\wmi", made, code=1)
    expect_in(err, "x.bmf:unpacked:0x", "error 0x8004100D",
              "superclass WMIEvent")
    s.run("-N:root\\wmi", s.file("base.mof", "class WMIEvent {};"), made)
    expect_equal(s.query("SELECT n.path FROM class c JOIN namespace n ON "
                         "c.namespace = n.id WHERE c.name = 'A'"),
                 [("root\\wmi",)], "where it is")


@test("-class: with -B is what the binary says of its classes")
def binary_class_flags():
    s = State()
    made = os.path.join(s.top, "x.bmf")
    plain("-class:updateonly", "-B:" + made,
          s.file("x.mof", "class A {};\n#pragma classflags(\"createonly\")\n"
                          "class B {};"))
    out, _ = s.run("--dump=mof", made)
    expect_in(out, '#pragma classflags("updateonly")\nclass A\n',
              '#pragma classflags("createonly")\nclass B\n')


@test("a binary is not included")
def binary_included():
    s = State()
    plain("-B:" + os.path.join(s.top, "x.bmf"), s.file("x.mof", CLASS))
    _, err = s.run(s.file("y.mof", '#pragma include("x.bmf")'), code=3)
    expect_in(err, "x.bmf", "0x8004401E", "binary MOF, which can't be "
              "included")


# -- switches ------------------------------------------------------------------

@test("bad switches are exit 2, and nothing is compiled")
def bad_switches():
    s = State()
    path = s.file("class.mof", CLASS)
    for words in (["--nonsense", path], ["-nonsense", path], [],
                  ["-class:never", path], ["-class", path],
                  ["-class:createonly", "-class:updateonly", path],
                  ["-instance:forceupdate", path], ["-N:other\\x", path],
                  ["-N:\\\\machine\\root\\x", path], ["--namespace"],
                  ["--max-errors=0", path], ["--max-errors=many", path],
                  ["--quiet=yes", path], ["-check:yes", path],
                  ["--config=", path], ["-I"], ["-B:x.bmf", path, path],
                  ["-B:x.bmf", "-check", path],
                  ["-B:x.bmf", "-instance:createonly", path],
                  ["-B:x.bmf", "--dump=mof", path],
                  ["-B:x.bmf", "--dry-run", path], ["-B", path], ["-B:", path],
                  ["-MOF:a", path], ["-P:secret", path], ["--Check", path]):
        _, err = s.run(*words, code=2)
        expect_equal(err.count("\n"), 1, "lines said about %s" % words)
        expect_in(err, "mofcomp: ")
    expect_equal(s.names(), [], "files")


def plain(*words, code=0, stdin=b""):
    done = subprocess.run([MOFCOMP] + list(words), input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=DEADLINE, check=False)
    expect(done.returncode == code, "exit %d instead of %d: %s" %
           (done.returncode, code, " ".join(words)), done.stderr.decode())
    return done.stdout.decode(), done.stderr.decode()


@test("-check needs neither configuration nor state, and looks at syntax only")
def check():
    s = State()
    good = s.file("class.mof", CLASS)
    for switch in ("-check", "-CHECK", "--check"):
        out, err = plain(switch, good)
        expect_equal((out, err), ("no errors\n", ""), switch)
    plain("-check", s.file("broken.mof", BROKEN), code=3)
    plain("-check", s.file("bad.mof", MEANINGLESS))
    expect_equal(s.names(), [], "files")


@test("--help and --version say what they should")
def help_version():
    out, err = plain("--version")
    expect(out.startswith("mofcomp (nsgate) ") and err == "", "version", out)
    out, err = plain("--help")
    expect_in(out, "--state-dir=DIR", "-N:NAMESPACE")
    expect_equal(err, "", "standard error")


@test("standard input, --, and a file whose name begins with a dash")
def standard_input():
    s = State()
    s.run("-", stdin=CLASS.encode())
    s.expect_generation(1)
    _, err = s.run("-", code=3, stdin=BROKEN.encode())
    expect_in(err, "<stdin>:1:")
    s.file("-dash.mof", CLASS)
    done = subprocess.run(s.arguments(["--", "-dash.mof"]), cwd=s.top,
                          stdout=subprocess.DEVNULL, env=ENVIRONMENT,
                          check=False)
    expect_equal(done.returncode, 0, "exit")
    s.expect_generation(2)


@test("-N: names the namespace of files that name none")
def default_namespace():
    s = State()
    path = s.file("plain.mof", "class A { [key] string Name; };\n")
    for words in (["-N:\\\\.\\root\\one", path], ["-n:root/two", path],
                  ["--namespace=Root\\three", path],
                  ["--namespace", "root\\four", path], [path]):
        s.run(*words)
    expect_equal(s.query("SELECT n.path FROM class c JOIN namespace n ON "
                         "n.id = c.namespace ORDER BY n.path"),
                 [("root\\default",), ("root\\four",), ("root\\one",),
                  ("root\\three",), ("root\\two",)], "namespaces of A")


@test("-I finds included files")
def include():
    s = State()
    os.mkdir(os.path.join(s.top, "more"))
    s.file("more/class.mof", CLASS)
    path = s.file("top.mof", '#pragma include("class.mof")\n')
    s.run(path, code=3)
    s.run("-I", os.path.join(s.top, "more"), path)
    s.run("-I" + os.path.join(s.top, "more"), path)
    s.run("--include=" + os.path.join(s.top, "more"), path)
    s.expect_generation(3)


@test("--quiet says nothing when all went well")
def quiet():
    s = State()
    out, err = s.run("--quiet", "-autorecover", s.file("class.mof", CLASS))
    expect_equal((out, err), ("", ""), "output")
    _, err = s.run("--quiet", s.file("broken.mof", BROKEN), code=3)
    expect_in(err, "broken.mof:1:")


@test("--max-errors limits what is shown")
def max_errors():
    s = State()
    path = s.file("broken.mof", BROKEN * 30)
    _, few = s.run("--max-errors=2", path, code=3)
    _, many = s.run("--max-errors=25", path, code=3)
    expect(few.count(": error 0x") < many.count(": error 0x") <= 26,
           "errors shown", few, many)


@test("the configuration names the directories, switches win over it")
def configuration():
    s = State()
    other = State()
    conf = s.file("nsgate.conf", "[nsgate]\nstate_dir = %s\n"
                  "runtime_dir = %s\n" % (s.dir, s.runtime))
    path = s.file("class.mof", CLASS)
    plain("--config", conf, path)
    s.expect_generation(1)
    plain("--config=" + conf, "--state-dir=" + other.dir, path)
    s.expect_generation(1)
    other.expect_generation(1)
    _, err = plain("--config", os.path.join(s.top, "none.conf"), path, code=1)
    expect_in(err, "none.conf")


@test("a state directory that others may write to is refused")
def writable_state():
    s = State()
    path = s.file("class.mof", CLASS)
    for mode in (0o770, 0o757, 0o1777):
        os.chmod(s.dir, mode)
        _, err = s.run(path, code=1)
        expect_in(err, s.dir)
    expect_equal(s.names(), [], "files")
    plain("--state-dir", os.path.join(s.top, "nowhere"), path, code=1)


@test("a repository that is none is refused and left alone")
def foreign_repository():
    s = State()
    db = os.path.join(s.dir, "repository.db")
    s.run(s.file("class.mof", CLASS))
    for name in s.names():
        os.unlink(os.path.join(s.dir, name))
    with open(db, "w", encoding="ascii") as f:
        f.write("not a database at all, only some text\n" * 200)
    os.chmod(db, 0o640)
    _, err = s.run(s.file("class.mof", CLASS), code=1)
    expect_in(err, "repository.db")
    expect_equal(s.image(), None, "image")


# -- the gateway ---------------------------------------------------------------

@test("with a gateway it announces, activates, and says in force")
def in_force():
    s = State()
    seen = []

    def answers(request):
        seen.append((s.image(), request))
        return "+{}"
    master = Master(s, answers)
    out, _ = s.run(s.file("class.mof", CLASS))
    out2, _ = s.run(s.file("security.mof", SECURITY % "TRUE"))
    master.close()
    expect_in(out, "policy generation 1 is in force\n")
    expect_in(out2, "policy generation 2 is in force\n")
    # Announced before the image changes, activated after.
    expect_equal(seen, [(None, "compile"), (1, "activate 1"),
                        (1, "compile"), (2, "activate 2")], "requests")


@test("a gateway that refuses: exit 1, stored and not in force")
def refused():
    s = State()
    master = Master(s, lambda r: "-no worker answers" if r[0] == "a"
                    else "+{}")
    _, err = s.run(s.file("class.mof", CLASS), code=1)
    master.close()
    expect_in(err, "stored as generation 1, not in force: no worker answers")
    s.expect_generation(1)


@test("a gateway that goes away: exit 1, stored and not in force")
def gone():
    for last in ("compile", "activate"):
        s = State()
        master = Master(s, lambda r, l=last: None if r.startswith(l)
                        else "+{}")
        _, err = s.run(s.file("class.mof", CLASS), code=1)
        master.close()
        expect_in(err, "stored as generation 1, not in force: ")
        s.expect_generation(1)


@test("a dead gateway's socket counts as none")
def dead():
    s = State()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stale:
        stale.bind(os.path.join(s.runtime, "control.sock"))
    out, _ = s.run(s.file("class.mof", CLASS))
    expect_in(out, "no gateway is running")


@test("a compile with errors never bothers the gateway")
def no_bother():
    s = State()
    master = Master(s, lambda r: "+{}")
    s.run(s.file("broken.mof", BROKEN), code=3)
    s.run(s.file("bad.mof", MEANINGLESS), code=1)
    master.close()
    expect_equal(master.requests, [], "requests")


@test("a gateway that may not be reached: exit 1 and nothing changed")
def unreachable():
    if not ROOT:
        return
    s = State()
    master = Master(s, lambda r: "+{}")
    os.chmod(master.path, 0o600)
    os.chown(s.dir, 4242, 4243)
    path = s.file("class.mof", CLASS)
    done = subprocess.run(s.arguments([path]), env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          user=4242, group=4243, extra_groups=[],
                          check=False)
    master.close()
    if done.returncode == 126:  # the build is not where others may enter
        return
    expect_equal(done.returncode, 1, "exit")
    expect_in(done.stderr.decode(), "control.sock: Permission denied")
    expect_equal(s.image(), None, "image")
    expect("policy.image.new" not in s.names(), "policy.image.new is left")
    expect_equal(s.generation(), 0, "generation")


# -- taking turns --------------------------------------------------------------

@test("the second of two compiles waits, says so, and goes on")
def turns():
    s = State()
    s.run(s.file("class.mof", CLASS))
    db = sqlite3.connect(os.path.join(s.dir, "repository.db"),
                         isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    waits = s.start(s.file("security.mof", SECURITY % "TRUE"))
    line = waits.stderr.readline().decode()
    expect_in(line, "another compile is at work, waiting for its end")
    expect_equal(s.generation(), 1, "generation meanwhile")
    db.execute("ROLLBACK")
    db.close()
    out, err = waits.communicate(timeout=DEADLINE)
    expect_equal((waits.returncode, err), (0, b""), "exit and errors")
    expect_in(out.decode(), "policy generation 2")
    s.expect_generation(2)


@test("many compiles at once all happen, one after another")
def many():
    s = State()
    names = ["n%d" % i for i in range(12)]
    running = [s.start(s.file(
        n + ".mof", CLASS.replace("MyNamespace", n))) for n in names]
    for process in running:
        _, err = process.communicate(timeout=DEADLINE * 2)
        expect_equal(process.returncode, 0, err.decode())
    s.expect_generation(len(names))
    expect_equal(s.query("SELECT count(*) FROM class"), [(len(names),)],
                 "classes")


if __name__ == "__main__":
    scratch()
    main()
