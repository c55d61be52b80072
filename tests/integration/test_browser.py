#!/usr/bin/env python3
"""Chromium with a ticket: its first visit, its session, and the pages of
other sites that it shows (threats 13 and 14 of docs/threat-model.md)."""
import base64
import os

from chromium import Chromium
from harness import (OPEN, SECRET, Gate, at_end, expect, expect_equal, main,
                     scratch, test, wait_for, write)
from upstream import Upstream

COOKIE = "__Host-nsgate"


class Pages(Upstream):
    """A server with a page to be on."""

    def _page(self, c, seen, _f):
        return self.answer(c, seen, b"<!doctype html><body>a page</body>",
                           fields=[("Content-Type", "text/html")])


behind, elsewhere = Pages(), Pages()
at_end(behind.close)
at_end(elsewhere.close)
gate = Gate(settings="session_keys = " + write(
    os.path.join(scratch(), "session.keys"),
    base64.b64encode(bytes(range(32))).decode() + "\n", 0o600),
            listeners="""
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
session_s       = 3600

[listener/http]
bind = 127.0.0.1:0
""", extra="""
[access/root\\Open]
allow = *@NSGATE.TEST
[route/pages]
path      = /pages/
namespace = root\\Open
upstream  = http://127.0.0.1:%d
""" % behind.port)
browser = Chromium(dict(gate.realm.env, KRB5CCNAME="FILE:" +
                        gate.realm.ccache("alice")))
PAGE = gate.url("https", "/pages/page")
OTHER = "http://localhost:%d/page" % elsewhere.port


class Records:
    """The access records since then."""

    def __init__(self):
        self.before = len(gate.access())

    def of(self, path):
        return [r for r in gate.access()[self.before:] if r["target"] == path]

    def wait(self, path, count=1):
        return wait_for(lambda: len(self.of(path)) >= count and self.of(path),
                        "%d records of %s" % (count, path))


def forget():
    browser.visit(PAGE)
    browser.ask("DELETE", "/cookie/" + COOKIE)


@test("the first visit signs in, and brings a session that scripts cannot "
      "see")
def _():
    since = Records()
    text = browser.visit(gate.url("https", SECRET))
    expect("Secret_Thing" in text, "the page", text)
    records = since.wait(SECRET, 2)
    expect_equal([(r["status"], r.get("session", False)) for r in records],
                 [(401, False), (200, False)], "the first visit")
    expect_equal((records[1]["principal"], records[1]["effectiveLevel"]),
                 ("alice@NSGATE.TEST", "PktPrivacy"), "who, and how")
    kept = browser.cookie(COOKIE)
    expect(kept, "no cookie")
    expect_equal([kept[k] for k in ("secure", "httpOnly", "sameSite", "path")],
                 [True, True, "Strict", "/"], "the cookie")
    expect_equal(browser.script("return document.cookie"), "", "scripts see")


@test("the next visits are the session's, without a token")
def _():
    browser.visit(PAGE)
    since = Records()
    for _ in range(3):
        expect("Secret_Thing" in browser.visit(gate.url("https", SECRET)),
               "the page")
    expect_equal(browser.visit(PAGE), "a page", "the page of the route")
    expect_equal(browser.fetch("/pages/echo?x", method="POST", body="{}",
                               headers={"Content-Type": "application/json"}),
                 200, "its own script")
    since.wait("/pages/echo?x")
    records = since.of(SECRET) + since.of("/pages/page") + \
        since.of("/pages/echo?x")
    expect_equal([(r["status"], r["session"]) for r in records],
                 [(200, True)] * 5, "each of them")
    expect_equal(behind.last().values("Cookie"), [], "the server's cookies")


@test("who logs out has no session, and signs in again at the next visit")
def _():
    browser.visit(PAGE)
    expect_equal(browser.fetch("/auth/logout", method="POST"), 204, "logout")
    expect_equal(browser.cookie(COOKIE), None, "the cookie")
    since = Records()
    expect_equal(browser.visit(PAGE), "a page", "the page")
    records = since.wait("/pages/page")
    expect_equal((records[-1]["status"], records[-1].get("session", False)),
                 (200, False), "the visit afterwards")
    expect(browser.cookie(COOKIE), "no new cookie")


@test("what the pages of another site send with the ticket changes nothing")
def _():
    forget()
    target = gate.url("https", "/pages/stolen")
    since, before = Records(), len(behind.seen)
    # Here the browser signs in by itself, since the page becomes the answer.
    for count, kind in enumerate(("text/plain", "multipart/form-data",
                                  "application/x-www-form-urlencoded"), 1):
        browser.visit(OTHER)
        browser.script("const f = document.createElement('form');"
                       "[f.method, f.action, f.enctype] = arguments;"
                       "document.body.appendChild(f); f.submit()",
                       "POST", target, kind)
        wait_for(lambda n=count: [
            (r["status"], r["principal"], r["reason"])
            for r in since.of("/pages/stolen") if r["status"] != 401] ==
            [(403, "alice@NSGATE.TEST", "cross-site")] * n, "a refusal")
    browser.visit(OTHER)
    browser.fetch(target, method="POST", mode="no-cors",
                  credentials="include", body="x=1")
    # For these it asks first, and is not answered with a leave.
    for method in ("PUT", "DELETE"):
        said = browser.fetch(target, method=method, credentials="include")
        expect(isinstance(said, str), method, said)
    since.wait("/pages/stolen", 9)
    expect_equal({r["status"] for r in since.of("/pages/stolen")},
                 {401, 403}, "answers")
    expect_equal(len(behind.seen), before, "requests that reach the server")


@test("what the pages of another site ask for is not theirs to read")
def _():
    browser.visit(OTHER)
    for path in (SECRET, "/pages/page"):
        said = browser.fetch(gate.url("https", path), credentials="include")
        expect(isinstance(said, str), path, said)


@test("an encrypted namespace in clear is a refusal to look at, not a loop")
def _():
    since = Records()
    text = browser.visit(gate.url("http", SECRET))
    expect("channel-not-private" in text, "the page", text)
    expect_equal([r["status"] for r in since.wait(SECRET, 2)], [401, 403],
                 "requests")
    # It shows Secure cookies to localhost, also in clear; they are worth
    # nothing there.
    expect("Open_Thing" in browser.visit(gate.url("http", OPEN)), "in clear")
    records = since.of(SECRET) + since.wait(OPEN)
    expect_equal({(r["listener"], r.get("session", False)) for r in records},
                 {("http", False)}, "a session in clear")


main()
