#!/usr/bin/env python3
"""Names of servers behind the gateway that get other addresses.

The gateway has an /etc/hosts of its own, in a mount namespace: the names are
looked up as they are in life, and nothing of the machine is changed.
"""
import os
import re
import subprocess

from harness import (ROOT, SRC, Gate, at_end, expect, expect_equal, main,
                     program, run, scratch, test, tls_dir, user_exists, wait_for)
from upstream import Upstream

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
SIZE = 2000  # of the file, which is written over and never empty


class Hosts:
    """/etc/hosts as the gateway sees it."""

    def __init__(self):
        self.path = os.path.join(scratch(), "hosts")
        self.names = {}
        self.set(localhost="127.0.0.1")

    def set(self, **names):
        """NAME="address ...": all of NAME's; None: it has none."""
        self.names.update({n.replace("_", "."): a for n, a in names.items()})
        text = "".join("%s %s\n" % (a, name)
                       for name, all_of in self.names.items() if all_of
                       for a in all_of.split())
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb",
                  buffering=0) as f:
            f.write(text.encode() + b"#" * (SIZE - len(text) - 1) + b"\n")


class NamedGate(Gate):
    def spawn(self, **env):
        with open(self.logfile, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c",
                 'mount --bind "$1" /etc/hosts && exec "$2" --config "$3"',
                 "sh", hosts.path, program("nsgated"), self.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **self.realm.env, **env),
                start_new_session=True)


def possible():
    return ROOT and run("unshare", "-m", "true", check=False).returncode == 0


def route(name, upstream, more=""):
    return ("[route/%s]\npath = /%s/\nnamespace = root\\Plain\n"
            "upstream = %s\n%s\n" % (name, name, upstream, more))


def tests():
    old = Upstream()
    new = Upstream(at=("127.0.0.2", old.port))
    pair = (tls_dir() + "/tls.crt", tls_dir() + "/tls.key")
    old_tls = Upstream(tls=pair)
    new_tls = Upstream(tls=pair, at=("127.0.0.2", old_tls.port))
    other = os.path.join(scratch(), "other")  # another authority's
    run("sh", os.path.join(SRC, "tests/realm/tls.sh"), other)
    wrong = Upstream(tls=(other + "/tls.crt", other + "/tls.key"),
                     at=("127.0.0.3", old_tls.port))
    for one in (old, new, old_tls, new_tls, wrong):
        at_end(one.close)
    hosts.set(moves_test="127.0.0.1", later_test=None, held_test="127.0.0.1",
              well_test="127.0.0.1", misnamed_test="127.0.0.1",
              meta_test="169.254.169.254 fd00:ec2::254")

    def url(name, server=old):
        return "http://%s:%d" % (name, server.port)
    users = {}
    if user_exists("nsgate") and user_exists("nsgate-store"):
        users = {"user": "nsgate", "store_user": "nsgate-store"}
    gate = NamedGate(mof=(MOF,), workers=2, **users, settings="upstream_resolve_s = 1",
                     extra="".join([
                         "[access/root\\Plain]\nallow = alice@NSGATE.TEST\n",
                         route("moves", url("moves.test")),
                         route("later", url("later.test")),
                         route("held", url("held.test")),
                         route("meta", url("meta.test")),
                         route("well", url("well.test"),
                               "health_path = /health\n"
                               "health_interval_s = 600\n"),
                         route("tls", "https://localhost:%d" % old_tls.port,
                               "upstream_ca = %s/ca.crt\n" % tls_dir()),
                         route("misnamed", "https://misnamed.test:%d"
                               % old_tls.port, "upstream_ca = %s/ca.crt\n"
                               % tls_dir())]))

    def get(path):
        return gate.ask("https", path, gate.token())

    def asked(path, server):
        """Whether the server gets what is asked for now."""
        before = len(server.seen)
        get(path).expect(200)
        return len(server.seen) > before

    def lines(pattern):
        return len(re.findall(pattern, gate.log()))

    @test("a name that gets another address is followed, kept connections too")
    def _():
        expect(asked("/moves/x", old), "the first address")
        hosts.set(moves_test="127.0.0.2")
        wait_for(lambda: asked("/moves/x", new), "the new address")
        wait_for(lambda: lines("upstream %s is at 127.0.0.2 now"
                               % url("moves.test")) == 1, gate.log)
        for _ in range(8):
            expect(asked("/moves/x", new), "the old address again")
        expect_equal(new.last().values("Host"),
                     ["moves.test:%d" % new.port], "Host")
        hosts.set(moves_test="127.0.0.2 127.0.0.1")
        wait_for(lambda: "is at 127.0.0.2,127.0.0.1 now" in gate.log() or
                 "is at 127.0.0.1,127.0.0.2 now" in gate.log(), gate.log)
        hosts.set(moves_test="127.0.0.1")
        wait_for(lambda: asked("/moves/x", old), "the first address again")

    @test("what is under way goes on at the old address")
    def _():
        before = len(old.seen)
        with gate.connect("https") as c:
            c.send(c.request("/held/unread", gate.token(), method="POST",
                             headers=[("Content-Length", "5")]))
            wait_for(lambda: len(old.seen) > before, "it is asked")
            hosts.set(held_test="127.0.0.2")
            wait_for(lambda: asked("/held/x", new), "the new address")
            c.send(b"12345")
            old.release.set()
            expect_equal(c.receive().expect(200).body, b"read at last",
                         "answer")

    @test("a name that is lost keeps its addresses, and says so once")
    def _():
        hosts.set(held_test=None)
        where = re.escape(url("held.test"))
        wait_for(lambda: lines("upstream %s: .*; its last addresses stay"
                               % where) == 1, gate.log)
        hosts.set(moves_test="127.0.0.2")  # so that a round is known to end
        wait_for(lambda: asked("/moves/x", new), "another round")
        expect(asked("/held/x", new), "its last address")
        expect_equal(lines("upstream %s: .*; its last addresses stay" % where),
                     1, "lines")
        hosts.set(held_test="127.0.0.2")
        wait_for(lambda: lines("upstream %s: found again" % where) == 1,
                 gate.log)

    @test("a name that is found only later is asked from then on")
    def _():
        get("/later/x").expect(502)
        hosts.set(later_test="127.0.0.1")
        wait_for(lambda: get("/later/x").status == 200, gate.log)

    @test("a name that moves to a metadata service is not followed there")
    def _():
        get("/meta/x").expect(502)
        hosts.set(meta_test="127.0.0.1")
        wait_for(lambda: get("/meta/x").status == 200, gate.log)
        hosts.set(meta_test="169.254.169.254")
        wait_for(lambda: get("/meta/x").status == 502, gate.log)
        done = gate.ctl("doctor", check=False)
        expect("FAIL  route: " in done.stdout, "doctor", done.stdout)

    @test("a certificate is still that of the name")
    def _():
        expect(asked("/tls/x", old_tls), "the first address")
        hosts.set(localhost="127.0.0.2")
        wait_for(lambda: asked("/tls/x", new_tls), "the new address")
        hosts.set(localhost="127.0.0.3")
        wait_for(lambda: get("/tls/x").status == 502, gate.log)
        expect_equal(wrong.seen, [], "requests to another's server")
        hosts.set(localhost="127.0.0.1")
        wait_for(lambda: get("/tls/x").status == 200, gate.log)
        get("/misnamed/x").expect(502)
        hosts.set(misnamed_test="127.0.0.2")
        wait_for(lambda: lines(r"misnamed\.test:\d+ is at 127.0.0.2"), gate.log)
        before = len(new_tls.seen)
        get("/misnamed/x").expect(502)
        expect_equal(len(new_tls.seen), before, "requests")

    @test("another address is asked at once how it is")
    def _():
        wait_for(lambda: "/health" in old.targets(), "the first check")
        new.health = "500 Broken"
        before = new.targets().count("/health")
        hosts.set(well_test="127.0.0.2")
        wait_for(lambda: new.targets().count("/health") == before + 2,
                 "a check of each worker")
        wait_for(lambda: lines(r"well\.test:\d+ is down: its health check was "
                               "answered 500") == 1, gate.log)
        hosts.set(well_test="127.0.0.1")
        wait_for(lambda: lines(r"well\.test:\d+ is up again: it has another "
                               "address") == 1, gate.log)

    @test("a worker in a dead one's place begins with the address of now")
    def _():
        hosts.set(moves_test="127.0.0.2")
        wait_for(lambda: asked("/moves/x", new), "the new address")
        dead = gate.workers()
        for pid in dead:
            os.kill(pid, 9)
        wait_for(lambda: len(gate.workers()) == 2 and
                 not set(gate.workers()) & set(dead), "new workers")
        expect(asked("/moves/x", new), "the old address")

    @test("a reload looks all names up, and rounds go on")
    def _():
        hosts.set(moves_test="127.0.0.1")
        gate.ctl("reload")
        expect(asked("/moves/x", old), "the address of now")
        hosts.set(moves_test="127.0.0.2")
        wait_for(lambda: asked("/moves/x", new), "the new address")


hosts = None
if possible():
    hosts = Hosts()
    tests()
else:
    test("names are changed in a mount namespace: skipped, not root")(
        lambda: None)

if __name__ == "__main__":
    main()
