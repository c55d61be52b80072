#!/usr/bin/env python3
"""-autorecover, #pragma autorecover and --recover: the list, and a repository
made anew from it, never weaker than what was in force without being told."""
import os
import resource
import subprocess

from mofcomp_state import (CLASS, ENVIRONMENT, SECURITY, Master, State, expect,
                           expect_equal)
from harness import ROOT, main, scratch, test

LIST = "autorecover.list"
PRAGMA = "#pragma autorecover\n"


def listed(s):
    """(kind, path) of each line; the digests are looked at by --recover."""
    try:
        with open(os.path.join(s.dir, LIST), encoding="utf-8") as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        return None
    expect(lines[0].startswith("# nsgate autorecover 1 generation "), lines)
    return [(line.split("\t")[0], line.split("\t")[2]) for line in lines[1:]]


def content(s):
    return [s.query(sql) for sql in (
        "SELECT path, display, encryption FROM namespace ORDER BY path",
        "SELECT name, body FROM class WHERE body IS NOT NULL ORDER BY name",
        "SELECT key, body FROM instance ORDER BY key")]


def policy(s):
    """Two files on the list: a class, and its namespace encrypted."""
    paths = [s.file("class.mof", PRAGMA + CLASS),
             s.file("security.mof", PRAGMA + SECURITY % "TRUE")]
    for path in paths:
        s.run("--quiet", path)
    return paths


def damage(s):
    path = os.path.join(s.dir, "repository.db")
    with open(path, "r+b") as f:
        f.seek(0)
        f.write(b"\x55" * 8192)
    for suffix in ("-wal", "-shm"):
        try:
            os.unlink(path + suffix)
        except FileNotFoundError:
            pass


@test("files that say so and those of -autorecover are listed, others not")
def listing():
    s = State()
    s.file("part.mof", "class Part { };\n")
    a = s.file("a.mof", '#pragma include("part.mof")\n' + PRAGMA + CLASS)
    b, c = s.file("b.mof", CLASS), s.file("c.mof", CLASS)
    s.run("--quiet", b)
    expect_equal(listed(s), None, "the list")
    s.run("--quiet", a, b)
    entries = [("file", a), ("include", os.path.join(s.top, "part.mof"))]
    expect_equal(listed(s), entries, "pragma")
    s.run("--quiet", "-AutoRecover", b, c)
    expect_equal(listed(s), entries + [("file", b), ("file", c)], "switch")
    # Compiled again it comes last, once.
    s.run("--quiet", a)
    expect_equal(listed(s), [("file", b), ("file", c)] + entries, "again")
    expect("autorecover.list.new" not in s.names(), s.names())


@test("a refused compile and one of standard input put nothing on the list")
def not_listed():
    s = State()
    s.run("--quiet", "-autorecover", s.file("a.mof", "class A : None { };\n"),
          code=1)
    s.run("-class:updateonly", s.file("a.mof", PRAGMA + CLASS), code=2)
    expect_equal(listed(s), None, "the list")
    _, err = s.run("-", stdin=(PRAGMA + CLASS).encode())
    expect("<stdin> is no file" in err, err)
    expect_equal(listed(s), None, "the list")
    path = s.file("a.mof", PRAGMA + "class A { };\n")
    _, err = s.run("-N:root\\x", path)
    expect("will compile %s without -N" % path in err, err)
    for switch in ("-N:root\\x", "-class:createonly", "-instance:createonly"):
        s.run("-autorecover", switch, path, code=2)


@test("--recover makes everything anew, in one generation")
def recover():
    s = State()
    policy(s)
    before = content(s)
    s.run("--quiet", s.file("other.mof", CLASS.replace("My", "Other")))
    generation = s.generation()
    expect(content(s) != before, "nothing else was compiled")
    s.run("--recover")
    expect_equal(content(s), before, "the content")
    s.expect_generation(generation + 1)
    expect_equal([n for _, n in listed(s)],
                 [os.path.join(s.top, n) for n in ("class.mof",
                                                   "security.mof")], "list")


@test("a damaged or lost repository is moved aside and made anew")
def damaged():
    for how in (damage, lambda s: os.unlink(
            os.path.join(s.dir, "repository.db"))):
        s = State()
        paths = policy(s)
        before, image = content(s), s.image()
        how(s)
        if how is damage:
            s.run(paths[0], code=1)
        s.run("--recover")
        expect_equal(content(s), before, "the content")
        # Behind the image that was there, which is not of its future.
        s.expect_generation(image + 1)
        expect_equal("repository.db.damaged" in s.names(), how is damage,
                     "moved aside")
        s.run(paths[0])
        s.expect_generation(image + 2)


@test("a file that is missing or has changed is an error, each is named")
def missing():
    s = State()
    paths = policy(s)
    before, generation = content(s), s.generation()
    os.unlink(paths[0])
    s.file("security.mof", PRAGMA + SECURITY % "TRUE" + "// more\n")
    _, err = s.run("--recover", code=1)
    expect("class.mof: No such file" in err and
           "security.mof has changed" in err, err)
    expect_equal(content(s), before, "the content")
    s.run("--recover", "--despite=changed", code=1)
    s.run("--recover", "--despite=missing", code=1)
    s.expect_generation(generation)
    _, err = s.run("--recover", "--despite=missing", "--despite=changed")
    expect("left out: " in err, err)
    expect_equal(s.encrypted(), ["Root\\MyNamespace"], "encrypted")
    # What was missing is still on the list, what has changed as it is now.
    s.file("class.mof", PRAGMA + CLASS)
    s.run("--recover")
    expect_equal(content(s)[1:], before[1:], "the content")


@test("an included file counts too")
def included():
    s = State()
    s.file("part.mof", "class Part { };\n")
    s.run("--quiet", s.file("a.mof", PRAGMA + '#pragma include("part.mof")\n'))
    s.file("part.mof", "class Other { };\n")
    _, err = s.run("--recover", code=1)
    expect("part.mof has changed" in err, err)


@test("a recovery that would take encryption away is refused")
def weaker():
    s = State()
    s.run("--quiet", s.file("class.mof", PRAGMA + CLASS))
    s.run("--quiet", s.file("security.mof", SECURITY % "TRUE"))
    for how in (lambda: None, lambda: damage(s)):
        how()
        image = s.image()
        _, err = s.run("--recover", code=1)
        expect("Root\\MyNamespace requires encryption now and would not any "
               "more" in err or "root\\MyNamespace requires encryption now"
               in err, err)
        expect_equal(s.image(), image, "the image")
    _, err = s.run("--recover", "--despite=weaker")
    expect("does not require encryption any more" in err, err)
    expect_equal(s.encrypted(), [], "encrypted")


@test("a recovery that would lose an encrypted namespace is refused")
def lost():
    s = State()
    s.run("--quiet", "-N:root\\enc", s.file("enc.mof", """
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
class Enc { [key] string Name; };
"""))
    s.run("--quiet", "-autorecover", s.file("class.mof", CLASS))
    image = s.image()
    _, err = s.run("--recover", code=1)
    expect("root\\enc requires encryption now" in err, err)
    expect_equal(s.image(), image, "the image")
    _, err = s.run("--recover", "--despite=weaker")
    expect("root\\enc does not require encryption any more" in err, err)


@test("what does not go together is exit 2, an empty list exit 1")
def switches():
    s = State()
    path = s.file("a.mof", CLASS)
    for words in (["--recover", path], ["--recover", "-check"],
                  ["--recover", "-N:root\\x"], ["--recover", "--dry-run"],
                  ["--despite=missing", path],
                  ["--recover", "--despite=everything"]):
        s.run(*words, code=2)
    _, err = s.run("--recover", code=1)
    expect("no file is on the list" in err, err)
    s.run("--quiet", path)
    with open(os.path.join(s.dir, LIST), "w", encoding="ascii") as f:
        f.write("# nsgate autorecover 1 generation 1\nfile\tx\t/a\n")
    _, err = s.run("--recover", code=1)
    expect("autorecover.list is damaged" in err, err)


@test("a list left by a compile that died counts if that was committed")
def left_behind():
    s = State()
    paths = policy(s)
    new, old = (os.path.join(s.dir, n) for n in (LIST + ".new", LIST))
    with open(old, encoding="ascii") as f:
        text = f.read()
    for generation, counts in ((s.generation(), True),
                               (s.generation() + 5, False)):
        with open(new, "w", encoding="ascii") as f:
            f.write("# nsgate autorecover 1 generation %d\n%s\n" % (
                generation, text.split("\n")[1]))
        s.run("--quiet", s.file("x.mof", "class X%d { };\n" % generation))
        expect_equal(listed(s), [("file", paths[0])] if counts else
                     [("file", p) for p in paths], "the list")
        expect(LIST + ".new" not in s.names(), s.names())
        with open(old, "w", encoding="ascii") as f:
            f.write(text)


@test("--recover itself takes a list that was committed and not put in place")
def committed_list():
    for generation, code in ((0, 0), (1, 1)):
        s = State()
        policy(s)
        old = os.path.join(s.dir, LIST)
        with open(old, encoding="ascii") as f:
            lines = f.read().split("\n")
        with open(old, "w", encoding="ascii") as f:
            f.write(lines[0] + "\n" + lines[1] + "\n")
        with open(old + ".new", "w", encoding="ascii") as f:
            f.write("# nsgate autorecover 1 generation %d\n%s" % (
                s.generation() + generation, "\n".join(lines[1:])))
        # Without security.mof the policy would be weaker.
        s.run("--recover", code=code)
        expect_equal(s.encrypted(), ["root\\MyNamespace"], "encrypted")


@test("odd names of files keep their bytes")
def odd_names():
    s = State()
    name = "a %41\t\n\"b.mof"
    path = s.file(name, PRAGMA + CLASS)
    s.run("--quiet", path)
    s.run("--recover")


@test("the list belongs to the owner of the directory; sources may be root's")
def owner():
    if not ROOT:
        return
    s = State()
    os.chown(s.dir, 4242, 4243)
    path = s.file("a.mof", PRAGMA + CLASS)
    os.chmod(path, 0o600)
    s.run("--quiet", path)
    st = os.stat(os.path.join(s.dir, LIST))
    expect_equal((st.st_uid, st.st_gid, st.st_mode & 0o777),
                 (4242, 4243, 0o640), LIST)
    s.run("--recover")


@test("a gateway is told of a recovery like of any compile")
def gateway():
    s = State()
    policy(s)
    master = Master(s, lambda request: "+{}")
    s.run("--recover")
    master.close()
    expect_equal(master.requests, ["compile", "activate 3"], "requests")


@test("a full disk recovers nothing and loses nothing")
def full_disk():
    s = State()
    s.run("--quiet", s.file("a.mof", PRAGMA + CLASS + "".join(
        'instance of My_Class { Name = "%d"; };\n' % i for i in range(3000))))
    before = content(s)
    for limit in (20000, 80000):
        done = subprocess.run(
            s.arguments(["--recover"]), env=ENVIRONMENT, check=False,
            restore_signals=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=lambda l=limit: resource.setrlimit(
                resource.RLIMIT_FSIZE, (l, l)))
        expect_equal(done.returncode, 1, done.stderr.decode())
        expect_equal(content(s), before, "the content")
    s.run("--recover")
    expect_equal(content(s), before, "the content")


if __name__ == "__main__":
    scratch()
    main()
