#!/usr/bin/env python3
"""Sealed messages that are not as they have to be: each is answered 4xx, the
context ends with it, and nobody learns anything (threats 4 and 39)."""
import os
import time

from sealing import (BOUNDARY, CANARY, FLAGS, HEADER_BYTES, KERBEROS, SPNEGO,
                     Sealed, content_type, frame, message, outer, take_apart)

from harness import (OPEN, SECRET, Gate, expect, expect_equal, main, run,
                     scratch, test, wait_for)

gate = Gate()
GOOD = message("GET", SECRET)


def refused(what, answer, c, status=400):
    """The answer is a refusal, and the context of c is over, or all of its
    connection."""
    expect_equal(answer.status, status, "%s: %s" % (what, answer))
    expect(CANARY not in answer.body, what + ": a leak", answer)
    expect_equal(answer.json["type"], "urn:nsgate:problem:sealed-message",
                 "the problem of " + what)
    if answer.headers.get("connection") == "close":
        expect(c.ended(), what + ": the connection goes on")
    else:
        c.over()


def refuse(what, make, status=400, **options):
    """A context of its own for the bytes that make(client) gives."""
    with Sealed(gate, **options) as c:
        c.send(make(c))
        answer = c.opened()
        refused(what, answer, c, status)
        return answer


def good(c):
    return c.post(GOOD)


# -- order ------------------------------------------------------------------

@test("replayed, reordered, reflected, a gap: 4xx, and the context is gone")
def _():
    def later(c):
        good(c)
        return good(c)
    refuse("a gap", later)
    with Sealed(gate) as c:
        once = good(c)
        c.send(once)
        c.opened().expect(200)
        c.send(once)
        refused("replayed", c.opened(), c)
    with Sealed(gate) as c:
        c.get(SECRET).expect(200)
        first, second = good(c), good(c)
        c.send(second)
        refused("the second before the first", c.opened(), c)
        expect(c.ended(), "the connection goes on")
    with Sealed(gate) as c:
        answer = c.get(SECRET).expect(200).outer
        length, token = take_apart(answer.body, SPNEGO)
        c.send(c.post(b"", token=token, length=length))
        refused("the gateway's own answer", c.opened(), c)


@test("a context that only sees repeats takes another order and no repeat")
def _():
    with Sealed(gate, flags=FLAGS & ~0x08) as c:
        first, second = good(c), good(c)
        for request in (second, first):
            c.send(request)
            c.opened().expect(200)
        c.send(first)
        refused("replayed", c.opened(), c)


@test("a context that would not notice a repeat is good for nothing")
def _():
    refuse("neither REPLAY nor SEQUENCE", good, flags=FLAGS & ~0x0c)


@test("who has been refused signs in again on the same connection")
def _():
    with Sealed(gate) as c:
        good(c)
        c.send(good(c))
        c.opened().expect(400)
        c.sign_in()
        c.get(SECRET).expect(200)


# -- what was sealed --------------------------------------------------------

@test("a message that is signed only is refused")
def _():
    refuse("signed only", lambda c: c.post(GOOD, conf=False))
    refuse("signed only, by gss_wrap", lambda c: c.post(GOOD, conf=False),
           iov=False)


@test("every byte of a sealed message counts")
def _():
    with Sealed(gate) as c:
        size = len(c.seal(GOOD))
    expect(size > HEADER_BYTES + len(GOOD) - 1, "its size", size)
    for at in range(size):
        def changed(c, at=at):
            token = bytearray(c.seal(GOOD))
            token[at] ^= 1 << at % 8
            return c.post(GOOD, token=bytes(token))
        refuse("byte %d" % at, changed)


@test("cut, lengthened, and not sealed at all")
def _():
    for what, change in (
            ("cut", lambda t: t[:-1]),
            ("one byte more", lambda t: t + b"x"),
            ("without its confounder", lambda t: t[:16] + t[32:]),
            ("its header alone", lambda t: t[:HEADER_BYTES]),
            ("the plaintext", lambda t: GOOD),
            ("zeros", lambda t: b"\0" * len(t)),
            ("twice", lambda t: t + t)):
        refuse(what, lambda c, change=change: c.post(
            GOOD, token=change(c.seal(GOOD))))


@test("a context ends with its ticket")
def _():
    cache = os.path.join(scratch(), "cc")
    # Of a clock in whole seconds: at least one of them is left.
    run("kinit", "-l", "3", "-k", "-t", gate.realm.keytab("alice"), "-c",
        "FILE:" + cache, "alice", env=gate.realm.env)
    begun = time.time()
    with Sealed(gate, ccache=cache) as c:
        c.get(SECRET).expect(200)
        wait_for(lambda: time.time() > begun + 3, "the ticket's end")
        c.send(good(c))
        answer = c.opened()
        expect(not answer.sealed, "an answer of a context that has ended")
        answer.expect(401)
        expect(CANARY not in answer.body, "a leak", answer)
        c.over()
    gate.wait_event(id=130, requestId=answer.json["requestId"])


# -- the frame --------------------------------------------------------------

@test("a frame that is not exactly what it has to be is refused")
def _():
    for what, framing in (
            ("Length too small", {"length": len(GOOD) - 1}),
            ("Length too large", {"length": len(GOOD) + 1}),
            ("Length of nothing", {"length": 0}),
            ("Length negative", {"length": -1}),
            ("Length in hex", {"length": hex(len(GOOD))}),
            ("Length huge", {"length": 10 ** 19}),
            ("no Length", {"length": ""}),
            ("N too large", {"header": 100000}),
            ("N enormous", {"header": 0xffffffff}),
            ("N of nothing", {"header": 0}),
            ("another protocol in the part", {"protocol": KERBEROS}),
            # As old versions of Ruby's winrm end it: a third part begins.
            ("no last delimiter", {"end": b"\r\n"}),
            ("the last delimiter without CRLF", {"end": b"--"}),
            ("more behind it", {"end": b"--\r\nmore"}),
            ("another part behind it", {"end": b"\r\n" + BOUNDARY +
                                        b"--\r\n"}),
            ("no application/http", {"kind": "application/json"})):
        def framed(c, framing=framing):
            values = dict({"length": len(GOOD)}, **framing)
            return outer(SECRET, frame(c.seal(GOOD), **values), SPNEGO)
        refuse(what, framed)

    def three_parts(c):
        one = frame(c.seal(GOOD), len(GOOD))
        return outer(SECRET, one[:-len(BOUNDARY) - 4] + one, SPNEGO)
    refuse("another message behind the first", three_parts)
    refuse("nothing inside", lambda c: outer(SECRET, b"--", SPNEGO))


@test("a sealed message that nobody has signed in for finds nobody")
def _():
    with Sealed(gate, sign_in=False) as c:
        c.token()
        c.send(outer(SECRET, frame(b"h" * 200, 100), SPNEGO))
        answer = c.opened().expect(401)
        expect(CANARY not in answer.body, "a leak", answer)


# -- taken elsewhere --------------------------------------------------------

@test("a message taken elsewhere is refused: path, connection, method")
def _():
    for target in (OPEN, SECRET + "?limit=1", SECRET.lower(),
                   SECRET.replace("Secret_", "%53ecret_"), SECRET + "/",
                   "/wsman", "/"):
        answer = refuse("the target " + target,
                        lambda c, target=target: c.post(GOOD, target))
        expect(answer.sealed, "told in clear", answer)
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        refuse("the method " + method, lambda c, method=method: c.post(
            GOOD, method=method))
    for scheme in ("Negotiate " + gate.token(), "Basic YTpi", "Negotiate"):
        refuse("with a token too", lambda c, scheme=scheme: c.post(
            GOOD, headers=[("Authorization", scheme)]))
    with Sealed(gate) as one, Sealed(gate) as two, \
            Sealed(gate, user="bob") as three:
        request = good(one)
        for other in (two, three):
            other.send(request)
            refused("another connection's", other.opened(), other)
        one.send(request)
        one.opened().expect(200)


@test("the frame's protocol is the answer's, and that of all its parts")
def _():
    def mixed(c):
        return outer(SECRET, frame(c.seal(GOOD), len(GOOD), KERBEROS), SPNEGO)
    refuse("two protocols", mixed)
    # A type that is nearly it is an ordinary body, of nobody.
    for kind in (content_type(SPNEGO).replace("Boundary", "boundary", 1),
                 content_type("application/HTTP-NTLM-session-encrypted"),
                 content_type(SPNEGO) + ";x=y",
                 content_type(SPNEGO).split(";boundary")[0]):
        with Sealed(gate) as c:
            body = c.sealed_body(GOOD)
            answer = c.ask(SECRET, None, [("Content-Type", kind)], "POST",
                           body).expect(401)
            expect(CANARY not in answer.body, "a leak", answer)


# -- the message inside -----------------------------------------------------

INSIDE = (
    ("another method", "POST {} HTTP/1.1|Host: a|X-HTTP-Method-Override: GET"
     "|Content-Length: 0||"),
    ("two Hosts", "GET {} HTTP/1.1|Host: a|Host: b||"),
    ("no Host", "GET {} HTTP/1.1||"),
    ("bare LF", "GET {} HTTP/1.1\nHost: a\n\n"),
    ("bare LF in a header", "GET {} HTTP/1.1|Host: a|X: b\nY: c||"),
    ("bare CR in a header", "GET {} HTTP/1.1|Host: a|X: b\rY: c||"),
    ("a folded header", "GET {} HTTP/1.1|Host: a|X: b| c||"),
    ("a space before the colon", "GET {} HTTP/1.1|Host: a|X : b||"),
    ("a NUL", "GET {} HTTP/1.1|Host: a|X: \0||"),
    ("chunked", "POST {} HTTP/1.1|Host: a|Transfer-Encoding: chunked||0||"),
    ("both lengths", "POST {} HTTP/1.1|Host: a|Transfer-Encoding: chunked|"
     "Content-Length: 5||0||"),
    ("a length of nothing", "GET {} HTTP/1.1|Host: a|Content-Length: 5||"),
    ("a length that is too small",
     "POST {} HTTP/1.1|Host: a|Content-Length: 2||abc"),
    ("two lengths", "POST {} HTTP/1.1|Host: a|Content-Length: 3|"
     "Content-Length: 3||abc"),
    ("a body without a length", "GET {} HTTP/1.1|Host: a||abc"),
    ("a second request", "GET {} HTTP/1.1|Host: a||GET {} HTTP/1.1|Host: a||"),
    ("another identity", "GET {} HTTP/1.1|Host: a|Authorization: Negotiate"
     " YII=||"),
    ("a header of proxies", "GET {} HTTP/1.1|Host: a|X-Nsgate-Tls-Protocol:"
     " TLSv1.3||"),
    ("of the connection", "GET {} HTTP/1.1|Host: a|Connection: close||"),
    ("Expect", "GET {} HTTP/1.1|Host: a|Expect: 100-continue||"),
    ("Upgrade", "GET {} HTTP/1.1|Host: a|Upgrade: h2c||"),
    ("HTTP/1.0", "GET {} HTTP/1.0|Host: a||"),
    ("HTTP/2", "GET {} HTTP/2|Host: a||"),
    ("no version", "GET {}||"),
    ("two spaces", "GET  {} HTTP/1.1|Host: a||"),
    ("absolute", "GET http://localhost{} HTTP/1.1|Host: a||"),
    ("a head without an end", "GET {} HTTP/1.1|Host: a|"),
    ("nothing", ""),
    ("no request", "hello"),
    ("an answer", "HTTP/1.1 200 OK|Content-Length: 0||"),
)
STATUS = {"HTTP/1.0": 505, "HTTP/2": 505, "an answer": 505}


@test("what is inside has one reading")
def _():
    for what, text in INSIDE:
        plain = text.replace("|", "\r\n").replace("{}", SECRET).encode()
        answer = refuse(what, lambda c, plain=plain: c.post(plain),
                        STATUS.get(what, 400))
        expect(answer.sealed or not plain, what + ": told in clear", answer)
    many = "".join("X-%d: y|" % n for n in range(200))
    plain = ("GET %s HTTP/1.1|Host: a|%s|" % (SECRET, many)).replace(
        "|", "\r\n").encode()
    refuse("two hundred headers", lambda c: c.post(plain), 431)
    # The listener's header_max, 36K, as for a head that is not sealed.
    plain = message("GET", SECRET, [("X", "y" * 36 * 1024)])
    refuse("a long header", lambda c: c.post(plain), 431)
    with Sealed(gate) as c:
        c.get(SECRET, headers=[("X", "y" * 35 * 1024)]).expect(200)


# -- how much ---------------------------------------------------------------

@test("too large and of unknown length: refused before it is read")
def _():
    head = ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
            "%%s\r\n\r\n" % (SECRET, content_type(SPNEGO)))
    for framing, status in (("Content-Length: 1048577", 413),
                            ("Content-Length: 99999999999", 413),
                            ("Transfer-Encoding: chunked", 411)):
        with Sealed(gate) as c:
            c.send(head % framing)  # and nothing of a body
            answer = c.receive().expect(status)
            expect(c.ended(), "the connection goes on", answer)


main()
