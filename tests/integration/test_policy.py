#!/usr/bin/env python3
"""The policy's life: swaps under load, kills, corruption; threats 30, 31 and
38 of docs/threat-model.md."""
import contextlib
import os
import random
import socket
import sqlite3
import subprocess
import time

from harness import (ME, OPEN, SECRET, SECURITY_MOF, Gate, expect,
                     expect_equal, main, program, test, wait_for, write)
from load import Load

gate = Gate()
PUBLIC = r"""
#pragma namespace("\\\\.\\root\\Swap")
class Swap_Thing { [key] string Name; string Value; };
instance of Swap_Thing { Name = "code"; Value = "public"; };
[RequiresEncryption(FALSE)]
instance of __SystemSecurity { };
"""
HIDDEN = PUBLIC.replace("public", "swordfish").replace("FALSE", "TRUE")
SWAP = "/cim/root/Swap:Swap_Thing/instances"


@test("a change is in force when mofcomp returns, both ways")
def _():
    for value, status in (("FALSE", 200), ("TRUE", 403)) * 5:
        gate.compile(SECURITY_MOF % value)
        for _ in range(4):
            gate.ask("http", SECRET, gate.token()).expect(status)


@test("under load: never admitted between TRUE and FALSE, never refused "
      "between FALSE and TRUE")
def _():
    spans = []  # (value, from, to)
    with Load(gate, "http", SECRET) as load:
        for value in ("FALSE", "TRUE") * 8:
            gate.compile(SECURITY_MOF % value)
            since = time.monotonic()
            load.more(6)
            spans.append((value, since, time.monotonic()))
    judged = {"TRUE": 0, "FALSE": 0}
    for begun, ended, status, body in load.check():
        expect(status in (200, 403), "status %s" % status, body)
        for value, since, until in spans:
            if since <= begun and ended <= until:
                judged[value] += 1
                expect_equal(status, 403 if value == "TRUE" else 200,
                             "status while " + value)
    expect(min(judged.values()) >= 8, "too few judged: %s" % judged)


@test("secret and protection in one compile: no request sees the secret in "
      "clear")
def _():
    gate.compile(PUBLIC)
    with Load(gate, "http", SWAP) as load:
        for text in (HIDDEN, PUBLIC) * 8:
            gate.compile(text)
            load.more(2)
    statuses = set()
    for _, _, status, body in load.check():
        statuses.add(status)
        expect(status in (200, 403, 503), "status %s" % status, body)
        expect(b"swordfish" not in body, "the secret in clear", body)
    expect({200, 403} <= statuses, "both policies were seen", statuses)


def stored_generation():
    with contextlib.closing(sqlite3.connect(
            "file:%s?mode=ro" % gate.path("state/repository.db"),
            uri=True)) as db:
        return db.execute("SELECT generation FROM policy").fetchone()[0]


BIG = r"""
#pragma namespace("\\\\.\\root\\Big")
class Big_Thing { [key] uint32 Id; string Value; };
""" + "".join('instance of Big_Thing { Id = %d; Value = "%s"; };\n'
              % (i, "openopen" * 1500) for i in range(900))


@test("an answer that is under way is decided again: what a compile closes "
      "in between is not sent")
def _():
    gate.compile(BIG)
    with gate.connect("http") as c:
        # Little is on its way while nobody reads.
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.send(c.request("/cim/root/Big:Big_Thing/instances?limit=900",
                         gate.token()))
        wait_for(lambda: c.socket.recv(1, socket.MSG_PEEK), "the first byte")
        gate.compile(BIG.replace("openopen", "SECRET!!"),
                     SECURITY_MOF.replace("Secret", "Big") % "TRUE")
        data = c.everything()
    expect(b"200 OK" in data[:100], "not let in at first", data[:200])
    expect(b"openopen" in data, "nothing came", data[:200])
    expect(b"SECRET!!" not in data, "%d secrets in clear"
           % (data.count(b"SECRET!!") // 1500))
    expect(not data.endswith(b"0\r\n\r\n"), "the answer looks whole")


@test("kill -9 mofcomp at random instants: no request sees the secret in "
      "clear")
def _():
    seed = int(os.environ.get("NSGATE_SEED", random.randrange(1 << 32)))
    print("# seed %d" % seed)
    chance = random.Random(seed)
    hidden = write(gate.path("hidden.mof"), HIDDEN)
    begun = time.monotonic()
    gate.mofcomp(hidden)
    usual = time.monotonic() - begun
    killed = 0
    with Load(gate, "http", SWAP) as load:
        for _ in range(25):
            gate.compile(PUBLIC)
            process = subprocess.Popen(
                [program("mofcomp"), "--config", gate.conf, hidden],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            try:
                # Not waiting for anything: the instant is what is tried.
                process.wait(chance.uniform(0, usual * 1.2))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += process.wait() == -9
            # Stored is in force, or soon will be, whoever died.
            now = stored_generation()
            wait_for(lambda: gate.status()["generation"] >= now,
                     "generation %d in force" % now)
            load.more(1)
    for _, _, status, body in load.check():
        expect(status in (200, 403, 503), "status %s" % status, body)
        expect(b"swordfish" not in body, "the secret in clear", body)
    expect(killed > 5, "only %d were killed" % killed)
    gate.compile(HIDDEN)
    gate.ask("http", SWAP, gate.token()).expect(403)
    gate.ask("https", SWAP, gate.token()).expect(200)


@test("a broken MOF: exit 3, all errors, nothing changed")
def _():
    gate.compile(SECURITY_MOF % "TRUE")
    before = gate.status()["generation"]
    done = gate.compile(SECURITY_MOF % "FALSE", """
#pragma namespace("\\\\\\\\.\\\\root\\\\Secret")
class Broken { strin Name; }
instance of { };
class More { uint32 = 5; };
""", check=False)
    expect_equal(done.returncode, 3, "exit status\n" + done.stderr)
    text = done.stdout + done.stderr
    expect(text.count("error 0x") >= 2, "all errors are shown", text)
    expect("1.mof:4:" in text, "file and line", text)
    expect_equal(gate.status()["generation"], before, "generation")
    gate.ask("http", SECRET, gate.token()).expect(403)
    gate.ask("https", SECRET, gate.token()).expect(200)


@test("a security statement is never guessed")
def _():
    for line in ("[RequiresEncryption]", "[RequiresEncryption(\"TRUE\")]",
                 "[RequiresEncryption(1)]", "[RequireEncryption(TRUE)]",
                 "[RequiresEncryption{TRUE}]", "[RequiresEncryption(NULL)]"):
        done = gate.compile(r"""
#pragma namespace("\\\\.\\root\\Secret")
%s
instance of __SystemSecurity { };
""" % line, check=False)
        expect(done.returncode in (1, 3), line, done.stdout, done.stderr)
    gate.ask("http", SECRET, gate.token()).expect(403)


def all_unavailable():
    for listener in ("https", "http", "tools"):
        for path in (OPEN, SECRET, "/cim/root/Open", "/cim/root/None"):
            gate.ask(listener, path, gate.token()).expect(503)
    gate.ask("https", OPEN).expect(401)
    gate.ask("status", "/healthz").expect(503)


IMAGE_DAMAGE = [
    ("missing", lambda data: None),
    ("empty", lambda data: b""),
    ("cut", lambda data: data[:len(data) // 2]),
    ("one bit flipped in the middle", lambda data: flip(data, len(data) // 2)),
    ("one bit flipped at the end", lambda data: flip(data, len(data) - 1)),
    ("one bit flipped at the start", lambda data: flip(data, 0)),
    ("noise", lambda data: bytes(random.Random(1).randbytes(len(data)))),
]


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def replace_file(path, data):
    """As a careful program would: the old file stays with whoever has it."""
    stat = os.stat(path)
    os.unlink(path)
    if data is None:
        return
    write(path, data, stat.st_mode & 0o777)
    os.chown(path, stat.st_uid, stat.st_gid)


@test("a damaged image found at the start: 503 for all, an event; a rebuild "
      "or a compile heals")
def _():
    path = gate.path("state/policy.image")
    for name, damage in IMAGE_DAMAGE:
        gate.stop()
        with open(path, "rb") as f:
            replace_file(path, damage(f.read()))
        gate.notes = []
        gate.start()
        for listener in ("http", "https"):
            answer = gate.ask(listener, SECRET, gate.token())
            # Rebuilt from the repository, or nobody is let in.
            expect(answer.status in (
                (403, 503) if listener == "http" else (200, 503)),
                "%s: %s" % (name, listener), answer)
        gate.compile(SECURITY_MOF % "TRUE")
        gate.ask("http", SECRET, gate.token()).expect(403)
        gate.ask("https", SECRET, gate.token()).expect(200)


def repository_files():
    return [gate.path("state", name) for name in sorted(os.listdir(gate.state))
            if name.startswith("repository.db")]


@contextlib.contextmanager
def repository_lost():
    """Taken away while the gateway is stopped, and put back at the end."""
    gate.stop()
    saved = {}
    for path in repository_files():
        with open(path, "rb") as f:
            saved[path] = (f.read(), os.stat(path))
        os.unlink(path)
    try:
        yield
    finally:
        gate.stop()
        for path in repository_files():
            os.unlink(path)
        for path, (data, stat) in saved.items():
            write(path, data, stat.st_mode & 0o777)
            os.chown(path, stat.st_uid, stat.st_gid)
        gate.notes = []
        gate.start()
        gate.compile(SECURITY_MOF % "TRUE")


def expect_closed():
    for listener in ("http", "https", "tools"):
        for path in (SECRET, OPEN, "/cim/root"):
            answer = gate.ask(listener, path, gate.token())
            # The image alone still knows what to refuse.
            if (listener, path, answer.status) != ("http", SECRET, 403):
                answer.expect(503)


@test("no repository: 503 for all and an event, never open")
def _():
    image = gate.path("state/policy.image")
    for empty in (False, True):
        with repository_lost():
            if empty:
                write(gate.path("state/repository.db"), "", 0o640, ME)
            with open(image, "rb") as f:
                before = f.read()
            count = len(gate.events(id=111))
            gate.notes = []
            gate.start()
            expect_closed()
            wait_for(lambda: len(gate.events(id=111)) > count, "event 111")
            with open(image, "rb") as f:
                expect(f.read() == before, "the image was made anew")
            expect(not gate.events(id=112)[count:], "event 112")


@test("a repository that is taken away from under it: 503 and an event")
def _():
    away = gate.path("away")
    os.mkdir(away)
    count = len(gate.events(id=111))
    gate.ask("https", OPEN, gate.token()).expect(200)
    for path in repository_files():
        os.rename(path, os.path.join(away, os.path.basename(path)))
    wait_for(lambda: gate.ask("https", OPEN, gate.token()).status == 503,
             "503")
    expect_closed()
    wait_for(lambda: len(gate.events(id=111)) > count, "event 111")
    wait_for(lambda: gate.status()["policy"] == "unavailable",
             "status says so")
    gate.stop()
    for path in repository_files():
        os.unlink(path)
    for name in os.listdir(away):
        os.rename(os.path.join(away, name), gate.path("state", name))
    gate.notes = []
    gate.start()
    gate.ask("https", OPEN, gate.token()).expect(200)


@test("a repository of noise: 503 for all, an event, never open")
def _():
    gate.stop()
    path = gate.path("state/repository.db")
    for name in ("repository.db-wal", "repository.db-shm"):
        if os.path.exists(gate.path("state", name)):
            os.unlink(gate.path("state", name))
    with open(path, "rb") as f:
        good = f.read()
    stat = os.stat(path)
    write(path, random.Random(2).randbytes(65536), stat.st_mode & 0o777)
    gate.notes = []
    gate.start()
    try:
        for listener in ("http", "https", "tools"):
            gate.ask(listener, SECRET, gate.token()).expect(503)
            gate.ask(listener, OPEN, gate.token()).expect(503)
        gate.ask("https", OPEN).expect(401)
        gate.wait_event(id=111)
        done = gate.compile(SECURITY_MOF % "FALSE", check=False)
        expect(done.returncode != 0, "compiled into noise", done.stdout)
    finally:
        gate.stop()
        for name in ("repository.db-wal", "repository.db-shm"):
            if os.path.exists(gate.path("state", name)):
                os.unlink(gate.path("state", name))
        write(path, good, stat.st_mode & 0o777)
        gate.notes = []
        gate.start()
        gate.compile(SECURITY_MOF % "TRUE")
        gate.ask("https", SECRET, gate.token()).expect(200)


@test("two compiles take turns")
def _():
    names = [write(gate.path("turn%d.mof" % n), r"""
#pragma namespace("\\\\.\\root\\Open")
instance of Open_Thing { Name = "turn%d"; Size = %d; };
""" % (n, n)) for n in range(6)]
    before = gate.status()["generation"]
    all_of = [subprocess.Popen(
        [program("mofcomp"), "--config", gate.conf, name],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True) for name in names]
    for process in all_of:
        _, errors = process.communicate(timeout=60)
        expect_equal(process.returncode, 0, "exit status\n" + errors)
    expect_equal(gate.status()["generation"], before + 6, "generations")
    body = gate.ask("https", OPEN, gate.token()).expect(200).body
    for n in range(6):
        expect(b'"turn%d"' % n in body, "turn %d" % n, body)


@test("without a gateway mofcomp stores and says so; the gateway finds it")
def _():
    gate.stop()
    done = gate.compile(SECURITY_MOF % "FALSE")
    expect("gateway" in (done.stdout + done.stderr).lower(), "no note",
           done.stdout, done.stderr)
    gate.notes = []
    gate.start()
    gate.ask("http", SECRET, gate.token()).expect(200)
    gate.compile(SECURITY_MOF % "TRUE")
    gate.ask("http", SECRET, gate.token()).expect(403)


@test("explain and namespaces agree with what is served")
def _():
    text = gate.ctl("namespaces").stdout
    expect("Secret" in text and "PktPrivacy" in text, "namespaces", text)
    text = gate.ctl("explain", "root\\Secret",
                    "alice@" + gate.realm.name).stdout
    expect("PktPrivacy" in text, "explain", text)


main()
