#!/usr/bin/env python3
"""Message encryption through nginx: by stream it works, by proxy_pass it does
not (docs/examples/nginx-stream.conf and nsgate-stream.conf)."""
import contextlib
import socket

from sealing import CANARY, Sealed  # the distribution's Python from here on

from examples import Stream, gate_of
from harness import (DEADLINE, OPEN, OPEN_MOF, SECRET, SECRET_MOF,
                     SECURITY_MOF, Connection, Nginx, expect, expect_equal,
                     main, program, run, test, wait_for)

MOF = (OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE")
gate = gate_of("nsgate-stream.conf", mof=MOF, workers=1, listeners="""
[listener/few]
bind = 127.0.0.1:0
connections_per_address_max = 2
""")
nginx = Stream(gate, gate.listeners["sealed"], gate.path("front"))


def record_of(answer):
    return wait_for(lambda: [r for r in gate.access() if r["requestId"] ==
                             answer.headers["nsgate-request-id"]],
                    "a record")[0]


@test("through stream a sealed exchange with an encrypted namespace works, "
      "and nginx carries only ciphertext")
def _():
    with Sealed(gate, address=nginx.address) as c:
        for _ in range(3):
            answer = c.get(SECRET).expect(200)
            expect(CANARY in answer.body, "the canary", answer)
            expect(CANARY not in answer.outer.body, "in clear", answer.outer)
        record = record_of(answer)
        expect_equal((record["channel"], record["effectiveLevel"],
                      record["principal"]),
                     ("sealed", "PktPrivacy", "alice@NSGATE.TEST"), "record")
    done = run(program("nsgatectl"), "probe", "--message-encryption",
               "http://localhost:%d%s" % (nginx.clear_port, SECRET),
               "--ccache", "FILE:" + gate.realm.ccache("alice"),
               env=gate.realm.env)
    expect("200" in done.stdout, "nsgatectl probe", done.stdout)


@test("two clients at once keep their own contexts")
def _():
    with Sealed(gate, address=nginx.address) as alice, \
            Sealed(gate, address=nginx.address, user="bob") as bob:
        for _ in range(4):
            for c, name in ((alice, "alice"), (bob, "bob")):
                answer = c.get("/cim/root/Open").expect(200)
                expect_equal(answer.json["caller"]["principal"],
                             name + "@NSGATE.TEST", "who")


@test("through stream what is not sealed is still in clear")
def _():
    with Connection(nginx.address) as c:
        c.ask(SECRET, gate.token()).expect(403, "channel-not-private")
        c.ask(OPEN, gate.token()).expect(200)
        c.ask(SECRET).expect(401)


@test("a line of the PROXY protocol is no request")
def _():
    with Connection(nginx.address) as c:
        c.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" +
               c.request(OPEN, gate.token()))
        c.receive().expect(400)


class From(Connection):
    """A connection whose client has that address of the loopback network."""

    def __init__(self, address, to):  # pylint: disable=super-init-not-called
        host, port = to.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), DEADLINE,
                                               (address, 0))
        self.buffer = b""


@test("the gateway sees nginx's address, and counts all clients as one")
def _():
    small = Stream(gate, gate.listeners["few"], gate.path("small"))
    with contextlib.ExitStack() as stack:
        for n in range(2, 4):
            c = stack.enter_context(From("127.0.0.%d" % n, small.address))
            answer = c.ask(OPEN, gate.token()).expect(200)
            expect(record_of(answer)["client"].startswith("127.0.0.1:"),
                   "the client", record_of(answer))
        c = stack.enter_context(From("127.0.0.4", small.address))
        with contextlib.suppress(OSError):  # it may have been closed already
            c.send(c.request(OPEN, gate.token()))
        expect(c.ended(), "a third connection is served")
    small.stop()


@test("nginx counts the clients instead, each by its own address")
def _():
    with contextlib.ExitStack() as stack:
        for _ in range(256):
            stack.enter_context(From("127.0.0.4", nginx.address))
        with From("127.0.0.4", nginx.address) as c:
            expect(c.ended(), "a 257th connection")
        with From("127.0.0.5", nginx.address) as c:
            c.ask(OPEN, gate.token()).expect(200)


class Http(Nginx):
    """proxy_pass without another word: a connection for each request.  One
    that is kept alive mixes clients, test_sealed_contexts.py."""

    user = "www-data"

    def servers(self, _gate, upstream):
        return """
server {
    listen 127.0.0.1:%d;
    location / { proxy_pass http://%s; }
}""" % (self.clear_port, upstream)


@test("through proxy_pass a sealed message finds no context: 401 that says "
      "so, and no secret")
def _():
    front = Http(gate, gate.listeners["sealed"], gate.path("http"))
    address = "127.0.0.1:%d" % front.clear_port
    for target in (SECRET, OPEN):
        with Sealed(gate, address=address) as c:
            c.send(c.bytes_for(target))
            answer = c.opened().expect(401)
            expect(not answer.sealed and CANARY not in answer.body,
                   "an answer", answer)
            expect_equal(answer.headers["www-authenticate"], "Negotiate",
                         "the challenge")
            expect("pass connections on one by one" in answer.json["detail"],
                   "the reason", answer)
            event = gate.wait_event(
                requestId=answer.headers["nsgate-request-id"])
            expect_equal(event["detail"],
                         "a sealed message without a sign-in", "the event")
    done = run(program("nsgatectl"), "probe", "--message-encryption",
               "http://localhost:%d%s" % (front.clear_port, SECRET),
               "--ccache", "FILE:" + gate.realm.ccache("alice"),
               env=gate.realm.env, check=False)
    expect(done.returncode == 1 and "pass connections on" in done.stdout,
           "nsgatectl probe", done.returncode, done.stdout)
    front.stop()


main()
