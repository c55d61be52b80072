#!/usr/bin/env python3
"""Who is asking: threats 1, 2, 6-10 and 41 of docs/threat-model.md."""
import base64
import re
import shutil

from harness import (OPEN, ROOT, SECRET, Connection, Failure, Gate, Nginx,
                     Realm, expect, expect_equal, main, run, test)

PRIVATE = r"""
[access/root\Private]
allow = bob@{realm}
"""
PRIVATE_MOF = r"""
#pragma namespace("\\\\.\\root\\Private")
class P { [key] uint32 Id; };
instance of P { Id = 1; };
"""
PAGE = "/cim/root/Open"
gate = Gate(extra=PRIVATE)
gate.compile(PRIVATE_MOF)


def principal(answer):
    return answer.json["caller"]["principal"]


def b64(data):
    return base64.b64encode(data).decode()


# -- 1: nobody ---------------------------------------------------------------

NTLM = b64(b"NTLMSSP\0\1\0\0\0\x97\x82\x08\xe2" + b"\0" * 16)
# NegTokenInit that offers NTLM only, and one that offers NEGOEX first.
SPNEGO_NTLM = b64(bytes.fromhex(
    "602806062b0601050502a01e301ca00e300c060a2b06010401823702020aa20a0408"
    "4e544c4d53535000"))
SPNEGO_NEGOEX = b64(bytes.fromhex(
    "603006062b0601050502a0263024a01630140a060a2b06010401823702021e"
    "06062b0601050502a20a04084e45474f45585453"))
SPNEGO_EMPTY = b64(bytes.fromhex(
    "601b06062b0601050502a011300fa00d300b06092a864886f712010202"))
NOBODY = [
    (), (("Authorization", "Negotiate"),), (("Authorization", "Negotiate "),),
    (("Authorization", "Negotiate  "),), (("Authorization", ""),),
    (("Authorization", "Negotiate !!!!"),),
    (("Authorization", "Negotiate AAAA"),),
    (("Authorization", "Negotiate " + "A" * 4096),),
    (("Authorization", "Basic YWxpY2U6YWxpY2U="),),
    (("Authorization", "Bearer alice"),), (("Authorization", "Kerberos AAAA"),),
    (("Authorization", "NTLM " + NTLM),),
    (("Authorization", "Negotiate " + NTLM),),
    (("Authorization", "Negotiate " + SPNEGO_NTLM),),
    (("Authorization", "Negotiate " + SPNEGO_NEGOEX),),
    (("Authorization", "Negotiate " + SPNEGO_EMPTY),),
    (("Cookie", "session=alice"),), (("X-Remote-User", "alice"),),
    (("REMOTE_USER", "alice@NSGATE.TEST"),),
]


def same_but_for_id(answer):
    return re.sub(rb'"requestId":"[0-9a-f]{32}"', b"", answer.body)


@test("nobody gets 401 with one body for all causes, on fresh connections")
def _():
    bodies = set()
    for headers in NOBODY:
        for listener in ("https", "http", "tools", "mesh"):
            answer = gate.ask(listener, OPEN, None, headers).expect(401)
            expect_equal(answer.headers["www-authenticate"], "Negotiate",
                         "challenge for %r" % (headers,))
            bodies.add(same_but_for_id(answer))
    expect_equal(len(bodies), 1, "different bodies %s" % bodies)


@test("nobody gets 401 after a failure and after a success on one connection")
def _():
    for headers in NOBODY:
        with gate.connect("https") as c:
            c.ask(OPEN, None, [("Authorization", "Negotiate AAAA")]).expect(
                401)
            c.ask(OPEN, None, headers).expect(401)
            c.ask(OPEN, gate.token()).expect(200)
            c.ask(OPEN, None, headers).expect(401)


@test("a namespace that does not exist is 401 without a ticket, 404 with one")
def _():
    bodies = {same_but_for_id(gate.ask("https", path).expect(401))
              for path in ("/cim/root/Open", "/cim/root/None", "/cim/xyz",
                           "/elsewhere", "/cim/root/Open:Nothing")}
    expect_equal(len(bodies), 1, "bodies differ: %s" % bodies)
    gate.ask("https", "/cim/root/None", gate.token()).expect(404)


# -- 2, 41: replay --------------------------------------------------------------

@test("a token is good once, at whatever worker and listener")
def _():
    for raw in (False, True):
        token = gate.token(raw=raw)
        gate.ask("https", OPEN, token).expect(200)
        for listener in ("https", "http", "tools", "mesh") * 6:
            gate.ask(listener, OPEN, token).expect(401)


def unwrap(token):
    """The AP-REQ within an SPNEGO token, as a raw Kerberos token."""
    data = base64.b64decode(token)
    at = data.index(b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00")
    expect(data[at - 4:at - 2] == b"\x60\x82", "an odd token")
    length = int.from_bytes(data[at - 2:at], "big")
    return b64(data[at - 4:at + length])


@test("re-wrapping from SPNEGO to raw krb5 makes no new token of it")
def _():
    gate.ask("https", OPEN, unwrap(gate.token())).expect(200)
    token = gate.token()
    gate.ask("https", OPEN, token).expect(200)
    for _ in range(8):
        gate.ask("https", OPEN, unwrap(token)).expect(401)


@test("a restart does not forget the tokens it has seen")
def _():
    token = gate.token()
    gate.ask("https", OPEN, token).expect(200)
    gate.restart()
    gate.ask("https", OPEN, token).expect(401)
    gate.ask("https", OPEN, gate.token()).expect(200)


@test("why tells a replay from other causes; the answer does not")
def _():
    token = gate.token()
    gate.ask("https", OPEN, token).expect(200)
    answer = gate.ask("https", OPEN, token).expect(401)
    expect("replay" not in answer.body.decode().lower(), "the cause", answer)
    request = answer.headers["nsgate-request-id"]
    gate.wait_event(requestId=request)
    why = gate.ctl("why", request).stdout
    expect("replay" in why.lower(), "why does not say so", why)


# -- 6, 7, 8: connections ---------------------------------------------------------

@test("pipelined: alice, nobody, bob")
def _():
    for listener in ("http", "https"):
        with gate.connect(listener) as c:
            c.send(c.request(PAGE, gate.token(user="alice")) +
                   c.request(PAGE) +
                   c.request(PAGE, gate.token(user="bob")))
            expect_equal(principal(c.receive().expect(200)),
                         "alice@NSGATE.TEST", "the first")
            c.receive().expect(401)
            expect_equal(principal(c.receive().expect(200)),
                         "bob@NSGATE.TEST", "the third")


@test("levels are of each request, not of its connection")
def _():
    with gate.connect("https") as c:
        c.ask(SECRET, gate.token()).expect(200)
        c.ask(OPEN, gate.token(flags=0)).expect(200)
        c.ask(SECRET, gate.token(flags=0)).expect(403, "context-not-private")
        c.ask(SECRET, gate.token(flags=0x20)).expect(403)
        c.ask(SECRET).expect(401)
        c.ask(SECRET, gate.token()).expect(200)
    with gate.connect("http") as c:
        c.ask(OPEN, gate.token()).expect(200)
        answer = c.ask(SECRET, gate.token()).expect(403)
    gate.wait_event(id=5605, requestId=answer.headers["nsgate-request-id"])


@test("nginx mixes its clients on one connection; they stay apart")
def _():
    user = "www-data" if ROOT else "{me}"
    behind = Gate(listeners=r"""
[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = %s
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
""" % user, workers=1)
    nginx = Nginx(behind, behind.path("sock/proxy.sock"))
    address = "127.0.0.1:%d" % nginx.tls_port
    with Connection(address, tls=True) as one, \
            Connection(address, tls=True) as two:
        for _ in range(5):
            answer = one.ask(PAGE, behind.token(user="alice")).expect(200)
            expect_equal(principal(answer), "alice@NSGATE.TEST", "who")
            two.ask(PAGE).expect(401)
            one.ask(PAGE).expect(401)
            answer = two.ask(PAGE, behind.token(user="bob")).expect(200)
            expect_equal(principal(answer), "bob@NSGATE.TEST", "who")
        one.ask(SECRET, behind.token()).expect(200)
        # A client cannot say what only the proxy may say.
        one.ask(SECRET, behind.token(), [
            ("X-Nsgate-Tls-Protocol", "none")]).expect(200)
    clear = "127.0.0.1:%d" % nginx.clear_port
    with Connection(clear) as c:
        c.ask(SECRET, behind.token()).expect(403, "channel-not-private")
        c.ask(SECRET, behind.token(), [
            ("X-Nsgate-Tls-Protocol", "TLSv1.3")]).expect(
                403, "channel-not-private")
        c.ask(OPEN, behind.token()).expect(200)


# -- 9, 10: the wrong ticket ---------------------------------------------------------

@test("a ticket for another service is refused though its key is in the "
      "keytab")
def _():
    keytab = gate.keytab + ".all"
    shutil.copy(gate.realm.keytab(), keytab)
    run("ktutil", data="rkt %s\nwkt %s\nq\n" % (
        gate.realm.keytab("other"), keytab), env=gate.realm.env)
    listed = run("klist", "-k", keytab, env=gate.realm.env).stdout
    expect("host/localhost" in listed and "HTTP/localhost" in listed,
           "the merged keytab", listed)
    shutil.move(keytab, gate.keytab)
    gate.restart()
    for spn in ("host@localhost", "HTTP@other.test"):
        gate.ask("https", OPEN, gate.token(spn=spn)).expect(401)
    gate.ask("https", OPEN, gate.token()).expect(200)


@test("a ticket of a second KDC with the same realm name is refused")
def _():
    other = Realm(gate.realm.name)
    answer = gate.ask("https", OPEN, gate.token(realm=other)).expect(401)
    gate.wait_event(requestId=answer.headers["nsgate-request-id"])
    gate.ask("https", OPEN, gate.token()).expect(200)


@test("a principal of a realm that is not listed is refused")
def _():
    gate.configure(settings="realms = ELSEWHERE.TEST")
    gate.restart()
    gate.ask("https", OPEN, gate.token()).expect(403, "realm-not-allowed")
    gate.configure(settings="")
    gate.restart()
    gate.ask("https", OPEN, gate.token()).expect(200)


# -- the access section -----------------------------------------------------------

@test("an access section admits whom it lists, by the whole name")
def _():
    path = "/cim/root/Private"
    for listener in ("https", "http", "tools"):
        gate.ask(listener, path, gate.token(user="bob")).expect(200)
        answer = gate.ask(listener, path, gate.token(user="mallory")).expect(
            403, "not-listed")
        gate.wait_event(id=131,
                        requestId=answer.headers["nsgate-request-id"])


@test("names that look like others are other names")
def _():
    realm = gate.realm
    tried = 0
    for name in ("bob/admin", "bob\\@NSGATE.TEST", "Bob", "b\\\\ob",
                 'b"ob'):
        user = "odd%d" % len(realm._caches)
        keytab = realm.dir + "/" + user + ".keytab"
        run("kadmin.local", "-r", realm.name, "addprinc", "-randkey", name,
            env=realm.env)
        run("kadmin.local", "-r", realm.name, "ktadd", "-k", keytab, name,
            env=realm.env)
        cache = realm.dir + "/" + user + ".cc"
        run("kinit", "-c", "FILE:" + cache, "-kt", keytab, name,
            env=realm.env)
        realm._caches[user] = cache
        try:
            gate.token(user=user, flags=0x32)
        except Failure:
            continue  # the KDC itself gives it no ticket
        tried += 1
        answer = gate.ask("https", "/cim/root/Private",
                          gate.token(user=user, flags=0x32))
        # Not listed, or a name that is refused for what is in it.
        expect(answer.status in (401, 403), "%r came in" % name, answer)
        answer = gate.ask("https", PAGE, gate.token(user=user, flags=0x32))
        expect(answer.status in (200, 401), "%r" % name, answer)
        if answer.status == 200:
            expect(principal(answer) != "bob@NSGATE.TEST", "taken for bob",
                   name)
    expect(tried >= 4, "only %d names were tried" % tried)
    # Whatever was in the names: a record a line, an event a line.
    gate.access()
    gate.events()


main()
