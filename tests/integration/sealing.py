"""Message encryption (MS-WSMV 2.2.9.1) as its clients do it: the system's
GSS for Python, raw sockets, nothing of ours.

The token comes apart as pypsrp has it from gss_wrap_iov (header, data,
padding) or as OMI has it from gss_wrap; both are the same on the wire.
"""
import base64
import os
import struct

from distribution import gssapi
from gssapi.raw import (IOV, IOVBufferType, set_cred_option, unwrap, wrap,
                        wrap_iov)

from harness import (OPEN, SECRET, Answer, Connection, expect, expect_equal,
                     header_dict)

SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"
MECH_SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
MECH_KRB5 = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
# Without it MIT sets CONF and INTEG whatever was asked for.
NO_CI = gssapi.OID.from_int_seq("1.2.752.43.13.29")
# As pypsrp asks for them: MUTUAL, REPLAY, SEQUENCE, CONF, INTEG.
FLAGS = 0x3e
BOUNDARY = b"--Encrypted Boundary"
CANARY = b"swordfish"  # harness.SECRET_MOF
HEADER_BYTES = 60  # of a token with AES and SHA-1 (RFC 4121 4.2.4)


def content_type(protocol):
    return ('multipart/encrypted;protocol="%s";boundary="Encrypted Boundary"'
            % protocol)


def message(method, target, headers=(), body=None, host="localhost",
            length=True):
    """A whole request, as it stands inside (RFC 9112 10.2)."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host]
    lines += ["%s: %s" % h for h in headers]
    if body is not None and length:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def frame(token, length, protocol=SPNEGO, tab="\t", end=b"--\r\n",
          kind="application/http", header=HEADER_BYTES, charset="UTF-8"):
    """The multipart around a token."""
    return b"".join([
        BOUNDARY, b"\r\n",
        ("%sContent-Type: %s\r\n" % (tab, protocol)).encode(),
        ("%sOriginalContent: type=%s;charset=%s;Length=%s\r\n"
         % (tab, kind, charset, length)).encode(),
        BOUNDARY, b"\r\n",
        ("%sContent-Type: application/octet-stream\r\n" % tab).encode(),
        struct.pack("<I", header), token, BOUNDARY, end])


def outer(target, body, protocol=SPNEGO, method="POST", headers=(),
          length=True):
    """The request that is seen on the wire."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: localhost",
             "Content-Type: " + content_type(protocol)]
    lines += ["%s: %s" % h for h in headers]
    if length:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def take_apart(body, protocol, kind="application/http", charset="UTF-8"):
    """(plaintext's length, token) of a multipart, by structure."""
    head = BOUNDARY + ("\r\n\tContent-Type: %s\r\n\tOriginalContent: "
                       "type=%s;charset=%s;Length="
                       % (protocol, kind, charset)).encode()
    expect(body.startswith(head), "the first part", body[:300])
    length, _, rest = body[len(head):].partition(b"\r\n")
    head = BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
    expect(rest.startswith(head), "the second part", rest[:300])
    rest, tail = rest[len(head):], BOUNDARY + b"--\r\n"
    expect(rest.endswith(tail), "the closing delimiter", rest[-100:])
    expect_equal(struct.unpack("<I", rest[:4])[0], HEADER_BYTES, "N")
    return int(length), rest[4:-len(tail)]


def parse_inner(plain, method="GET"):
    """The response that was sealed, as strictly as we can."""
    head, mark, body = plain.partition(b"\r\n\r\n")
    expect(mark and head.startswith(b"HTTP/1.1 "), "no response inside",
           plain[:300])
    lines = head.decode("latin-1").split("\r\n")
    headers = header_dict(lines[1:])
    expect("\n" not in head.decode("latin-1").replace("\r\n", ""),
           "a line ends with LF alone", head)
    if method != "HEAD":
        expect_equal(int(headers.get("content-length", 0)), len(body),
                     "Content-Length inside")
    return Answer(int(lines[0].split(" ")[1]), headers, body)


class Sealed(Connection):
    """A connection on which messages are sealed; signed in unless told
    otherwise."""

    def __init__(self, gate, listener="http", user="alice", flags=FLAGS,
                 mech=MECH_SPNEGO, no_ci=False, scheme="Negotiate",
                 protocol=SPNEGO, iov=True, ccache=None, address=None,
                 sign_in=True):
        super().__init__(address or gate.listeners[listener],
                         address is None and listener.startswith("https"))
        os.environ.update(gate.realm.env)
        self.ccache = ccache or gate.realm.ccache(user)
        self.protocol, self.scheme, self.iov = protocol, scheme, iov
        self.flags, self.mech, self.no_ci = flags, mech, no_ci
        self.context = None
        if sign_in:
            self.sign_in()

    # -- sign-in

    def token(self):
        """A fresh context's first token in base64."""
        credentials = gssapi.Credentials(
            usage="initiate", store={"ccache": "FILE:" + self.ccache})
        if self.no_ci:
            set_cred_option(NO_CI, credentials)
        self.context = gssapi.SecurityContext(
            name=gssapi.Name("HTTP@localhost",
                             gssapi.NameType.hostbased_service),
            creds=credentials, usage="initiate", mech=self.mech,
            flags=self.flags)
        return base64.b64encode(self.context.step()).decode()

    def send_sign_in(self, path="/wsman", headers=()):
        lines = ["POST %s HTTP/1.1" % path, "Host: localhost",
                 "Authorization: %s %s" % (self.scheme, self.token()),
                 "Content-Length: 0"] + ["%s: %s" % h for h in headers]
        self.send("\r\n".join(lines) + "\r\n\r\n")
        return self.receive()

    def sign_in(self, path="/wsman", headers=()):
        """An empty POST with a token."""
        answer = self.send_sign_in(path, headers).expect(200)
        expect_equal(answer.body, b"", "the body of a sign-in's answer")
        scheme, _, reply = answer.headers["www-authenticate"].partition(" ")
        expect_equal(scheme, self.scheme, "the scheme of the answer")
        self.context.step(base64.b64decode(reply))
        expect(self.context.complete, "the sign-in is not complete")

    # -- one message

    def seal(self, plain, conf=True):
        """The token of RFC 4121 4.2.4: header, then data."""
        if not self.iov:
            return wrap(self.context, plain, confidential=conf).message
        parts = IOV(IOVBufferType.header, plain, IOVBufferType.padding,
                    std_layout=False)
        told = wrap_iov(self.context, parts, confidential=conf)
        expect_equal(bool(told), conf, "what gss_wrap_iov says")
        return b"".join(p.value or b"" for p in parts)

    def post(self, plain, target=SECRET, headers=(), method="POST",
             conf=True, token=None, **framing):
        """The bytes of a request whose body is plain, sealed."""
        framing.setdefault("length", len(plain))
        framing.setdefault("protocol", self.protocol)
        if token is None:
            token = self.seal(plain, conf)
        return outer(target, frame(token, **framing), self.protocol, method,
                     headers)

    def sealed_body(self, plain):
        return frame(self.seal(plain), len(plain), self.protocol)

    def bytes_for(self, target, method="GET", headers=(), body=None):
        return self.post(message(method, target, headers, body), target)

    def get(self, target, method="GET", headers=(), body=None, **framing):
        """One sealed request: what was sealed in its answer."""
        self.send(self.post(message(method, target, headers, body), target,
                            **framing))
        answer = self.opened(method)
        expect(answer.sealed, "an answer in clear", answer)
        return answer

    # -- answers

    def opened(self, method="GET"):
        """The next answer; what was sealed, if it was."""
        answer = self.receive()
        answer.sealed = False
        if not answer.headers.get("content-type", "").startswith(
                "multipart/"):
            return answer
        answer.expect(200)
        inner = parse_inner(self.open(answer), method)
        inner.sealed, inner.outer = True, answer
        return inner

    def open(self, answer, **framing):
        """What was sealed in an answer."""
        expect_equal(answer.headers["content-type"],
                     content_type(self.protocol), "the type of %s" % answer)
        expect(CANARY not in answer.body, "in clear", answer.body)
        length, token = take_apart(answer.body, self.protocol, **framing)
        told = unwrap(self.context, token)
        expect(told.encrypted, "the answer is not encrypted")
        expect_equal(len(told.message), length, "Length")
        return told.message

    def over(self):
        """The context is gone: a good message finds nobody."""
        self.send(self.bytes_for(OPEN))
        answer = self.opened().expect(401)
        expect_equal(answer.headers["www-authenticate"], "Negotiate",
                     "the challenge")
        expect_equal(answer.json["type"],
                     "urn:nsgate:problem:unauthenticated", "the problem")
