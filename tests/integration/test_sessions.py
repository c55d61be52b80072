#!/usr/bin/env python3
"""Sealed sessions, and requests that browsers make for other sites' pages
(threats 13 and 14 of docs/threat-model.md)."""
import base64
import os
import re

from harness import (PROXY_CLEAR, PROXY_TLS, SECRET, Gate, at_end, expect,
                     expect_equal, main, scratch, test, wait_for, write)
from upstream import Upstream

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
keys = write(os.path.join(scratch(), "session.keys"), KEY + "\n", 0o600)
server = Upstream()
at_end(server.close)
LISTENERS = """
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
session_s       = 3600

[listener/https-two]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
session_s       = 3600

[listener/https-none]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/https-short]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
session_s       = 2

[listener/https-bound]
bind             = 127.0.0.1:0
tls_certificate  = {tls}/tls.crt
tls_key          = {tls}/tls.key
channel_bindings = require
session_s        = 3600

[listener/http]
bind      = 127.0.0.1:0
session_s = 3600

[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
session_s             = 3600
"""
ROUTE = """
[access/root\\Open]
allow = *@NSGATE.TEST
[route/plain]
path      = /plain/
namespace = root\\Open
upstream  = http://127.0.0.1:%d
""" % server.port
gate = Gate(listeners=LISTENERS, settings="session_keys = " + keys,
            extra=ROUTE)


def sign_in(listener="https", path=SECRET, headers=(), **options):
    """The cookie of a fresh session, as a Cookie field has it."""
    a = gate.ask(listener, path, gate.token(**options),
                 headers=headers).expect(200)
    return cookie_of(a)


def cookie_of(answer):
    set_cookie = answer.headers.get("set-cookie")
    expect(set_cookie, "no Set-Cookie", answer.headers)
    return set_cookie.split(";")[0]


def show(cookie, listener="https", path=SECRET, headers=(), **options):
    return gate.ask(listener, path, headers=[("Cookie", cookie), *headers],
                    **options)


def refused(answer, what):
    """401, and the client is told to forget it."""
    expect_equal((what, answer.status), (what, 401), "status")
    return answer


@test("a session stands for the token it was made of, at the same level")
def _():
    a = gate.ask("https", SECRET, gate.token()).expect(200)
    value = a.headers["set-cookie"]
    for attribute in ("; Path=/", "; Secure", "; HttpOnly",
                      "; SameSite=Strict", "; Max-Age=3"):
        expect(attribute in value, attribute, value)
    expect(re.match(r"__Host-nsgate=[A-Za-z0-9_-]+;", value), "form", value)
    expect("alice" not in value, "it tells who it is", value)
    b = show(value.split(";")[0]).expect(200)
    expect_equal(b.body, a.body, "what it shows")
    expect("set-cookie" not in b.headers, "a session of a session", b.headers)
    expect("www-authenticate" not in b.headers, "a token", b.headers)
    record = wait_for(lambda: [r for r in gate.access() if r["requestId"] ==
                               b.headers["nsgate-request-id"]], "a record")[0]
    for name in ("principal", "declaredLevel", "appliedLevel",
                 "effectiveLevel", "gssFlags"):
        expect(record[name], name, record)
    expect_equal((record["session"], record["principal"]),
                 (True, "alice@NSGATE.TEST"), "record")
    # What the context did not declare, the session does not.
    low = sign_in(path="/cim/root/Open", flags=0x02)
    show(low, path="/cim/root/Open").expect(200)
    show(low).expect(403)


@test("curl with a jar signs in once")
def _():
    jar = os.path.join(gate.dir, "jar")
    for user in ("alice", None):
        a = gate.curl("https", SECRET, "-b", jar, "-c", jar, user=user)
        a.expect(200)


@test("a session is good only where it was made")
def _():
    cookie = sign_in()
    show(cookie).expect(200)
    for listener in ("https-two", "https-none", "https-bound", "http"):
        refused(show(cookie, listener), listener)
    refused(show(cookie, "proxy", headers=PROXY_TLS), "proxy")
    behind = sign_in("proxy", headers=PROXY_TLS)
    show(behind, "proxy", headers=PROXY_TLS).expect(200)
    refused(show(behind, "proxy", headers=PROXY_CLEAR), "a clear server")
    refused(show(behind), "https")


@test("no session is made in clear, behind a clear proxy, or where none is "
      "asked for")
def _():
    for listener, headers in (("http", ()), ("https-none", ()),
                              ("proxy", PROXY_CLEAR)):
        a = gate.ask(listener, "/cim/root/Open", gate.token(),
                     headers=headers).expect(200)
        expect("set-cookie" not in a.headers, listener, a.headers)
    a = gate.ask("https", SECRET).expect(401)
    expect("set-cookie" not in a.headers, "nobody has one", a.headers)


@test("what is bound stays bound to the certificate")
def _():
    gate.ask("https-bound", SECRET, gate.token()).expect(401)
    a = gate.probe("https-bound", SECRET).expect(200)
    b = show(cookie_of(a), "https-bound").expect(200)
    record = wait_for(lambda: [r for r in gate.access() if r["requestId"] ==
                               b.headers["nsgate-request-id"]], "a record")[0]
    expect_equal(record["binding"], "bound", "binding")


@test("a changed, cut, foreign or doubled session is 401 and leaves an event")
def _():
    cookie = sign_in()
    name, value = cookie.split("=")
    middle = len(value) // 2
    flipped = "A" if value[middle] != "A" else "B"
    for what, shown in (
            ("changed", value[:middle] + flipped + value[middle + 1:]),
            ("first", ("A" if value[0] != "A" else "B") + value[1:]),
            ("cut", value[:-4]), ("longer", value + "AAAA"),
            ("padded", value + "="), ("nothing", "A"), ("long", "A" * 3000),
            ("letters", "A" * len(value)), ("spaced", value[:9] + " " +
                                            value[9:])):
        a = refused(show("%s=%s" % (name, shown)), what)
        expect("Max-Age=0" in a.headers.get("set-cookie", ""),
               "the client keeps it", what, a.headers)
    refused(show(cookie + "; " + cookie), "twice")
    refused(show("__host-nsgate=" + value), "another name")
    show("a=b; " + cookie + "; c=d").expect(200)
    gate.wait_event(id=130)


@test("a session ends in its time")
def _():
    cookie = sign_in("https-short")
    wait_for(lambda: show(cookie, "https-short").status == 401,
             "the end of two seconds")


@test("who logs out has no session any more, at any worker, after a restart")
def _():
    cookie, other = sign_in(), sign_in()
    gate.ask("https", "/auth/logout", headers=[("Cookie", cookie)]).expect(405)
    a = show(cookie, path="/auth/logout", method="POST").expect(204)
    expect("Max-Age=0" in a.headers["set-cookie"], "kept", a.headers)
    for _ in range(8):
        refused(show(cookie), "logged out")
    show(other).expect(200)
    gate.restart()
    refused(show(cookie), "logged out before a restart")
    show(other).expect(200)
    gate.ask("https", "/auth/logout", method="POST").expect(401)


@test("who logs out with a token as well has no session any more")
def _():
    def leave(cookie, user):
        return gate.ask("https", "/auth/logout", gate.token(user=user),
                        [("Cookie", cookie)], "POST")

    cookie, other = sign_in(), sign_in()
    a = leave(cookie, "alice").expect(204)
    expect("Max-Age=0" in a.headers["set-cookie"], "kept", a.headers)
    refused(show(cookie), "logged out beside a token")
    # Another's stays, and nobody is told that it does not.
    a = leave(other, "bob").expect(403)
    expect("not of whom the token is" in a.body.decode(), "why", a.body)
    expect("set-cookie" not in a.headers, "a session of a logout", a.headers)
    show(other).expect(200)
    for twice in (other + "; " + other, other + "; __Host-nsgate"):
        a = leave(twice, "alice").expect(400)
        expect("More than one" in a.body.decode(), "why", a.body)
        show(other).expect(200)
    # One that means nothing is forgotten.
    a = leave("__Host-nsgate=x", "alice").expect(204)
    expect("Max-Age=0" in a.headers["set-cookie"], "kept", a.headers)


@test("keys are rotated by a reload, and a removed one ends its sessions")
def _():
    cookie = sign_in()
    write(keys, "# new first\n%s\n%s\n" % (OTHER_KEY, KEY), 0o600)
    gate.ctl("reload")
    gate.learn()
    show(cookie).expect(200)
    newer = sign_in()
    write(keys, OTHER_KEY + "\n", 0o600)
    gate.ctl("reload")
    gate.learn()
    refused(show(cookie), "its key is gone")
    show(newer).expect(200)
    write(keys, "nonsense\n", 0o600)
    done = gate.ctl("reload", check=False)
    expect(done.returncode == 1 and "line 1 is not 32 bytes" in done.stderr +
           done.stdout, "a reload with a broken key", done)
    show(newer).expect(200)
    write(keys, KEY + "\n", 0o600)
    gate.ctl("reload")
    gate.learn()


@test("two gateways with the same keys and names share sessions")
def _():
    twin = Gate(listeners=LISTENERS, settings="session_keys = " + keys)
    cookie = sign_in()
    twin.ask("https", SECRET, headers=[("Cookie", cookie)]).expect(200)
    twin.close()


@test("a server behind the gateway sees other cookies, and sets no session")
def _():
    cookie = sign_in()
    show("a=b; " + cookie + "; c=d", path="/plain/x").expect(200)
    expect_equal(server.last().values("Cookie"), ["a=b; c=d"], "Cookie")
    expect_equal(server.last().values("X-Remote-User"),
                 ["alice@NSGATE.TEST"], "user")
    show(cookie, path="/plain/x").expect(200)
    expect_equal(server.last().values("Cookie"), [], "Cookie")
    a = show(cookie, path="/plain/session").expect(200)
    expect("set-cookie" not in a.headers, "the server's", a.headers)


@test("a browser may change something for pages of this gateway only")
def _():
    cookie = sign_in()
    before = len(server.seen)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for what, headers in (
            ("a form of another site", form + [
                ("Origin", "https://evil.example"),
                ("Sec-Fetch-Site", "cross-site")]),
            ("JSON as text/plain", [("Content-Type", "text/plain"),
                                    ("Origin", "https://evil.example")]),
            ("another port of the same host", form + [
                ("Origin", "https://localhost:1"),
                ("Sec-Fetch-Site", "same-site")]),
            ("another port, without a word of it", form + [
                ("Origin", "https://localhost:1")]),
            ("the same host in clear", form + [
                ("Origin", "http://localhost")]),
            ("nobody's page", form + [("Origin", "null")]),
            ("no Origin at all", form + [("Sec-Fetch-Site", "cross-site")])):
        for answer in (show(cookie, path="/plain/x", headers=headers,
                            method="POST", body=b"a=b"),
                       gate.ask("https", "/plain/x", gate.token(), headers,
                                "POST", b"a=b")):
            expect_equal((what, answer.status), (what, 403), "status")
    expect_equal(len(server.seen), before, "requests that reached the server")
    gate.wait_event(id=131, reason="cross-site")
    show(cookie, path="/auth/logout", method="POST",
         headers=[("Origin", "https://evil.example")]).expect(403)
    show(cookie).expect(200)
    for headers in ((), [("Origin", "https://localhost"),
                         ("Sec-Fetch-Site", "same-origin")],
                    [("Sec-Fetch-Site", "none")]):
        show(cookie, path="/plain/x", headers=headers, method="POST",
             body=b"a").expect(200)
    # Reading is no change: what a page of another site gets it may not read.
    show(cookie, path="/plain/x",
         headers=[("Origin", "https://evil.example")]).expect(200)


if __name__ == "__main__":
    main()
