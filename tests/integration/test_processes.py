#!/usr/bin/env python3
"""Keytabs that change, processes that die, signals: threats 34, 36 and 37 of
docs/threat-model.md."""
import contextlib
import os
import shutil
import signal
import stat
import threading
import time

from harness import (OPEN, SECRET, Gate, alive, expect, expect_equal,
                     is_sanitized, main, program, read, run, test, wait_for,
                     write)
from load import Load

gate = Gate()


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def wrong(load, admitted=200):
    """Answers that are neither right nor a broken connection."""
    return [row for row in load.check() if row[2] not in (admitted, None)]


# -- 36: the keytab ---------------------------------------------------------------

def replace_keytab(source=None, data=None):
    """By rename, as it should be done."""
    new = gate.keytab + ".new"
    if source is not None:
        shutil.copy(source, new)
    else:
        write(new, data, 0o600)
    os.rename(new, gate.keytab)


def keytab_events(number, count):
    wait_for(lambda: len(gate.events(id=number)) > count,
             "another event %d" % number)


@test("a rotated keytab is taken up without a restart; the old key still "
      "opens old tickets")
def _():
    realm = gate.realm
    old = realm.ccache("bob")
    gate.ask("https", OPEN, gate.token(user="bob")).expect(200)
    count = len(gate.events(id=120))
    pids = gate.workers()
    # ktadd appends the new key to the old ones, as an administrator would.
    realm.kadmin("ktadd -k %s HTTP/localhost" % realm.keytab())
    replace_keytab(realm.keytab())
    keytab_events(120, count)
    expect_equal(gate.workers(), pids, "the workers")
    gate.ask("https", OPEN, gate.token(user="bob")).expect(200)
    realm._caches.pop("bob")
    os.unlink(old)
    gate.ask("https", OPEN, gate.token(user="bob")).expect(200)
    expect("kvno 2" in gate.status()["keytab"] or
           "kvno 3" in gate.status()["keytab"], "kvno in the status",
           gate.status()["keytab"])


BAD_KEYTABS = [
    ("empty", lambda: replace_keytab(data=b"")),
    ("noise", lambda: replace_keytab(data=os.urandom(512))),
    ("without our keys", lambda: replace_keytab(gate.realm.keytab("alice"))),
    ("cut", lambda: replace_keytab(
        data=open(gate.realm.keytab(), "rb").read()[:40])),
    ("removed", lambda: os.unlink(gate.keytab)),
    ("a directory", lambda: os.mkdir(gate.keytab)),
    ("a loop of links", lambda: os.symlink(gate.keytab, gate.keytab)),
]


def put_away():
    if os.path.isdir(gate.keytab) and not os.path.islink(gate.keytab):
        os.rmdir(gate.keytab)
    elif os.path.lexists(gate.keytab):
        os.unlink(gate.keytab)


@test("a bad keytab leaves the old key in use and an event; nothing crashes")
def _():
    pids = gate.workers()
    for name, damage in BAD_KEYTABS:
        count = sum(e.get("count", 1) for e in gate.events(id=121))
        if name in ("a directory", "a loop of links"):
            put_away()
        damage()
        wait_for(lambda: sum(e.get("count", 1) for e in
                             gate.events(id=121)) > count,
                 "event 121 for a keytab that is " + name)
        gate.ask("https", OPEN, gate.token()).expect(200)
    expect_equal(gate.workers(), pids, "the workers")
    # One that is born now has the old key too.
    for pid in pids:
        kill(pid)
    wait_for(lambda: len(gate.workers()) == len(pids) and
             not set(gate.workers()) & set(pids), "new workers")
    gate.ask("https", OPEN, gate.token()).expect(200)
    put_away()
    count = len(gate.events(id=120))
    replace_keytab(gate.realm.keytab())
    keytab_events(120, count)
    gate.ask("https", OPEN, gate.token()).expect(200)


# -- 37: deaths -------------------------------------------------------------------

@test("workers killed under load: replaced, no request answered wrongly")
def _():
    with Load(gate, "https", SECRET) as load:
        load.more(10)
        for _ in range(6):
            victim = gate.workers()[0]
            kill(victim)
            wait_for(lambda: victim not in gate.workers() and
                     len(gate.workers()) == 2, "a new worker")
            load.more(8)
    expect(not wrong(load), "wrong answers", wrong(load)[:3])
    expect(load.count(200) > 50, "only %d served" % load.count(200))
    expect(load.count(None) <= 24, "%d broken connections"
           % load.count(None))
    gate.wait_event(id=104)


@test("an encrypted namespace stays closed in clear while workers die")
def _():
    with Load(gate, "http", SECRET) as load:
        load.more(5)
        for _ in range(4):
            kill(gate.workers()[-1])
            load.more(6)
    expect(not wrong(load, 403), "wrong answers", wrong(load, 403)[:3])


def killed_store(name):
    victim = gate.status()[name]["pid"]
    with Load(gate, "https", SECRET) as load:
        load.more(4)
        kill(victim)
        wait_for(lambda: gate.status()[name]["pid"] not in (0, victim) and
                 alive(gate.status()[name]["pid"]), "a new " + name)
        load.more(12)
    bad = [row for row in wrong(load) if row[2] != 503]
    expect(not bad, "wrong answers", bad[:3])


@test("the recorder killed under load: requests go on, events go on")
def _():
    killed_store("recorder")
    answer = gate.ask("http", SECRET, gate.token()).expect(403)
    gate.wait_event(id=5605,
                    requestId=answer.headers["nsgate-request-id"])


@test("the keeper killed under load: reads go on, compiles go on")
def _():
    killed_store("keeper")
    gate.ask("https", SECRET, gate.token()).expect(200)
    gate.compile(r"""
#pragma namespace("\\\\.\\root\\Open")
instance of Open_Thing { Name = "after"; Size = 1; };
""")
    expect(b'"after"' in gate.ask("https", OPEN, gate.token()).expect(
        200).body, "the new instance")


@test("a worker that hangs is replaced when a compile needs it")
def _():
    victim = gate.workers()[0]
    kill(victim, signal.SIGSTOP)
    try:
        gate.compile(r"""
#pragma namespace("\\\\.\\root\\Open")
instance of Open_Thing { Name = "hung"; Size = 1; };
""")
        wait_for(lambda: victim not in gate.workers() and
                 len(gate.workers()) == 2, "a new worker")
    finally:
        with contextlib.suppress(ProcessLookupError):
            kill(victim, signal.SIGCONT)
    for _ in range(6):
        expect(b'"hung"' in gate.ask("https", OPEN, gate.token()).expect(
            200).body, "the new instance")


@test("SIGTERM under load: what has begun is answered, exit 0, no orphans")
def _():
    status = gate.status()
    children = [w["pid"] for w in status["workers"]] + [
        status["recorder"]["pid"], status["keeper"]["pid"]]
    with Load(gate, "https", SECRET) as load:
        load.more(10)
        expect_equal(gate.stop(), 0, "exit status")
    expect(not wrong(load), "wrong answers", wrong(load)[:3])
    expect(not [c for c in children if alive(c)], "orphans")
    expect(not os.path.exists(gate.path("sock/tools.sock")),
           "a socket is left")
    gate.notes = []
    gate.start()
    gate.ask("https", SECRET, gate.token()).expect(200)


@test("a request that has begun is finished while the gateway drains")
def _():
    token = gate.token()
    with gate.connect("http") as c:
        c.send("GET %s HTTP/1.1\r\nHost: localhost\r\n" % OPEN)
        gate.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "STOPPING=1" in gate.notes or
                 gate._noted("STOPPING=1"), "STOPPING=1")
        c.send("Authorization: Negotiate %s\r\n\r\n" % token)
        answer = c.everything()
        expect(answer == b"" or answer.startswith(b"HTTP/1.1 200"),
               "neither served nor closed", answer)
    expect_equal(gate.process.wait(30), 0, "exit status")
    gate.process, gate.notes = None, []
    gate.start()


@test("the master killed: nobody serves on without it")
def _():
    other = Gate(workers=2)
    status = other.status()
    children = [w["pid"] for w in status["workers"]] + [
        status["recorder"]["pid"], status["keeper"]["pid"]]
    process, other.process = other.process, None
    process.kill()
    process.wait()
    wait_for(lambda: not [c for c in children if alive(c)],
             "the end of the others")
    other.notes = []
    other.start()
    other.ask("https", SECRET, other.token()).expect(200)


@test("the events of a thousand refusals add up")
def _():
    before = sum(e.get("count", 1) for e in gate.events(id=5605))
    lost = gate.status()["eventsLost"]
    for _ in range(10):
        with gate.connect("http") as c:
            for _ in range(10):
                c.ask(SECRET, gate.token()).expect(403)
    wait_for(lambda: sum(e.get("count", 1) for e in gate.events(id=5605)) +
             gate.status()["eventsLost"] - lost == before + 100,
             "100 refusals in the log")


# -- 34: who may what ----------------------------------------------------------------

def status_of(pid):
    return dict(line.split(":\t", 1) for line in
                read("/proc/%d/status" % pid).split("\n") if ":\t" in line)


@test("workers have no privileges to gain and no keytab open")
def _():
    for pid in gate.workers():
        status = status_of(pid)
        expect_equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        open_files = [os.readlink("/proc/%d/fd/%s" % (pid, fd))
                      for fd in os.listdir("/proc/%d/fd" % pid)]
        expect(not [f for f in open_files if "http.keytab" in f],
               "the keytab is open", open_files)
        expect(not [f for f in open_files if "events.db" in f],
               "the event log is open", open_files)


def children():
    """name -> pids, of all processes of the gateway but the master."""
    found = {}
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = read("/proc/%s/stat" % entry).rsplit(")", 1)
            if int(fields[1].split()[1]) == gate.process.pid:
                name = fields[0].split("(", 1)[1]
                found.setdefault(name, []).append(int(entry))
    return found


@test("each process behind a filter of system calls, without what is others'")
def _():
    found = children()
    expect_equal(sorted(found), ["nsgated-dispat", "nsgated-keeper",
                                 "nsgated-record", "nsgated-worker"],
                 "the processes")
    for name, pids in found.items():
        for pid in pids:
            if not is_sanitized():
                expect_equal(status_of(pid)["Seccomp"], "2",
                             "Seccomp of " + name)
            if name == "nsgated-worker":
                continue
            for fd in os.listdir("/proc/%d/fd" % pid):
                with contextlib.suppress(FileNotFoundError):
                    path = os.readlink("/proc/%d/fd/%s" % (pid, fd))
                    expect("http.keytab" not in path and
                           "access.log" not in path and
                           "memfd" not in path, name + " has " + path)
            sockets = run("ss", "-Hltnxp", check=False).stdout
            expect("pid=%d," % pid not in sockets,
                   name + " listens", sockets)


@test("a flood that costs no ticket loses none of the refusals that do")
def _():
    before = sum(e["count"] for e in gate.events(id=5605))
    size = os.path.getsize(gate.logfile)
    stop = threading.Event()
    request = (b"GET /x HTTP/1.1\r\nHost: h\r\n"
               b"Authorization: Negotiate YIIB\r\n\r\n") * 20
    sent = [0]

    def flood():
        while not stop.is_set():
            with contextlib.suppress(OSError), gate.connect("http") as c:
                while not stop.is_set():
                    c.send(request)
                    for _ in range(20):
                        c.receive()
                    sent[0] += 20

    floods = [threading.Thread(target=flood) for _ in range(4)]
    for f in floods:
        f.start()
    try:
        wait_for(lambda: sent[0] > 2000, "a flood")
        for token in [gate.token() for _ in range(20)]:
            gate.ask("http", SECRET, token).expect(403)
    finally:
        stop.set()
        for f in floods:
            f.join()
    wait_for(lambda: sum(e["count"] for e in gate.events(id=5605)) ==
             before + 20, "all 20 refusals")
    lines = (os.path.getsize(gate.logfile) - size) / 400
    expect(lines < sent[0] / 4, "%d lines of %d requests" % (lines, sent[0]))


@test("files of the state directory are not for others")
def _():
    for path, _, names in os.walk(gate.state):
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(path, name)).st_mode)
            expect_equal(mode & 0o027, 0, "mode %o of %s" % (mode, name))
    expect_equal(stat.S_IMODE(os.stat(gate.state + "/rcache").st_mode),
                 0o700, "mode of rcache")
    expect_equal(stat.S_IMODE(os.stat(
        gate.runtime + "/control.sock").st_mode), 0o600,
        "mode of control.sock")


@test("the service manager hears READY, RELOADING and STOPPING")
def _():
    gate.notes = []
    gate.restart()
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: gate._noted("RELOADING=1"), "RELOADING=1")
    wait_for(lambda: gate._noted("READY=1") and
             gate.notes.count("READY=1") > 1, "READY=1 again")
    gate.process.send_signal(signal.SIGTERM)
    expect_equal(gate.process.wait(30), 0, "exit status")
    gate.process = None
    data = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data += gate.notify.recv(4096).decode().split("\n")
    expect("STOPPING=1" in gate.notes + data, "STOPPING=1", data)
    gate.notes = []
    gate.start()


main()
