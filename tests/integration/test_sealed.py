#!/usr/bin/env python3
"""Message encryption over plain http as other people's clients speak it
(sealing.py): what works.  test_sealed_refusals.py has what does not."""
from sealing import (CANARY, FLAGS, KERBEROS, MECH_KRB5, Sealed, message)

from harness import (OPEN, SECRET, Gate, expect, expect_equal, main, test,
                     wait_for)

MANY = "/cim/root/Many:Many/instances"
MANY_MOF = ('#pragma namespace("\\\\\\\\.\\\\root\\\\Many")\n'
            '[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n'
            'class Many { [key] uint32 N; string T; };\n' + "".join(
                'instance of Many { N = %d; T = "%s"; };\n' % (n, "x" * 100)
                for n in range(60)) +
            'class One { [key] uint32 N; string T; };\n'
            'instance of One { N = 1; T = "%s"; };\n' % ("y" * 6000))
SMALL = """
[listener/http-small]
bind            = 127.0.0.1:0
sealed_body_max = 4K

[listener/http-minimum]
bind          = 127.0.0.1:0
minimum_level = PktPrivacy
"""
RESOURCES = (
    "/cim/root", "/cim/root/Open", "/cim/root/Secret",
    "/cim/root/Open:Open_Thing", "/cim/root/Secret:Secret_Thing", OPEN,
    SECRET, OPEN + "?limit=1", "/cim/root/Open:Open_Thing.Name=%22two%22",
    "/cim/root/Secret:Secret_Thing.Name=%22code%22",
    "/cim/root/Secret:__SystemSecurity=@", "/cim/root/Nope",
    "/cim/root/Open:No_Thing", "/cim/root/Open:Open_Thing.Name=%22no%22",
    "/cim/root/Open?what=1", "/elsewhere")
gate = Gate(extra=SMALL)
gate.compile(MANY_MOF)


# Of each answer there is only one: who asked, and its id.
def comparable(answer):
    headers = {name: value for name, value in answer.headers.items()
               if name in ("allow", "cache-control", "content-type",
                           "nsgate-required-level", "nsgate-minimum-level")}
    body = answer.body
    request = answer.headers["nsgate-request-id"].encode()
    return answer.status, headers, body.replace(request, b"ID")


def same_as_https(client, path, method="GET"):
    sealed = client.get(path, method)
    clear = gate.ask("https", path, gate.token(flags=FLAGS), method=method)
    expect_equal(comparable(sealed), comparable(clear), method + " " + path)


def record_of(answer):
    request = answer.headers["nsgate-request-id"]
    return wait_for(lambda: [r for r in gate.access()
                             if r["requestId"] == request],
                    "the access record of " + request)[0]


@test("every resource sealed is what https gives")
def _():
    with Sealed(gate) as c:
        for path in RESOURCES:
            for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
                same_as_https(c, path, method)
        expect(CANARY in c.get(SECRET).body, "the canary")


@test("the access record of a sealed request has its own method and levels")
def _():
    with Sealed(gate, user="bob") as c:
        record = record_of(c.get(SECRET, "HEAD"))
    expect_equal([record[k] for k in (
        "principal", "method", "target", "status", "channel", "declaredLevel",
        "appliedLevel", "effectiveLevel")],
        ["bob@NSGATE.TEST", "HEAD", SECRET, 200, "sealed", "PktPrivacy",
         "PktPrivacy", "PktPrivacy"], "the record")


@test("SPNEGO and raw Kerberos, each in either protocol and scheme, as "
      "pypsrp and as OMI wrap")
def _():
    for options in ({}, {"iov": False}, {"mech": MECH_KRB5},
                    {"protocol": KERBEROS},
                    {"mech": MECH_KRB5, "protocol": KERBEROS},
                    {"mech": MECH_KRB5, "protocol": KERBEROS,
                     "scheme": "Kerberos", "iov": False}):
        with Sealed(gate, **options) as c:
            for _ in range(3):
                expect(CANARY in c.get(SECRET).expect(200).body, "canary",
                       options)


@test("Kerberos is a scheme for sign-ins and for nothing else")
def _():
    with Sealed(gate, scheme="Kerberos") as c:
        for listener in ("http", "https"):
            with gate.connect(listener) as clear:
                clear.send("GET %s HTTP/1.1\r\nHost: localhost\r\n"
                           "Authorization: Kerberos %s\r\n\r\n"
                           % (OPEN, gate.token()))
                clear.receive().expect(401)
        c.get(SECRET).expect(200)


@test("parts with and without a tab, and an end with one CRLF more")
def _():
    with Sealed(gate) as c:
        for framing in ({"tab": ""}, {"end": b"--\r\n\r\n"},
                        {"tab": "", "end": b"--\r\n\r\n"}):
            c.get(SECRET, **framing).expect(200)


@test("a sign-in is known by its shape, whatever its path and type")
def _():
    for path, headers in ((SECRET, []), ("/", []), ("/cim/root/Nope", []), (
            "/wsman", [("Content-Type", "application/soap+xml;charset=UTF-8"),
                       ("User-Agent", "Python PSRP Client"),
                       ("Accept-Encoding", "identity"),
                       ("Connection", "Keep-Alive")])):
        with Sealed(gate, sign_in=False) as c:
            c.sign_in(path, headers)
            c.get(SECRET).expect(200)


@test("headers inside count, and those outside do not")
def _():
    with Sealed(gate) as c:
        c.get(SECRET, headers=[("Prefer", "respond-async")]).expect(202)
        c.send(c.post(message("GET", SECRET), headers=[
            ("Prefer", "respond-async"), ("If-Match", "x"),
            ("Accept", "text/html")]))
        c.opened().expect(200)


def pages(ask, path):
    found = []
    while path is not None:
        answer = ask(path).expect(200)
        found += answer.json["instances"]
        path = answer.json.get("next")
    return found


@test("what is larger than sealed_body_max is paged until its end, and what "
      "cannot be paged is refused")
def _():
    with Sealed(gate, "http-small") as c:
        sizes = []

        def ask(path):
            answer = c.get(path)
            sizes.append(len(answer.outer.body))
            return answer
        sealed = pages(ask, MANY)
        expect(len(sizes) > 5 and max(sizes) < 4096 + 512, "sizes", sizes)
        clear = pages(lambda path: gate.ask("https", path, gate.token()),
                      MANY)
        expect_equal(sealed, clear, "the instances")
        expect_equal(len(sealed), 60, "how many")
        answer = c.get("/cim/root/Many:One.N=1").expect(413)
        expect_equal(answer.json["type"], "urn:nsgate:problem:too-large",
                     "the problem")
        # That was no fault of the message.
        c.get(SECRET).expect(200)


@test("respond-async sealed; the operation is fetched and cancelled sealed")
def _():
    with Sealed(gate) as c:
        answer = c.get(SECRET, headers=[("Prefer", "respond-async")])
        path = answer.expect(202).headers["location"]
        answer = wait_for(lambda: [a for a in [c.get(path)]
                                   if a.status == 200], "the result")[0]
        expect(CANARY in answer.body, "the result", answer)
        same_as_https(c, path)
        same_as_https(c, path, "OPTIONS")
        # In clear it is not to be had, sign-in or not.
        answer = c.ask(path, gate.token(flags=FLAGS))
        answer.expect(403, "channel-not-private")
        expect(CANARY not in answer.body, "a leak", answer)
        c.get(path, "DELETE").expect(204)
        expect_equal(c.get(path).expect(200).json["state"], "cancelled",
                     "state")
    with Sealed(gate, user="bob") as c:
        c.get(path).expect(404)


@test("a context that declares too little is refused by the policy, sealed")
def _():
    with Sealed(gate, flags=FLAGS & ~0x30, no_ci=True) as c:
        answer = c.get(SECRET).expect(403, "context-not-private")
        expect_equal([answer.json[k] for k in (
            "declaredLevel", "appliedLevel", "effectiveLevel", "channel",
            "eventId")], ["Pkt", "PktPrivacy", "Pkt", "sealed", 5605],
            "the problem")
        expect(CANARY not in answer.body, "a leak", answer)
        gate.wait_event(id=5605, channel="sealed",
                        requestId=answer.json["requestId"])
        # The policy's word; the context is as good as before.
        c.get(OPEN).expect(200)


@test("minimum_level sees what is sealed")
def _():
    with Sealed(gate, "http-minimum") as c:
        c.get(OPEN).expect(200)
        answer = c.ask(OPEN, gate.token(flags=FLAGS))
        answer.expect(403, "below-minimum-level")
    with Sealed(gate, "http-minimum", flags=FLAGS & ~0x30, no_ci=True) as c:
        answer = c.get(OPEN).expect(403, "below-minimum-level")
        expect_equal(answer.headers["nsgate-minimum-level"], "PktPrivacy",
                     "what is asked for")


@test("the probe agrees with other people's clients")
def _():
    for level, status in (("PktPrivacy", 200), ("PktIntegrity", 403)):
        answer = gate.probe("http", SECRET, "--message-encryption",
                            level=level).expect(status)
        expect(answer.told["sealed"], "in clear", answer)


main()
