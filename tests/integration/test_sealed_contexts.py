#!/usr/bin/env python3
"""What becomes of a security context that a connection keeps, and where
there is none: threats 6, 7 and 26 for sealed messages."""
import contextlib
import os
import signal
import threading

from sealing import (CANARY, FLAGS, SPNEGO, Sealed, content_type, frame,
                     outer)

from harness import (OPEN, PROXY_TLS, SECRET, Connection, Gate, Nginx, expect,
                     expect_equal, main, test, wait_for)

PAGE = "/cim/root"
FEW = """
[listener/http]
bind = 127.0.0.1:0
"""
gate = Gate(extra="""
[listener/http-no]
bind               = 127.0.0.1:0
message_encryption = no
""")


def principal(answer):
    return answer.expect(200).json["caller"]["principal"]


# -- one connection ---------------------------------------------------------

@test("a context opens sealed bodies and does nothing else")
def _():
    for method, body in (("GET", None), ("HEAD", None), ("OPTIONS", None),
                         ("DELETE", None), ("POST", b"{}"), ("PUT", b"{}")):
        with Sealed(gate) as c:
            c.ask(PAGE, method=method, body=body, headers=[
                ("Content-Type", "application/json")]).expect(401)
            if body is None:  # else its connection is closed
                c.get(SECRET).expect(200)
    with Sealed(gate) as c:  # the type of a sealed message, and none
        c.ask(SECRET, headers=[("Content-Type", content_type(SPNEGO))]
              ).expect(400)
        c.over()


@test("alice signs in, and another token on her connection is another's")
def _():
    with Sealed(gate) as c:
        expect_equal(principal(c.get(PAGE)), "alice@NSGATE.TEST", "sealed")
        expect_equal(principal(c.ask(PAGE, gate.token(user="bob"))),
                     "bob@NSGATE.TEST", "in clear")
        expect_equal(principal(c.get(PAGE)), "alice@NSGATE.TEST", "sealed")
        c.ask(PAGE).expect(401)
        c.ask(SECRET, gate.token(user="bob", flags=FLAGS)).expect(
            403, "channel-not-private")
        expect_equal(principal(c.get(PAGE)), "alice@NSGATE.TEST", "sealed")


@test("pipelined: sealed, nobody, bob, sealed")
def _():
    with Sealed(gate) as c:
        c.send(c.bytes_for(PAGE) + c.request(PAGE) +
               c.request(PAGE, gate.token(user="bob")) + c.bytes_for(PAGE))
        expect_equal(principal(c.opened()), "alice@NSGATE.TEST", "the first")
        c.receive().expect(401)
        expect_equal(principal(c.receive()), "bob@NSGATE.TEST", "the third")
        expect_equal(principal(c.opened()), "alice@NSGATE.TEST", "the last")


@test("a second sign-in takes the place of the first")
def _():
    with Sealed(gate) as c:
        first = c.context
        c.ccache = gate.realm.ccache("bob")
        c.sign_in()
        expect_equal(principal(c.get(PAGE)), "bob@NSGATE.TEST", "who")
        second, c.context = c.context, first
        c.send(c.bytes_for(PAGE))
        answer = c.opened().expect(400)
        expect(not answer.sealed, "an answer of the first context", answer)
        c.context = second
        c.over()


@test("a context goes with its connection")
def _():
    with Sealed(gate) as c:
        c.get(SECRET).expect(200)
        held = c.bytes_for(SECRET)
    with gate.connect("http") as other:
        other.send(held)
        other.receive().expect(401)


@test("a token signs in once")
def _():
    with Sealed(gate, sign_in=False) as c:
        token = c.token()
        c.ask("/wsman", token, method="POST", body=b"").expect(200)
        with gate.connect("http") as other:
            answer = other.ask("/wsman", token, method="POST", body=b"")
            answer.expect(401)


@test("a sign-in without a token, or with a bad one, keeps nothing")
def _():
    for authorization in (None, "AAAA", "YIIB"):
        with Sealed(gate, sign_in=False) as c:
            c.token()
            c.ask("/wsman", authorization, method="POST",
                  body=b"").expect(401)
            c.send(outer(SECRET, frame(b"h" * 200, 100), SPNEGO))
            c.receive().expect(401)


# -- many of them -----------------------------------------------------------

def few(settings):
    return Gate(listeners=FEW, workers=1, settings=settings)


@test("above contexts_max the one that was used least recently ends")
def _():
    crowded = few("contexts_max = 2")
    with Sealed(crowded) as a, Sealed(crowded, user="bob") as b:
        a.get(SECRET).expect(200)
        with Sealed(crowded) as c:
            b.over()
            a.get(SECRET).expect(200)
            c.get(SECRET).expect(200)
        # What a closed connection had is free again.
        with Sealed(crowded) as d:
            a.get(SECRET).expect(200)
            d.get(SECRET).expect(200)
    crowded.close()


@test("a thousand sign-ins leave room for one more")
def _():
    crowded = few("contexts_max = 5")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            last = stack.enter_context(Sealed(crowded))
            for _ in range(50):
                last.sign_in()
        last.get(SECRET).expect(200)
    crowded.close()


LARGE = "/cim/root/Large:Large_Thing/instances"
LARGE_MOF = r"""
#pragma namespace("\\\\.\\root\\Large")
class Large_Thing { [key] uint32 Id; string Text; };
""" + "".join('instance of Large_Thing { Id = %d; Text = "%s"; };\n'
              % (n, "x" * 20000) for n in range(3))


@test("answers that nobody reads keep nobody from signing in")
def _():
    crowded = few("contexts_max = 2")
    crowded.compile(LARGE_MOF)
    counts = []
    def is_stuck():
        """So many times the same number of answers, and some are missing."""
        counts.append(len([a for a in crowded.access()
                           if a["bytes"] > 50000]))
        return 2 <= counts[-1] < 200 and counts[-10:] == counts[-1:] * 10
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            c = stack.enter_context(Sealed(crowded))
            # More than all buffers between the two of them hold.
            for _ in range(100):
                c.send(c.bytes_for(LARGE))
        wait_for(is_stuck, lambda: "answers to stay: %s" % counts[-10:])
        for _ in range(2):
            with Sealed(crowded, user="bob") as c:
                c.get(SECRET).expect(200)
                c.get(SECRET).expect(200)
    crowded.close()


@test("while all contexts are at work a sign-in is told so, 503")
def _():
    crowded = few("contexts_max = 2")
    dispatcher = crowded.status()["dispatcher"]["pid"]
    with Sealed(crowded) as a, Sealed(crowded) as b:
        os.kill(dispatcher, signal.SIGSTOP)
        try:
            for c in (a, b):
                c.send(c.bytes_for(OPEN, headers=[
                    ("Prefer", "respond-async")]))
            # Who is answered came after them.
            for _ in range(2):
                crowded.ask("http", PAGE).expect(401)
            with Sealed(crowded, sign_in=False) as c:
                answer = c.send_sign_in().expect(503)
            expect_equal(answer.json["type"], "urn:nsgate:problem:unavailable",
                         "the problem")
        finally:
            os.kill(dispatcher, signal.SIGCONT)
        for c in (a, b):
            expect(c.opened().sealed, "an answer in clear")
        with Sealed(crowded) as c:
            c.get(SECRET).expect(200)
    expect("contexts-max" in {r["reason"] for r in crowded.access()},
           "no record of it")
    crowded.close()


@test("a context that is not used ends after context_idle_s, one in use "
      "does not")
def _():
    idle = few("context_idle_s = 1")
    with Sealed(idle) as unused, Sealed(idle) as used:
        uses = 0

        def is_over(pause=threading.Event()):
            """Of a third, which waits longer each time."""
            nonlocal uses
            uses += 1
            used.get(SECRET).expect(200)
            with Sealed(idle) as third:
                for _ in range(uses):
                    pause.wait(0.2)
                    used.get(SECRET).expect(200)
                third.send(third.bytes_for(SECRET))
                return third.opened().status == 401
        wait_for(is_over, "the end of an idle context")
        unused.over()
    idle.close()


# -- where it is not offered ------------------------------------------------

@test("elsewhere than on a clear listener of its own it is nothing special")
def _():
    for listener, headers in (("https", []), ("tools", []), ("toolsock", []),
                              ("mesh", []), ("proxy", PROXY_TLS),
                              ("proxy", PROXY_TLS[2:]), ("http-no", [])):
        with Sealed(gate, listener, sign_in=False) as c:
            answer = c.ask(OPEN, c.token(), headers, "POST", b"").expect(405)
            c.send(outer(OPEN, frame(b"h" * 200, 100), SPNEGO,
                         headers=headers))
            c.receive().expect(401)
        with Sealed(gate, listener, sign_in=False) as c:
            token = [("Authorization", "Negotiate " + c.token())]
            c.send(outer(OPEN, frame(b"h" * 200, 100), SPNEGO,
                         headers=headers + token))
            answer = c.receive().expect(405)
            expect(CANARY not in answer.body, "a leak", answer)


class Stock(Nginx):
    """nginx as everybody sets it up: one connection to the gateway for
    all of its clients."""

    def servers(self, gate, upstream):
        return """
upstream gateway { server %s; keepalive 1; }
server {
    listen 127.0.0.1:%d;
    listen 127.0.0.1:%d;
    location / {
        proxy_pass http://gateway;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
}
""" % (upstream, self.clear_port, self.tls_port)


@test("a stock proxy in front mixes its clients: none of them is alice but "
      "she")
def _():
    behind = few("")
    nginx = Stock(behind, behind.listeners["http"])
    address = "127.0.0.1:%d" % nginx.clear_port
    with Sealed(behind, address=address) as alice, \
            Connection(address) as other:
        # It ends at her and at the gateway; nginx carries ciphertext.
        expect(CANARY in alice.get(SECRET).expect(200).body, "the canary")
        other.ask(PAGE).expect(401)
        expect_equal(principal(other.ask(PAGE, behind.token(user="bob"))),
                     "bob@NSGATE.TEST", "with a token of his own")
        other.ask(SECRET, behind.token(user="bob", flags=FLAGS)).expect(403)
        other.ask(PAGE).expect(401)
        expect_equal(principal(alice.get(PAGE)), "alice@NSGATE.TEST", "alice")
        ports = {r["client"] for r in behind.access()}
        expect_equal(len(ports), 1, "connections of nginx to the gateway")
        # What she has sent, sent again by somebody else.
        request = alice.bytes_for(SECRET)
        alice.send(request)
        alice.opened().expect(200)
        other.send(request)
        answer = other.receive().expect(400)
        expect(CANARY not in answer.body, "a leak", answer)
        # That is all harm there is: she has to sign in again.
        alice.over()
    with Sealed(behind, address=address) as alice, \
            Sealed(behind, address=address, user="mallory") as mallory:
        # Now it is mallory's context that nginx's connection has.
        mallory.get(PAGE).expect(200)
        alice.send(alice.bytes_for(SECRET))
        answer = alice.opened()
        expect(not answer.sealed, "an answer for mallory", answer)
        answer.expect(400)
    behind.close()


main()
