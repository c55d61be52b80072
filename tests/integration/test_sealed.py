#!/usr/bin/env python3
"""Message encryption over plain http, driven as other people's clients do it:
python3-gssapi on a raw connection; threats 4 and 39 of docs/threat-model.md."""
import base64
import os
import struct
import sys

try:
    import gssapi
    from gssapi.raw import IOV, IOVBufferType, unwrap, wrap_iov
except ImportError:  # it belongs to the distribution's Python only
    if os.path.realpath(sys.executable) == os.path.realpath(
            "/usr/bin/python3"):
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

from harness import (OPEN, SECRET, Answer, Gate, expect, expect_equal,
                     header_dict, main, test)

gate = Gate()
os.environ.update(gate.realm.env)
BOUNDARY = "Encrypted Boundary"
SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"
OID = {SPNEGO: "1.3.6.1.5.5.2", KERBEROS: "1.2.840.113554.1.2.2"}
CANARY = b"swordfish"
ALL = (gssapi.RequirementFlag.mutual_authentication |
       gssapi.RequirementFlag.replay_detection |
       gssapi.RequirementFlag.out_of_sequence_detection |
       gssapi.RequirementFlag.confidentiality |
       gssapi.RequirementFlag.integrity)


class Client:
    """One connection, signed in."""

    def __init__(self, user="alice", listener="http", protocol=SPNEGO,
                 path="/wsman", flags=ALL, sign_in=True):
        self.connection = gate.connect(listener)
        self.protocol = protocol
        credentials = gssapi.Credentials(usage="initiate", store={
            "ccache": "FILE:" + gate.realm.ccache(user)})
        name = gssapi.Name("HTTP@localhost",
                           gssapi.NameType.hostbased_service)
        self.context = gssapi.SecurityContext(
            name=name, creds=credentials, usage="initiate", flags=flags,
            mech=gssapi.OID.from_int_seq(OID[protocol]))
        if sign_in:
            self.sign_in(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.socket.close()

    def sign_in(self, path):
        token = base64.b64encode(self.context.step()).decode()
        answer = self.connection.ask(path, token, method="POST", body=b"")
        answer.expect(200)
        expect_equal(answer.body, b"", "the body of a sign-in's answer")
        self.context.step(base64.b64decode(
            answer.headers["www-authenticate"].split(" ")[1]))
        expect(self.context.complete, "the sign-in is not complete")

    def seal(self, plain, encrypt=True):
        """Header and data, as pypsrp makes them."""
        iov = IOV(IOVBufferType.header, plain, IOVBufferType.padding,
                  std_layout=False)
        wrap_iov(self.context, iov, confidential=encrypt)
        header, data, padding = (iov[i].value or b"" for i in range(3))
        return header, data + padding

    def frame(self, plain, header, data, kind="application/http", tab="\t",
              tail=b"", length=None):
        head = ("--%s\r\n%sContent-Type: %s\r\n%sOriginalContent: type=%s;"
                "charset=UTF-8;Length=%d\r\n--%s\r\n%sContent-Type: "
                "application/octet-stream\r\n" % (
                    BOUNDARY, tab, self.protocol, tab, kind,
                    len(plain) if length is None else length, BOUNDARY, tab))
        return head.encode() + struct.pack("<I", len(header)) + header + \
            data + ("--%s--\r\n" % BOUNDARY).encode() + tail

    def inner(self, path, method="GET", headers=(), body=b""):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost"]
        lines += ["%s: %s" % h for h in headers]
        if body:
            lines.append("Content-Length: %d" % len(body))
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    def send(self, path, frame, headers=(), method="POST"):
        kind = 'multipart/encrypted;protocol="%s";boundary="%s"' % (
            self.protocol, BOUNDARY)
        return self.connection.ask(path, method=method, body=frame, headers=[
            ("Content-Type", kind)] + list(headers))

    def ask(self, path, method="GET", headers=(), outside=None, **framing):
        """What comes out of a sealed request; not sealed: the answer."""
        plain = self.inner(path, method, headers)
        answer = self.send(outside or path, self.frame(
            plain, *self.seal(plain), **framing))
        return self.open(answer)

    def open(self, answer):
        if "multipart/encrypted" not in answer.headers.get("content-type",
                                                           ""):
            return answer
        expect_equal(answer.status, 200, "status outside")
        expect(self.protocol in answer.headers["content-type"], "protocol",
               answer)
        expect(CANARY not in answer.body, "in clear", answer.body)
        data = answer.body.split(b"application/octet-stream\r\n", 1)[1]
        end = data.rindex(b"--%s--" % BOUNDARY.encode())
        opened = unwrap(self.context, data[4:end])
        expect(opened.encrypted, "the answer is signed only")
        head, _, body = opened.message.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        sealed = Answer(int(lines[0].split(" ")[1]), header_dict(lines[1:]),
                        body)
        sealed.sealed = True
        return sealed


def is_sealed(answer):
    return getattr(answer, "sealed", False)


def over(client):
    """The context is gone: the next good message finds nobody."""
    client.ask(OPEN).expect(401)


# -- what works ------------------------------------------------------------------

@test("every resource sealed is what https gives")
def _():
    with Client() as c:
        for path in (SECRET, OPEN, "/cim/root/Secret:Secret_Thing",
                     "/cim/root/Open:Open_Thing.Name=%22two%22",
                     "/cim/root/Nope", "/cim/root/Open:No_Thing"):
            sealed = c.ask(path)
            clear = gate.ask("https", path, gate.token())
            expect(is_sealed(sealed), "not sealed", sealed)
            expect_equal(sealed.status, clear.status, "status of " + path)
            if clear.status == 200:
                expect_equal(sealed.body, clear.body, "body of " + path)
        record = [r for r in gate.access() if r["channel"] == "sealed"][-1]
        expect_equal((record["declaredLevel"], record["appliedLevel"],
                      record["method"]), ("PktPrivacy", "PktPrivacy", "GET"),
                     "the access record")


@test("raw Kerberos in its own protocol, no tab, an end of its own")
def _():
    with Client(protocol=KERBEROS) as c:
        c.ask(SECRET).expect(200)
        c.ask(SECRET, tab="").expect(200)
        c.ask(SECRET, tail=b"\r\n").expect(200)


@test("HEAD has no body, OPTIONS tells what is required, writes are refused")
def _():
    with Client() as c:
        head = c.ask(SECRET, "HEAD")
        expect(is_sealed(head) and head.status == 200 and not head.body,
               "HEAD", head)
        expect_equal(c.ask(SECRET, "OPTIONS").headers[
            "nsgate-required-level"], "PktPrivacy", "OPTIONS")
        expect(is_sealed(c.ask(SECRET, "DELETE").expect(405)), "405 in clear")


@test("an answer that is too large to be sealed is paged, or refused")
def _():
    small = Gate(listeners="[listener/http]\nbind = 127.0.0.1:0\n"
                 "sealed_body_max = 4K\n", mof=(
                     "#pragma namespace(\"\\\\\\\\.\\\\root\\\\Many\")\n"
                     "class Many { [key] uint32 N; string T; };\n" + "".join(
                         'instance of Many { N = %d; T = "%s"; };\n'
                         % (n, "x" * 100) for n in range(60)) +
                     'class One { [key] uint32 N; string T; };\n'
                     'instance of One { N = 1; T = "%s"; };\n'
                     % ("y" * 6000),))
    global gate
    saved, gate = gate, small
    try:
        with Client() as c:
            path, seen = "/cim/root/Many:Many/instances", 0
            while path is not None:
                answer = c.ask(path).expect(200)
                expect(len(answer.body) <= 4096, "too large")
                seen += len(answer.json["instances"])
                path = answer.json.get("next")
            expect_equal(seen, 60, "instances")
            expect(is_sealed(c.ask("/cim/root/Many:One.N=1").expect(413)),
                   "413 in clear")
    finally:
        gate = saved
        small.close()


@test("respond-async sealed; the operation is fetched and cancelled sealed")
def _():
    with Client() as c:
        answer = c.ask(SECRET, headers=[("Prefer", "respond-async")])
        path = answer.expect(202).headers["location"]
        while True:
            answer = c.ask(path)
            if answer.status == 200:
                break
            answer.expect(202)
        expect(CANARY in answer.body, "the result", answer)
        gate.ask("http", path, gate.token()).expect(403)
        c.ask(path, "DELETE").expect(204)


# -- what does not -----------------------------------------------------------------

def refused(what, change, expected=400, gone=True):
    with Client() as c:
        plain = c.inner(SECRET)
        answer = c.open(change(c, plain, *c.seal(plain)))
        expect_equal(answer.status, expected, "%s: %s" % (what, answer))
        expect(CANARY not in answer.body, what + ": a leak")
        if gone:
            over(c)


@test("replayed, reordered, reflected, changed, cut, in clear: 4xx, and the "
      "context is gone")
def _():
    def replayed(c, plain, header, data):
        frame = c.frame(plain, header, data)
        c.open(c.send(SECRET, frame)).expect(200)
        return c.send(SECRET, frame)

    def reordered(c, plain, header, data):
        return c.send(SECRET, c.frame(plain, *c.seal(plain)))

    def reflected(c, plain, header, data):
        answer = c.send(SECRET, c.frame(plain, header, data))
        return c.send(SECRET, answer.body)

    def clear(c, plain, header, data):
        return c.send(SECRET, c.frame(plain, *c.seal(plain, encrypt=False)))

    def cut(c, plain, header, data):
        return c.send(SECRET, c.frame(plain, header, data[:-1]))

    def length(c, plain, header, data):
        return c.send(SECRET, c.frame(plain, header, data,
                                      length=len(plain) + 1))
    refused("replayed", replayed)
    refused("reordered", reordered)
    refused("reflected", reflected)
    refused("signed only", clear)
    refused("cut", cut)
    refused("a wrong Length", length)
    for at in range(0, 60, 7):
        def flipped(c, plain, header, data):
            header = bytearray(header)
            header[at] ^= 1
            return c.send(SECRET, c.frame(plain, bytes(header), data))
        refused("byte %d changed" % at, flipped)


@test("a message taken elsewhere is refused: path, connection, method")
def _():
    refused("another target", lambda c, plain, header, data: c.send(
        OPEN, c.frame(plain, header, data)))
    refused("another method outside", lambda c, plain, header, data: c.send(
        SECRET, c.frame(plain, header, data), method="PUT"), gone=False)
    refused("with a token", lambda c, plain, header, data: c.send(
        SECRET, c.frame(plain, header, data),
        [("Authorization", "Negotiate " + gate.token())]), gone=False)
    with Client() as one, Client() as two:
        plain = one.inner(SECRET)
        answer = two.send(SECRET, two.frame(plain, *one.seal(plain)))
        answer.expect(400)
        over(two)
    with Client(sign_in=False) as nobody:
        nobody.send(SECRET, nobody.frame(b"x", b"h" * 60, b"x")).expect(401)


@test("what is inside has one reading")
def _():
    for what, plain in (
            ("two Hosts", b"GET %s HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            ("bare LF", b"GET %s HTTP/1.1\nHost: a\n\n"),
            ("a length of nothing",
             b"GET %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
            ("chunked", b"POST %s HTTP/1.1\r\nHost: a\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("another identity", b"GET %s HTTP/1.1\r\nHost: a\r\n"
             b"Authorization: Negotiate x\r\n\r\n"),
            ("another method", b"GET %s HTTP/1.1\r\nHost: a\r\n"
             b"X-HTTP-Method-Override: DELETE\r\n\r\n"),
            ("no request", b"hello")):
        with Client() as c:
            text = plain.replace(b"%s", OPEN.encode())
            answer = c.open(c.send(OPEN, c.frame(text, *c.seal(text))))
            expect(400 <= answer.status < 500, what, answer)
            expect(is_sealed(answer), what + ": told in clear", answer)
            over(c)


@test("a context opens sealed bodies and does nothing else")
def _():
    with Client() as c:
        c.connection.ask(OPEN).expect(401)
        # Another's token is another's request.
        bob = c.connection.ask(OPEN, gate.token(user="bob"))
        bob.expect(200)
        c.ask(SECRET).expect(200)
        c.connection.ask(OPEN, method="POST", body=b"{}", headers=[
            ("Content-Type", "application/json")]).expect(401)
    who = [r.get("principal") for r in gate.access()[-4:]]
    expect(any(p and p.startswith("bob@") for p in who), "bob", who)


@test("a context that declares too little is refused by the policy, sealed")
def _():
    answer = gate.probe("http", SECRET, "--message-encryption",
                        level="PktIntegrity")
    answer.expect(403, "context-not-private")
    expect(answer.told["sealed"], "in clear", answer)
    expect(gate.wait_event(id=5605, channel="sealed"), "event 5605")


@test("too large and of unknown length: refused before it is read")
def _():
    with Client() as c:
        kind = ("Content-Type: multipart/encrypted;protocol=\"%s\";boundary="
                "\"%s\"\r\n" % (SPNEGO, BOUNDARY))
        for framing, status in (("Content-Length: 1048577", 413),
                                ("Transfer-Encoding: chunked", 411)):
            with Client() as c:
                c.connection.send("POST %s HTTP/1.1\r\nHost: localhost\r\n%s"
                                  "%s\r\n\r\n" % (SECRET, kind, framing))
                c.connection.receive().expect(status)


@test("elsewhere than on a clear listener of its own it is nothing special")
def _():
    for listener in ("https", "tools", "mesh"):
        with Client(listener=listener, sign_in=False) as c:
            token = base64.b64encode(c.context.step()).decode()
            answer = c.connection.ask(OPEN, token, method="POST", body=b"")
            answer.expect(405)
            c.send(OPEN, c.frame(b"x", b"h" * 60, b"x")).expect(401)


main()
