#!/usr/bin/env python3
"""Servers of [route/NAME] that are asked how they are."""
import os
import re
import socket

from harness import (Connection, Gate, at_end, expect, expect_equal, main,
                     scratch, test, tls_dir, wait_for)
from upstream import Upstream

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
where = scratch()
first, second, slow, tls = (
    Upstream(), Upstream(), Upstream(),
    Upstream(tls=(tls_dir() + "/tls.crt", tls_dir() + "/tls.key")))
for one in (first, second, slow, tls):
    at_end(one.close)
dead = socket.socket()  # bound and not listening: refuses
dead.bind(("127.0.0.1", 0))
at_end(dead.close)


class Service:
    """A server that can go away and come back at the same place."""

    def __init__(self, name):
        self.path = os.path.join(where, name)
        self.url = "unix:" + self.path
        self.server = None
        at_end(self.stop)
        self.start()

    def start(self):
        self.server = Upstream(unix=self.path)
        os.chmod(self.path, 0o666)

    def stop(self):
        if self.server is not None:
            self.server.close()
            os.unlink(self.path)
            self.server = None


gone, late = Service("gone.sock"), Service("late.sock")
FIRST, SECOND, SLOW = ("http://127.0.0.1:%d" % u.port
                       for u in (first, second, slow))
TLS = "https://localhost:%d" % tls.port
DEAD = "http://127.0.0.1:%d" % dead.getsockname()[1]
QUICK = "health_path = /health\nhealth_interval_s = 1\nhealth_timeout_s = 1\n"


def route(name, upstream, more=QUICK):
    return ("[route/%s]\npath = /%s/\nnamespace = root\\Plain\n"
            "upstream = %s\n%s" % (name, name, upstream, more))


gate = Gate(mof=(MOF,), workers=2, extra="".join([
    "[access/root\\Plain]\nallow = alice@NSGATE.TEST\n",
    route("both", FIRST + ", " + SECOND),
    route("odd", FIRST, QUICK + "health_status = 418\n"),
    route("gone", gone.url + ", " + SECOND),
    route("slow", SLOW),
    route("tls", TLS, QUICK + "upstream_ca = %s/ca.crt\n" % tls_dir()),
    route("unproved", TLS),
    route("unchecked", DEAD + ", " + FIRST, "retry_s = 3600\n"),
]))


def get(path, at=gate):
    return at.ask("https", path, at.token())


def metrics(at=gate):
    with Connection(at.listeners["status"]) as c:
        return c.ask("/metrics").expect(200).body.decode()


def is_up(name, url, at=gate):
    line = 'nsgate_upstream_up{route="%s",upstream="%s"} ' % (name, url)
    found = [l for l in metrics(at).split("\n") if l.startswith(line)]
    expect_equal(len(found), 1, "lines of %s" % line)
    return found[0][-1] == "1"


def wait_up(name, url, up):
    wait_for(lambda: is_up(name, url) == up,
             lambda: "%s of %s %s\n%s" % (url, name, "up" if up else "down",
                                          metrics()))


def asked(server):
    return [s for s in server.seen if not s.target.endswith("/health")]


def turns(name, url):
    return re.findall(r"\[route/%s\] upstream %s is (down|up again)" % (
        name, re.escape(url)), gate.log())


@test("a check is nobody's, has a connection of its own, and says who is up")
def _():
    wait_for(lambda: tls.seen, "a check")
    for server in (first, second, tls):
        wait_for(lambda: len(server.seen) >= 4, "checks of both workers")
        for seen in server.seen:
            expect_equal(sorted(n.lower() for n, _ in seen.fields),
                         ["accept", "host"], "fields")
            expect_equal((seen.method, seen.target), ("GET", "/health"),
                         "what is asked")
        expect(server.connections >= len(server.seen), "kept connections")
    wait_up("unproved", TLS, False)
    wait_up("odd", FIRST, False)
    for name, url in (("both", FIRST), ("both", SECOND), ("tls", TLS),
                      ("gone", gone.url), ("slow", SLOW)):
        expect(is_up(name, url), "down: " + url, gate.log())


@test("one that answers badly gets no requests until it answers well")
def _():
    first.health = "503 Service Unavailable"
    wait_up("both", FIRST, False)
    wait_for(lambda: all(w["workersDown"] == 2 for w in upstreams("both")
                         if w["url"] == FIRST), "both workers know")
    before = len(asked(first)), len(asked(second))
    for _ in range(4):
        get("/both/x").expect(200)
    expect_equal((len(asked(first)), len(asked(second))),
                 (before[0], before[1] + 4), "requests")
    expect("its health check was answered 503" in gate.log(), "why",
           gate.log())
    first.health = "204 No Content"
    wait_up("both", FIRST, True)
    for _ in range(4):
        get("/both/x").expect(200)
    expect(len(asked(first)) > before[0], "no request")
    expect_equal(turns("both", FIRST), ["down", "up again"], "the log")
    first.health = "418 Teapot"
    wait_up("odd", FIRST, True)
    first.health = "200 OK"


def upstreams(name):
    return [r for r in gate.status()["routes"] if r["name"] == name][0][
        "upstreams"]


@test("one that cannot be connected to is down before a request finds out")
def _():
    gone.stop()
    wait_up("gone", gone.url, False)
    wait_for(lambda: upstreams("gone")[0]["workersDown"] == 2, "both know")
    before = len(asked(second))
    for _ in range(4):
        get("/gone/x").expect(200)
    expect_equal(len(asked(second)) - before, 4, "requests")
    out = gate.ctl("status").stdout
    expect("upstream       %s, down in 2 of 2 workers\n" % gone.url in out,
           "status", out)
    expect("upstream       %s, up\n" % FIRST in out, "status", out)
    gone.start()
    wait_up("gone", gone.url, True)
    for _ in range(8):
        get("/gone/x").expect(200)
    expect(asked(gone.server), "no request")


@test("a request that fails takes one out until a check succeeds")
def _():
    one = Gate(mof=(MOF,), workers=1, extra="".join([
        "[access/root\\Plain]\nallow = alice@NSGATE.TEST\n",
        route("late", late.url + ", " + SECOND,
              "health_path = /health\nhealth_interval_s = 3600\n")]))
    wait_for(lambda: late.server.seen, "the only check")
    expect(is_up("late", late.url, one), "down")
    late.stop()
    for _ in range(2):
        get("/late/x", one).expect(200)
    wait_for(lambda: not is_up("late", late.url, one), "down")
    late.start()
    for _ in range(4):
        get("/late/x", one).expect(200)
    expect_equal(late.server.seen, [], "requests")


@test("a check that is answered too late is no answer")
def _():
    slow.health = None
    wait_up("slow", SLOW, False)
    expect_equal(turns("slow", SLOW), ["down"], "the log")
    slow.health = "200 OK"
    slow.release.set()
    wait_up("slow", SLOW, True)
    slow.release.clear()


@test("if all are down requests are still sent, to the one that failed first")
def _():
    first.health = second.health = "500 Broken"
    for url in (FIRST, SECOND):
        wait_up("both", url, False)
    wait_for(lambda: all(u["workersDown"] == 2 for u in upstreams("both")),
             "both workers know")
    for _ in range(4):
        get("/both/x").expect(200)
    first.health = second.health = "200 OK"
    for url in (FIRST, SECOND):
        wait_up("both", url, True)


@test("status tells of so many routes as fit, and how many do not")
def _():
    many = Gate(mof=(MOF,), workers=1, extra="".join(
        ["[access/root\\Plain]\nallow = alice@NSGATE.TEST\n"] +
        [route("route%d" % i, FIRST, "") for i in range(400)]))
    told = many.status()
    expect(told["routesNotShown"] > 0 and len(told["routes"]) > 50, "routes",
           told["routesNotShown"])
    expect_equal(told["routesNotShown"] + len(told["routes"]), 400, "routes")
    out = many.ctl("status").stdout
    expect("\nroute          and %d more\n" % told["routesNotShown"] in out,
           "status", out)


@test("without checks one that failed is down for retry_s")
def _():
    expect(is_up("unchecked", DEAD), "down before it was asked")
    for _ in range(8):
        get("/unchecked/x").expect(200)
    wait_up("unchecked", DEAD, False)
    expect(is_up("unchecked", FIRST), "down")
    expect_equal(turns("unchecked", DEAD), [], "the log")
    turned = sum(int(l.split()[1]) for l in metrics().split("\n")
                 if l.startswith("nsgate_upstream_turned_total{"))
    expect(turned >= 10, "turns", turned)


if __name__ == "__main__":
    main()
