#!/usr/bin/env python3
"""Results that go to sinks by http, sealed: [callback] message_encryption.
The sinks here unseal with the system's GSS for Python (sealing.py)."""
import json
import os
import subprocess

from sealing import (CANARY, FLAGS, KERBEROS, SPNEGO, Sealed, content_type,
                     frame, message, outer, take_apart)
from sink import CallbackGate, Capture, Ports, Request, Sink, response

from harness import (OPEN, ROOT, SECRET, Connection, Failure, expect,
                     expect_equal, main, program, test, the_realm, wait_for)

ports = Ports(40)
gate = CallbackGate(ports.listed(), give_up=2, timeout=1, couriers=6,
                    more="message_encryption = yes")
capture = Capture(ports.numbers) if ROOT else None
DENIED = "0x80041003"


# -- sinks that unseal ------------------------------------------------------

class Opened:
    """A sealed request, opened."""

    def __init__(self, peer, request):
        expect_equal(request.line.split(" ")[0], "POST", "the method outside")
        expect_equal(request.headers["content-type"], content_type(SPNEGO),
                     "the type outside")
        expect("authorization" not in request.headers, "a second token")
        for name in ("idempotency-key", "nsgate-operation"):
            expect(name not in request.headers, name + " in clear")
        length, token = take_apart(request.body, SPNEGO)
        told = peer.context.unwrap(token)
        expect(told.encrypted, "only signed")
        expect_equal(len(told.message), length, "Length")
        head, _, body = told.message.partition(b"\r\n\r\n")
        self.inner = Request(head.decode("latin-1").split("\r\n"), body)
        method, target, version = self.inner.line.split(" ")
        expect_equal((method, target, version),
                     ("POST", request.target, "HTTP/1.1"), "inside")
        expect_equal(int(self.inner.headers["content-length"]), len(body),
                     "Content-Length inside")


def seal(peer, plain, conf=True, **framing):
    """An answer with plain sealed."""
    token = peer.context.wrap(plain, conf).message
    framing.setdefault("length", len(plain))
    return response(200, "Content-Type: " + content_type(SPNEGO),
                    body=frame(token, **framing))


def sealing_sink(answer=None):
    """A sink whose opened requests are in .inner; answer(peer, number) gives
    the bytes for each."""
    def result(peer, request):
        peer.sink.inner.append(Opened(peer, request).inner)
        if answer is None:
            return seal(peer, response(204))
        return answer(peer, len(peer.sink.inner))
    sink = Sink(ports, tls=False, result=result)
    sink.inner = []
    return sink


def end(sink, path=SECRET, listener="https"):
    """How an operation for this sink ends."""
    seen = gate.operation(path, sink.url, listener).wait()
    sink.requests()  # fails if the sink has
    expect(CANARY not in sink.seen, "in clear", sink.seen)
    sink.close()
    return seen


# -- what works -------------------------------------------------------------

@test("results of an encrypted namespace come sealed, and as by https")
def _():
    sealed, tls = sealing_sink(), Sink(ports)
    for listener in ("https", "http"):
        path = SECRET if listener == "https" else OPEN
        operation = gate.operation(path, sealed.url, listener)
        expect_equal(operation.wait()["state"], "done", "state")
        by_https = gate.operation(path, tls.url, listener)
        by_https.wait("done")
        batch, status = sealed.inner
        expect_equal([(r.key, r.headers["nsgate-operation"],
                       r.headers["content-type"]) for r in sealed.inner],
                     [(operation.id + "-1", operation.id, "application/json"),
                      (operation.id + "-status", operation.id,
                       "application/json")], "headers inside")
        for one, other in zip(sealed.inner, tls.results()[-2:]):
            expect_equal(one.body.replace(operation.id.encode(), b"ID"),
                         other.body.replace(by_https.id.encode(), b"ID"),
                         "the result")
        expect((CANARY in batch.body) == (path == SECRET), "the canary",
               batch.body)
        expect_equal(status.json["hresult"], "0x00000000", "the status")
        sealed.inner.clear()
    expect_equal(len(sealed.peers), 1, "connections that were kept")
    expect(CANARY not in sealed.seen, "in clear", sealed.seen)
    sealed.close()
    tls.close()


@test("a sink that says sealed to come again is tried again, and one that "
      "is gone ends it")
def _():
    sink = sealing_sink(lambda peer, n: seal(
        peer, response(503 if n == 1 else 204)))
    expect_equal(end(sink)["state"], "done", "after 503")
    expect_equal([r.key.rsplit("-", 1)[1] for r in sink.inner],
                 ["1", "1", "status"], "keys")
    sink = sealing_sink(lambda peer, n: seal(peer, response(410)))
    expect_equal(end(sink)["state"], "cancelled", "after 410")


# -- what does not ----------------------------------------------------------

def reflected(peer, n):
    """The gateway's own message, as the answer to it."""
    return response(200, "Content-Type: " + content_type(SPNEGO),
                    body=peer.requests[-1].body)


def repeated(peer, n):
    """The answer that was good for the batch, for the status too."""
    if not hasattr(peer, "answered"):
        peer.answered = seal(peer, response(204))
    return peer.answered


def flipped(peer, n):
    answer = bytearray(seal(peer, response(204)))
    answer[-len("--Encrypted Boundary--\r\n") - 3] ^= 1
    return bytes(answer)


BAD = {
    "in clear": lambda peer, n: response(204),
    "in clear, with a body": lambda peer, n: response(
        200, "Content-Type: application/json", body=b"{}"),
    "gone, in clear": lambda peer, n: response(410),
    "unauthorized, in clear": lambda peer, n: response(
        401, "WWW-Authenticate: Negotiate"),
    "signed only": lambda peer, n: seal(peer, response(204), False),
    "reflected": reflected,
    "changed": flipped,
    "out of order": lambda peer, n: (peer.context.wrap(b"x", True),
                                     seal(peer, response(204)))[1],
    "a wrong Length": lambda peer, n: seal(peer, response(204), length=5),
    "another protocol": lambda peer, n: seal(peer, response(204),
                                             protocol=KERBEROS),
    "another type": lambda peer, n: seal(peer, response(204),
                                         kind="application/json"),
    "no answer inside": lambda peer, n: seal(peer, b"204"),
    "a request inside": lambda peer, n: seal(
        peer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a wrong length inside": lambda peer, n: seal(
        peer, response(200, "Content-Length: 5", body=b"x")),
}


@test("a sink whose answer is not sealed as it has to be has taken nothing: "
      "tried again, and at last dead, and 5606")
def _():
    sinks = {what: sealing_sink(answer) for what, answer in BAD.items()}
    waiting = {what: gate.operation(SECRET, sink.url)
               for what, sink in sinks.items()}
    for what, operation in waiting.items():
        seen = operation.wait()
        sink = sinks[what]
        sink.requests()
        expect_equal((seen["state"], seen["hresult"]), ("dead", DENIED),
                     "%s: %r" % (what, seen))
        expect(seen["attempts"] > 0, what + ": tried only once", seen)
        expect(CANARY not in sink.seen, what + ": in clear", sink.seen)
        expect(all(r.key == operation.id + "-1" for r in sink.inner),
               what + ": went on", [r.key for r in sink.inner])
        sink.close()
    wait_for(lambda: gate.count(5606, namespace="root\\Secret") >= len(BAD),
             "an event 5606 for each")
    expect_equal(gate.count(5606), len(BAD), "events 5606")


@test("the answer to the batch is none to the status")
def _():
    sink = sealing_sink(repeated)
    seen = end(sink)
    expect_equal((seen["state"], seen["attempts"]), ("done", 1), "%r" % seen)
    # Each on the connection that it was first answered on.
    expect_equal([r.key.rsplit("-", 1)[1] for r in sink.inner],
                 ["1", "status", "status"], "keys")
    expect_equal(len(sink.peers), 2, "connections")


@test("a sink that has not proved who it is gets nothing, sealed or not")
def _():
    before = gate.count(5606)
    sinks = [
        Sink(ports, tls=False, keytab=the_realm().keytab("other")),
        Sink(ports, tls=False, sign_in=lambda p, r: response(204)),
        Sink(ports, tls=False, sign_in=lambda p, r: response(
            200, "WWW-Authenticate: " + r.headers["authorization"]))]
    for sink in sinks:
        seen = end(sink)
        expect_equal((seen["state"], seen["hresult"]), ("refused", DENIED),
                     "%r" % seen)
        expect(not sink.results(), "something was sent", sink.seen)
    wait_for(lambda: gate.count(5606) == before + len(sinks), "events 5606")


@test("without message_encryption a sink by http gets nothing of it")
def _():
    other = CallbackGate(ports.listed())
    sink = sealing_sink()
    before = other.count(5606)
    other.begin(SECRET, sink.url).expect(403, "sink-not-private")
    other.begin(OPEN, sink.url).expect(403, "sink-below-floor")
    expect_equal(len(sink.peers), 0, "connections")
    wait_for(lambda: other.count(5606) == before + 2, "events 5606")
    # Turned off later: what waits is decided anew.
    late = Sink(ports, tls=False, start=False)
    operation = gate.operation(SECRET, late.url)
    operation.retried()
    gate.reload(more="message_encryption = no")
    late.start()
    seen = operation.wait()
    expect_equal((seen["state"], seen["hresult"]), ("refused", DENIED),
                 "%r" % seen)
    expect(not late.results() and CANARY not in late.seen, "sent", late.seen)
    gate.reload(more="message_encryption = yes")
    late.close()
    sink.close()
    other.close()


# -- nsgatectl listen -------------------------------------------------------

class Listen:
    """nsgatectl listen by http on a reserved port."""

    def __init__(self, *options):
        self.port = ports.release()
        self.url = "http://localhost:%d/results" % self.port
        self.process = subprocess.Popen(
            [program("nsgatectl"), "listen", self.url, "--keytab",
             the_realm().keytab(), "--json", *options],
            env=dict(os.environ, **the_realm().env), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        if not line.startswith("listening on"):
            raise Failure("nsgatectl listen: " + line)

    def client(self, **options):
        return Sealed(gate, address="127.0.0.1:%d" % self.port,
                      sign_in=False, **options)

    def end(self, kill=False):
        """Its exit status and what it said."""
        if kill:
            self.process.terminate()
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line)
                                         for line in out.splitlines()]


def result(number=1, key=None):
    """Headers and body of a batch."""
    identity = "%032x" % number
    body = json.dumps({"kind": "indicate", "operation": identity,
                       "namespace": "root\\A", "batch": 1, "objects": []})
    return [("Content-Type", "application/json"),
            ("Nsgate-Operation", identity),
            ("Idempotency-Key", key or '"%s-1"' % identity)], body.encode()


@test("nsgatectl listen by http opens what is sealed, and says so")
def _():
    listen = Listen("--level", "PktPrivacy", "--gateway",
                    "nsgate/localhost@NSGATE.TEST", "--once")
    gate.operation(SECRET, listen.url).wait("done")
    status, told = listen.end()
    expect_equal(status, 0, "exit status")
    expect_equal([t["message"]["kind"] for t in told],
                 ["indicate", "setstatus"], "messages")
    for t in told:
        expect_equal((t["channel"], t["declaredLevel"], t["appliedLevel"],
                      t["effectiveLevel"]), ("sealed",) + ("PktPrivacy",) * 3,
                     "the delivery")
    expect_equal(told[0]["message"]["objects"][0]["properties"]["Value"],
                 CANARY.decode(), "the object")


@test("nsgatectl listen takes nothing that is not sealed as it has to be")
def _():
    listen = Listen("--level", "PktPrivacy")
    headers, body = result()
    plain = message("POST", "/results", headers, body)
    with listen.client() as c:
        c.sign_in("/results")
        c.send(c.post(plain, "/results"))
        expect_equal(c.opened("POST").status, 204, "a good one")
        once = c.post(message("POST", "/results", *result(2)), "/results")
        for expected in (204, 400):  # and the same again
            c.send(once)
            answer = c.opened("POST").expect(expected)
        expect(not answer.sealed, "a sealed refusal of a replay")
        c.send(c.post(plain, "/results"))  # nobody is logged in any more
        c.receive().expect(401)

    def is_refused(what, make, status=400, flags=FLAGS):
        with listen.client(flags=flags, no_ci=flags != FLAGS) as c:
            c.sign_in("/results")
            c.send(make(c))
            expect_equal(c.opened("POST").status, status, what)
    is_refused("signed only", lambda c: c.post(plain, "/results", conf=False))
    is_refused("another target inside", lambda c: c.post(
        message("POST", "/others", headers, body), "/results"))
    is_refused("another method inside", lambda c: c.post(
        message("PUT", "/results", headers, body), "/results"))
    is_refused("no request", lambda c: c.post(b"hello", "/results"))
    is_refused("a key of another", lambda c: c.post(
        message("POST", "/results", *result(3, '"x"')), "/results"))
    is_refused("no seal", lambda c: outer(
        "/results", frame(b"h" * 200, 100), SPNEGO))
    is_refused("declared too low", lambda c: c.post(plain, "/results"), 403,
               FLAGS & ~0x30)
    is_refused("in clear", lambda c: c.request(
        "/results", None, headers, "POST", body), 403)
    with Connection("127.0.0.1:%d" % listen.port) as c:
        c.send(outer("/results", frame(b"h" * 200, 100), SPNEGO))
        c.receive().expect(401)
    _, told = listen.end(kill=True)
    expect_equal([t["message"]["operation"][-1] for t in told], ["1", "2"],
                 "what was taken")


@test("nothing of the encrypted namespace crossed the wire in clear")
def _():
    if capture is None:
        return
    catcher = Sink(ports, tls=False)
    capture.settle(catcher.port)
    expect_equal(capture.find(CANARY.decode()), [], "in clear")
    expect(capture.find("SPNEGO-session-encrypted"), "nothing was captured")
    catcher.close()


main()
