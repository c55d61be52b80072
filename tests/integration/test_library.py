#!/usr/bin/env python3
"""libnspolicy as other programs find it: what `make install` lays down and
pkg-config tells, the C example built and run with nothing else, and a gateway
that decides by what the example has compiled."""
import os
import re
import shutil
import stat
import subprocess

from harness import (BUILD, ROOT, SECRET, SECURITY_MOF, SRC, Gate, at_end,
                     expect, expect_equal, main, read, run, scratch, test,
                     wait_for, write)

DEST = os.path.join(scratch(), "dest")
EXAMPLES = os.path.join(SRC, "docs/examples")


def variable(name):
    """Of the build's makefile."""
    match = re.search(r"^%s = (.*)$" % name, read(
        os.path.join(BUILD, "Makefile")), re.M)
    return match.group(1) if match else ""


SANITIZE = variable("SANITIZE_CFLAGS").split()
PREFIX = DEST + variable("prefix")
LIB = PREFIX + "/lib"
MAN3 = PREFIX + "/share/man/man3"
HEADER = PREFIX + "/include/nspolicy.h"


def make(target):
    env = {n: v for n, v in os.environ.items()
           if n not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "-s", "-C", BUILD, target,
                           "DESTDIR=" + DEST], env=env, text=True,
                          capture_output=True, timeout=300, check=False)
    expect(done.returncode == 0, "make " + target, done.stdout, done.stderr)


make("install")


def pkg_config(*arguments):
    return run("pkg-config", *arguments, "nspolicy", env={
        "PKG_CONFIG_PATH": LIB + "/pkgconfig",
        "PKG_CONFIG_SYSROOT_DIR": DEST}).stdout.split()


def declared():
    code = re.sub(r"/\*.*?\*/|typedef void\s.*?;", "", read(HEADER),
                  flags=re.S)
    return set(re.findall(r"\b(nspolicy_[a-z_]+)\(", code))


def build(source, name, *flags, compiler="cc"):
    out = os.path.join(scratch(), name)
    run(compiler, *flags, "-Wall", "-Wextra", "-Werror", *SANITIZE,
        "-o", out, source, *pkg_config("--cflags", "--libs"))
    return out


EXAMPLE = build(PREFIX + "/share/doc/nsgate/examples/ask_policy.c",
                "ask_policy", "-std=c99", "-pedantic")


def ask(*arguments, status=0, **options):
    done = run(EXAMPLE, *arguments, check=False,
               env={"LD_LIBRARY_PATH": LIB}, **options)
    expect_equal(done.returncode, status, "exit status of %s\n%s%s" % (
        arguments, done.stdout, done.stderr))
    return done.stdout, done.stderr


def state():
    path = os.path.join(scratch(), "state")
    os.mkdir(path, 0o755)
    return path


MOF = [os.path.join(EXAMPLES, n)
       for n in ("MyNamespace.mof", "MyNamespace_security.mof")]


# -- what is installed --------------------------------------------------------

@test("the shared object exports the functions of its header and nothing else")
def _():
    names = run("nm", "-D", "--defined-only", LIB + "/libnspolicy.so").stdout
    exported = {line.split()[2].split("@")[0] for line in names.splitlines()
                if line.split()[1] != "A"}
    expect(all(line.split()[2].startswith("nspolicy_")
               for line in names.splitlines()), "another prefix", names)
    expect_equal(exported, declared(), "exported functions")


@test("the shared object needs SQLite and libc, has its name, can be moved")
def _():
    dynamic = run("readelf", "-dW", LIB + "/libnspolicy.so").stdout
    needed = set(re.findall(r"NEEDED.*\[([a-z0-9]+)", dynamic))
    allowed = {"libsqlite3", "libc", "ld"}
    if SANITIZE:
        allowed |= {"libasan", "libubsan", "libm", "libgcc", "libdl",
                    "libpthread", "librt"}
    expect(needed <= allowed, "needed: %s" % needed)
    expect("[libnspolicy.so.0]" in dynamic, "soname", dynamic)
    expect("TEXTREL" not in dynamic and "RPATH" not in dynamic and
           "RUNPATH" not in dynamic, "not to be moved", dynamic)
    if not SANITIZE:
        expect("BIND_NOW" in dynamic, "lazily bound", dynamic)
    segments = run("readelf", "-lW", LIB + "/libnspolicy.so").stdout
    expect("GNU_RELRO" in segments, "no RELRO", segments)
    expect(not re.search(r"GNU_STACK.*E ", segments), "executable stack")


@test("pkg-config tells version, header and library")
def _():
    expect_equal(pkg_config("--modversion"), [variable("PACKAGE_VERSION")],
                 "version")
    flags = pkg_config("--cflags", "--libs")
    expect("-lnspolicy" in flags and "-I%s/include" % PREFIX in flags,
           "flags", flags)
    expect("-lsqlite3" not in flags, "a private library", flags)


@test("the header stands alone, in C99 and in C++")
def _():
    path = os.path.join(scratch(), "use.c")
    write(path, "#include <nspolicy.h>\n#include <nspolicy.h>\n"
          "int main(void) { return nspolicy_version()[0] == 0; }\n")
    build(path, "c", "-std=c99", "-pedantic")
    if shutil.which("c++"):
        shutil.copy(path, path + ".cc")
        build(path + ".cc", "cc", "-std=c++11", "-pedantic", compiler="c++")


@test("each function has a manual page that shows how it is called")
def _():
    for name in sorted(declared()):
        page = os.path.join(MAN3, name + ".3")
        expect(os.path.exists(page), "no manual page: " + name)
        text = read(page).split(".SH DESCRIPTION")[0]
        expect(name + "(" in text, "not in the synopsis: " + name)
        expect(re.search(r"\b%s\b" % name, text.split(".SH SYNOPSIS")[0]),
               "not among the names: " + name)


# -- the example -----------------------------------------------------------

@test("the example compiles, asks, and shows the refusal with its reason")
def _():
    where = state()
    out, _ = ask(where, r"root\MyNamespace", *MOF, status=1)
    expect("generation 1: 5 classes, 1 namespaces encrypted\n" in out, "said",
           out)
    expect(r"Root\MyNamespace requires PktPrivacy" in out and
           "channel-not-private" in out, "no refusal", out)
    out, _ = ask(where, r"root\mynamespace", status=1)
    expect("Policy generation 1." in out, "not found again", out)
    write(where + "/off.mof", SECURITY_MOF.replace("Secret", "MyNamespace")
          % "FALSE")
    out, _ = ask(where, r"root\MyNamespace", where + "/off.mof", status=0)
    expect("allowed" in out, "not let in", out)
    out, _ = ask(where, r"root\Elsewhere", status=1)
    expect("unknown-namespace" in out, "found", out)


@test("the example shows what is wrong with a file, and nothing is stored")
def _():
    where = state()
    path = write(where + "/bad.mof", "class A { };\nclass B {\n string ;\n};")
    _, err = ask(where, "root", MOF[0], path, status=2)
    expect(path + ":3:9: error: " in err and
           "0x8004400C WBEMMOF_E_EXPECTED_PROPERTY_NAME" in err, "said", err)
    expect("phase 1, result 0x8004400C, object 2, lines 2 to 4" in err,
           "status record", err)
    expect_equal(os.listdir(where), ["bad.mof"], "files")
    _, err = ask(where, "root", status=2)
    expect("policy.image" in err, "no reason", err)


@test("another locale changes nothing")
def _():
    locales = scratch()
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", locales + "/de_DE.UTF-8"],
        capture_output=True, check=False).returncode == 0
    where = state()
    path = write(where + "/real.mof", "class R { real64 x = 1.5; };\n")
    done = run(EXAMPLE, where, "root", path, check=False, env={
        "LD_LIBRARY_PATH": LIB, "LOCPATH": locales,
        "LC_ALL": "de_DE.UTF-8" if made else "C"})
    expect_equal(done.returncode, 0, "exit status\n" + done.stderr)


@test("what root compiles belongs to the owner of the directory")
def _():
    if not ROOT:
        return
    where = state()
    os.chown(where, 4242, 4243)
    ask(where, "root", MOF[0], status=0)
    for name in os.listdir(where):
        st = os.stat(os.path.join(where, name))
        expect_equal((st.st_uid, st.st_gid), (4242, 4243), name)
        expect_equal(stat.S_IMODE(st.st_mode) & 0o027, 0, name)


# -- beside a gateway --------------------------------------------------------

@test("a gateway gives nothing that a program's compile forbids, and soon "
      "what it allows")
def _():
    gate = Gate()
    for value, status in (("FALSE", 0), ("TRUE", 1)) * 5:
        path = write(gate.path("change.mof"), SECURITY_MOF % value)
        ask(gate.path("state"), r"root\Secret", path, status=status)
        for _ in range(8 * status):
            gate.ask("http", SECRET, gate.token()).expect(403)
        wait_for(lambda: status or gate.ask("http", SECRET, gate.token())
                 .status == 200, "what is allowed")


@test("uninstalling leaves no file")
def _():
    make("uninstall")
    left = [os.path.join(path, name) for path, _, names in os.walk(DEST)
            for name in names]
    expect_equal(left, [], "left")


at_end(shutil.rmtree, DEST, True)
main()
