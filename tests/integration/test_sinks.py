#!/usr/bin/env python3
"""Every kind of sink, good and bad, against an encrypted and an open
namespace: what the requester sees, what is logged, and what crossed the
wire."""
import collections
import os
import socket
import ssl

from sink import (Capture, CallbackGate, Operation, Ports, Sink, accept_token,
                  certificate_for, other_tls_dir, response, server_context)
from harness import (OPEN, ROOT, SECRET, SECURITY_MOF, expect, expect_equal,
                     main, test, the_realm, tls_dir, wait_for)

# What stands in the encrypted namespace only, and in the open one only.
CANARY = "canary" + os.urandom(12).hex()
BAIT = "bait" + os.urandom(12).hex()
MOF = r"""
#pragma namespace("\\\\.\\root\\Open")
class Open_Thing { [key] string Name; string Value; };
instance of Open_Thing { Name = "one"; Value = "%s"; };
#pragma namespace("\\\\.\\root\\Secret")
class Secret_Thing { [key] string Name; string Value; };
instance of Secret_Thing { Name = "code"; Value = "%s"; };
""" % (BAIT, CANARY)

ports = Ports(120)
strangers = Ports(3, "127.0.0.2")  # not in sink_networks
trap_ports = Ports(2)
gate = CallbackGate(
    ports.listed() + ", " + ports.listed("127.0.0.1") + ", " +
    strangers.listed("127.0.0.2") + ", " + ports.listed("nowhere.invalid"),
    networks="127.0.0.1", couriers=6, give_up=2, timeout=1,
    mof=(MOF, SECURITY_MOF % "TRUE"))
capture = None
if ROOT:
    capture = Capture(
        ports.numbers + strangers.numbers + trap_ports.numbers +
        [int(a.rsplit(":", 1)[1]) for a in gate.listeners.values()
         if not a.startswith("unix:")])
trap = Sink(trap_ports, tls=False)  # where nobody may ever go
catcher = Sink(trap_ports, tls=False)

# -- what is expected --------------------------------------------------------------

End = collections.namedtuple("End", "state hresult event retried reason")
Refusal = collections.namedtuple("Refusal", "event reason")

DONE = End("done", "0x00000000", None, False, None)
CANCELLED = End("cancelled", "0x80041032", None, False, "sink-cancelled")
NOT_PRIVATE = Refusal(5606, "sink-not-private")
BELOW_FLOOR = Refusal(5606, "sink-below-floor")
NOT_LISTED = Refusal(131, "sink-not-listed")


def final(reason):
    """No secure way, and none will be looked for again."""
    return End("refused", "0x80041003", 5606, False, reason)


def unsecured(reason):
    """Tried again, since it may be the network's fault; in vain."""
    return End("dead", "0x80041003", 5606, True, reason)


def given_up(reason):
    return End("dead", "0x80041015", 150, True, reason)


def rejected(reason):
    return End("dead", "0x80041015", 150, False, reason)


# How the request comes in: (what it is called, listener, path, what it asks
# for).
WAYS = [("encrypted", "https", SECRET, CANARY),
        ("open, asked for by https", "https", OPEN, BAIT),
        ("open, asked for by http", "http", OPEN, BAIT)]
EVENTS = (131, 150, 5606)


# -- one sink -------------------------------------------------------------------------

class Case:
    """One kind of sink, and a request that comes in one of WAYS."""

    def __init__(self, way, make, expected, sees):
        self.way, self.listener, self.path, self.canary = way
        self.expected, self.sees = expected, sees
        self.sink = make()
        self.answer = gate.begin(self.path, self.sink.url, self.listener)

    def check(self):
        if isinstance(self.expected, Refusal):
            self.check_refusal()
        else:
            self.check_end(Operation(gate, self.answer).wait())
        self.sink.requests()  # fails if the sink has
        expect_equal(self.canary.encode() in self.sink.seen, self.sees,
                     "the sink has seen the result: " + self.way)
        if self.expected == DONE:
            check_delivery(self.sink, self.canary)
        self.sink.close()

    def check_refusal(self):
        problem = self.answer.expect(403, self.expected.reason).json
        expect_equal((problem["hresult"], problem["symbol"],
                      problem.get("eventId", 131)),
                     ("0x80041003", "WBEM_E_ACCESS_DENIED",
                      self.expected.event), "the refusal: " + self.way)
        expect(not self.sink.peers, "it was connected to: " + self.way)

    def check_end(self, seen):
        expected, connections = self.expected, len(self.sink.peers)
        expect_equal((seen["state"], seen["hresult"], seen.get("reason")),
                     (expected.state, expected.hresult, expected.reason),
                     "what the requester sees, %s: %r" % (self.way, seen))
        if not expected.retried:
            expect_equal(seen["attempts"], 0, "attempts: " + self.way)
            expect(connections <= 1, "another connection: " + self.way)
            return
        expect(seen["attempts"] > 0, "tried only once: %s" % self.way, seen)
        expect(connections != 1, "connected to only once: %s" % self.way)


def check_delivery(sink, canary):
    """The sign-in without a body, then batch and status on one connection,
    from whom we know."""
    first, batch, status = sink.requests()
    expect_equal(len(sink.peers), 1, "connections")
    peer = sink.peers[0]
    flags = int(peer.context.actual_flags)
    expect_equal(flags & 0x32, 0x32, "MUTUAL, CONF and INTEG of 0x%x" % flags)
    expect_equal(str(peer.context.initiator_name),
                 "nsgate/localhost@NSGATE.TEST", "the gateway")
    expect_equal(first.body, b"", "the sign-in's body")
    expect("authorization" not in batch.headers, "a second token", batch)
    identity = batch.headers["nsgate-operation"]
    expect_equal((batch.key, status.key), (identity + "-1",
                                           identity + "-status"), "keys")
    expect_equal((batch.json["kind"], batch.json["operation"],
                  batch.json["batch"], len(batch.json["objects"])),
                 ("indicate", identity, 1, 1), "the batch")
    expect_equal(batch.json["objects"][0]["properties"]["Value"], canary,
                 "the object")
    expect_equal((status.json["kind"], status.json["hresult"],
                  status.json["batches"], status.json["objects"]),
                 ("setstatus", "0x00000000", 1, 1), "the status")


def counts():
    """Events of each kind, by namespace."""
    found = collections.Counter()
    for e in gate.events():
        if e["id"] in EVENTS:
            found[e["id"], e["namespace"]] += e.get("count", 1)
    return found


def check_events(before, cases):
    """One for each that did not come to a good end, and no other."""
    wanted = collections.Counter(
        (c.expected.event, "root\\Secret" if c.path == SECRET else
         "root\\Open") for c in cases if c.expected.event is not None)
    wait_for(lambda: sum((counts() - before).values()) >=
             sum(wanted.values()), "the events")
    expect_equal(dict(counts() - before), dict(wanted), "events")


def wire_is_clean():
    if capture is not None:
        capture.settle(catcher.port)
        expect_equal(capture.find(CANARY), [],
                     "the encrypted namespace in clear")


def row(sentence, make, *expected, sees=False):
    """expected: of each of WAYS; of one: the same for all. sees: whether the
    sink comes to see the result."""
    if len(expected) == 1:
        expected *= len(WAYS)

    @test(sentence)
    def _():
        before = counts()
        cases = [Case(way, make, end, sees and not isinstance(end, Refusal))
                 for way, end in zip(WAYS, expected)]
        for case in cases:
            case.check()
        check_events(before, cases)
        wire_is_clean()
        expect(not trap.peers, "somebody went where a redirect led")


# -- sinks --------------------------------------------------------------------------------

def a_sink(url=None, at=None, **options):
    """url: as it is named, if otherwise than it is."""
    def make():
        sink = Sink(at or ports, **options)
        if url is not None:
            sink.url = url % sink.port
        return sink
    return make


def answers(status, *headers):
    return lambda peer, request: response(status, *headers)


def no_negotiate(peer, request):
    return response(200, body=b"thank you")


def redirects(peer, request):
    return response(307, "Location: http://localhost:%d/" % trap.port)


def closes_after_sign_in(peer, request):
    peer.socket.sendall(accept_token(peer, request))


def says_close(peer, request):
    answer = accept_token(peer, request)
    peer.socket.sendall(answer[:-2] + b"Connection: close\r\n\r\n")


def closes(peer, request):
    return None


def hangs(peer, request=None):
    """Until the gateway goes."""
    while peer.socket.recv(65536):
        pass


def endless_body(peer, request):
    peer.socket.sendall(b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n"
                        b"\r\n")
    while True:
        peer.socket.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def endless_headers(peer, request):
    peer.socket.sendall(b"HTTP/1.1 200 -\r\n")
    while True:
        peer.socket.sendall(b"X-More: " + b"x" * 4096 + b"\r\n")


def speaks_no_tls(peer):
    peer.socket.sendall(b"HTTP/1.1 400 -\r\nContent-Length: 0\r\n\r\n")
    return False


def garbage(peer, request):
    return response(204, "WWW-Authenticate: Negotiate oRQwEqADCgEAoQsGCSqG")


def echo(peer, request):
    return response(204, "WWW-Authenticate: " +
                    request.headers["authorization"])


def other_principal_keytab():
    return the_realm().keytab("other")


def no_cipher():
    context = server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    return context


# -- the matrix -----------------------------------------------------------------------------

row("https with everything right: delivered",
    a_sink(), DONE, sees=True)
row("https with an ECDSA certificate: delivered",
    a_sink(pair=(tls_dir() + "/ecdsa.crt", tls_dir() + "/ecdsa.key")), DONE,
    sees=True)
row("https, a certificate of another authority: refused for good",
    a_sink(pair=(other_tls_dir() + "/tls.crt", other_tls_dir() + "/tls.key")),
    final("sink-certificate"))
row("https, a certificate for another host: refused for good",
    a_sink(pair=certificate_for("other.test")), final("sink-certificate"))
row("https without Negotiate: refused for good",
    a_sink(sign_in=no_negotiate), final("sink-authentication"))
row("https, a sink that wants Basic: refused for good",
    a_sink(sign_in=answers(401, "WWW-Authenticate: Basic realm=x")),
    final("sink-authentication"))
row("https, a sink with the key of another service: refused for good",
    a_sink(keytab=other_principal_keytab()), final("sink-authentication"))
row("https, an answer to the token that proves nothing: refused for good",
    a_sink(sign_in=garbage), final("sink-authentication"))
row("https, our own token sent back: refused for good",
    a_sink(sign_in=echo), final("sink-authentication"))
row("https, a host without a key in the realm: refused for good",
    a_sink(url="https://127.0.0.1:%d/"), final("sink-ticket"))
row("http with Negotiate: only for what was asked for in clear",
    a_sink(tls=False), NOT_PRIVATE, BELOW_FLOOR, DONE, sees=True)
row("http without Negotiate",
    a_sink(tls=False, sign_in=no_negotiate), NOT_PRIVATE, BELOW_FLOOR,
    final("sink-authentication"))
row("http, a sink with the key of another service",
    a_sink(tls=False, keytab=other_principal_keytab()), NOT_PRIVATE,
    BELOW_FLOOR, final("sink-authentication"))
row("a redirect as the answer to the sign-in: refused for good",
    a_sink(sign_in=redirects), final("sink-redirects"))
row("a redirect as the answer to a result: not followed",
    a_sink(result=redirects), rejected("sink-redirects"), sees=True)
row("a sink that closes right after the sign-in: nothing is sent elsewhere",
    a_sink(sign_in=closes_after_sign_in), given_up("sink-closed"))
row("a sink that wants another connection after the sign-in: it gets none",
    a_sink(sign_in=says_close), given_up("sink-closed"))
row("a sink that closes when the result comes: tried again",
    a_sink(result=closes), given_up("sink-closed"), sees=True)
row("a sink that hangs before TLS: tried again",
    a_sink(connected=hangs), given_up("sink-timeout"))
row("a sink that hangs at the sign-in: tried again",
    a_sink(sign_in=hangs), given_up("sink-timeout"))
row("a sink that hangs when the result comes: tried again",
    a_sink(result=hangs), given_up("sink-timeout"), sees=True)
row("500 to the sign-in: tried again",
    a_sink(sign_in=answers(500)), given_up("sink-answer"))
row("500 to the result: tried again",
    a_sink(result=answers(500)), given_up("sink-answer"), sees=True)
row("404 to the result: a dead letter",
    a_sink(result=answers(404)), rejected("sink-answer"), sees=True)
row("410 to the sign-in: who says so has proved nothing, refused",
    a_sink(sign_in=answers(410)), final("sink-authentication"))
row("410 to the result: cancelled",
    a_sink(result=answers(410)), CANCELLED, sees=True)
row("an answer without an end: not read to it",
    a_sink(sign_in=endless_body), given_up("sink-answer"))
row("headers without an end: not read to it",
    a_sink(sign_in=endless_headers), given_up("sink-answer"))
row("an answer to the result without an end: not read to it",
    a_sink(result=endless_body), given_up("sink-answer"), sees=True)
row("TLS that only signs and does not encrypt: no way",
    a_sink(tls=no_cipher()), unsecured("sink-tls"))
row("no TLS on the port of https: no way",
    a_sink(tls=False, url="https://localhost:%d/", connected=speaks_no_tls),
    unsecured("sink-tls"))
row("nobody listens: tried again",
    a_sink(start=False), given_up("sink-unreachable"))
row("a name that leads nowhere: tried again",
    a_sink(url="https://nowhere.invalid:%d/"),
    given_up("sink-name"))
row("an address outside sink_networks: a dead letter, not connected to",
    a_sink(at=strangers, host="127.0.0.2"), rejected("sink-address"))
row("https that is not listed: refused at once",
    a_sink(at=Ports(3)), NOT_LISTED)
row("http that is not listed: privacy is judged first",
    a_sink(at=Ports(3), tls=False), NOT_PRIVATE, BELOW_FLOOR, NOT_LISTED)


# -- controls: what was not seen could have been ------------------------------------------

@test("control: the sink that does not encrypt does talk to who lets it")
def _():
    sink = Sink(ports, tls=no_cipher())
    context = ssl.create_default_context(cafile=tls_dir() + "/ca.crt")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", sink.port)) as raw, \
            context.wrap_socket(raw, server_hostname="localhost") as s:
        expect_equal(s.cipher()[0], "NULL-SHA256", "the cipher")
    sink.close()


@test("a name all of whose addresses are outside sink_networks")
def _():
    other = CallbackGate(ports.listed(), networks="192.0.2.0/24")
    sink = Sink(ports)
    seen = other.operation(OPEN, sink.url).wait()
    expect_equal((seen["state"], seen["hresult"], seen["reason"]),
                 ("dead", "0x80041015", "sink-address"), "the end")
    expect(not sink.peers, "it was connected to")
    sink.close()
    other.close()


if capture is None:
    @test("# SKIP not root: the wire cannot be watched")
    def _():
        pass
else:
    @test("on the wire: the open namespace in clear where it was asked for so, "
          "the encrypted one nowhere")
    def _():
        sink = Sink(ports, tls=False)
        gate.operation(OPEN, sink.url, listener="http").wait("done")
        sink.close()
        capture.settle(catcher.port)
        expect_equal(capture.find(CANARY), [], "the encrypted namespace")
        flows = capture.find(BAIT)
        expect(flows, "the capture does not see what is sent in clear")
        clear = {s.port for s in [trap, catcher]} | set(ports.numbers)
        expect(all(to in clear for _, to in flows),
               "the open namespace in clear on another way", flows)


main()
