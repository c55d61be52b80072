#!/usr/bin/env python3
"""Limits of a listener, each by itself: threat 26 of docs/threat-model.md."""
import contextlib
import re
import resource
import select
import socket
import ssl

from harness import (DEADLINE, Connection, Gate, expect, expect_equal, main,
                     read, test, tls_dir, wait_for)

PAGE = "/cim/root/Open"
LARGE = "/cim/root/Large:Large_Thing/instances"
# A listener with nothing but defaults, and one for each limit.
LIMITS = [
    ("head", "header_max = 16K"),
    ("token", "token_max = 1K"),
    ("body", "body_max = 1K"),
    ("all", "connections_max = 4"),
    ("each", "connections_per_address_max = 3"),
    ("byte", "first_byte_timeout_s = 1"),
    ("headtime", "header_timeout_s = 1"),
    ("bodytime", "body_timeout_s = 1"),
    ("writetime", "write_timeout_s = 1"),
    ("progress", "write_progress_s = 1"),
    ("idle", "idle_timeout_s = 1"),
]
TLS = "tls_certificate = {tls}/tls.crt\ntls_key = {tls}/tls.key\n"
LISTENERS = "".join(
    "[listener/%s]\nbind = 127.0.0.1:0\n%s\n"
    "[listener/https%s]\nbind = 127.0.0.1:0\n%s%s\n" % (
        name, line, name, TLS, line)
    for name, line in [("plain", "")] + LIMITS) + """
[listener/status]
bind   = 127.0.0.1:0
status = true
"""
gate = Gate(listeners=LISTENERS, workers=1)
gate.compile(r"""
#pragma namespace("\\\\.\\root\\Large")
class Large_Thing { [key] uint32 Id; string Text; };
""" + "".join('instance of Large_Thing { Id = %d; Text = "%s"; };\n'
              % (n, "x" * 20000) for n in range(1000)))


def kinds(name):
    """The same listener in clear and with TLS."""
    return (name, "https" + name)


def ended(connection, what, deadline=DEADLINE):
    """The other side closes; nothing was sent."""
    connection.socket.settimeout(deadline)
    with contextlib.suppress(ConnectionError):
        expect(connection.ended(), what, connection.buffer)


def is_open(connection):
    """Nothing has come, and no end."""
    return not select.select([connection.socket], [], [], 0)[0]


def request(path=PAGE, extra=""):
    return "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (path, extra)


# -- how much ---------------------------------------------------------------------

@test("a head above header_max is 431 there and fine elsewhere")
def _():
    for one, other in zip(kinds("head"), kinds("plain")):
        for extra in ("X-A: %s\r\n" % ("a" * 17000),
                      "".join("X-%d: %s\r\n" % (n, "a" * 300)
                              for n in range(60))):
            with gate.connect(one) as c:
                c.send(request(extra=extra))
                c.receive().expect(431)
                ended(c, "left open")
            with gate.connect(other) as c:
                c.send(request(extra=extra))
                c.receive().expect(401)


@test("a token above token_max is 431 before anybody decodes it")
def _():
    for one, other in zip(kinds("token"), kinds("plain")):
        for value, status in (("Negotiate " + "A" * 1015, 431),
                              ("Negotiate " + "A" * 1014, 401),
                              ("Basic " + "A" * 1100, 431)):
            gate.ask(one, PAGE, None, [("Authorization", value)]).expect(
                status)
            gate.ask(other, PAGE, None, [("Authorization", value)]).expect(
                401)
    # What a real client sends is too long there, and its token still good.
    token = gate.token()
    long = token if len(token) > 1014 else token + "A" * 1014
    gate.ask("token", PAGE, long).expect(431)
    gate.ask("plain", PAGE, token).expect(200)


@test("a megabyte of Authorization is refused, and others are served")
def _():
    for listener in kinds("plain"):
        with gate.connect(listener) as c:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                c.send(request(extra="Authorization: Negotiate %s\r\n"
                               % ("A" * 1048576)))
            got = c.everything()
            expect(re.match(rb"HTTP/1\.1 431 ", got) and
                   got.count(b"HTTP/1.1 ") == 1, "the answer", got[:200])
        gate.ask(listener, PAGE, gate.token()).expect(200)


@test("a body above body_max is 413 there and read elsewhere")
def _():
    for one, other in zip(kinds("body"), kinds("plain")):
        # Of a GET it means nothing, but it is read.
        for listener, size, status in ((one, 1024, 200), (one, 1025, 413),
                                       (other, 1025, 200)):
            gate.ask(listener, PAGE, gate.token(),
                     body=b"x" * size).expect(status)
            with gate.connect(listener) as c:
                c.send(request(extra="Transfer-Encoding: chunked\r\n"
                               "Authorization: Negotiate %s\r\n"
                               % gate.token()))
                c.send("%x\r\n%s\r\n0\r\n\r\n" % (size, "x" * size))
                c.receive().expect(status)


# -- how many -----------------------------------------------------------------------

def from_address(listener, last):
    """A connection from 127.0.0.LAST."""
    c = Connection.__new__(Connection)
    c.buffer = b""
    c.socket = socket.create_connection(
        ("127.0.0.1", int(gate.listeners[listener].rsplit(":", 1)[1])),
        DEADLINE, source_address=("127.0.0.%d" % last, 0))
    return c


@test("one address has so many connections and no more, others have theirs")
def _():
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(from_address("each", 2))
                for _ in range(3)]
        for c in mine:
            c.ask(PAGE).expect(401)
        ended(stack.enter_context(from_address("each", 2)), "a fourth")
        stack.enter_context(from_address("each", 3)).ask(PAGE).expect(401)
        for c in mine:
            c.ask(PAGE).expect(401)
        mine[0].socket.close()
        # Its slot is free as soon as the gateway has seen that.
        def again():
            with from_address("each", 2) as c:
                with contextlib.suppress(ConnectionError):
                    c.send(request())
                    return b" 401 " in c.socket.recv(64)
            return False
        wait_for(again, "the slot of the one that left")


@test("when all connections are taken the one that was silent longest goes")
def _():
    with contextlib.ExitStack() as stack:
        # Spoke first, and then was silent longest.
        spoke = [stack.enter_context(gate.connect("all")) for _ in range(2)]
        for c in spoke:
            c.ask(PAGE).expect(401)
        silent = [stack.enter_context(gate.connect("all")) for _ in range(2)]
        for c in silent:
            expect(is_open(c), "closed before there are too many")
        stack.enter_context(gate.connect("all")).ask(PAGE).expect(401)
        ended(silent[0], "the first that never spoke")
        stack.enter_context(gate.connect("all")).ask(PAGE).expect(401)
        ended(silent[1], "the second that never spoke")
        spoke[0].ask(PAGE).expect(401)
        stack.enter_context(gate.connect("all")).ask(PAGE).expect(401)
        ended(spoke[1], "the one that was used longest ago")
        spoke[0].ask(PAGE).expect(401)


# -- how long -----------------------------------------------------------------------

def sent(stack, listener, data):
    c = stack.enter_context(gate.connect(listener))
    c.send(data)
    return c


@test("a time for the first byte, the head, the body and between requests: "
      "who takes longer goes, there and nowhere else")
def _():
    states = {
        "byte": "",
        "headtime": "GET %s HTTP/1.1\r\nX: " % PAGE,
        "bodytime": request(extra="Content-Length: 9\r\n"
                            "Authorization: Negotiate T\r\n") + "x",
        "idle": request(),
    }
    with contextlib.ExitStack() as stack:
        for at in (0, 1):  # in clear, with TLS
            table = {}
            for limit in states:
                for state, data in states.items():
                    if at and state == "byte":
                        continue  # the handshake is the first byte
                    data = data.replace(" T\r", " %s\r" % gate.token())
                    c = sent(stack, kinds(limit)[at], data)
                    if state == "idle":
                        c.receive().expect(401)
                    table[limit, state] = c
            for limit in states:
                if (limit, limit) in table:
                    ended(table[limit, limit], "%s: %s" % (limit, at), 5)
            for (limit, state), c in table.items():
                # With TLS a head begins with the handshake.
                if limit != state:
                    expect(is_open(c), "%s ended by %s, %d" % (state, limit,
                                                               at))


@test("a byte now and then does not lengthen a head or a body")
def _():
    for listener, data in (
            ("headtime", "GET %s HTTP/1.1\r\nX: " % PAGE),
            ("bodytime", request(extra="Content-Length: 999\r\n"
                                 "Authorization: Negotiate T\r\n"))):
        for kind in kinds(listener):
            with gate.connect(kind) as c:
                c.send(data.replace(" T\r", " %s\r" % gate.token()))

                def trickle(c=c):
                    try:
                        c.send("x")
                    except OSError:
                        return True
                    c.socket.settimeout(0.05)
                    try:
                        return not c.socket.recv(64)
                    except (TimeoutError, ssl.SSLError):
                        return False
                    except OSError:
                        return True
                wait_for(trickle, kind + " to end", 10)


@test("a handshake that is not finished ends in the time of a head")
def _():
    for text in ("\x16\x03\x01\x02\x00\x01\x00", "\x16"):
        with Connection(gate.listeners["httpsheadtime"]) as c:
            c.send(text)
            ended(c, "left open", 5)


def slow_reader(listener):
    """Asks for much and takes none of it."""
    c = Connection.__new__(Connection)
    c.buffer = b""
    c.socket = socket.socket()
    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    c.socket.settimeout(DEADLINE)
    c.socket.connect(("127.0.0.1", int(gate.listeners[listener].rsplit(
        ":", 1)[1])))
    if listener.startswith("https"):
        context = ssl.create_default_context(cafile=tls_dir() + "/ca.crt")
        c.socket = context.wrap_socket(c.socket, server_hostname="localhost")
    c.send(c.request(LARGE, gate.token()))
    return c


@test("who does not read its answer is cut off, by its time or by what it "
      "takes meanwhile; others are served")
def _():
    def answers():
        return len([a for a in gate.access() if a["status"] == 200])
    with contextlib.ExitStack() as stack:
        before = answers()
        slow = [stack.enter_context(slow_reader(listener))
                for limit in ("writetime", "progress")
                for listener in kinds(limit)]
        patient = [stack.enter_context(slow_reader(listener))
                   for listener in kinds("plain")]
        for listener in kinds("progress"):
            gate.ask(listener, PAGE, gate.token()).expect(200)
        wait_for(lambda: answers() >= before + 2 + len(slow),
                 "the answers to end", 10)
        for c in slow:
            got = c.everything()
            expect(len(got) < 18000000, "the whole answer", len(got))
        for c in patient:
            whole = c.receive().expect(200)
            expect(len(whole.body) > 19000000, "a part of the answer",
                   len(whole.body))


# -- ten thousand ---------------------------------------------------------------------

def raise_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return True
        return False
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


CROWD = """
[listener/http]
bind            = 127.0.0.1:0
connections_max = %d
first_byte_timeout_s = 600
idle_timeout_s  = 600

[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
"""


def crowd(one, count):
    """So many connections, every other one after a request; 200 of an
    address at most."""
    port = int(one.listeners["http"].rsplit(":", 1)[1])
    found = []
    for n in range(count):
        s = socket.create_connection(
            ("127.0.0.1", port), DEADLINE,
            source_address=("127.0.1.%d" % (n // 200 + 1), 0))
        if n % 2:
            s.sendall(request().encode())
            data = s.recv(4096)
            expect(data.startswith(b"HTTP/1.1 401 "), "number %d" % n, data)
        found.append(s)
    return found


def left(sockets):
    """Which of them are still open."""
    poll = select.poll()
    for s in sockets:
        poll.register(s, select.POLLIN | select.POLLRDHUP)
    gone = {fd for fd, _ in poll.poll(0)}
    # Those that were answered may have a body to read.
    still = []
    for s in sockets:
        if s.fileno() in gone:
            s.setblocking(False)
            try:
                while s.recv(65536):
                    pass
                continue
            except BlockingIOError:
                pass
            except OSError:
                continue
        still.append(s)
    return still


def private_kb(pid):
    return int(re.search(r"Private_Dirty:\s+(\d+)",
                         read("/proc/%d/smaps_rollup" % pid)).group(1))


def sanitized():
    """Then memory is another matter: its shadow alone takes terabytes."""
    size = re.search(r"VmSize:\s+(\d+)",
                     read("/proc/%d/status" % gate.process.pid)).group(1)
    return int(size) > 1 << 32


@test("ten thousand idle connections stay, cost little, and stop nobody")
def _():
    if not raise_limit(12000):
        return  # this machine does not allow so many
    one = Gate(listeners=CROWD % 20000, workers=2)
    one.ask("http", PAGE, one.token()).expect(200)
    before = sum(map(private_kb, one.workers()))
    sockets = crowd(one, 10000)
    for listener in ("http", "https"):
        for _ in range(20):
            one.ask(listener, PAGE, one.token()).expect(200)
    expect_equal(len(left(sockets)), 10000, "connections left")
    if not sanitized():
        # Half of them never spoke; the others gave their memory back.
        wait_for(lambda: sum(map(private_kb, one.workers())) - before <
                 10000 * 1.5, lambda: "%d KiB more" % (
                     sum(map(private_kb, one.workers())) - before))
    for s in sockets[1::1000]:
        s.sendall(request().encode())
        expect(s.recv(4096).startswith(b"HTTP/1.1 401 "), "one that rested")
    for s in sockets:
        s.close()
    one.close()


def never_reads(one, n):
    """Asks for more than it can be sent, without a token."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.bind(("127.0.2.%d" % (n // 100 + 1), 0))
    s.connect(("127.0.0.1", int(one.listeners["http"].rsplit(":", 1)[1])))
    s.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
    return s


@test("clients that never read, more than there is room for, stop nobody")
def _():
    one = Gate(listeners=CROWD % 100, workers=1)
    sockets = [never_reads(one, n) for n in range(150)]
    for _ in range(20):
        one.ask("http", PAGE, one.token()).expect(200)
        one.ask("https", PAGE, one.token()).expect(200)
    for s in sockets:
        s.close()
    one.close()


@test("four times as many as there is room for: the last are served, the "
      "first are gone")
def _():
    if not raise_limit(5000):
        return
    one = Gate(listeners=CROWD % 1000, workers=1)
    sockets = crowd(one, 4000)
    for _ in range(20):
        one.ask("http", PAGE, one.token()).expect(200)
        one.ask("https", PAGE, one.token()).expect(200)
    still = left(sockets)
    expect(900 <= len(still) <= 1000, "%d are left" % len(still))
    # The last that spoke, and none that never did.
    expect(set(sockets[1::2]) >= set(still) >= set(sockets[1::2][-900:]),
           "others are left")
    for s in sockets:
        s.close()
    one.close()


main()
