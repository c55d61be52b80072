#!/usr/bin/env python3
"""Asynchronous results from the asking to the end: polls, decisions that are
made anew, restarts, keys that change and processes that die."""
import json
import os
import signal
import socket
import subprocess
import threading

from sink import (CallbackGate, Operation, Ports, Sink, client_keytab,
                  response)
from harness import (DEADLINE, OPEN, OPEN_MOF, ROOT, SECRET, SECRET_MOF, SECURITY_MOF,
                     Failure, alive, expect, expect_equal, main, program,
                     test, the_realm, tls_dir, user_exists, wait_for)

BIG = 350  # instances, so that there are several batches
BIG_MOF = r"""
#pragma namespace("\\\\.\\root\\Open")
class Big_Thing { [key] uint32 Number; string Text; };
""" + "".join('instance of Big_Thing { Number = %d; Text = "\\"%d\\" \\x00e9"; '
              '};\n' % (n, n) for n in range(BIG))
TURNING_MOF = r"""
#pragma namespace("\\\\.\\root\\%s")
class Turning_Thing { [key] string Name; string Value; };
instance of Turning_Thing { Name = "one"; Value = "turned"; };
"""
ENCRYPTED_MOF = r"""
#pragma namespace("\\\\.\\root\\%s")
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
"""
BIG_PATH = "/cim/root/Open:Big_Thing/instances"
MOFS = (OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE", BIG_MOF)

# Confined as it is on a real machine, where there are the users for it.
USERS = {"user": "nsgate", "store_user": "nsgate-store"} \
    if ROOT and user_exists("nsgate") and user_exists("nsgate-store") else {}
ports = Ports(48)
gate = CallbackGate(ports.listed(), give_up=600, mof=MOFS, **USERS)


def turning(name):
    """An open namespace that is encrypted later; the path of its
    instances."""
    gate.compile(TURNING_MOF % name)
    return "/cim/root/%s:Turning_Thing/instances" % name


def encrypt(name):
    gate.compile(ENCRYPTED_MOF % name)


def ask(listener, path, user="alice", **options):
    return gate.ask(listener, path, gate.token(user=user), **options)


# -- polling -----------------------------------------------------------------------

RESOURCES = [
    ("https", "/cim/root/Open:Open_Thing"),
    ("https", OPEN),
    ("http", OPEN),
    ("https", "/cim/root/Open:Open_Thing.Name=%22two%22"),
    ("https", BIG_PATH),
    ("https", "/cim/root/Open:Big_Thing.Number=7"),
    ("https", "/cim/root/Secret:Secret_Thing"),
    ("https", SECRET),
    ("https", "/cim/root/Secret:Secret_Thing.Name=%22code%22"),
]


@test("202 names the operation and says what was applied")
def _():
    answer = gate.begin(OPEN).expect(202)
    identity = answer.json["id"]
    expect(len(identity) == 32 and set(identity) <= set("0123456789abcdef"),
           "128 bits in hex", identity)
    expect_equal((answer.headers["location"], answer.json["self"],
                  answer.json["kind"], answer.json["state"]),
                 ("/operations/" + identity,) * 2 + ("operation",
                                                     "accepted"), "the 202")
    expect_equal(answer.headers["preference-applied"], "respond-async",
                 "Preference-Applied")
    sink = Sink(ports)
    answer = gate.begin(OPEN, sink.url).expect(202)
    expect("callback" in answer.headers["preference-applied"],
           "Preference-Applied", answer)
    Operation(gate, answer).wait("done")
    sink.close()


@test("the result is the answer that a request without Prefer gets, byte for "
      "byte")
def _():
    for listener, path in RESOURCES:
        operation = gate.operation(path, listener=listener).wait_ready()
        result = operation.poll(listener).expect(200)
        at_once = ask(listener, path).expect(200)
        expect_equal(result.body, at_once.body, "the result of " + path)
        expect_equal(result.headers.get("asyncresult"), "200", "AsyncResult")
        expect_equal(result.headers["content-type"],
                     at_once.headers["content-type"], "Content-Type")
        again = operation.poll(listener).expect(200)
        expect_equal(again.body, result.body, "fetched twice: " + path)


@test("a page of a collection is the same page, with the link to the next")
def _():
    for path in (OPEN + "?limit=1", BIG_PATH + "?limit=120",
                 BIG_PATH + "?limit=10&after=5",
                 BIG_PATH + "?limit=500&after=5"):
        result = gate.operation(path).wait_ready().poll().json
        expect_equal(result, ask("https", path).json, "the result of " + path)
        expect_equal("next" in result, "limit=500" not in path, "a next page")


@test("a large result is kept in several batches")
def _():
    operation = gate.operation(BIG_PATH).wait_ready()
    seen = operation.inside()
    expect_equal(seen["objects"], BIG, "objects")
    expect(seen["batches"] >= 3, "only %d batches" % seen["batches"])


@test("a namespace's page tells of the request that asked, not of the poll")
def _():
    path = "/cim/root/Open"
    operation = gate.operation(path, listener="http").wait_ready()
    result = operation.poll("https").json
    expect_equal(result, ask("http", path).json, "the page")
    expect(result != ask("https", path).json, "the page over https is the "
           "same: nothing was compared")


@test("what failed: AsyncResult and the problem that would have come at once")
def _():
    for path, status in (("/cim/root/Open:No_Thing/instances", "404"),
                         ("/cim/root/Open:No_Thing", "404"),
                         ("/cim/root/Open:Open_Thing.Name=%22no%22", "404"),
                         ("/cim/root/Open:Open_Thing.Nme=%22one%22", None)):
        at_once = ask("https", path)
        answer = gate.operation(path).wait_ready().poll().expect(200)
        expect_equal(answer.headers["asyncresult"],
                     status or str(at_once.status), "AsyncResult of " + path)
        expect_equal((answer.json["status"], answer.json["hresult"],
                      answer.json["type"], answer.json["title"]),
                     (at_once.status, at_once.json["hresult"],
                      at_once.json["type"], at_once.json["title"]),
                     "the problem of " + path)


@test("what is refused at once is refused with Prefer too")
def _():
    gate.begin("/cim/root/Nowhere:X/instances").expect(404)
    gate.begin("/cim/root/Open:Open_Thing/nothing").expect(404)
    gate.begin(SECRET, listener="http").expect(403, "channel-not-private")
    gate.begin(OPEN, sink="ftp://localhost/").expect(400)
    gate.begin(OPEN, sink="https://user@localhost/").expect(400)


@test("an operation is its principal's; everybody else's is none at all")
def _():
    operation = gate.operation(SECRET).wait_ready()
    unlike = operation.poll(user="bob").expect(404)
    texts = set()
    for identity in ("0" * 32, operation.id[:-1], operation.id + "0",
                     operation.id.upper() + "Z", "..", "", operation.id +
                     "?x=1", operation.id + "/", "%30" * 32, "x" * 300):
        answer = ask("https", "/operations/" + identity)
        expect(answer.status in (400, 404), "status of %r" % identity, answer)
        if answer.status == 404 and "no such operation" in \
                answer.body.decode():
            problem = answer.json
            del problem["requestId"]
            texts.add(json.dumps(problem))
    problem = unlike.json
    del problem["requestId"]
    expect_equal(texts, {json.dumps(problem)}, "one body for all")
    expect(b"swordfish" in operation.poll().expect(200).body, "its owner")
    gate.ask("https", operation.path).expect(401)


@test("an encrypted namespace's operation is not read in clear")
def _():
    operation = gate.operation(SECRET).wait_ready()
    before = gate.count(5605)
    answer = operation.poll("http").expect(403, "channel-not-private")
    expect_equal((answer.json["eventId"], answer.json["hresult"]),
                 (5605, "0x80041003"), "codes")
    expect(b"swordfish" not in answer.body, "a leak", answer)
    wait_for(lambda: gate.count(5605) == before + 1, "event 5605")
    gate.probe("https", operation.path, level="PktIntegrity").expect(
        403, "context-not-private")
    ask("http", operation.path, method="DELETE").expect(403)
    expect_equal(operation.state(), "ready", "the state")


@test("a namespace that became encrypted meanwhile: refused in clear, "
      "admitted on TLS")
def _():
    path = turning("Poll")
    operation = gate.operation(path, listener="http").wait_ready()
    expect(b"turned" in operation.poll("http").expect(200).body, "in clear")
    encrypt("Poll")
    answer = operation.poll("http").expect(403, "channel-not-private")
    expect(b"turned" not in answer.body, "a leak", answer)
    expect(b"turned" in operation.poll("https").expect(200).body, "on TLS")


@test("DELETE cancels, once and for all")
def _():
    operation = gate.operation(BIG_PATH).wait_ready()
    ask("https", operation.path, user="bob", method="DELETE").expect(404)
    expect_equal(operation.state(), "ready", "the state after another's try")
    ask("https", operation.path, method="DELETE").expect(204)
    seen = operation.poll().expect(200).json
    expect_equal((seen["state"], seen["hresult"], seen["symbol"]),
                 ("cancelled", "0x80041032", "WBEM_E_CALL_CANCELLED"),
                 "the end")
    expect_equal(operation.inside()["batches"], seen["batches"], "batches")
    ask("https", operation.path, method="DELETE").expect(204)


@test("DELETE ends a delivery that is tried again and again")
def _():
    sink = Sink(ports, result=lambda peer, request: response(500))
    operation = gate.operation(SECRET, sink.url).retried()
    answer = operation.poll().expect(202)
    expect_equal((answer.json["state"], answer.json["reason"]),
                 ("delivering", "sink-answer"), "meanwhile")
    expect(answer.json["attempts"] > 0 and "nextAttempt" in answer.json,
           "attempts", answer)
    ask("https", operation.path, method="DELETE").expect(204)
    expect_equal(operation.wait()["state"], "cancelled", "the end")
    sink.close()


@test("OPTIONS names the methods, others are refused")
def _():
    operation = gate.operation(OPEN).wait_ready()
    answer = ask("https", operation.path, method="OPTIONS").expect(204)
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        expect(method in answer.headers["allow"], "Allow", answer)
    for method in ("POST", "PUT", "PATCH"):
        answer = ask("https", operation.path, method=method, body=b"{}")
        answer.expect(405)
        expect_equal(answer.headers["allow"], "GET, HEAD, DELETE, OPTIONS",
                     "Allow")
    head = ask("https", operation.path, method="HEAD").expect(200)
    expect_equal((head.body, head.headers["asyncresult"]), (b"", "200"),
                 "HEAD")


@test("too many operations: 429, and as many as are taken back fit again")
def _():
    small = CallbackGate(
        "localhost", mof=MOFS,
        more="operations_per_principal = 2\noperations_max = 3")
    first = small.operation(OPEN)
    second = small.operation(SECRET)
    answer = small.begin(OPEN).expect(429)
    expect_equal((answer.json["hresult"], answer.json["symbol"]),
                 ("0x8004106C", "WBEM_E_QUOTA_VIOLATION"), "codes")
    small.operation(OPEN, user="bob")
    small.begin(OPEN, user="bob").expect(429)
    first.wait_ready()
    small.ask("https", first.path, small.token(), method="DELETE").expect(204)
    small.operation(OPEN)
    small.begin(OPEN).expect(429)
    second.wait_ready().poll().expect(200)
    small.close()


@test("an access section that is reloaded holds for polls")
def _():
    operation = gate.operation(OPEN).wait_ready()
    gate.reload(extra="[access/root\\Open]\nallow = bob@{realm}\n")
    try:
        answer = operation.poll().expect(403)
        expect(b"18446744073709551615" not in answer.body, "a leak", answer)
        operation.poll(user="bob").expect(404)
    finally:
        gate.reload(extra="")
    operation.poll().expect(200)


# -- delivery: how it goes on, and what is decided anew ------------------------------

def delivered(sink, operation):
    """The keys of what came for this operation."""
    return [r.key[33:] for r in sink.results()
            if r.headers["nsgate-operation"] == operation.id]


@test("batches in order, then the status; all objects, once")
def _():
    sink = Sink(ports)
    operation = gate.operation(BIG_PATH, sink.url)
    seen = operation.wait("done")
    keys = delivered(sink, operation)
    expect_equal(keys, [str(n + 1) for n in range(seen["batches"])] +
                 ["status"], "keys")
    whole = ask("https", BIG_PATH).json["instances"]
    objects = [o for r in sink.results()[:-1] for o in r.json["objects"]]
    expect_equal(objects, whole, "objects")
    expect_equal(len(sink.signed_in()), 1, "sign-ins")
    sink.close()


@test("a failed request is delivered as its status")
def _():
    sink = Sink(ports)
    gate.operation("/cim/root/Open:No_Thing/instances", sink.url).wait("done")
    status = sink.results()[-1].json
    expect_equal((status["kind"], status["hresult"], status["symbol"],
                  status["batches"]),
                 ("setstatus", "0x80041010", "WBEM_E_INVALID_CLASS", 0),
                 "the status")
    sink.close()


@test("after a failure it goes on behind what the sink has")
def _():
    failures = [500]

    def fails_once(peer, request):
        if request.key.endswith("-2") and failures:
            return response(failures.pop())
        return response(204)
    sink = Sink(ports, result=fails_once)
    operation = gate.operation(BIG_PATH, sink.url)
    operation.wait("done")
    expect_equal(delivered(sink, operation)[:4], ["1", "2", "2", "3"],
                 "keys")
    expect_equal(len(sink.signed_in()), 2, "sign-ins")
    sink.close()


def waiting(path, sink, listener):
    """An operation that has met with a sink that is down."""
    return gate.operation(path, sink.url, listener=listener).retried()


def events_of(operation, number):
    return [e for e in gate.events(id=number)
            if operation.id in e.get("detail", "")]


@test("a namespace that became encrypted meanwhile is not delivered by http")
def _():
    path = turning("Sent")
    sink = Sink(ports, tls=False, start=False)
    operation = waiting(path, sink, "http")
    encrypt("Sent")
    sink.start()
    seen = operation.wait()
    expect_equal((seen["state"], seen["hresult"], seen["symbol"],
                  seen["reason"]),
                 ("refused", "0x80041003", "WBEM_E_ACCESS_DENIED",
                  "sink-not-private"), "the end")
    wait_for(lambda: len(events_of(operation, 5606)) == 1, "event 5606")
    event = events_of(operation, 5606)[0]
    expect_equal((event["requiredLevel"], event["principal"],
                  event["namespace"]),
                 ("PktPrivacy", "alice@NSGATE.TEST", "root\\Sent"),
                 "the event")
    expect(not sink.peers, "the sink was connected to")
    operation.poll("http").expect(403, "channel-not-private")
    sink.close()


@test("the same with an https sink is delivered")
def _():
    path = turning("Kept")
    sink = Sink(ports, start=False)
    operation = waiting(path, sink, "http")
    encrypt("Kept")
    sink.start()
    operation.wait("done")
    expect(b"turned" in sink.seen, "the result")
    sink.close()


@test("who may not come in any more is not sent anything")
def _():
    sink = Sink(ports, start=False)
    operation = waiting(OPEN, sink, "https")
    gate.reload(extra="[access/root\\Open]\nallow = bob@{realm}\n")
    try:
        sink.start()
        wait_for(operation.ended, lambda: "the end: %r" % operation.inside())
        seen = operation.inside()
        expect_equal((seen["state"], seen["hresult"]),
                     ("refused", "0x80041003"), "the end")
        wait_for(lambda: len(events_of(operation, 131)) == 1, "event 131")
        expect(not sink.peers, "the sink was connected to")
    finally:
        gate.reload(extra="")
    expect_equal(operation.poll().expect(200).json["state"], "refused",
                 "what its owner sees once he may again")
    sink.close()


@test("a sink that is listed no more: a dead letter, until it is listed and "
      "sent again")
def _():
    other = CallbackGate(ports.listed(), give_up=600, mof=(OPEN_MOF,))
    sink = Sink(ports, start=False)
    operation = other.operation(OPEN, sink.url).retried()
    other.reload(sinks="localhost")
    sink.start()
    seen = operation.wait()
    expect_equal((seen["state"], seen["hresult"], seen["reason"]),
                 ("dead", "0x80041015", "sink-not-listed"), "the end")
    expect(not sink.peers, "the sink was connected to")
    wait_for(lambda: other.count(150) == 1, "event 150")
    other.reload(sinks=ports.listed())
    other.ctl("operations", "--retry", operation.id)
    operation.wait("done")
    expect_equal(delivered(sink, operation), ["1", "status"], "keys")
    sink.close()
    other.close()


# -- what is kept between deliveries -----------------------------------------------------

@test("a kept session posts to the sink that is meant: path, port and host "
      "are each operation's own")
def _():
    # One courier, so that its session is what there is to keep.
    other = CallbackGate(ports.listed() + ", " + ports.listed("127.0.0.1"),
                         give_up=600, couriers=1, mof=(OPEN_MOF,))
    first, second = Sink(ports), Sink(ports)
    paths = {}
    for sink in (first, second, first):
        for path in ("/a", "/b?x=1", "/a"):
            url = sink.url.replace("/results", path)
            operation = other.operation(OPEN, url)
            operation.wait("done")
            paths[operation.id] = (sink, path)
    for sink in (first, second):
        for request in sink.results():
            wanted = paths[request.headers["nsgate-operation"]]
            expect_equal((sink, request.target), wanted, "where it went")
    expect(len(first.signed_in()) < 6, "no session was kept",
           len(first.signed_in()))
    for sink in (first, second):
        sink.close()
    other.close()


@test("a sink that is an address, of IPv6 too")
def _():
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            return
        # No certificate and no key of the realm is for it; how far it gets
        # shows that it was connected to.
        s.listen(1)
        other = CallbackGate("[::1]:%d" % s.getsockname()[1],
                             networks="::1", give_up=600, mof=(OPEN_MOF,))
        operation = other.operation(OPEN, "https://[::1]:%d/"
                                    % s.getsockname()[1])
        s.settimeout(DEADLINE)
        s.accept()[0].close()
        operation.retried()
        other.close()


@test("a sink that keeps couriers waiting does not keep others from theirs")
def _():
    release = threading.Event()

    def holds(peer, request):
        release.wait(DEADLINE)
        return response(204)
    slow, quick = Sink(ports, result=holds), Sink(ports)
    held = [gate.operation(OPEN, slow.url) for _ in range(8)]
    wait_for(lambda: slow.results(), "the slow sink has one")
    gate.operation(OPEN, quick.url).wait("done", deadline=10)
    expect(not release.is_set(), "the slow one was not slow")
    release.set()
    for operation in held:
        operation.wait("done")
    slow.close()
    quick.close()


@test("a path that fails holds up no other path of its host")
def _():
    def fails(peer, request):
        return response(500 if request.target == "/bad" else 204)
    sink = Sink(ports, result=fails)
    bad = gate.operation(OPEN, sink.url.replace("/results", "/bad"))
    bad.retried(3)
    gate.operation(OPEN, sink.url.replace("/results", "/good")).wait(
        "done", deadline=5)
    bad.poll()
    gate.ask("https", bad.path, gate.token(), method="DELETE").expect(204)
    sink.close()


@test("DELETE of a dead letter removes it: nothing can be sent again")
def _():
    sink = Sink(ports, result=lambda peer, request: response(404))
    operation = gate.operation(OPEN, sink.url)
    operation.wait("dead")
    gate.ask("https", operation.path, gate.token(),
             method="DELETE").expect(204)
    gate.ask("https", operation.path, gate.token()).expect(404)
    done = gate.ctl("operations", "--retry", operation.id, check=False)
    expect(done.returncode != 0, "it came back", done.stdout)
    sink.close()


@test("cancelled while its last batch is sent: no status that all is well")
def _():
    arrived, go_on = threading.Event(), threading.Event()

    def holds(peer, request):
        arrived.set()
        go_on.wait(DEADLINE)
        return response(204)
    sink = Sink(ports, result=holds)
    operation = gate.operation(OPEN, sink.url)
    expect(arrived.wait(DEADLINE), "the batch")
    gate.ask("https", operation.path, gate.token(),
             method="DELETE").expect(204)
    go_on.set()
    after = Sink(ports)
    gate.operation(OPEN, after.url).wait("done")  # the couriers go on
    wait_for(lambda: sink.peers[0].socket.fileno() < 0 or
             len(sink.results()) == 1, "the end of it")
    expect_equal(delivered(sink, operation), ["1"], "what the sink has")
    sink.close()
    after.close()


@test("a reload in the middle of a delivery: the rest is not sent any more")
def _():
    other = CallbackGate(ports.listed(), give_up=600, couriers=1, mof=MOFS)
    arrived, go_on = threading.Event(), threading.Event()

    def holds(peer, request):
        arrived.set()
        go_on.wait(DEADLINE)
        return response(204)
    sink = Sink(ports, result=holds)
    operation = other.operation(BIG_PATH, sink.url)
    expect(arrived.wait(DEADLINE), "the first batch")
    other.reload(extra="[access/root\\Open]\nallow = bob@{realm}\n")
    go_on.set()
    wait_for(operation.ended, "the end of it")
    expect_equal(operation.state(), "refused", "the end")
    expect_equal(delivered(sink, operation), ["1"], "what the sink has")
    sink.close()
    other.close()


@test("without a [callback] any more, giving up still comes")
def _():
    other = CallbackGate(ports.listed(), give_up=3, mof=(OPEN_MOF,))
    sink = Sink(ports, start=False)
    operation = other.operation(OPEN, sink.url).retried()
    other.configure(extra="")
    other.ctl("reload")
    operation.wait("dead")
    expect_equal(other.count(150), 1, "event 150")
    sink.close()
    other.close()


# -- floors ----------------------------------------------------------------------------

@test("what was asked for privately is not delivered in clear")
def _():
    sink = Sink(ports, tls=False)
    answer = gate.begin(OPEN, sink.url, "https").expect(
        403, "sink-below-floor")
    expect_equal((answer.json["hresult"], answer.json["eventId"]),
                 ("0x80041003", 5606), "codes")
    gate.wait_event(id=5606, requestId=answer.headers["nsgate-request-id"])
    gate.operation(OPEN, sink.url, listener="http").wait("done")
    sink.close()


@test("floor = PktPrivacy: http sinks never; floor = Connect: also for what "
      "came by https, but for encrypted namespaces")
def _():
    other = CallbackGate(ports.listed(), mof=MOFS, more="floor = PktPrivacy")
    sink = Sink(ports, tls=False)
    secure = Sink(ports)
    for listener in ("http", "https"):
        other.begin(OPEN, sink.url, listener).expect(403, "sink-below-floor")
        other.operation(OPEN, secure.url, listener=listener).wait("done")
    other.reload(more="floor = Connect")
    for listener in ("http", "https"):
        other.operation(OPEN, sink.url, listener=listener).wait("done")
    other.begin(SECRET, sink.url).expect(403, "sink-not-private")
    sink.close()
    secure.close()
    other.close()


# -- nsgatectl listen ---------------------------------------------------------------------

class Listen:
    """nsgatectl listen on a reserved port."""

    def __init__(self, *options):
        self.url = "https://localhost:%d/results" % ports.release()
        self.process = subprocess.Popen(
            [program("nsgatectl"), "listen", self.url, "--certificate",
             tls_dir() + "/tls.crt", "--key", tls_dir() + "/tls.key",
             "--keytab", the_realm().keytab(), "--json", *options],
            env=dict(os.environ, **the_realm().env), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        if not line.startswith("listening on"):
            raise Failure("nsgatectl listen: " + line)

    def end(self):
        """Its exit status and what it said."""
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line)
                                         for line in out.splitlines()]


@test("nsgatectl listen takes the results, bound to its certificate")
def _():
    listen = Listen("--gateway", "nsgate/localhost@NSGATE.TEST", "--once")
    gate.operation(SECRET, listen.url).wait("done")
    status, told = listen.end()
    expect_equal(status, 0, "exit status")
    expect_equal([t["message"]["kind"] for t in told],
                 ["indicate", "setstatus"], "messages")
    for t in told:
        expect_equal((t["principal"], t["gatewayChecked"], t["binding"],
                      t["channel"], t["declaredLevel"], t["appliedLevel"],
                      t["effectiveLevel"]),
                     ("nsgate/localhost@NSGATE.TEST", True, "bound", "tls") +
                     ("PktPrivacy",) * 3, "the delivery")
    expect_equal(told[0]["message"]["objects"][0]["properties"]["Value"],
                 "swordfish", "the object")


# -- restarts --------------------------------------------------------------------------------

def kill_all(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def survives(end):
    """What is ready, waits for its sink, has ended or was cancelled stays so
    over an end of the gateway."""
    ready = gate.operation(BIG_PATH).wait_ready()
    body = ready.poll().expect(200).body
    sink = Sink(ports, start=False)
    waits = waiting(SECRET, sink, "https")
    refusing = Sink(ports, sign_in=lambda peer, request: response(204))
    refused = gate.operation(SECRET, refusing.url)
    refused.wait("refused")
    cancelled = gate.operation(OPEN)
    ask("https", cancelled.path, method="DELETE").expect(204)
    last = gate.operation(OPEN)  # acknowledged a moment before
    end()
    expect_equal(ready.poll().expect(200).body, body, "the result")
    expect_equal((waits.state(), refused.state(), cancelled.state()),
                 ("delivering", "refused", "cancelled"), "the states")
    expect_equal(refused.poll().json["hresult"], "0x80041003", "the refusal")
    sink.start()
    waits.wait("done")
    expect_equal(delivered(sink, waits), ["1", "status"], "keys")
    last.wait_ready().poll().expect(200)
    expect_equal(len(refusing.peers), 1, "connections to what was refused")
    sink.close()
    refusing.close()


@test("operations survive SIGTERM")
def _():
    survives(gate.restart)


@test("operations survive kill -9 of everything")
def _():
    def end():
        process, gate.process = gate.process, None
        kill_all(process)
        gate.start()
    survives(end)


# -- deaths ---------------------------------------------------------------------------------

def goes_on(victim):
    """A delivery while the process that victim() names is killed."""
    held, leave = [], threading.Event()

    def holds(peer, request):
        if request.key.endswith("-2") and not held:
            held.append(request)
            leave.wait(30)
        return response(204)
    sink = Sink(ports, result=holds)
    operation = gate.operation(BIG_PATH, sink.url)
    wait_for(lambda: held, "the second batch")
    pids = victim()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    leave.set()
    wait_for(lambda: not any(alive(pid) for pid in pids), "their end")
    operation.wait("done")
    keys = delivered(sink, operation)
    expect_equal(list(dict.fromkeys(keys)), ["1", "2", "3", "4", "status"],
                 "keys, repeated ones aside")
    sink.close()
    return pids


@test("couriers killed in the middle: others take their place and go on")
def _():
    pids = goes_on(lambda: [c["pid"] for c in gate.status()["couriers"]])
    expect_equal(len(pids), 4, "couriers")
    now = wait_for(lambda: [c["pid"] for c in gate.status()["couriers"]],
                   "new couriers")
    wait_for(lambda: len(gate.status()["couriers"]) == 4, "four couriers")
    expect(not set(pids) & set(now), "the same processes", pids, now)
    expect("courier" in gate.ctl("status").stdout, "couriers in the status")
    expect(any("courier" in e["detail"] for e in gate.events(id=104)),
           "event 104")


@test("the dispatcher killed in the middle: another goes on")
def _():
    pids = goes_on(lambda: [gate.status()["dispatcher"]["pid"]])
    now = gate.status()["dispatcher"]["pid"]
    expect(now not in (0, pids[0]) and alive(now), "a new dispatcher", now)
    operation = gate.operation(OPEN).wait_ready()
    operation.poll().expect(200)
    expect(any("dispatcher" in e["detail"] for e in gate.events(id=104)),
           "event 104")


@test("without a dispatcher what is there can be read, and nothing is "
      "accepted that is not kept")
def _():
    ready = gate.operation(OPEN).wait_ready()
    pid = gate.status()["dispatcher"]["pid"]
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(gate.begin(OPEN)))
    os.kill(pid, signal.SIGSTOP)
    try:
        asking.start()
        ready.poll().expect(200)
    finally:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: gate.status()["dispatcher"]["pid"] not in (0, pid),
             "a new dispatcher")
    gate.operation(OPEN).wait_ready().poll().expect(200)
    asking.join()
    expect(answers[0].status in (202, 503), "the answer", answers[0])
    if answers[0].status == 202:
        Operation(gate, answers[0]).wait_ready()


# -- the client's keytab ------------------------------------------------------------------------

def delivers():
    sink = Sink(ports)
    gate.operation(SECRET, sink.url).wait("done")
    sink.close()


@test("a rotated client keytab is taken up without a restart")
def _():
    delivers()
    before, couriers = gate.count(120), gate.status()["couriers"]
    the_realm().kadmin("ktadd -k %s nsgate/localhost" % client_keytab())
    gate.set_client_keytab(client_keytab())
    wait_for(lambda: gate.count(120) > before, "event 120")
    delivers()
    expect_equal(gate.status()["couriers"], couriers, "the couriers")


@test("a broken client keytab: event 121, and the old one stays in use")
def _():
    for data in (b"", b"noise" * 100, open(the_realm().keytab("alice"),
                                           "rb").read()[:30]):
        before = gate.count(121)
        gate.set_client_keytab(data=data)
        wait_for(lambda: gate.count(121) > before, "event 121")
        delivers()
    before = gate.count(120)
    gate.set_client_keytab(client_keytab())
    wait_for(lambda: gate.count(120) > before, "event 120")
    delivers()


main()
