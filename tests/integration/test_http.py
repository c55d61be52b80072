#!/usr/bin/env python3
"""Strict admission: threats 20 to 25 and 27 of docs/threat-model.md."""
import re

from harness import (OPEN, PROXY_SECRET, PROXY_TLS, SECRET, Gate, expect,
                     expect_equal, main, read, test, wait_for)
from raw_requests import (FRAMING, HEAD, HEADERS, LINES, PAGE, POST, SMUGGLED,
                          SPELLINGS)

gate = Gate()


def raw(listener, text, token=True):
    """Everything that comes back for exactly these bytes; T stands for an
    Authorization line."""
    line = "Authorization: Negotiate %s\r\n" % gate.token() if token else ""
    with gate.connect(listener) as c:
        c.send(text.replace("T\r\n", line, 1))
        return c.everything()


def is_refused(got, statuses):
    """One answer with such a status and nothing else."""
    found = re.match(rb"HTTP/1\.1 (\d+) ", got)
    return found is not None and int(found.group(1)) in statuses and \
        got.count(b"HTTP/1.1 ") == 1


def refused(name, text, *statuses, listener="http"):
    """One answer with such a status, and the connection closed."""
    got = raw(listener, text)
    expect(is_refused(got, statuses or (400,)), name, text, got)
    expect(b"swordfish" not in got, "a leak: " + name, got)


# -- 20 ---------------------------------------------------------------------------

@test("framing that two parsers could read differently is 400 and closed")
def _():
    for name, lines in FRAMING:
        for head in (HEAD, POST):
            for listener in ("http", "https", "toolsock"):
                refused(name, head + lines + "\r\n0\r\n\r\n" + SMUGGLED,
                        400, 413, 501, listener=listener)


@test("bare LF and bare CR end nothing")
def _():
    for text in (HEAD.replace("\r\n", "\n") + "\n",
                 HEAD + "X-A: b\nX-C: d\r\n\r\n",
                 HEAD + "X-A: b\rX-C: d\r\n\r\n"):
        got = raw("http", text)
        expect(b" 200 " not in got.split(b"\r\n")[0], "admitted", text, got)


@test("a body with one length is read and does not become a request")
def _():
    with gate.connect("http") as c:
        c.ask(PAGE, gate.token(), method="POST",
              body=SMUGGLED.encode()).expect(405)
        # Either closed, or the next answer belongs to the next request.
        c.send(c.request(PAGE, gate.token()))
        left = c.everything() if c.ended() else c.receive()
        expect(left == b"" or left.status == 200, "what came next", left)


# -- 21 ---------------------------------------------------------------------------

@test("headers that are twice, or no headers, are 400 and closed")
def _():
    for name, line in HEADERS:
        for listener in ("http", "https", "toolsock"):
            refused(name, HEAD + line + "\r\n", 400, listener=listener)


@test("no Host is 400")
def _():
    refused("no Host", "GET %s HTTP/1.1\r\nT\r\n\r\n" % PAGE)


@test("request lines that are not origin form are refused")
def _():
    for name, line in LINES:
        refused(name, line + "\r\nHost: localhost\r\nT\r\n\r\n", 400, 501, 505)


@test("a head that is too long is refused and others are served")
def _():
    refused("64 KiB of header", HEAD + "X-A: %s\r\n\r\n" % ("a" * 65536),
            400, 413, 431)
    refused("1,000 headers", HEAD + "".join(
        "X-%d: a\r\n" % n for n in range(1000)) + "\r\n", 400, 413, 431, 200)
    got = raw("http", "GET /cim/%s HTTP/1.1\r\nHost: localhost\r\nT\r\n\r\n"
              % ("a" * 20000))
    expect(is_refused(got, (400, 414, 431, 404)), "a long target", got[:300])
    gate.ask("http", OPEN, gate.token()).expect(200)


@test("a body is not read before its sender is known")
def _():
    with gate.connect("http") as c:
        c.send("POST %s HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
               % PAGE)
        c.receive().expect(401)
    with gate.connect("http") as c:
        c.send("POST %s HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Length: 100000000000\r\n\r\n" % PAGE)
        got = c.receive()
        expect(got.status in (401, 413), "an enormous body", got)


# -- 22 ---------------------------------------------------------------------------

@test("no spelling of an encrypted namespace gets it in clear")
def _():
    for spelling in SPELLINGS:
        target = spelling.encode("utf-8").decode("latin-1")
        got = raw("http", "GET %s HTTP/1.1\r\nHost: localhost\r\nT\r\n\r\n"
                  % target + SMUGGLED)
        status = int(got.split(b" ")[1])
        expect(status in (400, 403, 404), "%s: %d" % (spelling, status), got)
        expect(b"swordfish" not in got, "a leak: " + spelling, got)


@test("what is not canonical is the same on the private channel: one "
      "namespace, or refused")
def _():
    served = []
    for spelling in SPELLINGS:
        target = spelling.encode("utf-8").decode("latin-1")
        with gate.connect("https") as c:
            c.send("GET %s HTTP/1.1\r\nHost: localhost\r\n"
                   "Authorization: Negotiate %s\r\n\r\n"
                   % (target, gate.token()))
            answer = c.receive()
        expect(answer.status in (200, 400, 404), spelling, answer)
        if answer.status == 200:
            served.append(spelling)
            expect(b"swordfish" in answer.body, spelling, answer)
    expect(SPELLINGS[0] in served and SPELLINGS[1] in served,
           "the plain spelling and another case are served", served)
    for spelling in served:
        expect("%2f" not in spelling.lower() and "%5c" not in spelling.lower()
               and "\\" not in spelling and ".." not in spelling,
               "served: " + spelling)


# -- 23, 24 ------------------------------------------------------------------------

@test("a client's identity headers mean nothing")
def _():
    for name in ("X-Remote-User", "x-remote-USER", "X_Remote_User",
                 "Remote-User", "X-Auth-User", "X-Forwarded-User"):
        answer = gate.ask("https", PAGE, gate.token(),
                          [(name, "ops@NSGATE.TEST")])
        if answer.status == 200:
            expect_equal(answer.json["caller"]["principal"],
                         "alice@NSGATE.TEST", name)
        else:
            answer.expect(400)
        gate.ask("https", PAGE, None, [(name, "ops")]).expect(401)
        gate.ask("https", PAGE, None, [("Connection", name),
                                       (name, "ops")]).expect(401)


@test("proxy headers on a direct listener are 400")
def _():
    for name, value in PROXY_TLS + [("x-nsgate-anything", "1")]:
        for listener in ("https", "http", "mesh", "tools"):
            gate.ask(listener, PAGE, gate.token(), [(name, value)]).expect(
                400)


@test("signs of a proxy on a local listener are 400")
def _():
    for name in ("Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto",
                 "X-Forwarded-Host", "X-Real-IP"):
        for listener in ("tools", "toolsock"):
            gate.ask(listener, PAGE, gate.token(), [(name, "x")]).expect(400)
        gate.ask("http", PAGE, gate.token(), [(name, "https")]).expect(200)
        gate.ask("http", SECRET, gate.token(), [(name, "https")]).expect(403)


def without(name):
    return [h for h in PROXY_TLS if h[0] != name]


@test("a proxy listener believes only what a proxy says exactly once")
def _():
    protocol = "X-Nsgate-Tls-Protocol"
    for headers, status in (
            (PROXY_TLS, 200),
            (without("X-Nsgate-Tls-Cipher"), 200),
            (without(protocol), 403),
            (without(protocol) + [(protocol, "TLSv1.2")], 200),
            (without(protocol) + [(protocol, "TLSv1.1")], 400),
            (without(protocol) + [(protocol, "SSLv3")], 400),
            (without(protocol) + [(protocol, "")], 400),
            (without(protocol) + [(protocol, "tlsv1.3")], 400),
            (without(protocol) + [(protocol, "TLSv1.3, TLSv1.3")], 400),
            (PROXY_TLS + [(protocol, "TLSv1.3")], 400),
            (without("X-Nsgate-Tls-Cipher") +
             [("X-Nsgate-Tls-Cipher", "TLS_RSA_WITH_NULL_SHA256")], 403),
            (without("X-Nsgate-Tls-Cipher") +
             [("X-Nsgate-Tls-Cipher", "ADH-AES256-SHA")], 403),
            (without("X-Nsgate-Tls-Cipher") +
             [("X-Nsgate-Tls-Cipher", "anon")], 403),
            (without("X-Nsgate-Client-Addr"), 400),
            (without("X-Nsgate-Proxy-Secret"), 400),
            (without("X-Nsgate-Proxy-Secret") +
             [("X-Nsgate-Proxy-Secret", PROXY_SECRET[:-1])], 400),
            (without("X-Nsgate-Proxy-Secret") +
             [("X-Nsgate-Proxy-Secret", "f" * 32)], 400),
            (PROXY_TLS + [("X-Nsgate-Proxy-Secret", PROXY_SECRET)], 400)):
        answer = gate.ask("proxy", SECRET, gate.token(), headers)
        expect_equal(answer.status, status, "status with %r" % (headers,))


# -- 25 ---------------------------------------------------------------------------

@test("health and metrics are exactly two paths on their own listener")
def _():
    gate.ask("status", "/healthz").expect(200)
    expect(b"nsgate_requests_total" in
           gate.ask("status", "/metrics").expect(200).body, "the metrics")
    for path in ("/healthz/", "/healthz/..", "/healthz?x", "/healthz;x",
                 "/Healthz", "/metrics/../cim/root/Open", PAGE, SECRET, "/",
                 "/healthz%2f..%2fcim", "/healthz%00"):
        for token in (None, gate.token()):
            answer = gate.ask("status", path, token)
            expect(answer.status in (400, 404), path, answer)
    for method in ("POST", "PUT", "DELETE"):
        answer = gate.ask("status", "/healthz", method=method, body=b"")
        expect(answer.status in (400, 405), method, answer)


@test("no path on the other listeners is exempt from authentication")
def _():
    for path in ("/healthz", "/healthz?x", "/healthz/..", "/metrics", "/",
                 "/favicon.ico", "/robots.txt", "/auth", "/events",
                 "/cim/root/Open;/healthz", "/cim/root/Open?/healthz"):
        for agent in ("kube-probe/1.27", "ELB-HealthChecker/2.0", "curl"):
            answer = gate.ask("https", path, None, [("User-Agent", agent)])
            expect(answer.status in (400, 401), path, answer)


@test("OPTIONS tells the required level, to those who are somebody")
def _():
    gate.ask("http", SECRET, method="OPTIONS").expect(401)
    answer = gate.ask("http", SECRET, gate.token(), method="OPTIONS")
    expect(answer.status in (200, 204), "OPTIONS", answer)
    expect_equal(answer.headers["nsgate-required-level"], "PktPrivacy",
                 "the level")
    expect("GET" in answer.headers["allow"], "the methods", answer)
    expect(b"swordfish" not in answer.body, "a leak", answer)


@test("writes are refused, and an encrypted namespace says nothing in clear")
def _():
    for method in ("PUT", "POST", "PATCH", "DELETE"):
        gate.ask("https", SECRET, gate.token(), method=method,
                 body=b"{}").expect(405)
        gate.ask("http", SECRET, gate.token(), method=method,
                 body=b"{}").expect(403, "channel-not-private")
    answer = gate.ask("http", SECRET, gate.token(), method="HEAD")
    expect_equal((answer.status, answer.body), (403, b""), "HEAD")


# -- 27 ---------------------------------------------------------------------------

def counted():
    return sum(e.get("count", 1) for e in gate.events())


@test("whatever a client sends, an event stays one line and a record one "
      "object")
def _():
    before = counted()
    evil = ['x%0d%0aSet-Cookie:%20a=b', 'x%22,%22status%22:200', "x%1b[31m",
            "x%7f", "x'\"<script>", "x%e2%80%a8y", "x\xc3\xa9", "x\x85y"]
    for part in evil:
        for path in ("/cim/root/%s" % part, "/cim/root/Secret:%s/instances"
                     % part):
            answer = gate.ask("http", path, gate.token(), [
                ("User-Agent", "a\"b',\\ \xff"), ("Referer", "\x80\x9f")])
            expect("set-cookie" not in answer.headers, "a split response",
                   answer)
    for address in ('1.2.3.4","status":200', "a\xffb", "1.2.3.4 \x85x"):
        gate.ask("proxy", SECRET, gate.token(), [
            h for h in PROXY_TLS if h[0] != "X-Nsgate-Client-Addr"] + [
                ("X-Nsgate-Client-Addr", address)])
    wait_for(lambda: counted() > before, "events")
    for record in gate.access():
        expect(isinstance(record["status"], int), "a record", record)
    for line in read(gate.logfile).split("\n"):
        expect(all(c >= " " and c != "\x7f" and not "\x80" <= c <= "\x9f"
                   and c not in "\u2028\u2029" for c in line),
               "a control character in the log", repr(line))
    text = gate.ctl("events", "--limit", "1000").stdout
    expect(all(c >= " " or c == "\n" for c in text), "in events", repr(text))


main()
