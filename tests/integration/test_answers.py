#!/usr/bin/env python3
"""What servers behind a route may answer, and what they should not."""
import json

from harness import (Gate, at_end, expect, expect_equal, main, test,
                     wait_for)
from odd_upstream import (BAD, BROKEN, CLOSING, MORE, PACKED, PARTS,
                          OddUpstream)

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
odd = OddUpstream()
good = OddUpstream()
for one in (odd, good):
    at_end(one.close)
ROUTE = """
[route/%s]
path      = /%s/
namespace = root\\Plain
upstream  = http://127.0.0.1:%d
%s
"""
gate = Gate(mof=(MOF,), workers=1, extra="""
[access/root\\Plain]
allow = alice@NSGATE.TEST
""" + ROUTE % ("odd", "odd", odd.port, "connections_max = 1\n"
               "answer_timeout_s = 5\nstall_timeout_s = 1") +
            ROUTE % ("good", "good", good.port, "body_max = 64K"))


def get(path, **options):
    return gate.ask("https", path, gate.token(), **options)


def is_well():
    """Neither this route nor another has suffered."""
    for path in ("/odd/hello", "/good/hello"):
        told = json.loads(get(path).expect(200).body)
        expect_equal(told["target"], path, "target")


# -- what is rare ---------------------------------------------------------------

@test("bodies come as they are: packed, in parts, with trailers left out")
def _():
    for name in ("gzip", "gzip-chunked"):
        a = get("/odd/" + name, headers=[("Accept-Encoding", "gzip")])
        expect_equal((a.expect(200).body, a.headers["content-encoding"]),
                     (PACKED, "gzip"), name)
        expect_equal(odd.last().values("Accept-Encoding"), ["gzip"], "asked")
        expect_equal(get("/odd/" + name).expect(200).body, PACKED, name)
        expect_equal(odd.last().values("Accept-Encoding"), [], "not asked")
    a = get("/odd/multipart", headers=[("Range", "bytes=0-1,8-9"),
                                       ("If-Range", '"v1"')]).expect(206)
    expect_equal((a.body, a.headers["content-type"]),
                 (PARTS, "multipart/byteranges; boundary=cut"), "parts")
    expect_equal((odd.last().values("Range"), odd.last().values("If-Range")),
                 (["bytes=0-1,8-9"], ['"v1"']), "asked")
    a = get("/odd/unsatisfiable", headers=[("Range", "bytes=99-")])
    expect_equal(a.expect(416).headers["content-range"], "bytes */10", "416")
    for name in ("trailers", "extension"):
        a = get("/odd/" + name).expect(200)
        expect_equal(a.body, b"hello", name)
        for forged in ("x-sum", "x-nsgate-level"):
            expect(forged not in a.headers, "a trailer came back", a.headers)
    expect_equal(get("/odd/same-lengths").expect(200).body, b"same", "lengths")
    is_well()


@test("conditions reach the server, and its 304 and 412 come back")
def _():
    asked = [("If-None-Match", '"v1"'),
             ("If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT")]
    a = get("/odd/same", headers=asked).expect(304)
    expect_equal((a.headers["etag"], a.body), ('"v1"', b""), "answer")
    for name, value in asked:
        expect_equal(odd.last().values(name), [value], name)
    get("/odd/failed", method="PUT", body=b"new",
        headers=[("If-Match", '"v0"')]).expect(412)
    expect_equal(odd.last().values("If-Match"), ['"v0"'], "If-Match")
    is_well()


@test("interim answers end here, and the answer behind them comes")
def _():
    for method, body in (("GET", None), ("POST", b"some")):
        a = get("/odd/hints", method=method, body=body).expect(200)
        expect_equal(a.body, b"done", "body")
        expect("x-hint" not in a.headers, "of the interim one", a.headers)
    is_well()


@test("an answer without a length ends with its connection, and is framed")
def _():
    for name in CLOSING:
        with gate.connect("https") as c:
            c.send(c.request("/odd/" + name, gate.token()))
            a = c.receive().expect(200)
            expect_equal(a.body, b"until the end", name)
            expect_equal(a.headers.get("transfer-encoding"), "chunked", name)
            c.ask("/good/hello", gate.token()).expect(200)


@test("chunks with extensions and trailers go up as a plain body")
def _():
    with gate.connect("https") as c:
        c.send(c.request("/good/in", gate.token(), method="POST", headers=[
            ("Transfer-Encoding", "chunked"), ("Trailer", "X-Remote-User")]))
        c.send(b"5;a=b\r\nhello\r\n0\r\nX-Remote-User: root\r\n\r\n")
        told = json.loads(c.receive().expect(200).body)
    expect_equal(told["length"], 5, "length")
    seen = good.last()
    expect_equal((seen.body, seen.values("X-Remote-User"),
                  seen.values("Trailer")),
                 (b"hello", ["alice@NSGATE.TEST"], []), "what it saw")


# -- what is wrong --------------------------------------------------------------

@test("what is no answer is 502 with a problem and an event, and no more")
def _():
    for name in BAD:
        with gate.connect("https") as c:
            a = c.ask("/odd/" + name, gate.token())
            expect_equal((name, a.status), (name, 502), "status")
            told = a.json
            expect_equal((told["status"], a.headers["content-type"]),
                         (502, "application/problem+json"), name)
            expect("x-a" not in a.headers, "its header", name, a.headers)
            c.ask("/good/hello", gate.token()).expect(200)
    gate.wait_event(id=160, reason="upstream-answer")
    is_well()


@test("a body that ends too early never looks whole")
def _():
    for name in BROKEN:
        with gate.connect("https") as c:
            c.send(c.request("/odd/" + name, gate.token()))
            data = c.everything()
        head, _, body = data.partition(b"\r\n\r\n")
        expect_equal((name, head[:12]), (name, b"HTTP/1.1 200"), "status")
        if b"chunked" in head:
            expect(not body.endswith(b"0\r\n\r\n"), "whole", name, data)
        else:
            expect(len(body) < 100, "whole", name, data)
    is_well()


@test("what follows an answer is not the next one's")
def _():
    for name in MORE:
        for method in ("GET", "HEAD"):
            with gate.connect("https") as c:
                c.send(c.request("/odd/" + name, gate.token(), method=method))
                data = c.receive(method)
                expect(b"evil" not in data.body, name, data)
                expect("x-evil" not in data.headers, name, data)
                is_well()
    odd.release.clear()
    odd.said.clear()
    expect_equal(get("/odd/late").expect(200).body, b"four", "late")
    odd.release.set()
    wait_for(odd.said.is_set, "it has been sent")
    odd.release.clear()
    is_well()


@test("what has no end is cut off, and others go on meanwhile")
def _():
    for name in ("line", "status", "hints"):
        odd.gone.clear()
        with gate.connect("https") as c:
            c.send(c.request("/odd/endless-" + name, gate.token()))
            get("/good/hello").expect(200)
            c.receive().expect(502)
        wait_for(odd.gone.is_set, "the server is cut off: " + name)
        expect(odd.sent < 16 << 20, "%s: %d bytes were read"
               % (name, odd.sent))
        is_well()
    # A chunk that never begins is a server that does not go on.
    for name in ("trailers", "extension"):
        odd.gone.clear()
        with gate.connect("https") as c:
            c.send(c.request("/odd/endless-" + name, gate.token()))
            get("/good/hello").expect(200)
            data = c.everything()
        expect(not data.endswith(b"0\r\n\r\n"), "it looks whole", name)
        wait_for(odd.gone.is_set, "the server is cut off: " + name)
        is_well()


# -- clients --------------------------------------------------------------------

@test("a client that goes away in its upload ends it at the server")
def _():
    for framing, begin in ((("Content-Length", "60000"), b"x" * 30000),
                           (("Transfer-Encoding", "chunked"),
                            b"7530\r\n" + b"x" * 30000 + b"\r\n")):
        good.broken.clear()
        before = len(good.seen)
        with gate.connect("https") as c:
            c.send(c.request("/good/in", gate.token(), method="PUT",
                             headers=[framing]))
            c.send(begin)
            wait_for(lambda: len(good.seen) > before, "it has come")
        wait_for(good.broken.is_set, "the server learns of it")
    wait_for(lambda: [a for a in gate.access() if a["target"] == "/good/in"
                      and a.get("aborted")], "an access record")
    is_well()


@test("who may not upload is told before any of it, and the server nothing")
def _():
    before = len(good.seen)
    for token, headers, status in (
            (None, [("Content-Length", "5")], 401),
            (gate.token(user="bob"), [("Content-Length", "5")], 403),
            (gate.token(user="bob"), [("Transfer-Encoding", "chunked")], 403),
            (gate.token(), [("Content-Length", "65537")], 413)):
        with gate.connect("https") as c:
            c.send(c.request("/good/c", token, method="PUT",
                             headers=headers + [("Expect", "100-continue")]))
            c.receive().expect(status)
    expect_equal(len(good.seen), before, "requests that reached the server")
    with gate.connect("https") as c:
        c.send(c.request("/good/c", gate.token(), method="PUT", headers=[
            ("Transfer-Encoding", "chunked"), ("Expect", "100-continue")]))
        c.receive("HEAD").expect(100)
        c.send(b"5\r\n12345\r\n0\r\n\r\n")
        c.receive().expect(200)
    expect_equal(good.last().body, b"12345", "body")


if __name__ == "__main__":
    main()
