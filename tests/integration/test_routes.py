#!/usr/bin/env python3
"""Requests forwarded to servers behind the gateway: [route/NAME]."""
import hashlib
import json
import os
import re
import socket
import threading

from sealing import Sealed

from harness import (BUILD, DEADLINE, Connection, Failure, Gate, at_end, expect,
                     expect_equal, main, program, read, run, scratch, test,
                     tls_dir, wait_for)
from upstream import Upstream

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
#pragma namespace("\\\\.\\root\\Guarded")
class Guarded_Thing { [key] string Name; };
[RequiresEncryption(TRUE)]
instance of __SystemSecurity { };
"""
where = scratch()
sock = os.path.join(where, "up.sock")
plain = Upstream()
other = Upstream()
unix = Upstream(unix=sock)
os.chmod(sock, 0o666)
secure = Upstream(tls=(tls_dir() + "/tls.crt", tls_dir() + "/tls.key"))
for one in (plain, other, unix, secure):
    at_end(one.close)
dead = socket.socket()  # bound and not listening: refuses
dead.bind(("127.0.0.1", 0))
at_end(dead.close)

ROUTE = """
[route/{name}]
path      = {path}
namespace = {namespace}
upstream  = {upstream}
{more}
"""


def route(name, upstream, namespace="root\\Plain", more="", path=None):
    return (ROUTE.replace("{name}", name).replace("{upstream}", upstream)
            .replace("{namespace}", namespace).replace("{more}", more)
            .replace("{path}", path or "/%s/" % name))


HTTP = "http://127.0.0.1:%d" % plain.port
CA = "upstream_ca = %s/ca.crt" % tls_dir()
ROUTES = """
[access/root\\Plain]
allow = alice@NSGATE.TEST
[access/root\\Guarded]
allow = alice@NSGATE.TEST
""" + "".join([
    route("plain", HTTP),
    route("based", HTTP + "/back/"),
    route("exact", HTTP, path="/exact/one"),
    route("deeper", "http://127.0.0.1:%d" % other.port,
          path="/plain/deeper/"),
    route("hosted", "http://127.0.0.1:%d" % other.port,
          path="/plain/", more="hosts = other.example"),
    route("methods", HTTP, more="methods = GET, POST"),
    route("dead", "http://127.0.0.1:%d" % dead.getsockname()[1]),
    route("both", "http://127.0.0.1:%d, %s" % (dead.getsockname()[1], HTTP)),
    route("turns", "%s, http://127.0.0.1:%d" % (HTTP, other.port)),
    route("guarded", HTTP, "root\\Guarded"),
    route("guardedlocal", HTTP, "root\\Guarded", "channel = local"),
    route("guardedunix", "unix:" + sock, "root\\Guarded"),
    route("guardedtls", "https://localhost:%d" % secure.port,
          "root\\Guarded", CA),
    route("wrongca", "https://localhost:%d" % secure.port, "root\\Guarded"),
    route("absent", HTTP, "root\\Absent").replace(
        "[route/absent]", "[access/root\\Absent]\nallow = *@NSGATE.TEST\n"
        "[route/absent]"),
    route("quick", HTTP, more="answer_timeout_s = 1\nstall_timeout_s = 1"),
    route("small", HTTP, more="body_max = 64K\nwaiting_max = 2"),
    route("tokens", HTTP, more="forward_token = yes"),
    route("one", HTTP, more="connections_max = 1"),
])
gate = Gate(extra=ROUTES, mof=(MOF,), workers=1)


def get(path, listener="https", **options):
    return gate.ask(listener, path, gate.token(), **options)


def count():
    return sum(len(u.seen) for u in (plain, other, unix, secure))


# -- what goes through -------------------------------------------------------------

@test("a request that may pass reaches the server, and its answer comes back")
def _():
    a = get("/plain/hello?x=1&y=%20z").expect(200)
    told = json.loads(a.body)
    expect_equal(told["target"], "/plain/hello?x=1&y=%20z", "target")
    seen = plain.last()
    expect_equal(seen.values("X-Remote-User"), ["alice@NSGATE.TEST"], "user")
    expect_equal(seen.values("X-Remote-Realm"), ["NSGATE.TEST"], "realm")
    expect_equal(seen.values("X-Nsgate-Level"), ["PktPrivacy"], "level")
    expect_equal(seen.values("X-Forwarded-Proto"), ["https"], "proto")
    expect_equal(seen.values("X-Forwarded-For"), ["127.0.0.1"], "client")
    expect_equal(seen.values("X-Request-Id"),
                 [a.headers["nsgate-request-id"]], "id")
    expect_equal(seen.values("Host"), ["127.0.0.1:%d" % plain.port], "host")
    expect_equal(seen.values("Authorization"), [], "token")
    expect("negotiate" in a.headers["www-authenticate"].lower(),
           "the AP-REP is missing")


@test("nobody, and who is not listed, reach nothing")
def _():
    before = count()
    gate.ask("https", "/plain/hello").expect(401)
    gate.ask("https", "/plain/hello", gate.token(user="bob")).expect(403)
    gate.ask("https", "/absent/hello", gate.token()).expect(404)
    expect_equal(count(), before, "requests that reached a server")


@test("what is sent once only leaves no connection behind; others share one")
def _():
    before, opened = plain.connections, plain.open()
    for _ in range(5):
        get("/plain/x", method="POST", body=b"x").expect(200)
    expect_equal(plain.connections - before, 5, "connections")
    wait_for(lambda: plain.open() <= opened, "the connections to end")
    get("/plain/x").expect(200)
    before = plain.connections
    for _ in range(5):
        get("/plain/x").expect(200)
    expect_equal(plain.connections, before, "connections of GETs")


# -- which route -------------------------------------------------------------------

@test("the longest path wins, a host chooses, and the base takes its place")
def _():
    get("/plain/deeper/x").expect(200)
    expect_equal(other.last().target, "/plain/deeper/x", "deeper")
    get("/based/a/b?c=d").expect(200)
    expect_equal(plain.last().target, "/back/a/b?c=d", "base")
    get("/exact/one").expect(200)
    get("/exact/one/more").expect(404)
    get("/exact/on").expect(404)
    with gate.connect("https") as c:
        c.send(c.request("/plain/h", gate.token()).replace(
            b"Host: localhost", b"Host: OTHER.example:8443"))
        c.receive().expect(200)
    expect_equal(other.last().target, "/plain/h", "the route with a host")


@test("a method that a route does not list is 405 with Allow")
def _():
    before = count()
    a = get("/methods/x", method="DELETE").expect(405)
    expect_equal(a.headers["allow"], "GET, POST", "Allow")
    get("/plain/x", method="TRACE").expect(501)
    expect_equal(count(), before, "requests that reached a server")
    for method in ("OPTIONS", "DELETE", "PATCH", "PUT"):
        get("/plain/x", method=method).expect(200)
        expect_equal(plain.last().method, method, "method")


@test("a path has one spelling, and one that could be read twice is 400")
def _():
    for asked, got in (("/plain/a%7Eb", "/plain/a~b"),
                       ("/pl%61in/x", "/plain/x"),
                       ("/plain/a%3bb", "/plain/a%3Bb"),
                       ("/plain/%c3%a4", "/plain/%C3%A4"),
                       ("/plain/x%20y", "/plain/x%20y"),
                       ("/plain/x%25y", "/plain/x%25y"),
                       ("/plain/a;b=c", "/plain/a;b=c")):
        get(asked).expect(200)
        expect_equal(plain.last().target, got, asked)
    before = count()
    for asked in ("/plain/%2e%2e/x", "/plain/../guarded/x", "/plain//x",
                  "/plain/%2fx", "/plain/%5cx", "/plain/%252fx",
                  "/plain/%252e%252e/x", "/plain/..;/x", "/plain/.;a/x",
                  "/plain/..%3b/x", "/plain/x%00", "/plain/\\x"):
        expect_equal((asked, get(asked).status), (asked, 400), "status")
    expect_equal(count(), before, "requests that reached a server")


@test("a path that servers could read as a longer route's is 400")
def _():
    before = count()
    for asked in ("/plain/deeper;x/y", "/plain/DEEPER/y", "/plain/deeper%3b/y",
                  "/plain/;x/deeper/y", "/plain/dee%50er/y"):
        expect_equal((asked, get(asked).status), (asked, 400), "status")
    expect_equal(count(), before, "requests that reached a server")
    for asked in ("/plain/x;y/deeper/", "/plain/DEEP/y", "/plain/Deeper"):
        get(asked).expect(200)


# -- headers ---------------------------------------------------------------------------

@test("nothing that looks like an identity or belongs to one hop goes through")
def _():
    forged = [("X-Remote-User", "root@EVIL"), ("x-remote-user", "root"),
              ("X_Remote_User", "root"), ("X-REMOTE-USER", "root"),
              ("Remote-User", "root"), ("Forwarded", "for=1.2.3.4"),
              ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-User", "root"),
              ("X-Real-IP", "1.2.3.4"), ("X-Auth-Request-User", "root"),
              ("X-User", "root"), ("SSL-Client-Cert", "x"),
              ("X-SSL-Client-Dn", "x"), ("X-Original-URL", "/admin"),
              ("X-Request-Id", "mine"), ("Via", "1.1 x"),
              ("Proxy-Authorization", "Basic x"), ("TE", "trailers"),
              ("Keep-Alive", "1"), ("X-Hop", "dropped"),
              ("Connection", "keep-alive, X-Hop, X-Remote-User"),
              ("X-Plain", "kept"), ("Accept", "text/x"),
              ("Cookie", "a=b")]
    get("/plain/forged", headers=forged).expect(200)
    seen = plain.last()
    names = sorted(name.lower() for name, _ in seen.fields)
    expect_equal(names, sorted([
        "host", "accept", "cookie", "x-plain", "x-remote-user",
        "x-remote-realm", "x-nsgate-level", "x-forwarded-for",
        "x-forwarded-proto", "x-request-id"]), "names")
    expect_equal(seen.values("X-Remote-User"), ["alice@NSGATE.TEST"], "user")
    expect_equal(seen.values("X-Forwarded-For"), ["127.0.0.1"], "address")


@test("as many header fields as are admitted go on, one more is 431")
def _():
    many = [("X-Plain-%d" % i, str(i)) for i in range(98)]
    get("/plain/many", headers=many).expect(200)  # and Host, Authorization
    seen = plain.last()
    expect_equal([f for f in seen.fields if f[0].startswith("X-Plain-")],
                 many, "fields")
    before = count()
    get("/plain/many", headers=many + [("X-Plain-98", "98")]).expect(431)
    expect_equal(count(), before, "requests that reached a server")


@test("the token goes on only where the route says so")
def _():
    token = gate.token()
    gate.ask("https", "/tokens/x", token).expect(200)
    expect_equal(plain.last().values("Authorization"),
                 ["Negotiate " + token], "token")


@test("of an answer's header only what is the client's comes back")
def _():
    a = get("/plain/headers").expect(200)
    for name in ("x-hop", "keep-alive", "x-accel-redirect", "upgrade",
                 "x-nsgate-level"):
        expect(name not in a.headers, name, a.headers)
    expect_equal(a.headers["x-plain"], "kept", "X-Plain")
    expect(a.headers["www-authenticate"].startswith("Negotiate "),
           "the challenge of the server came back", a.headers)
    expect("forged" not in a.headers["nsgate-request-id"], "forged id")
    for name in ("split", "fold"):
        a = get("/plain/" + name).expect(502)
        expect("x-a" not in a.headers, "it came back", a.headers)


@test("no cache that is shared may store an answer")
def _():
    a = get("/plain/cached").expect(200)
    expect_equal(a.headers["cache-control"], "max-age=60, private",
                 "Cache-Control")
    for name in ("cdn-cache-control", "surrogate-control"):
        expect(name not in a.headers, name, a.headers)
    expect_equal(a.headers["expires"], "0", "Expires")
    expect_equal(get("/plain/x").expect(200).headers["cache-control"],
                 "no-store", "without")


@test("a Location at the server is one here, any other stays")
def _():
    a = get("/based/redirect").expect(302)
    expect_equal(a.headers["location"], "/based/there?x=1", "Location")
    a = get("/plain/elsewhere").expect(302)
    expect_equal(a.headers["location"], "https://other.example/", "Location")


@test("a server that wants credentials of its own is 502, not a challenge")
def _():
    a = get("/plain/unauthorized").expect(502)
    expect("basic" not in a.headers.get("www-authenticate", "").lower(),
           "its challenge", a.headers)
    gate.wait_event(id=160, reason="upstream-unauthorized")


# -- kinds of answers --------------------------------------------------------------------

@test("statuses, HEAD, ranges, interim and chunked answers come as they are")
def _():
    expect_equal(get("/plain/gone-away").expect(410).body, b'{"gone":true}',
                 "410")
    expect_equal(get("/plain/empty").expect(204).body, b"", "204")
    expect_equal(get("/plain/not-modified").expect(304).headers["etag"],
                 '"x"', "304")
    a = get("/plain/range", headers=[("Range", "bytes=0-3")]).expect(206)
    expect_equal((a.headers["x-asked"], a.body), ("bytes=0-3", b"part"),
                 "range")
    expect_equal(get("/plain/continue").expect(200).body, b"done", "1xx")
    expect_equal(get("/plain/chunked").expect(200).body, b"hello world",
                 "chunked")
    with gate.connect("https") as c:
        for _ in range(2):
            c.send(c.request("/plain/hello", gate.token(), method="HEAD"))
            a = c.receive("HEAD").expect(200)
            expect(int(a.headers["content-length"]) > 10, "length", a.headers)
        c.send(c.request("/plain/empty", gate.token()))
        c.receive("HEAD").expect(204)
        c.send(c.request("/plain/hello", gate.token()))
        c.receive().expect(200)


@test("an upgrade is refused, h2c is not taken up")
def _():
    before = count()
    get("/plain/x", headers=[("Upgrade", "websocket"),
                             ("Connection", "Upgrade")]).expect(501)
    expect_equal(count(), before, "requests that reached a server")
    get("/plain/x", headers=[("Upgrade", "h2c"),
                             ("Connection", "Upgrade")]).expect(200)
    expect_equal(plain.last().values("Upgrade"), [], "Upgrade")


# -- bodies ----------------------------------------------------------------------------

@test("a body goes through as it is, with its length and chunked")
def _():
    data = bytes(range(256)) * 4096
    told = json.loads(get("/plain/in", method="POST", body=data).expect(200)
                      .body)
    expect_equal(told["hash"], hashlib.sha256(data).hexdigest(), "hash")
    expect_equal(plain.last().values("Content-Length"), [str(len(data))],
                 "length")

    with gate.connect("https") as c:
        c.send(c.request("/plain/in", gate.token(), method="POST", headers=[
            ("Transfer-Encoding", "chunked")]))
        for at in range(0, len(data), 50000):
            block = data[at:at + 50000]
            c.send(b"%x\r\n" % len(block) + block + b"\r\n")
        c.send(b"0\r\n\r\n")
        told = json.loads(c.receive().expect(200).body)
    expect_equal(told["hash"], hashlib.sha256(data).hexdigest(), "hash")
    expect_equal(plain.last().values("Transfer-Encoding"), ["chunked"],
                 "framing")
    get("/plain/none", method="POST", body=b"").expect(200)
    expect_equal(plain.last().values("Content-Length"), ["0"], "no body")


@test("100-continue comes once the request has been decided, and not before")
def _():
    for token, status in ((gate.token(), 200), (None, 401),
                          (gate.token(user="bob"), 403)):
        with gate.connect("https") as c:
            c.send(c.request("/plain/c", token, method="POST", headers=[
                ("Content-Length", "5"), ("Expect", "100-continue")]))
            if status == 200:
                c.receive("HEAD").expect(100)
                c.send(b"12345")
            c.receive().expect(status)
    expect_equal(plain.last().body, b"12345", "body")
    expect_equal(plain.last().values("Expect"), [], "Expect")


@test("a body over the route's limit is 413, told in advance or not")
def _():
    before = count()
    get("/small/x", method="POST", body=b"x" * 65537).expect(413)
    expect_equal(count(), before, "requests that reached a server")
    get("/small/x", method="POST", body=b"x" * 65536).expect(200)
    with gate.connect("https") as c:
        c.send(c.request("/small/x", gate.token(), method="POST", headers=[
            ("Transfer-Encoding", "chunked")]))
        for _ in range(5):
            c.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        c.send(b"0\r\n\r\n")
        c.receive().expect(413)
    # The gateway's own resources keep the listener's limit.
    get("/operations/x", method="POST", body=b"x" * (2 << 20)).expect(404)


def rss():
    with open("/proc/%d/status" % gate.workers()[0], encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    raise Failure("no VmHWM")


@test("64 MiB go both ways through a worker that grows by less than 4 MiB")
def _():
    size = 64 << 20
    get("/plain/large?1000000").expect(200)
    before = rss()
    with gate.connect("https") as c:
        c.send(c.request("/plain/large?%d" % size, gate.token()))
        head = c._until(b"\r\n\r\n")
        expect(b"Content-Length: %d" % size in head, "length", head)
        got, h = 0, hashlib.sha256()
        while got < size:
            data, c.buffer = c.buffer, b""
            got += len(data)
            h.update(data)
            if got < size:
                expect(c._more(), "broken off at %d" % got)
    block = bytes(range(256)) * 256
    want = hashlib.sha256()
    for _ in range(size // len(block)):
        want.update(block)
    expect_equal(h.hexdigest(), want.hexdigest(), "hash")
    with gate.connect("https") as c:
        c.send(c.request("/plain/in", gate.token(), method="PUT", headers=[
            ("Content-Length", str(size))]))
        for _ in range(size // len(block)):
            c.send(block)
        told = json.loads(c.receive().expect(200).body)
    expect_equal((told["length"], told["hash"]), (size, want.hexdigest()),
                 "upload")
    # What AddressSanitizer keeps of the freed is no measure.
    if "-fsanitize" not in read(os.path.join(BUILD, "Makefile")):
        expect(rss() - before < 4096, "grew by %d KiB" % (rss() - before))


@test("whoever is slower holds the other up")
def _():
    with gate.connect("https") as c:  # a client that does not read
        c.send(c.request("/plain/large?%d" % (1 << 30), gate.token()))
        wait_for(lambda: plain.sent > 0, "the server has begun")
        previous = [-1]

        def rests():
            previous.append(plain.sent)
            return len(previous) > 50 and len(set(previous[-50:])) == 1
        wait_for(rests, "the server is held up")
    wait_for(plain.gone.is_set, "the server learns that the client went")
    plain.gone.clear()
    expect(plain.sent < 64 << 20, "%d bytes were read ahead" % plain.sent)
    with gate.connect("https") as c:  # a server that does not read
        c.send(c.request("/plain/unread", gate.token(), method="POST",
                         headers=[("Content-Length", str(48 << 20))]))
        c.socket.settimeout(1)
        sent = 0
        try:
            while sent < 48 << 20:
                sent += c.socket.send(b"x" * 65536)
        except TimeoutError:
            pass
        expect(sent < 48 << 20, "everything was taken")
        c.socket.settimeout(DEADLINE)
        plain.release.set()
        while sent < 48 << 20:
            sent += c.socket.send(b"x" * min(65536, (48 << 20) - sent))
        expect_equal(c.receive().expect(200).body, b"read at last", "answer")
    plain.release.clear()


# -- what goes wrong ---------------------------------------------------------------------

@test("a client that goes away ends what was asked for it")
def _():
    with gate.connect("https") as c:
        c.send(c.request("/plain/hang", gate.token()))
        wait_for(lambda: plain.last().target == "/plain/hang", "it is asked")
    wait_for(plain.gone.is_set, "the connection to the server ends")
    plain.gone.clear()
    wait_for(lambda: any(a["target"] == "/plain/hang" and a.get("aborted")
                         for a in gate.access()), "an access record")


@test("servers that fail are 502 or 504 with an event, and others go on")
def _():
    for path, status, reason in (
            ("/dead/x", 502, "upstream-unreachable"),
            ("/wrongca/x", 502, "upstream-unreachable"),
            ("/plain/garbage", 502, "upstream-answer"),
            ("/plain/close", 502, "upstream-closed"),
            ("/plain/heads", 502, "upstream-answer"),
            ("/quick/hang", 504, "upstream-timeout")):
        a = get(path)
        expect_equal((path, a.status), (path, status), "status")
        told = json.loads(a.body)
        expect_equal(a.headers["content-type"], "application/problem+json",
                     path)
        expect(told["requestId"], "no request id", told)
        event = gate.wait_event(id=160, reason=reason)
        expect(event["detail"], "no detail", event)
        get("/plain/hello").expect(200)
    expect(plain.sent < 8 << 20, "%d bytes of header were read" % plain.sent)
    plain.gone.clear()


@test("an answer that breaks off breaks off here, and never looks whole")
def _():
    for path in ("/plain/middle", "/quick/stall"):
        with gate.connect("https") as c:
            c.send(c.request(path, gate.token()))
            head = c._until(b"\r\n\r\n")
            expect(head.startswith(b"HTTP/1.1 200"), "head", head)
            while c._more():
                pass
            expect(len(c.buffer) < 100000, "whole")


@test("an upload that the server refuses early ends with its answer")
def _():
    # More than the listener takes for itself.
    for size in (200000, 3 << 20):
        a = get("/plain/early", method="POST", body=b"x" * size)
        expect_equal((a.status, a.body), (413, b"too much"), "answer")


@test("a server that begins its answer early still gets the body's end")
def _():
    plain.said.clear()
    with gate.connect("https") as c:
        c.send(c.request("/plain/echo", gate.token(), method="POST", headers=[
            ("Transfer-Encoding", "chunked")]))
        c.send(b"5\r\nhello\r\n")
        wait_for(plain.said.is_set, "the head of the answer")
        before = len(gate.access())
        get("/plain/hello").expect(200)  # the head has come through by now
        wait_for(lambda: len(gate.access()) > before, "its record")
        c.send(b"0\r\n\r\n")
        expect_equal(c.receive().expect(200).body, b"done", "answer")


@test("servers are asked in turn, and another when one cannot be reached")
def _():
    before = len(plain.seen), len(other.seen)
    for _ in range(6):
        get("/turns/x").expect(200)
    expect_equal((len(plain.seen) - before[0], len(other.seen) - before[1]),
                 (3, 3), "requests")
    for _ in range(6):
        get("/both/x").expect(200)
    get("/both/x", method="POST", body=b"abc").expect(200)
    expect_equal(plain.last().body, b"abc", "body")


@test("more than waiting_max at once are 503, and as many as it serves")
def _():
    hung = [gate.connect("https") for _ in range(2)]
    before = len(plain.seen)
    for c in hung:
        c.send(c.request("/small/hang", gate.token()))
    wait_for(lambda: len(plain.seen) == before + 2, "both wait")
    a = get("/small/x").expect(503)
    expect_equal(a.headers["retry-after"], "1", "Retry-After")
    get("/plain/hello").expect(200)
    for c in hung:
        c.socket.close()
    wait_for(lambda: get("/small/x").status == 200, "room again")


@test("connections to a server are kept, and no more than the limit are made")
def _():
    get("/one/hello").expect(200)
    before = plain.connections
    answers = []

    def ask():
        answers.append(get("/one/hello").status)
    # Again and again: now and then an answer is there at once.
    for _ in range(10):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    expect_equal(answers, [200] * 80, "answers")
    expect_equal(plain.connections, before, "connections")


# -- privacy -----------------------------------------------------------------------------

@test("what a server says when nobody asked is the answer to nobody")
def _():
    for up, path in ((plain, "/plain/"), (unix, "/guardedunix/"),
                     (secure, "/guardedtls/")):
        for _ in range(3):
            up.said.clear()
            up.release.clear()
            get(path + "unasked").expect(204)
            up.release.set()
            wait_for(up.said.is_set, "the second answer")
            up.release.clear()
            expect_equal(get(path + "joined").body, b"first", path)
            told = json.loads(get(path + "own").body)
            expect_equal(told["target"], path + "own", path)


@test("an encrypted namespace goes on only over a hop that is private")
def _():
    before = count()
    a = get("/guarded/x").expect(403)
    told = json.loads(a.body)
    expect_equal((told["reason"], told["eventId"]),
                 ("upstream-not-private", 5605), "problem")
    gate.wait_event(id=5605, reason="upstream-not-private")
    expect_equal(count(), before, "requests that reached a server")
    for name, server in (("guardedlocal", plain), ("guardedunix", unix),
                         ("guardedtls", secure)):
        get("/%s/x" % name).expect(200)
        expect_equal(server.last().target, "/%s/x" % name, "target")
    before = count()
    for name in ("guarded", "guardedlocal", "guardedunix", "guardedtls"):
        get("/%s/x" % name, "http").expect(403)
        get("/%s/x" % name, "http", method="POST", body=b"secret").expect(403)
    expect_equal(count(), before, "requests that reached a server")


@test("--check-config finds a way that the policy makes useless, a start warns")
def _():
    done = run(program("nsgated"), "--check-config", "--config", gate.conf,
               check=False)
    expect_equal(done.returncode, 1, "exit status")
    line = re.search(r":(\d+): upstream: root.guarded requires encryption, and "
                     r"the way to (\S+) is not private", done.stderr)
    expect(line and read(gate.conf).split("\n")[int(line.group(1)) - 1]
           .startswith("upstream"), "what it says", done.stderr)
    expect("root\\guarded requires encryption" in gate.log(), "the log",
           gate.log())


@test("explain and namespaces show the routes, and whether their hops will do")
def _():
    out = gate.ctl("explain", "root\\Guarded").stdout
    parts = {p.split()[1]: p for p in out.split("\n\n")
             if p.startswith("route ")}
    expect_equal(sorted(parts), ["guarded", "guardedlocal", "guardedtls",
                                 "guardedunix", "wrongca"], "routes")
    for name, part in parts.items():
        expect(("upstream-not-private" in part) == (name == "guarded") and
               ("the hop is private" in part) == (name != "guarded"),
               "the hop of " + name, part)
    expect("upstream unix:" + sock in parts["guardedunix"], "upstream", out)
    out = gate.ctl("explain", "root\\Plain").stdout
    expect("route methods (/methods/, methods GET, POST)\n  upstream %s\n"
           "  the hop is not private, and need not be" % HTTP in out,
           "a route", out)
    listed = {n["namespace"]: n["routes"] for n in map(json.loads, gate.ctl(
        "namespaces", "--json").stdout.split("\n")[:-1])}
    expect_equal(sorted(listed["root\\Guarded"]), sorted(parts), "routes")
    expect_equal(listed["root"], [], "routes")
    expect("(routes: " in gate.ctl("namespaces").stdout, "no routes")


@test("doctor looks at the files and the servers of each route")
def _():
    done = gate.ctl("doctor", check=False)
    for line in (
            "OK    route: guardedtls: https://localhost:%d can be connected to,"
            " and proves who it is" % secure.port,
            "OK    route: guardedtls: upstream_ca = ",
            "OK    route: guardedunix: unix:%s can be connected to" % sock,
            "OK    route: plain: %s can be connected to" % HTTP,
            "FAIL  route: dead: http://127.0.0.1:%d: " % dead.getsockname()[1],
            "FAIL  route: wrongca: https://localhost:%d: " % secure.port):
        expect("\n" + line in done.stdout, "no '%s'" % line, done.stdout)
    expect_equal(done.returncode, 1, "exit status")


@test("sealed requests go on as what is inside, and their answers come sealed")
def _():
    with Sealed(gate) as c:
        told = json.loads(c.get("/guardedunix/x?y=1").expect(200).body)
        expect_equal(told["target"], "/guardedunix/x?y=1", "target")
        seen = unix.last()
        expect_equal(seen.values("X-Nsgate-Level"), ["PktPrivacy"], "level")
        data = b"x" * 300000
        told = json.loads(c.get("/guardedunix/in", "PUT", body=data)
                          .expect(200).body)
        expect_equal(told["hash"], hashlib.sha256(data).hexdigest(), "hash")
        a = c.get("/guardedunix/large?500000").expect(200)
        expect_equal(len(a.body), 500000, "length")
        expect_equal(c.get("/guardedunix/chunked").expect(200).body,
                     b"hello world", "chunked")
        c.get("/guardedunix/x", "HEAD").expect(200)
        c.get("/guardedunix/empty").expect(204)
        c.get("/guardedunix/large?2000000").expect(413)
        c.get("/guardedunix/middle").expect(502)
        c.get("/guarded/x").expect(403)
        c.get("/guardedunix/x").expect(200)


@test("a compile that turns encryption on closes an open hop at once")
def _():
    get("/plain/x").expect(200)
    gate.compile(MOF + r"""
#pragma namespace("\\\\.\\root\\Plain")
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
""")
    before = count()
    get("/plain/x").expect(403)
    expect_equal(count(), before, "requests that reached a server")
    gate.compile(r"""
#pragma namespace("\\\\.\\root\\Plain")
[RequiresEncryption(FALSE)] instance of __SystemSecurity { };
""")
    get("/plain/x").expect(200)


@test("metrics count what was sent, and the access record names the route")
def _():
    def metric(name):
        with Connection(gate.listeners["status"]) as c:
            text = c.ask("/metrics").expect(200).body.decode()
        return sum(int(line.split()[1]) for line in text.split("\n")
                   if line.startswith(name + "{"))
    sent = metric("nsgate_forwarded_total")
    failed = metric("nsgate_upstream_failures_total")
    expect(sent > 0 and failed > 0, "nothing was counted", sent, failed)
    get("/plain/x").expect(200)
    get("/dead/x").expect(502)
    # They are told twice a second: what is read first may be older.
    wait_for(lambda: metric("nsgate_forwarded_total") >= sent + 2, "sent")
    wait_for(lambda: metric("nsgate_upstream_failures_total") >= failed + 1,
             "failed")
    wait_for(lambda: metric("nsgate_upstream_active") == 0,
             lambda: "%d active" % metric("nsgate_upstream_active"))
    record = wait_for(lambda: [a for a in gate.access()
                               if a["target"] == "/plain/x"], "a record")[-1]
    expect_equal(record["route"], "plain", "route")


if __name__ == "__main__":
    main()
