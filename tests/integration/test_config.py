#!/usr/bin/env python3
"""Bad configuration: one line with file and line, exit 1, nothing listens."""
import errno
import os
import pwd
import re
import signal
import socket
import subprocess
import sys

from harness import (DEADLINE, OPEN, OPEN_MOF, ROOT, Gate, alive, expect,
                     expect_equal, main, program, run, test, tls_dir,
                     wait_for, write)

gate = Gate()
GOOD = gate.fill(open(gate.conf, encoding="utf-8").read())

# (what, text to replace or None to append, its replacement, the line that
# must be named as a piece of text, a word that must be said)
ROWS = [
    ("an unknown key", "workers     = 2", "wrokers     = 2", "wrokers",
     "wrokers"),
    ("an unknown section", None, "[lissener/x]\nbind = 127.0.0.1:0\n",
     "lissener", "lissener"),
    ("no value for bind", None, "[listener/x]\nbacklog = 5\n",
     "listener/x", "bind"),
    ("a word for a number", "workers     = 2", "workers     = some",
     "= some", "workers"),
    ("a number out of range", "workers     = 2", "workers     = 100000",
     "= 100000", "workers"),
    ("an inline comment", "workers     = 2", "workers     = 2 ; two",
     "; two", "comment"),
    ("a user who does not exist", "user        = ", "user        = nobody-x",
     "nobody-x", "nobody-x"),
    ("a keytab that is not there", "/http.keytab", "/none.keytab",
     "none.keytab", "none.keytab"),
    ("a keytab that is a directory", "/http.keytab", "/sock", "keytab",
     "keytab"),
    ("an acceptor that is no service name", "HTTP@localhost", "HTTP/",
     "acceptor", "acceptor"),
    ("a certificate that is not there", "/tls.crt", "/none.crt", "none.crt",
     "none.crt"),
    ("a key that is not there", "/tls.key", "/none.key", "none.key",
     "none.key"),
    ("a certificate without its key",
     "tls_key         = %s/tls.key" % tls_dir(), "#", "tls_certificate",
     "tls_key"),
    ("a key of another certificate", "/tls.key", "/ecdsa.key", "tls_key",
     "ecdsa.key"),
    ("an address that is none", "[listener/http]\nbind = 127.0.0.1:0",
     "[listener/http]\nbind = localhost:http", "localhost:http", "bind"),
    ("a port beyond 65535", "[listener/http]\nbind = 127.0.0.1:0",
     "[listener/http]\nbind = 127.0.0.1:70000", "70000", "70000"),
    ("a Unix socket that says neither local nor proxy", None,
     "[listener/x]\nbind = unix:%s/x.sock\n" % gate.dir, "x.sock",
     "trusted_proxy"),
    ("a Unix socket that says both", None,
     "[listener/x]\nbind = unix:%s/x.sock\nchannel = local\n"
     "local_users = root\ntrusted_proxy = root\n" % gate.dir, "",
     "trusted_proxy"),
    ("local without local_users", None,
     "[listener/x]\nbind = 127.0.0.1:0\nchannel = local\n", "",
     "local_users"),
    ("local on an address that is not", None,
     "[listener/x]\nbind = 0.0.0.0:0\nchannel = local\n"
     "local_users = root\n", "", "local"),
    ("asserted without a reason", None,
     "[listener/x]\nbind = 127.0.0.1:0\nchannel = asserted\n", "",
     "channel_reason"),
    ("a proxy on TCP without a secret", None,
     "[listener/x]\nbind = 127.0.0.1:0\ntrusted_proxy = root\n", "",
     "secret_file"),
    ("a minimum level of None", "minimum_level = Connect",
     "minimum_level = None", "= None", "minimum_level"),
    ("a minimum level of Default", "minimum_level = Connect",
     "minimum_level = Default", "= Default", "minimum_level"),
    ("a mode of bindings that is none", None,
     "[listener/x]\nbind = 127.0.0.1:0\nchannel_bindings = maybe\n",
     "maybe", "channel_bindings"),
    ("bindings required where there is no TLS", None,
     "[listener/x]\nbind = 127.0.0.1:0\nchannel_bindings = require\n", "",
     "channel_bindings"),
    ("audit without a date", None,
     "[namespace/root\\Secret]\nenforcement = audit\n", "", "until"),
    ("audit until a day that is none", None,
     "[namespace/root\\Secret]\nenforcement = audit\nuntil = 2030-02-31\n",
     "2030-02-31", "until"),
    ("an access section for no namespace", None,
     "[access/ro..ot]\nallow = a@B\n", "ro..ot", "ro..ot"),
    ("an access section that allows a name without a realm", None,
     "[access/root\\Secret]\nallow = alice\n", "alice", "alice"),
    ("a group that does not exist", None,
     "[access/root\\Secret]\nallow = group:no-such-group\n",
     "no-such-group", "no-such-group"),
    ("a line that is no line of INI", None, "[listener/x]\nnonsense\n",
     "nonsense", ""),
    ("one key twice", "workers     = 2", "workers = 2\nworkers = 2",
     "", "workers"),
    ("one listener twice", None, "[listener/http]\nbind = 127.0.0.1:0\n",
     "bind = 127.0.0.1:0", "bind"),
]


def number_of(text, piece):
    for number, line in enumerate(text.split("\n"), 1):
        if piece in line:
            return number
    return None


def must_fail(name, text, piece, word, *arguments):
    path = write(gate.path("bad.conf"), text)
    done = run(program("nsgated"), "--config", path, *arguments, check=False,
               env=gate.realm.env, timeout=DEADLINE)
    expect_equal(done.returncode, 1, "%s: exit status\n%s%s" % (
        name, done.stdout, done.stderr))
    lines = [line for line in done.stderr.split("\n")
             if line and ": warning: " not in line]
    expect_equal(len(lines), 1, "%s: lines of errors\n%s" % (
        name, done.stderr))
    match = re.search(r"%s:(\d+): " % re.escape(path), lines[0])
    expect(match is not None, name + ": no FILE:LINE", lines[0])
    expect(word.lower() in lines[0].lower(), "%s: '%s' is not said" % (
        name, word), lines[0])
    named = text.split("\n")[int(match.group(1)) - 1]
    pieces = piece if isinstance(piece, tuple) else (piece,)
    expect(any(one in named for one in pieces),
           name + ": another line is named", lines[0], named)


def broken(name, old, new):
    text = GOOD.replace("[listener/http]\n",
                        "[listener/http]\nminimum_level = Connect\n") \
        if old and old.startswith("minimum") else GOOD
    if old is None:
        return text + "\n" + new
    expect(old in text, "nothing to replace for: " + name)
    return text.replace(old, new, 1)


@test("each error is one line with file and line, by --check-config")
def _():
    failures = []
    for name, old, new, piece, word in ROWS:
        try:
            must_fail(name, broken(name, old, new), piece, word,
                      "--check-config")
        except AssertionError as e:
            failures.append(str(e))
    expect(not failures, "\n".join(failures))


@test("and when it starts; nothing listens, nothing is left")
def _():
    gate.stop()
    failures = []
    for name, old, new, piece, word in ROWS:
        try:
            must_fail(name, broken(name, old, new), piece, word)
            expect(not os.path.exists(gate.runtime + "/control.sock"),
                   name + ": a control socket")
            expect(not os.path.exists(gate.path("sock/tools.sock")),
                   name + ": a listener's socket")
        except AssertionError as e:
            failures.append(str(e))
    expect(not failures, "\n".join(failures))
    gate.start()


@test("a missing or unreadable configuration is one line")
def _():
    for path in ("/nonexistent/nsgate.conf", gate.dir):
        done = run(program("nsgated"), "--config", path, check=False)
        expect_equal(done.returncode, 1, "exit status")
        expect_equal(len(done.stderr.strip().split("\n")), 1, "lines")
        expect(path in done.stderr, "the path", done.stderr)


@test("a port that is taken is one line that names the listener's line")
def _():
    gate.stop()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        must_fail("a taken port", GOOD.replace(
            "[listener/http]\nbind = 127.0.0.1:0",
            "[listener/http]\nbind = 127.0.0.1:%d" % port),
            (str(port), "[listener/http]"), str(port))
    gate.start()


@test("a live Unix socket is taken, a stale one is replaced")
def _():
    gate.stop()
    path = gate.path("sock/tools.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen()
        must_fail("a live socket", GOOD,
                  ("tools.sock", "[listener/toolsock]"), "tools.sock")
    expect(os.path.exists(path), "the stale socket is gone")
    gate.start()
    gate.ask("toolsock", OPEN, gate.token()).expect(200)


def made(*names):
    """Which file it is, and since when."""
    found = {name: os.lstat(gate.path(name)) for name in names}
    return {name: (s.st_ino, s.st_ctime_ns) for name, s in found.items()}


@test("a second gateway with one of the directories is refused, the "
      "first goes on")
def _():
    alone = GOOD[:GOOD.index("[listener/")] + \
        "[listener/only]\nbind = 127.0.0.1:0\n"
    os.mkdir(gate.path("state2"), 0o750)
    before = made("run/control.sock", "sock/tools.sock", "sock/proxy.sock")
    for text, taken in (
            (GOOD, gate.runtime), (alone, gate.runtime),
            (alone.replace(gate.runtime, gate.path("run2")), gate.state),
            (alone.replace(gate.state, gate.path("state2")), gate.runtime)):
        done = run(program("nsgated"), "--config",
                   write(gate.path("second.conf"), text), check=False,
                   env=gate.realm.env, timeout=DEADLINE)
        lines = [line for line in done.stderr.strip().split("\n")
                 if ": warning: " not in line]
        expect_equal((done.returncode, len(lines)), (1, 1),
                     "exit status and lines\n" + done.stderr)
        expect(taken + ": another gateway is running" in lines[0],
               "not said", done.stderr)
    expect_equal(made(*before), before, "sockets")
    expect_equal(os.listdir(gate.path("state2")), [], "the other state")
    gate.ask("https", OPEN, gate.token()).expect(200)
    gate.ask("toolsock", OPEN, gate.token()).expect(200)
    gate.status()


@test("a gateway that was killed leaves nothing that holds up the next")
def _():
    # Its processes hold the sockets until they see that it is gone.
    others = gate.workers()
    gate.process.kill()
    gate.process.wait()
    wait_for(lambda: not any(map(alive, others)), "the end of its workers")
    gate.process, gate.notes = None, []
    gate.start()
    gate.ask("toolsock", OPEN, gate.token()).expect(200)
    gate.ctl("reload")
    gate.restart()


@test("a state directory that others may write is refused")
def _():
    gate.stop()
    os.chmod(gate.state, 0o777)
    done = run(program("nsgated"), "--config", gate.conf, check=False,
               env=gate.realm.env)
    os.chmod(gate.state, 0o750)
    expect_equal(done.returncode, 1, "exit status")
    expect(gate.state in done.stderr, "the directory", done.stderr)
    gate.start()


def refused_start(*words):
    """The gateway does not start, and says these words in one line."""
    done = run(program("nsgated"), "--config", gate.conf, check=False,
               env=gate.realm.env)
    expect_equal(done.returncode, 1, "exit status")
    expect(any(all(w in line for w in words)
               for line in done.stderr.split("\n")), "no line with %r"
           % (words,), done.stderr)


@test("a control socket's directory that is somebody else's is refused")
def _():
    if not ROOT:
        return
    gate.stop()
    os.chown(gate.runtime, pwd.getpwnam("games").pw_uid, -1)
    refused_start("runtime_dir", gate.runtime)
    os.chown(gate.runtime, 0, -1)
    gate.start()


@test("nobody but root and the caller may answer on the control socket")
def _():
    if not ROOT:
        return
    gate.stop()
    fake = gate.path("run/control.sock")
    listener = subprocess.Popen(
        [sys.executable, "-c", FAKE_MASTER, fake], stdout=subprocess.PIPE,
        text=True)
    try:
        wait_for(lambda: listener.stdout.readline(), "the false master")
        done = gate.ctl("status", check=False)
        expect(done.returncode != 0 and "uid" in done.stderr, "believed",
               done.stdout, done.stderr)
        done = gate.compile(OPEN_MOF, check=False)
        expect(done.returncode != 0, "a compile believed it", done.stdout)
    finally:
        listener.kill()
        listener.wait()
        os.unlink(fake)
    gate.start()


FAKE_MASTER = """
import os, pwd, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
os.setuid(pwd.getpwnam("games").pw_uid)
s.listen(4)
print("ready", flush=True)
while True:
    c = s.accept()[0]
    while c.recv(512):
        c.send(b'+{"generation":99}')
"""


@test("a socket in a directory that others can change is refused")
def _():
    gate.stop()
    os.chmod(gate.path("sock"), 0o777)
    refused_start("nsgate.conf:", gate.path("sock"))
    os.chmod(gate.path("sock"), 0o755)
    gate.start()


@test("a listener that a reload takes away is closed, and its address free")
def _():
    gate.configure(extra="[listener/more]\nbind = 127.0.0.1:0\n")
    gate.ctl("reload")
    gate.learn()
    host, port = gate.listeners["more"].rsplit(":", 1)
    gate.ask("more", OPEN, gate.token()).expect(200)
    gate.configure(extra="")
    gate.ctl("reload")

    def refused():
        with socket.socket() as s:
            return s.connect_ex((host, int(port))) == errno.ECONNREFUSED

    wait_for(refused, "connections are still taken at " + port)
    gate.configure(extra="[listener/again]\nbind = 127.0.0.1:%s\n" % port)
    gate.ctl("reload")
    gate.learn()
    gate.ask("again", OPEN, gate.token()).expect(200)
    gate.configure(extra="")
    gate.ctl("reload")
    gate.learn()


@test("--check-config says good, and warns of what weakens")
def _():
    done = gate_check(GOOD)
    expect("good" in done.stdout, "good", done.stdout)
    expect("mesh" in done.stderr or "asserted" in done.stderr,
           "no warning of an asserted channel", done.stderr)
    done = gate_check(GOOD + "\n[listener/x]\nbind = 127.0.0.1:0\n"
                      "channel = local\nlocal_users = www-data\n")
    expect("www-data" in done.stderr, "no warning of a proxy's user",
           done.stderr)


def gate_check(text):
    return run(program("nsgated"), "--config",
               write(gate.path("good.conf"), text), "--check-config",
               env=gate.realm.env)


@test("reload: a good change is taken, a bad one leaves all as it was")
def _():
    gate.configure(extra="[access/root\\Open]\nallow = bob@{realm}\n")
    gate.ctl("reload")
    gate.ask("https", OPEN, gate.token()).expect(403, "not-listed")
    gate.ask("https", OPEN, gate.token(user="bob")).expect(200)
    gate.configure(extra="[access/root\\Open]\nallow = alice@{realm}\n"
                         "nonsense = 1\n")
    done = gate.ctl("reload", check=False)
    expect_equal(done.returncode, 1, "exit status of reload")
    expect(re.search(r"nsgate\.conf:\d+: ", done.stdout + done.stderr),
           "no FILE:LINE", done.stdout, done.stderr)
    gate.ask("https", OPEN, gate.token()).expect(403, "not-listed")
    gate.wait_event(id=103)
    gate.configure(extra="")
    gate.ctl("reload")
    gate.ask("https", OPEN, gate.token()).expect(200)


@test("SIGHUP reloads; listeners that stay keep their address")
def _():
    before = dict(gate.listeners)
    gate.configure(extra="[listener/more]\nbind = 127.0.0.1:0\n")
    count = len(gate.events(id=102))
    gate.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(gate.events(id=102)) > count, "event 102")
    gate.learn()
    expect_equal({k: v for k, v in gate.listeners.items() if k != "more"},
                 before, "addresses")
    gate.ask("more", OPEN, gate.token()).expect(200)
    gate.configure(extra="")
    gate.ctl("reload")
    gate.learn()
    expect("more" not in gate.listeners, "the listener is still there")


main()
