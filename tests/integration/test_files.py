#!/usr/bin/env python3
"""Files that the configuration names and that cannot be used: one line with
the place of their key, the same from --check-config and from a start."""
import os
import re
import shutil

from harness import (DEADLINE, ROOT, Gate, expect, expect_equal, main,
                     program, read, run, test, tls_dir, write)

gate = Gate(start=False)
CALLBACK = """
[callback]
client_keytab = %s
sinks         = localhost
sink_ca       = %s/ca.crt
""" % (gate.realm.keytab("alice"), tls_dir())
gate.configure(extra=CALLBACK)
GOOD = read(gate.conf)
# As keytab(5) has it: version 5.2 and no entry.
NO_KEYS = b"\x05\x02"
EMPTY_PEM = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"


def nsgated(*arguments):
    done = run(program("nsgated"), "--config", gate.conf, *arguments,
               check=False, env=gate.realm.env, timeout=DEADLINE)
    return done.returncode, [line for line in done.stderr.split("\n")
                             if line and ": warning: " not in line]


def refused(name, key, *words):
    """In one line, at the first line with key."""
    for arguments in (("--check-config",), ()):
        status, lines = nsgated(*arguments)
        expect_equal((status, len(lines)), (1, 1), "%s %s: %s" % (
            name, arguments, lines))
        match = re.search(r"nsgate\.conf:(\d+): ", lines[0])
        expect(match is not None, name + ": no FILE:LINE", lines[0])
        named = read(gate.conf).split("\n")[int(match.group(1)) - 1]
        expect(named.startswith(key), name + ": another line is named",
               lines[0], named)
        for word in words:
            expect(word in lines[0], "%s: no '%s'" % (name, word), lines[0])


def with_file(old, content):
    """The configuration with a file of this content at old's place."""
    path = gate.path("bad")
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, 0o600)
    expect(old in GOOD, "nothing to replace: " + old)
    write(gate.conf, GOOD.replace(old, path, 1))
    return path


@test("--check-config says good of files that are")
def _():
    write(gate.conf, GOOD)
    expect_equal(nsgated("--check-config"), (0, []), "good files")


@test("a keytab that a worker could not use is told at its key")
def _():
    for name, content, word in (
            ("empty", b"", "empty"), ("garbage", b"garbage", "no"),
            ("without a key", NO_KEYS, "no key"),
            ("without the acceptor's key",
             open(gate.realm.keytab("alice"), "rb").read(),
             "no key for any acceptor name")):
        path = with_file(gate.keytab, content)
        refused(name, "keytab", path, word)


@test("so are the keytab and the certificates of [callback]")
def _():
    for content in (b"", b"garbage", NO_KEYS):
        path = with_file(gate.realm.keytab("alice"), content)
        refused("client_keytab", "client_keytab", path)
    write(gate.conf, GOOD + "client_principal = bob@%s\n" % gate.realm.name)
    refused("client_principal", "client_keytab", "bob@")
    for content in (b"", b"garbage", EMPTY_PEM):
        path = with_file(tls_dir() + "/ca.crt", content)
        refused("sink_ca", "sink_ca", path, "no certificate in PEM form")


@test("a certificate or key that is none is told at its own key, in words")
def _():
    for content in (b"", b"garbage", EMPTY_PEM):
        path = with_file(tls_dir() + "/tls.crt", content)
        refused("certificate", "tls_certificate", path,
                "no certificate in PEM form")
        path = with_file(tls_dir() + "/tls.key", content)
        refused("key", "tls_key", path, "no private key in PEM form")
    write(gate.conf, GOOD.replace("tls_certificate = " + tls_dir() +
                                  "/tls.crt", "tls_certificate = " +
                                  tls_dir() + "/ecdsa.crt", 1))
    refused("another's key", "tls_key", "tls.key", "do not match")
    path = gate.path("bad")
    shutil.copy(tls_dir() + "/tls.key", path)
    write(gate.conf, GOOD.replace(
        "proxy_tls_certificate = " + tls_dir() + "/tls.crt",
        "proxy_tls_certificate = " + path))
    refused("proxy's certificate", "proxy_tls_certificate", path,
            "no certificate in PEM form")


@test("a state directory that is not store_user's is told at its key")
def _():
    if not ROOT:
        return
    write(gate.conf, GOOD.replace("store_user  = root",
                                  "store_user  = daemon"))
    refused("state_dir", "state_dir", gate.state, "chown -R daemon:")


main()
