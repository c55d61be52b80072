#!/usr/bin/env python3
"""WS-Management at the gate: SOAP in clear, by TLS and sealed, with a real
KDC; who is let in where, and what a fault says."""
import base64
import hashlib
import os

from sealing import CANARY, FLAGS, KERBEROS, MECH_KRB5, Sealed
from soap import (ENUMERATE, ENUMERATION, EVENTING, GET, IDENTITY, PULL,
                  TRANSFER, TYPE, WMI, WSMAN, Reply, bare, envelope, identify,
                  message_id, plain, post, reply_of, sealed, selectors, utf16)

import gssapi  # of the interpreter that sealing.py chose
from harness import (OPEN, PROXY_CLEAR, PROXY_TLS, ROOT, SECRET, Connection,
                     Gate, expect, expect_equal, is_sanitized, main, read, test,
                     wait_for, write)

EXTRA = """
[listener/https-bound]
bind                    = 127.0.0.1:0
tls_certificate         = {tls}/tls.crt
tls_key                 = {tls}/tls.key
encrypted_needs_binding = yes

[listener/http-minimum]
bind          = 127.0.0.1:0
minimum_level = PktPrivacy

[listener/http-small]
bind            = 127.0.0.1:0
sealed_body_max = 4K
body_max        = 16K

[access/root\\Closed]
allow = alice@{realm}
"""
CLOSED_MOF = r"""
#pragma namespace("\\\\.\\root\\Closed")
class Closed_Thing { [key] string Name; };
"""
# Workers that are not root are confined: there XML has to be read as well.
gate = Gate(extra=EXTRA, user="nobody" if ROOT else None)
gate.compile(CLOSED_MOF)

OPEN_URI, SECRET_URI = (WMI + "root/Open/Open_Thing",
                        WMI + "root/Secret/Secret_Thing")


def get(resource, name, **options):
    return envelope(GET, resource, selectors(Name=name), **options)


GET_OPEN, GET_SECRET = get(OPEN_URI, "one"), get(SECRET_URI, "code")


def record_of(reply, **wanted):
    """The access record of the request, whose id is the answer's
    MessageID."""
    request = reply.text("s:Header/a:MessageID")
    request = request[len("uuid:"):].replace("-", "")
    record = wait_for(lambda: [r for r in gate.access()
                               if r["requestId"] == request],
                      "the access record of " + request)[0]
    expect_equal({k: record.get(k) for k in wanted}, wanted,
                 "the record %s" % record)
    return record


def bound_token(listener):
    """A token bound to the certificate of the listener, and the connection
    that showed it."""
    c = Connection(gate.listeners[listener], True)
    der = c.socket.getpeercert(True)
    data = b"tls-server-end-point:" + hashlib.sha256(der).digest()
    credentials = gssapi.Credentials(usage="initiate", store={
        "ccache": "FILE:" + gate.realm.ccache("alice")})
    context = gssapi.SecurityContext(
        name=gssapi.Name("HTTP@localhost",
                         gssapi.NameType.hostbased_service),
        creds=credentials, usage="initiate", flags=FLAGS,
        channel_bindings=gssapi.raw.ChannelBindings(application_data=data))
    return c, base64.b64encode(context.step()).decode()


# -- the gate -----------------------------------------------------------------

NOT_PRIVATE = ("http", (), "channel-not-private", "cleartext")


@test("an encrypted namespace is for what is private, whichever way it came")
def _():
    for listener, headers, reason, channel in (
            ("https", (), None, "tls"), NOT_PRIVATE, ("tools", (), None,
                                                      "local"),
            ("toolsock", (), None, "local"), ("mesh", (), None, "asserted"),
            ("proxy", PROXY_TLS, None, "proxy-tls"),
            ("proxy", PROXY_CLEAR, "channel-not-private", "proxy-cleartext"),
            ("https-bound", (), "not-bound", "tls")):
        for flags, declared in ((0x36, "PktPrivacy"), (0x26, "PktIntegrity")):
            token = lambda: gate.token(flags=flags)
            plain(gate, listener, GET_OPEN, headers=headers,
                  token=token()).good()
            reply = plain(gate, listener, GET_SECRET, headers=headers,
                          token=token())
            refusal = "context-not-private" if flags == 0x26 else reason
            if refusal is None:
                expect(CANARY in reply.good().bytes, "no canary", reply)
            else:
                expect(CANARY not in reply.bytes, "a leak", reply)
                reply.denied()
            record_of(reply, channel=channel, declaredLevel=declared,
                      reason=refusal or "allowed", action=GET,
                      namespace="root\\Secret", method="POST",
                      status=500 if refusal else 200)


@test("a refusal leaves event 5605, and its fault says what is missing")
def _():
    reply = plain(gate, "http", GET_SECRET).denied()
    expect("root\\Secret requires PktPrivacy; this request reached it at "
           "Connect" in reply.detail, "the detail", reply)
    record = record_of(reply, principal="alice@NSGATE.TEST")
    gate.wait_event(id=5605, requestId=record["requestId"],
                    namespace="root\\Secret", reason="channel-not-private")


@test("a token bound to TLS gets in where a binding is needed")
def _():
    c, token = bound_token("https-bound")
    with c:
        reply = reply_of(c.ask("/wsman", token, [("Content-Type", TYPE)],
                               "POST", GET_SECRET)).good()
    expect(CANARY in reply.bytes, "no canary", reply)
    record_of(reply, binding="bound", channel="tls")


@test("sealed, both namespaces are open; and so they are sealed and signed "
      "only by nobody")
def _():
    for options in ({}, {"iov": False}, {"mech": MECH_KRB5},
                    {"mech": MECH_KRB5, "protocol": KERBEROS,
                     "scheme": "Kerberos", "iov": False}):
        with Sealed(gate, **options) as c:
            sealed(c, GET_OPEN).good()
            reply = sealed(c, GET_SECRET).good()
            expect(CANARY in reply.bytes, "no canary", reply)
            record_of(reply, channel="sealed", effectiveLevel="PktPrivacy",
                      status=200, reason="allowed")
    with Sealed(gate) as c:
        c.send(c.post(GET_SECRET, "/wsman", conf=False,
                      kind="application/soap+xml"))
        answer = c.receive().expect(400)
        expect(CANARY not in answer.body, "a leak", answer)
        c.over()


@test("the whole way of pypsrp: 401, a sign-in, sealed messages, one "
      "connection")
def _():
    common = ("User-Agent: Python PSRP Client\r\nAccept-Encoding: gzip, "
              "deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n")
    with Sealed(gate, sign_in=False) as c:
        c.send("POST /wsman HTTP/1.1\r\nHost: localhost\r\n%s"
               "Content-Length: 0\r\n\r\n" % common)
        expect_equal(c.receive().expect(401).headers["www-authenticate"],
                     "Negotiate", "the challenge")
        c.sign_in("/wsman", [tuple(line.split(": ")) for line in
                             common.split("\r\n") if line])
        sealed(c, identify()).good()
        step = sealed(c, envelope(ENUMERATE, SECRET_URI,
                                  body="<n:Enumerate/>")).good()
        step = sealed(c, envelope(PULL, SECRET_URI, body="<n:Pull>"
                                  "<n:EnumerationContext>%s"
                                  "</n:EnumerationContext></n:Pull>"
                                  % step.text("s:Body/*/n:EnumerationContext")
                                  )).good()
        expect(CANARY in step.bytes, "no canary", step)
        sealed(c, envelope(TRANSFER + "/Create", SHELL, body="<x/>")).fault(
            "a:DestinationUnreachable", 2150858811)
        sealed(c, GET_SECRET).good()


@test("what a context does not declare no sealing makes up for, and the "
      "refusal is sealed too")
def _():
    with Sealed(gate, flags=FLAGS & ~0x10, no_ci=True) as c:
        sealed(c, GET_OPEN).good()
        reply = sealed(c, GET_SECRET).denied()
        record_of(reply, reason="context-not-private", status=500)
        sealed(c, GET_OPEN).good()  # and the context is none the worse


@test("a whole HTTP message may be sealed as well")
def _():
    def asked(c, xml, kind=TYPE, target="/wsman"):
        return c.get(target, "POST", [("Content-Type", kind)], xml)
    with Sealed(gate) as c:
        reply = reply_of(asked(c, GET_SECRET)).good()
        expect(CANARY in reply.bytes, "no canary", reply)
        reply_of(asked(c, get(OPEN_URI, "no such"))).fault(
            "a:DestinationUnreachable", 2150858752)
        answer = asked(c, utf16(GET_SECRET),
                       "application/soap+xml;charset=UTF-16")
        reply_of(answer, "UTF-16").good()
        asked(c, GET_OPEN, "text/xml").expect(415)


@test("of an envelope that is sealed alone nothing outside counts")
def _():
    with Sealed(gate) as c:
        for target in ("/wsman?PSVersion=5.1", "/", OPEN, SECRET, "/cim/no",
                       "/wsman/x"):
            reply = sealed(c, GET_SECRET, target=target).good()
            expect(CANARY in reply.bytes, "no canary", reply)
        c.send(c.post(GET_SECRET, "/wsman", kind="application/soap+xml",
                      headers=[("Prefer", "respond-async"), ("If-Match", "x"),
                               ("SOAPAction", ENUMERATE)]))
        expect(CANARY in c.open(c.receive().expect(200),
                                kind="application/soap+xml"), "no canary")


@test("nobody, a wrong token, another realm's rules: 401 or a denial")
def _():
    for token in (None, "YII=", "TlRMTVNTUAABAAAA"):
        answer = gate.ask("https", "/wsman", token, [("Content-Type", TYPE)],
                          "POST", GET_SECRET)
        answer.expect(401)
        expect_equal(answer.headers["www-authenticate"], "Negotiate", "401")
    closed = get(WMI + "root/Closed/Closed_Thing", "x")
    plain(gate, "https", closed, token=gate.token(user="bob")).denied()
    plain(gate, "https", closed).fault("a:DestinationUnreachable", 2150858752)
    reply = plain(gate, "http-minimum", GET_OPEN).denied()
    record_of(reply, reason="below-minimum-level")
    plain(gate, "https", get(WMI + "root/Nope/X", "x")).fault(
        "a:DestinationUnreachable", 2150858811, "no namespace")


@test("curl by https and http")
def _():
    path = write(gate.path("secret.xml"), GET_SECRET)
    def curl(listener):
        return reply_of(gate.curl(listener, "/wsman", "-H", "Content-Type: "
                                  + TYPE, "--data-binary", "@" + path))
    expect(CANARY in curl("https").good().bytes, "no canary")
    curl("http").denied()


# -- requests that are none ----------------------------------------------------

@test("only POST, and only SOAP 1.2")
def _():
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = gate.ask("https", "/wsman", gate.token(), method=method)
        answer.expect(405)
        expect_equal(answer.headers["allow"], "POST", method)
    for kind in ("text/xml", "application/json", "text/plain",
                 "application/soap+xml;charset=ISO-8859-1",
                 "application/soap+xml;charset=UTF-8;charset=UTF-16",
                 "application/soap+xml;charset",
                 "application/soap+xml;action=\"a\";action=\"b\"",
                 "application/soap+xmlx", "multipart/encrypted"):
        answer = post(gate, "https", GET_OPEN, kind=kind)
        answer.expect(415)
        expect_equal(answer.json["type"],
                     "urn:nsgate:problem:unsupported-media-type", kind)
    for path in ("/wsman/", "/wsman/x", "/Wsman", "/wsman-anon/identify"):
        post(gate, "https", GET_OPEN, path=path).expect(404)


@test("who asks is known before the body is read")
def _():
    with gate.connect("https") as c:
        c.send("POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s"
               "\r\nContent-Length: 1000\r\n\r\n" % TYPE)
        c.receive().expect(401)
        expect(c.ended(), "the connection goes on")
    with gate.connect("https") as c:
        c.send("POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
               "text/xml\r\nAuthorization: Negotiate %s\r\n"
               "Content-Length: 1000\r\n\r\n" % gate.token())
        c.receive().expect(415)
    with gate.connect("https") as c:
        c.send("POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s"
               "\r\nAuthorization: Negotiate %s\r\nExpect: 100-continue\r\n"
               "Content-Length: %d\r\n\r\n" % (TYPE, gate.token(),
                                              len(GET_OPEN)))
        c.receive().expect(100)
        c.send(GET_OPEN)
        reply_of(c.receive()).good()


@test("what HTTP says has to be what the envelope says")
def _():
    def asked(kind, xml):
        return Reply(post(gate, "https", xml, kind=kind))
    soap = "application/soap+xml"
    for kind in (soap, soap + ";charset=utf-8", soap + "; charset=\"UTF-8\"",
                 soap + ";action=\"%s\"" % GET, TYPE + ";x=y",
                 soap.upper() + ";action=" + GET):
        asked(kind, GET_OPEN).good()
    for kind, xml in ((TYPE, utf16(GET_OPEN)),
                      (soap + ";charset=UTF-16", GET_OPEN)):
        asked(kind, xml).fault("w:SchemaValidationError", 2150858817,
                               "the charset is not the document's")
    asked(soap + ";action=\"%s\"" % ENUMERATE, GET_SECRET).fault(
        "a:InvalidMessageInformationHeader", 2150858767, "action")
    with Sealed(gate) as c:
        sealed(c, utf16(GET_OPEN), told="UTF-8", answered="UTF-16").fault(
            "w:SchemaValidationError", 2150858817)
        sealed(c, GET_OPEN, told="UTF-16", answered="UTF-8").fault(
            "w:SchemaValidationError", 2150858817)


@test("UTF-16 is answered by UTF-16, in clear and sealed, faults too")
def _():
    lost = get(OPEN_URI, "\u00e9\U0001f511")
    for xml, good in ((GET_OPEN, True), (GET_SECRET, True), (lost, False)):
        replies = [plain(gate, "https", utf16(xml), "UTF-16")]
        with Sealed(gate) as c:
            replies.append(sealed(c, utf16(xml), "UTF-16"))
        for reply in replies:
            expect_equal(reply.bytes[:2], b"\xff\xfe", "the mark")
            if good:
                reply.good()
            else:
                reply.fault("a:DestinationUnreachable", 2150858752)
    big = b"\xfe\xff" + GET_OPEN.decode().encode("utf-16-be")
    plain(gate, "https", big, "UTF-16").good()


@test("workers are confined while they read XML")
def _():
    for pid in gate.workers():
        status = dict(line.split(":\t", 1) for line in read(
            "/proc/%d/status" % pid).split("\n") if ":\t" in line)
        expect_equal((status["Seccomp"], status["NoNewPrivs"]),
                     ("0" if is_sanitized() else "2", "1"),
                     "worker %d" % pid)


# -- Identify -------------------------------------------------------------------

@test("Identify tells the protocol and the product, and no namespace")
def _():
    with Sealed(gate) as c:
        for reply in (plain(gate, "https", identify()).good(),
                      plain(gate, "http", identify()).good(),
                      sealed(c, identify()).good()):
            said = {e.tag: e.text for e in reply.body[0]}
            expect_equal(said["{%s}ProtocolVersion" % IDENTITY], WSMAN,
                         "the protocol")
            expect_equal(said["{%s}ProductVendor" % IDENTITY], "nsgate",
                         "the vendor")
            expect(b"root" not in reply.bytes, "a namespace", reply)
    plain(gate, "http-minimum", identify()).denied()
    gate.ask("https", "/wsman", None, [("Content-Type", TYPE), (
        "WSMANIDENTIFY", "unauthenticated")], "POST",
             identify()).expect(401)


@test("a route of that path has it")
def _():
    behind = Gate(listeners="""
[listener/http]
bind = 127.0.0.1:0
""", extra="""
[access/root\\Open]
allow = alice@{realm}

[route/winrm]
path      = /wsman
namespace = root\\Open
upstream  = http://127.0.0.1:9
channel   = local
""")
    answer = post(behind, "http", GET_SECRET)
    answer.expect(502)  # nobody is there
    with Sealed(behind) as c:
        expect(CANARY in sealed(c, GET_SECRET).good().bytes, "no canary")


# -- faults ---------------------------------------------------------------------

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
SCHEMA = ("w:SchemaValidationError", 2150858817)
ACTION = ("a:ActionNotSupported", 2150858771)
HEADER = ("a:InvalidMessageInformationHeader", 2150858767)
NO_RESOURCE = ("a:DestinationUnreachable", 2150858811)
LIMIT = ("w:EncodingLimit", 2150858805)


def deep(count):
    return "<x>" * count + "</x>" * count


FAULTS = (
    ("no XML", b"hello", SCHEMA),
    ("nothing", b"", SCHEMA),
    ("cut", GET_OPEN[:-10], SCHEMA),
    ("another document", b"<x/>", SCHEMA),
    ("SOAP 1.1", b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/"
     b"envelope/'><s:Body/></s:Envelope>", (None, 2150858817)),
    ("a DTD", b"<!DOCTYPE x [<!ENTITY e 'x'>]>" + GET_OPEN, SCHEMA),
    ("a DTD from elsewhere", b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"
     + GET_OPEN, SCHEMA),
    ("an entity", get(OPEN_URI, "one").replace(b">one<", b">&e;<"), SCHEMA),
    ("an instruction", b"<?xml-stylesheet href='x'?>" + GET_OPEN, SCHEMA),
    ("another encoding", b"<?xml version='1.0' encoding='UTF-7'?>"
     + GET_OPEN, SCHEMA),
    ("no UTF-8", GET_OPEN.replace(b"one", b"\xff"), SCHEMA),
    ("too deep", envelope(GET, OPEN_URI, headers="<b:x>%s</b:x>" % deep(99)),
     LIMIT),
    ("too many elements", envelope(GET, OPEN_URI, headers="<b:x>%s</b:x>"
                                   % ("<x/>" * 40000)), LIMIT),
    ("a header that must be understood",
     envelope(GET, OPEN_URI, "<b:x s:mustUnderstand='1'/>"),
     (None, 2150858768)),
    ("a role", envelope(GET, OPEN_URI, "<b:x s:role='urn:x'/>"), HEADER),
    ("no Action", envelope(None, OPEN_URI,
                           "<a:MessageID>uuid:1</a:MessageID>"),
     ("a:MessageInformationHeaderRequired", 2150858769)),
    ("no MessageID", bare("<a:Action>%s</a:Action><w:ResourceURI>%s"
                          "</w:ResourceURI>" % (GET, OPEN_URI), ""),
     ("a:MessageInformationHeaderRequired", 2150858769)),
    ("no ResourceURI", envelope(GET, None), NO_RESOURCE),
    ("two Actions", envelope(GET, OPEN_URI, "<a:Action>%s</a:Action>"
                             % ENUMERATE), HEADER),
    ("two ResourceURIs", envelope(GET, OPEN_URI, "<w:ResourceURI>%s"
                                  "</w:ResourceURI>" % SECRET_URI), HEADER),
    ("an answer to somebody else", envelope(
        GET, OPEN_URI, "<a:FaultTo><a:Address>http://x.test/</a:Address>"
        "</a:FaultTo>"), ("w:UnsupportedFeature", 2150858818)),
    ("a shell", envelope(TRANSFER + "/Create", SHELL), NO_RESOURCE),
    ("a malformed namespace", get(WMI + "root/../Secret/X", "x"),
     NO_RESOURCE),
    ("an encoded namespace", get(WMI + "root%2fSecret/X", "x"), NO_RESOURCE),
    ("two namespaces", envelope(GET, OPEN_URI, selectors(
        Name="one", __cimnamespace="root/Secret")),
     ("w:InvalidSelectors", 2150858813)),
    ("an unknown action", envelope("urn:x:y", OPEN_URI), ACTION),
    ("Put", envelope(TRANSFER + "/Put", OPEN_URI, selectors(Name="one"),
                     "<x/>"), ACTION),
    ("Create", envelope(TRANSFER + "/Create", OPEN_URI, body="<x/>"), ACTION),
    ("Delete", envelope(TRANSFER + "/Delete", OPEN_URI,
                        selectors(Name="one")), ACTION),
    ("a method", envelope(OPEN_URI + "/Run", OPEN_URI, selectors(Name="one"),
                          "<x/>"), ACTION),
    ("Subscribe", envelope(EVENTING + "/Subscribe", OPEN_URI, body="<x/>"),
     ACTION),
    ("Renew", envelope(ENUMERATION + "/Renew", OPEN_URI, body="<x/>"),
     ACTION),
)


@test("each fault has its code, relates to its request and closes nothing")
def _():
    with Sealed(gate) as c:
        for what, xml, (subcode, code) in FAULTS:
            for reply in (plain(gate, "https", xml), sealed(c, xml)):
                expect_equal((what, reply.answer.status, reply.subcode,
                              reply.code), (what, 500, subcode, code),
                             str(reply))
                expect(CANARY not in reply.bytes, "a leak", what)
        sealed(c, GET_SECRET).good()


@test("a fault relates to the message that it answers")
def _():
    one = message_id()
    for xml in (envelope("urn:x:y", OPEN_URI, identity=one),
                get(WMI + "root/Nope/X", "x", identity=one),
                get(SECRET_URI, "x", identity=one)):
        expect_equal(plain(gate, "http", xml).relates_to, one, "RelatesTo")


@test("an action that is not there is told only to who may come in")
def _():
    put = envelope(TRANSFER + "/Put", SECRET_URI, selectors(Name="code"),
                   "<x/>")
    plain(gate, "http", put).denied()
    for xml in (put, envelope(ENUMERATION + "/Renew", SECRET_URI)):
        record_of(plain(gate, "https", xml).fault(*ACTION),
                  reason="action-not-supported", status=500)
    plain(gate, "https", envelope(TRANSFER + "/Delete", WMI + "root/Closed/X"),
          token=gate.token(user="bob")).denied()


@test("what is malformed leaves an event and no more")
def _():
    # As nobody else: what repeats is counted in one row.
    reply = plain(gate, "mesh", b"<x/>", token=gate.token(user="bob"))
    record = record_of(reply, reason="malformed", status=500,
                       principal="bob@NSGATE.TEST")
    expect_equal(record.get("namespace"), None, "a namespace")
    gate.wait_event(requestId=record["requestId"], reason="malformed",
                    detail="the document is not a SOAP envelope")


@test("without a policy nobody is let in, and the fault says to try later")
def _():
    closed = Gate(listeners="""
[listener/http]
bind = 127.0.0.1:0
""")
    plain(closed, "http", GET_OPEN).good()
    os.rename(closed.path("state/repository.db"), closed.path("away"))
    later = ("a:EndpointUnavailable", 2150858772)
    wait_for(lambda: plain(closed, "http", GET_OPEN).subcode == later[0],
             "the fault")
    with Sealed(closed) as c:
        for xml in (GET_OPEN, GET_SECRET, identify(), envelope(
                TRANSFER + "/Put", OPEN_URI, body="<x/>")):
            plain(closed, "http", xml).fault(*later)
            sealed(c, xml).fault(*later)


@test("too large: 413 before it is read, a fault when it is sealed")
def _():
    large = envelope(GET, OPEN_URI, headers="<b:x>%s</b:x>" % ("y" * 20000))
    post(gate, "http-small", large).expect(413)
    with Sealed(gate, "http-small") as c:
        c.send(c.post(large, "/wsman", kind="application/soap+xml"))
        c.receive().expect(413)


main()
