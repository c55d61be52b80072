#!/usr/bin/env python3
"""Rows of docs/threat-model.md from an angle of their own: what an attacker
could bring about around the gateway, not only in a request."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import types

from harness import (OPEN, PROXY_SECRET, SECRET, SECURITY_MOF, SRC, Failure,
                     Gate, expect, expect_equal, main, read, test, wait_for,
                     write)

gate = Gate()

# -- 2: the replay cache ----------------------------------------------------------


@test("neither the environment nor krb5.conf turns the replay cache off")
def _():
    real = gate.realm
    conf = gate.path("krb5.conf")
    write(conf, read(real.env["KRB5_CONFIG"]).replace(
        "[libdefaults]", "[libdefaults]\n    default_rcache_name = none:"))
    realm = types.SimpleNamespace(
        name=real.name, keytab=real.keytab, ccache=real.ccache,
        env=dict(real.env, KRB5_CONFIG=conf, KRB5RCACHENAME="none:",
                 KRB5RCACHETYPE="none"))
    other = Gate(realm=realm, workers=1)
    token = gate.token()
    other.ask("https", OPEN, token).expect(200)
    other.ask("https", OPEN, token).expect(401)


@test("why a token was refused is the log's: replay, foreign and broken "
      "tokens have one answer")
def _():
    token = gate.token()
    gate.ask("https", OPEN, token).expect(200)
    answers = [gate.ask("https", OPEN, t).expect(401)
               for t in (token, gate.token(spn="host@localhost"), "AAAA",
                         token[:-8])]
    bodies = {a.body.replace(a.headers["nsgate-request-id"].encode(), b"")
              for a in answers}
    expect_equal(len(bodies), 1, "bodies %s" % bodies)
    for answer in answers:
        expect_equal(answer.headers["www-authenticate"], "Negotiate",
                     "no token comes back")


# -- 24: proxy headers in other spellings -----------------------------------------

@test("names that a proxy might take for its own headers assert nothing")
def _():
    base = [("X-Nsgate-Client-Addr", "192.0.2.7"),
            ("X-Nsgate-Proxy-Secret", PROXY_SECRET)]
    for name in ("X_Nsgate_Tls_Protocol", "X-Nsgate_Tls-Protocol",
                 "X-Nsgate-Tls-Protocols", "X-Nsgate-Tls", "Tls-Protocol",
                 "X-Forwarded-Proto"):
        answer = gate.ask("proxy", SECRET, gate.token(),
                          base + [(name, "TLSv1.3")])
        expect(answer.status in (400, 403), name, answer)


# -- 27: the log ------------------------------------------------------------------

# C1 controls, NEL, line and paragraph separators, direction, a zero width
# blank, a byte order mark; then bytes that are no UTF-8.
UNSAFE = ["\u0085", "\u009b31m", "\u2028", "\u2029", "\u202e", "\u2066",
          "\u200b", "\ufeff"]
BROKEN = [b"\x85", b"\x9b31m", b"\xff", b"\xc0\x8a", b"\xed\xa0\x80"]


def safe(text):
    return not any(c in text for c in "".join(u[0] for u in UNSAFE)) and \
        all(c >= " " or c == "\n" for c in text)


@test("characters that break lines or turn them around are escaped in the "
      "log, in events and in why; records stay JSON")
def _():
    marks = ["mark%d" % n for n in range(len(UNSAFE) + len(BROKEN))]
    parts = [u.encode() for u in UNSAFE] + BROKEN
    found = []
    for mark, part in zip(marks, parts):
        target = b"/cim/root/Secret:Secret_Thing.Name=%22" + \
            mark.encode() + part + b"%22"
        answer = gate.ask("http", target.decode("latin-1"), gate.token())
        expect(answer.status in (400, 403), repr(part), answer)
        headers = [("X-Nsgate-Client-Addr",
                    (mark.encode() + part).decode("latin-1")),
                   ("X-Nsgate-Proxy-Secret", PROXY_SECRET)]
        second = gate.ask("proxy", SECRET, gate.token(), headers)
        expect(second.status in (400, 403), repr(part), second)
        found += [a.headers["nsgate-request-id"] for a in (answer, second)]
    for request in found:
        why = wait_for(lambda: gate.ctl("why", request, check=False).stdout,
                       "why of " + request)
        expect(safe(why), "why", repr(why))
    with open(gate.logfile, "rb") as f:
        log = f.read().decode("utf-8")  # strictly
    lines = log.split("\n")
    for mark in marks:
        expect([line for line in lines if mark in line], mark + " is not in "
               "the log")
    for line in lines:
        expect(safe(line), "the log", repr(line))
    text = gate.ctl("events", "--limit", "1000").stdout
    expect(safe(text), "events", repr(text))
    with open(gate.path("access.log"), "rb") as f:
        records = f.read().decode("utf-8")
    for line in records.rstrip("\n").split("\n"):
        json.loads(line)


# -- 30: a compile that the store refuses ------------------------------------------

THING = r"""
#pragma namespace("\\\\.\\root\\Open")
instance of Open_Thing { Name = "%s"; Size = 1; };
"""


@test("what the store refuses after other files were good changes nothing")
def _():
    gate.compile(SECURITY_MOF % "TRUE")
    before = gate.status()["generation"]
    names = [write(gate.path("store%d.mof" % n), text) for n, text in
             enumerate((SECURITY_MOF % "FALSE", THING % "half",
                        '#pragma instanceflags("createonly")' +
                        THING % "one"))]
    done = gate.mofcomp(*names, check=False)
    expect_equal(done.returncode, 0x19, "exit status\n" + done.stderr)
    expect("store2.mof:3:1: error 0x80041019" in done.stderr, "the reason",
           done.stderr)
    expect_equal(gate.status()["generation"], before, "generation")
    gate.ask("http", SECRET, gate.token()).expect(403, "channel-not-private")
    expect(b'"half"' not in gate.ask("https", OPEN, gate.token()).expect(
        200).body, "half a compile")
    gate.restart()
    gate.ask("http", SECRET, gate.token()).expect(403, "channel-not-private")


# -- 31: a store of another time -----------------------------------------------------

@contextlib.contextmanager
def another_repository(path):
    """The gateway with a repository from a backup, and its own image."""
    mine = gate.path("state/repository.db")
    kept = gate.path("kept.db")
    gate.stop()
    with contextlib.closing(sqlite3.connect(mine)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.move(mine, kept)
    for end in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(mine + end)
    shutil.copy(path, mine)
    os.chmod(mine, 0o640)
    gate.start()
    try:
        yield
    finally:
        gate.stop()
        for end in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(mine + end)
        shutil.move(kept, mine)
        gate.start()


@test("a repository older than its image serves nothing, whoever asks how")
def _():
    old = gate.path("old.db")
    gate.compile(SECURITY_MOF % "TRUE")
    with contextlib.closing(sqlite3.connect(
            gate.path("state/repository.db"))) as db, \
            contextlib.closing(sqlite3.connect(old)) as copy:
        db.backup(copy)
    gate.compile(SECURITY_MOF % "FALSE")
    gate.ask("http", SECRET, gate.token()).expect(200)
    with another_repository(old):
        for listener in ("http", "https", "tools"):
            answer = gate.ask(listener, SECRET, gate.token())
            expect(answer.status in (403, 503), listener, answer)
            expect(b"swordfish" not in answer.body, "served", answer)
            gate.ask(listener, OPEN, gate.token()).expect(503)
        gate.wait_event(id=111)
    gate.compile(SECURITY_MOF % "TRUE")
    gate.ask("http", SECRET, gate.token()).expect(403)
    gate.ask("https", SECRET, gate.token()).expect(200)


@test("a damaged image closes everything until somebody compiles or reloads")
def _():
    image = gate.path("state/policy.image")
    gate.stop()
    with open(image, "r+b") as f:
        f.seek(-1, os.SEEK_END)
        last = f.read(1)
        f.seek(-1, os.SEEK_END)
        f.write(bytes([last[0] ^ 1]))
    gate.start()
    for again in range(2):
        for path in (SECRET, OPEN, "/cim/root", "/cim/root/None"):
            for listener in ("http", "https", "tools"):
                gate.ask(listener, path, gate.token()).expect(503)
        gate.wait_event(id=111)
        if not again:
            gate.restart()  # does not heal it
    gate.ctl("reload")  # has it made anew, and does not wait for that
    wait_for(lambda: gate.ask("https", SECRET, gate.token()).status == 200,
             "a rebuilt image")
    gate.wait_event(id=112)
    gate.ask("http", SECRET, gate.token()).expect(403, "channel-not-private")


# -- 36: keys ---------------------------------------------------------------------------

@test("a worker that is replaced while the keytab is gone has the old keys")
def _():
    kept = gate.keytab + ".kept"
    count = sum(e["count"] for e in gate.events(id=121))
    shutil.move(gate.keytab, kept)
    wait_for(lambda: sum(e["count"] for e in gate.events(id=121)) > count,
             "event 121")
    for victim in gate.workers():
        os.kill(victim, 9)
        wait_for(lambda: victim not in gate.workers() and
                 len(gate.workers()) == 2, "a new worker")
    for _ in range(6):
        gate.ask("https", SECRET, gate.token()).expect(200)
        gate.ask("http", SECRET, gate.token()).expect(403)
    shutil.move(kept, gate.keytab)


# -- the page itself ---------------------------------------------------------------------

def units():
    """suite::name of every Criterion test."""
    found = set()
    for top in ("tests/gateway", "tests/policy"):
        for path, _, names in os.walk(os.path.join(SRC, top)):
            for name in names:
                if name.endswith(".c"):
                    found.update("%s::%s" % pair for pair in re.findall(
                        r"^Test\((\w+),\s*(\w+)",
                        read(os.path.join(path, name)), re.M))
    return found


def sentences(script):
    """The names of a script's tests; a split string is one."""
    for path in ("tests/integration/test_%s.py",
                 "tests/policy/mofcomp/test_%s.py"):
        path = os.path.join(SRC, path.replace("%s", script))
        if os.path.exists(path):
            return [re.sub(r'"\s*\n\s*"', "", name) for name in re.findall(
                r'(?:@test|^row)\(\s*"((?:[^"\\]|\\.|"\s*\n\s*")*)"', read(path), re.M)]
    raise Failure("there is no script %s" % script)


@test("every test that docs/threat-model.md names exists")
def _():
    page = read(os.path.join(SRC, "docs/threat-model.md"))
    body = page.split("## Identity")[1].split("## Known limits")[0]
    body = re.sub(r"(?<=\w)\n(?=\w)", " ", body)
    known = units()
    named = re.findall(r"`(\w+::\w+)`", body)
    expect(len(named) > 20, "too few unit tests: %s" % named)
    for name in named:
        expect(name in known, "no unit test " + name)
    count = 0
    for script, names in re.findall(
            r'\b([a-z_]+)((?:,?\s"[^"]+")+)', body):
        for name in re.findall(r'"([^"]+)"', names):
            count += 1
            expect([s for s in sentences(script) if s.startswith(name)],
                   'no test of %s begins with "%s"' % (script, name))
    expect(count > 40, "too few integration tests: %d" % count)
    expect(os.path.exists(os.path.join(
        SRC, "tests/integration/kill_mofcomp.py")), "kill_mofcomp.py")
    for row in body.split("\n"):
        if re.match(r"\| \d", row):
            expect("not yet" in row or '"' in row or "::" in row,
                   "a row without a test", row)


main()
