#!/usr/bin/env python3
"""Declared, applied, effective: every combination of flags on every kind of
listener, against docs/levels.md."""
from harness import (FLAGS, OPEN, PROXY_CLEAR, PROXY_TLS, SECRET, Gate,
                     expect, expect_equal, main, test)

LEVELS = ["Default", "None", "Connect", "Call", "Pkt", "PktIntegrity",
          "PktPrivacy"]
# (listener, headers, what the channel applies, its name)
CHANNELS = [
    ("https", [], "PktPrivacy", "tls"),
    ("http", [], "Connect", "cleartext"),
    ("tools", [], "PktPrivacy", "local"),
    ("toolsock", [], "PktPrivacy", "local"),
    ("mesh", [], "PktPrivacy", "asserted"),
    ("proxy", PROXY_TLS, "PktPrivacy", "proxy-tls"),
    ("proxy", PROXY_CLEAR, "Connect", "proxy-cleartext"),
]
MORE = """
[listener/https-require]
bind             = 127.0.0.1:0
tls_certificate  = {tls}/tls.crt
tls_key          = {tls}/tls.key
channel_bindings = require

[listener/https-ecdsa]
bind             = 127.0.0.1:0
tls_certificate  = {tls}/ecdsa.crt
tls_key          = {tls}/ecdsa.key

[listener/https-bound]
bind                    = 127.0.0.1:0
tls_certificate         = {tls}/tls.crt
tls_key                 = {tls}/tls.key
encrypted_needs_binding = yes

[listener/https-evidence]
bind             = 127.0.0.1:0
tls_certificate  = {tls}/tls.crt
tls_key          = {tls}/tls.key
privacy_evidence = bound

[listener/https-minimum]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
minimum_level   = PktIntegrity
"""
gate = Gate(extra=MORE)


def declared(flags):
    """docs/levels.md 3, first match wins."""
    if flags & FLAGS["CONF"] and flags & FLAGS["INTEG"]:
        return "PktPrivacy"
    if flags & FLAGS["INTEG"]:
        return "PktIntegrity"
    if flags & (FLAGS["REPLAY"] | FLAGS["SEQUENCE"]):
        return "Pkt"
    return "Connect"


def weaker(a, b):
    return min(a, b, key=LEVELS.index)


def check_secret(connection, flags, headers, applied):
    answer = connection.ask(SECRET, gate.token(flags=flags), headers)
    said = declared(flags)
    effective = weaker(said, applied)
    if effective == "PktPrivacy":
        answer.expect(200)
        expect("swordfish" in answer.body.decode(), "no instance", answer)
        return
    answer.expect(403, "channel-not-private" if said == "PktPrivacy"
                  else "context-not-private")
    expect("swordfish" not in answer.body.decode(), "a leak", answer)
    problem = answer.json
    expect_equal((problem["declaredLevel"], problem["appliedLevel"],
                  problem["effectiveLevel"], problem["requiredLevel"]),
                 (said, applied, effective, "PktPrivacy"),
                 "levels with flags 0x%02x" % flags)
    expect_equal((problem["hresult"], problem["symbol"], problem["eventId"]),
                 ("0x80041003", "WBEM_E_ACCESS_DENIED", 5605), "codes")
    expect(answer.headers["content-type"].startswith(
        "application/problem+json"), "type", answer)
    expect_equal(answer.headers["cache-control"], "no-store", "caching")


def matrix(row):
    listener, headers, applied, channel = row

    @test("64 combinations of flags, %s (%s)" % (listener, channel))
    def _():
        with gate.connect(listener) as connection:
            for flags in range(64):
                check_secret(connection, flags, headers, applied)

    @test("an open namespace admits every combination, %s (%s)"
          % (listener, channel))
    def _():
        with gate.connect(listener) as connection:
            for flags in (0, 0x02, 0x04, 0x08, 0x10, 0x20, 0x30, 0x3e):
                answer = connection.ask(OPEN, gate.token(flags=flags),
                                        headers).expect(200)
                expect("18446744073709551615" in answer.body.decode(),
                       "the instances", answer)

    @test("the access record tells flags, levels and channel, %s (%s)"
          % (listener, channel))
    def _():
        answer = gate.ask(listener, OPEN, gate.token(flags=0x24), headers)
        record = find_record(answer)
        expect_equal((record["gssFlags"], record["declaredLevel"],
                      record["appliedLevel"],
                      record["effectiveLevel"], record["channel"],
                      record["principal"], record["status"]),
                     ("0x0124", "PktIntegrity", applied,
                      weaker("PktIntegrity", applied), channel,
                      "alice@NSGATE.TEST", 200), "record")


def find_record(answer):
    from harness import wait_for
    request = answer.headers["nsgate-request-id"]
    return wait_for(lambda: [r for r in gate.access()
                             if r["requestId"] == request],
                    "the access record of " + request)[0]


for _row in CHANNELS:
    matrix(_row)


@test("every level of the probe on each kind of channel")
def _():
    for level, status in (("Default", 403), ("Connect", 403), ("Call", 403),
                          ("Pkt", 403), ("PktIntegrity", 403),
                          ("PktPrivacy", 200), ("None", 401)):
        for listener in ("https", "tools", "mesh"):
            gate.probe(listener, SECRET, level=level).expect(status)
        gate.probe("http", SECRET, level=level).expect(
            401 if level == "None" else 403)
        gate.probe("http", OPEN, level=level).expect(
            401 if level == "None" else 200)


@test("curl over http claims privacy and is refused all the same")
def _():
    answer = gate.curl("http", SECRET).expect(403, "channel-not-private")
    expect_equal(answer.json["declaredLevel"], "PktPrivacy", "declared")
    gate.curl("https", SECRET).expect(200)
    gate.curl("toolsock", SECRET).expect(200)


@test("message encryption is a channel of its own in records and problems")
def _():
    for level, status, reason in (("PktPrivacy", 200, "allowed"),
                                  ("PktIntegrity", 403,
                                   "context-not-private")):
        answer = gate.probe("http", SECRET, "--message-encryption",
                            level=level).expect(status)
        record = find_record(answer)
        if status == 403:
            told = answer.expect(403, reason).json
            for key in ("declaredLevel", "appliedLevel", "effectiveLevel",
                        "channel", "binding", "reason"):
                expect_equal(told[key], record[key], key)
        expect_equal((record["declaredLevel"], record["appliedLevel"],
                      record["effectiveLevel"], record["channel"],
                      record["binding"], record["reason"],
                      record["status"]),
                     (level, "PktPrivacy", level, "sealed", "absent", reason,
                      status), "record")


@test("DCE style is refused")
def _():
    answer = gate.ask("https", OPEN, gate.token(flags=0x1036))
    answer.expect(401)


@test("the refusal names the secure URI of configuration, not of Host")
def _():
    with gate.connect("http") as c:
        c.send(c.request(SECRET, gate.token()).replace(
            b"Host: localhost", b"Host: evil.example"))
        answer = c.receive().expect(403)
    uri = answer.json["secureUri"]
    expect(uri.startswith("https://localhost:"), "the URI", uri)
    expect("evil" not in answer.body.decode(), "Host in the answer", answer)


@test("a binding is required where the listener says so")
def _():
    gate.probe("https-require", SECRET, "--bind-channel").expect(200)
    gate.probe("https-require", SECRET, "--no-channel-binding").expect(401)


@test("a binding of another certificate is refused")
def _():
    other = gate.token("--bind-channel", "--cacert", tls_ca(),
                       url=gate.url("https-ecdsa", OPEN))
    gate.ask("https-ecdsa", OPEN, other).expect(200)
    other = gate.token("--bind-channel", "--cacert", tls_ca(),
                       url=gate.url("https-ecdsa", OPEN))
    gate.ask("https", OPEN, other).expect(401)


def tls_ca():
    from harness import tls_dir
    return tls_dir() + "/ca.crt"


@test("encrypted_needs_binding refuses TLS that is not bound, for encrypted "
      "namespaces only")
def _():
    gate.probe("https-bound", SECRET, "--bind-channel").expect(200)
    gate.probe("https-bound", SECRET, "--no-channel-binding").expect(
        403, "not-bound")
    gate.probe("https-bound", OPEN, "--no-channel-binding").expect(200)


@test("privacy_evidence = bound takes a binding for a declaration")
def _():
    gate.probe("https-evidence", SECRET, "--bind-channel",
               level="PktIntegrity").expect(200)
    gate.probe("https-evidence", SECRET, "--no-channel-binding",
               level="PktIntegrity").expect(403, "context-not-private")
    gate.probe("https", SECRET, "--bind-channel",
               level="PktIntegrity").expect(403, "context-not-private")


@test("minimum_level refuses what is below it, whatever the namespace")
def _():
    gate.probe("https-minimum", OPEN, level="PktIntegrity").expect(200)
    answer = gate.probe("https-minimum", OPEN, level="Pkt").expect(
        403, "below-minimum-level")
    expect_equal(answer.headers["nsgate-minimum-level"], "PktIntegrity",
                 "the advertised minimum")


main()
