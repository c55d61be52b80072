#!/usr/bin/env python3
"""nginx with auth_request: the gateway decides, nginx serves
(docs/examples/nginx-auth-request.conf, word by word)."""
import os

from examples import AuthRequest
from harness import (PROXY_CLEAR, PROXY_TLS, ROOT, Answer, Connection, Gate,
                     expect, expect_equal, main, run, test, tls_dir, wait_for)

PROXY = "www-data" if ROOT else "{me}"
MOF = r"""
#pragma namespace("\\\\.\\root\\Web")
class Web_Thing { [key] string Name; };
#pragma namespace("\\\\.\\root\\Guarded")
class Guarded_Thing { [key] string Name; };
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
"""
gate = Gate(workers=1, mof=(MOF,), listeners="""
[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = %s
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
session_s             = 600

[listener/own]
bind                  = unix:{dir}/sock/own.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt

[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
""" % PROXY, extra="""
[access/root\\Web]
allow = alice@NSGATE.TEST
[access/root\\Guarded]
allow = alice@NSGATE.TEST
[route/web]
path      = /
namespace = root\\Web
upstream  = none
[route/guarded]
path      = /guarded/
namespace = root\\Guarded
upstream  = none
[route/readable]
path      = /readable/
namespace = root\\Web
upstream  = none
methods   = GET
""")


nginx = AuthRequest(gate, gate.path("sock", "proxy.sock"), pages=(
    "index.html", "page.html", "guarded/secret.html", "readable/page.html"))


def curl(path, *options, tls=True, user="alice", version="--http1.1"):
    url = "%s://localhost:%d%s" % (
        ("https", nginx.tls_port, path) if tls else
        ("http", nginx.clear_port, path))
    command = ["curl", "-sS", "-i", "--path-as-is", version, "--cacert",
               tls_dir() + "/ca.crt", *options]
    env = dict(gate.realm.env)
    if user:
        command += ["--negotiate", "-u", ":"]
        env["KRB5CCNAME"] = "FILE:" + gate.realm.ccache(user)
    return Answer.parse(run(*command, url, env=env).stdout.encode())


@test("who may has the page, and the gateway's half of the authentication")
def _():
    for version in ("--http1.1", "--http2"):
        a = curl("/page.html", version=version).expect(200)
        expect_equal(a.body.strip(), b"this is page.html", "page")
        expect(a.headers["www-authenticate"].startswith("Negotiate "),
               "no token", a.headers)
        expect("__Host-nsgate=" in a.headers["set-cookie"], "no session",
               a.headers)
        a = curl("/", version=version).expect(200)
        expect_equal(a.body.strip(), b"this is index.html", "index")


@test("who may not is refused by the gateway, in its words")
def _():
    a = curl("/page.html", user=None).expect(401)
    expect_equal(a.headers["www-authenticate"], "Negotiate", "challenge")
    curl("/page.html", user="bob").expect(403)
    gate.wait_event(id=131, reason="not-listed")
    curl("/guarded/secret.html").expect(200)
    a = curl("/guarded/secret.html", tls=False).expect(403)
    event = gate.wait_event(id=5605)
    expect_equal(event["channel"], "proxy-cleartext", "channel")
    curl("/page.html", tls=False).expect(200)


@test("a session spares the ticket, and ends with a logout")
def _():
    cookie = curl("/page.html").headers["set-cookie"].split(";")[0]
    curl("/page.html", "-H", "Cookie: " + cookie, user=None).expect(200)
    curl("/guarded/secret.html", "-H", "Cookie: " + cookie,
         user=None).expect(200)
    a = curl("/page.html", "-H", "Cookie: " + cookie, user=None, tls=False)
    a.expect(401)
    curl("/auth/logout", "-X", "POST", "-H", "Cookie: " + cookie,
         user=None).expect(204)
    curl("/page.html", "-H", "Cookie: " + cookie, user=None).expect(401)


@test("the path that is decided about is the one that is served")
def _():
    for path, status in (
            ("/%67uarded/secret.html", 403), ("/guarded/%2e%2e/page.html", 403),
            ("/readable/../guarded/secret.html", 403),
            ("//guarded/secret.html", 403), ("/guarded%2fsecret.html", 403),
            ("/guarded/secret.html%00", 400), ("/readable%5cpage.html", 403),
            ("/guarded/./secret.html", 403), ("/page.html?x=%2f", 200),
            ("/guarded/%252e", 403),
            ('/cim/x:C="a%2F..%2F..%2Fguarded/secret.html', 403),
            ("/cim/root:C/x=%2F..%2F..%2F..%2Fguarded/secret.html", 403)):
        for tls in (False, True):
            expect_equal((path, curl(path, tls=tls).status), (path, status),
                         "status")
    a = curl("/readable/page.html", "-X", "POST").expect(403)
    expect("this is" not in a.body.decode(), "served")


@test("/auth is for declared proxies, and wants its two headers once each")
def _():
    def ask(headers, path="/auth", **options):
        with Connection("unix:" + gate.path("sock", "own.sock")) as c:
            return c.ask(path, gate.token(), headers, **options)
    good = [("X-Original-URI", "/page.html"), ("X-Original-Method", "GET")]
    a = ask(PROXY_TLS + good).expect(200)
    expect_equal((a.headers["x-remote-user"], a.headers["x-nsgate-level"],
                  a.body), ("alice@NSGATE.TEST", "PktPrivacy", b""), "answer")
    ask(PROXY_CLEAR + good).expect(200)
    for headers in ([], good[:1], good[1:], good + good[:1], good + good[1:],
                    [("X-Original-URI", "page.html"), good[1]],
                    [("X-Original-URI", ""), good[1]],
                    # nginx itself would read none of them as /guarded/.
                    [("X-Original-URI", "/GUARDED/x"), good[1]],
                    [("X-Original-URI", "/guarded;x/x"), good[1]],
                    [good[0], ("X-Original-Method", "BREW")]):
        answer = ask(PROXY_TLS + headers)
        expect_equal((headers, answer.status), (headers, 403), "status")
    ask(PROXY_CLEAR + [("X-Original-URI", "/guarded/x"), good[1]]).expect(403)
    ask(PROXY_TLS + good, "/auth/").expect(404)
    gate.ask("https", "/auth", gate.token(), good).expect(404)
    # What is decided about only is nowhere forwarded to.
    gate.ask("https", "/page.html", gate.token()).expect(404)


@test("a page of another site changes nothing through nginx either")
def _():
    cookie = curl("/page.html").headers["set-cookie"].split(";")[0]
    for origin, status in (("https://evil.example", 403),
                           ("https://localhost:%d" % nginx.tls_port, 405)):
        a = curl("/page.html", "-X", "POST", "-H", "Cookie: " + cookie, "-H",
                 "Origin: " + origin, user=None)
        expect_equal((origin, a.status), (origin, status), "status")
    wait_for(lambda: any(r["reason"] == "cross-site" for r in gate.access()),
             "a record")


if __name__ == "__main__":
    main()
