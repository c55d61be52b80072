#!/usr/bin/env python3
"""A WBEM and WS-Management server behind the gateway, asked by clients that
nobody here wrote.  The server is a stand-in made of what real ones said
(wbem_server.py, recorded/README)."""
import base64
import os
import socket
import threading

from sealing import Sealed  # the distribution's Python from here on
from soap import sealed
from wbem_server import WbemServer, exchanges

import gssapi
from harness import (SRC, Connection, Gate, at_end, expect, expect_equal, main,
                     run, scratch, test, tls_dir, wait_for, write)

MOF = r"""
#pragma namespace("\\\\.\\root\\cimv2")
class Lab_Fan { [key] string DeviceID; };
#pragma namespace("\\\\.\\root\\hardware")
class Lab_Lock { [key] string Name; };
"""
SECURITY = r"""
#pragma namespace("\\\\.\\root\\hardware")
[RequiresEncryption(%s)] instance of __SystemSecurity { };
"""
CANARY = b"swordfish"
CA = tls_dir() + "/ca.crt"
CIM, WSMAN = exchanges("cim-xml"), exchanges("ws-man")
server = WbemServer()
at_end(server.close)
gate = Gate(workers=1, mof=(MOF, SECURITY % "TRUE"), extra="".join(
    "[access/%s]\nallow = alice@NSGATE.TEST\n" % n
    for n in ("root", "root\\cimv2", "root\\hardware")) + """
[route/cim]
path     = /cimom
protocol = cim-xml
upstream = http://127.0.0.1:%d
channel  = local
[route/wsman]
path     = /wsman
protocol = wsman
upstream = http://127.0.0.1:%d
channel  = local
""" % (server.port, server.port))
ENV = dict(gate.realm.env,
           KRB5CCNAME="FILE:" + gate.realm.ccache("alice"))


def negotiate():
    """A fresh token of alice's."""
    os.environ.update(gate.realm.env)
    credentials = gssapi.Credentials(usage="initiate", store={
        "ccache": "FILE:" + gate.realm.ccache("alice")})
    context = gssapi.SecurityContext(
        name=gssapi.Name("HTTP@localhost",
                         gssapi.NameType.hostbased_service),
        creds=credentials, usage="initiate")
    return base64.b64encode(context.step()).decode()


class Relay:
    """Adds a ticket to what a client sends that knows Basic only; otherwise
    hands on what it gets, in both directions."""

    def __init__(self, listener):
        self.listener, self.answers = listener, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        at_end(self.socket.close)
        at_end(self.socket.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        with c, c.makefile("rb") as f, gate.connect(self.listener) as g:
            while True:
                head, length = b"", 0
                while not head.endswith(b"\r\n\r\n"):
                    line = f.readline()
                    if not line:
                        return
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    head += line
                token = "Authorization: Negotiate %s\r\n\r\n" % negotiate()
                g.send(head[:-2] + token.encode() + f.read(length))
                answer = g.receive()
                self.answers.append(answer)
                lines = ["HTTP/1.1 %d Said" % answer.status]
                lines += ["%s: %s" % h for h in answer.headers.items() if
                          h[0] not in ("content-length", "transfer-encoding")]
                lines.append("Content-Length: %d" % len(answer.body))
                c.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" +
                          answer.body)


relays = {name: Relay(name) for name in ("http", "https")}


def wbemcli(port, command, target, *more):
    """(status, output) without the port."""
    done = run("wbemcli", command, "http://localhost:%d/%s" % (port, target),
               *more, check=False, timeout=30)
    return done.returncode, (done.stdout + done.stderr).replace(
        ":%d/" % port, "/")


def headers_of(request, *without):
    return [f for f in request.fields if f[0].lower() not in without + (
        "host", "content-length", "connection", "user-agent", "accept")]


def curl(listener, target, one):
    """What curl is told for a recorded request: status and body."""
    directory = scratch()
    out = os.path.join(directory, "out")
    body = write(os.path.join(directory, "body"), one.request.body)
    command = ["curl", "-sS", "--negotiate", "-u", ":", "--cacert", CA, "-o",
               out, "-w", "%{http_code}", "--data-binary", "@" + body]
    for field in headers_of(one.request):
        command += ["-H", "%s: %s" % field]
    status = run(*command, gate.url(listener, target), env=ENV).stdout
    with open(out, "rb") as f:
        return int(status), f.read()


def recorded(one):
    """What a client has to get for it: a chunked answer was asked for hop by
    hop, and that request ends at the gateway."""
    one = CIM["enumerate-instances"] if one.name.endswith("chunked") else one
    return int(one.answer.line.split(" ")[1]), one.answer.body


def encrypted(value):
    gate.compile(SECURITY % value)
    wait_for(lambda: ("root\\hardware" in gate.ctl("namespaces").stdout),
             "the namespaces")


# -- the stand-in -------------------------------------------------------------

def direct(method="POST", target="/cimom", body=None, drop=(), **fields):
    """A recorded request, with changes, without the gateway."""
    one = (CIM["get-instance"] if target == "/cimom" else WSMAN["get"]).request
    told = {n: v for n, v in one.fields if n != "Content-Length"}
    told.update((n.replace("_", "-"), v) for n, v in fields.items())
    with Connection("127.0.0.1:%d" % server.port) as c:
        return c.ask(target, None, [f for f in told.items() if f[0] not in
                                    drop and f[0] != "Host"], method,
                     one.body if body is None else body)


CALL = CIM["get-instance"].request.body
SIMPLE = (
    (405, None, {"method": "PUT"}),
    (415, None, {"Content_Type": "text/plain"}),
    (400, "unsupported-operation", {"drop": ("CIMOperation",)}),
    (501, "unsupported-protocol-version", {"CIMProtocolVersion": "2.0"}),
    (400, "request-not-well-formed", {"body": CALL[:-5]}),
    (400, "request-not-valid", {"body": b"<CIM/>"}),
    (400, "header-mismatch", {"CIMMethod": "GetClass"}),
    (400, "header-mismatch", {"CIMObject": "root%2Fhardware"}),
    (415, None, {"target": "/wsman", "Content_Type": "text/xml"}),
    (400, None, {"target": "/wsman", "body": b"<x/>"}),
    (405, None, {"target": "/wsman", "method": "GET"}),
)


@test("the stand-in is strict, answers as recorded, and knows nothing else")
def _():
    for status, error, change in SIMPLE:
        answer = direct(**change).expect(status)
        expect_equal(answer.headers.get("cimerror"), error, str(change))
    for target, wanted in (("/cimom", CIM["get-instance"]),
                           ("/wsman", WSMAN["get"])):
        answer = direct(target=target)
        expect_equal((answer.status, answer.body), recorded(wanted), target)
    answer = direct(body=CALL.replace(b"fan0", b"fan7")).expect(200)
    expect(b'<ERROR CODE="7"/>' in answer.body, "an error", answer)
    answer = direct(target="/wsman", body=WSMAN["get"].request.body.replace(
        b"fan0", b"fan7")).expect(500)
    expect(b"a:ActionNotSupported" in answer.body, "a fault", answer)


# -- CIM-XML ------------------------------------------------------------------

FAN, RACK, LOCK = ('root/cimv2:Lab_Fan.DeviceID="fan0"',
                   'root/cimv2:Lab_Rack.Name="A"',
                   'root/hardware:Lab_Lock.Name="door"')
COMMANDS = (
    (("ei", "root/cimv2:Lab_Fan"), ["enumerate-instances"]),
    (("ein", "root/cimv2:Lab_Fan"), ["enumerate-instance-names"]),
    (("gi", FAN), ["get-instance"]),
    (("gi", FAN.replace("fan0", "fan9")), ["get-instance-not-found"]),
    (("ecn", "root/cimv2"), ["enumerate-class-names"]),
    (("gc", "root/cimv2:Lab_Fan"), ["get-class"]),
    (("ain", RACK), ["associator-names"]),
    (("ai", RACK), ["associators"]),
    (("rin", RACK), ["reference-names"]),
    (("ci", RACK.replace("A", "B"), 'Name="B",Units=12'),
     ["get-class-rack", "create-instance"]),
    (("di", RACK.replace("A", "B")), ["delete-instance"]),
    (("cm", FAN, "Reset"), ["get-class", "invoke-method-failed"]),
    (("ei", "root/hardware:Lab_Lock"), ["hardware-enumerate-instances"]),
    (("gi", LOCK), ["hardware-get-instance"]),
)


@test("wbemcli shows through the gateway what it shows without it, and every "
      "byte is the server's")
def _():
    relay = relays["https"]
    for command, names in COMMANDS:
        wanted = wbemcli(server.port, *command)
        before, answered = len(server.names), len(relay.answers)
        expect_equal(wbemcli(relay.port, *command), wanted, str(command))
        expect_equal(server.names[before:], names, "what the server had")
        for name, answer in zip(names, relay.answers[answered:]):
            expect_equal((answer.status, answer.body), recorded(CIM[name]),
                         name)
            expect_equal(answer.headers.get("cimoperation"),
                         "MethodResponse", "CIMOperation")
            expect_equal(answer.headers["content-type"],
                         CIM[name].answer.value("Content-Type"), "the type")


@test("the server is told who asks, and nothing that is for one hop only")
def _():
    wbemcli(relays["https"].port, "gi", FAN)
    seen = server.last()
    for name, value in (("X-Remote-User", ["alice@NSGATE.TEST"]),
                        ("X-Remote-Realm", ["NSGATE.TEST"]),
                        ("X-Nsgate-Level", ["PktPrivacy"]),
                        ("X-Forwarded-Proto", ["https"]),
                        ("Authorization", []), ("TE", []),
                        ("CIMOperation", ["MethodCall"]),
                        ("CIMMethod", ["GetInstance"]),
                        ("CIMProtocolVersion", ["1.0"])):
        expect_equal(seen.values(name), value, name)
    expect_equal(seen.body, CALL, "the body")


@test("curl gets each recorded answer, by https, and sealed by http")
def _():
    with Sealed(gate) as c:
        for name, one in CIM.items():
            if name == "invalid-namespace":
                continue
            expect_equal(curl("https", "/cimom", one), recorded(one), name)
            answer = c.get("/cimom", "POST", headers_of(one.request, "te"),
                           one.request.body)
            expect_equal((answer.status, answer.body), recorded(one),
                         name + ", sealed")


@test("an answer in chunks with a trailer is the same answer")
def _():
    one, before = CIM["enumerate-instances"], len(server.names)
    server.chunked = True
    try:
        expect_equal(curl("https", "/cimom", one), recorded(one), "the answer")
    finally:
        server.chunked = False
    expect_equal(server.names[before:], ["enumerate-instances-chunked"],
                 "what the server had")


# -- the gate -----------------------------------------------------------------

REFUSED = "Http Exception: HTTP response code said error"  # and no more


@test("an encrypted namespace is refused in clear, the server sees nothing of "
      "it, and wbemcli says why")
def _():
    before = len(server.seen)
    relay = relays["http"]
    status, out = wbemcli(relay.port, "gi", LOCK)
    print("# wbemcli: exit %d: %s" % (status, " ".join(out.split())))
    expect_equal(relay.answers[-1].expect(403).json["reason"],
                 "channel-not-private", "the reason")
    expect(status != 0 and REFUSED in out, "what wbemcli says", status, out)
    expect(CANARY.decode() not in out, "a leak", out)
    gate.wait_event(id=5605, namespace="root\\hardware",
                    reason="channel-not-private",
                    requestId=relay.answers[-1].json["requestId"])
    expect_equal(len(server.seen), before, "requests at the server")


@test("two namespaces of one route are decided one by one, on one connection")
def _():
    for listener, wanted in (("https", 200), ("http", 403)):
        with gate.connect(listener) as c:
            before = len(server.names)
            for _ in range(2):
                for name, status in (("get-instance", 200),
                                     ("hardware-get-instance", wanted)):
                    one = CIM[name].request
                    answer = c.ask("/cimom", negotiate(), headers_of(one),
                                   "POST", one.body).expect(status)
                    expect_equal(CANARY in answer.body, status == 200 and
                                 name.startswith("hardware"), "a leak")
            expect_equal(len(server.names) - before,
                         4 if wanted == 200 else 2, "requests at the server")


@test("header and body that disagree reach nobody")
def _():
    before = len(server.seen)
    one = CIM["hardware-get-instance"].request
    for name, value in (("CIMObject", "root%2Fcimv2"),
                        ("CIMMethod", "GetClass")):
        fields = [(n, value if n == name else v)
                  for n, v in headers_of(one)]
        answer = gate.ask("http", "/cimom", negotiate(), fields, "POST",
                          one.body).expect(400)
        expect_equal(answer.headers.get("cimerror"), "header-mismatch", name)
    expect_equal(len(server.seen), before, "requests at the server")


@test("a namespace that needs no encryption any more is open in clear")
def _():
    encrypted("FALSE")
    try:
        status, out = wbemcli(relays["http"].port, "gi", LOCK)
        expect_equal(status, 0, out)
        expect(CANARY.decode() in out, "no canary", out)
        expect_equal(curl("http", "/wsman", WSMAN["hardware-get"]),
                     recorded(WSMAN["hardware-get"]), "by WS-Management")
        expect_equal(server.last().values("X-Nsgate-Level"), ["Connect"],
                     "the level")
    finally:
        encrypted("TRUE")
    expect(wbemcli(relays["http"].port, "gi", LOCK)[0] != 0, "still open")


# -- WS-Management ------------------------------------------------------------

# Of a namespace that nobody may enter, and of one that is not said.
LOST = ("no-namespace", "get-default-namespace")


@test("WS-Management by curl, by pywinrm, and sealed as WinRM seals it, is "
      "what the server said")
def _():
    with Sealed(gate) as c:
        for name, one in WSMAN.items():
            if name in LOST:
                continue
            wanted = recorded(one)
            before = len(server.names)
            expect_equal(curl("https", "/wsman", one), wanted, name)
            answer = c.get("/wsman", "POST", headers_of(one.request),
                           one.request.body)
            expect_equal((answer.status, answer.body), wanted,
                         name + ", sealed")
            times = 2
            if name != "identify":  # which does not say whom it is for
                reply = sealed(c, one.request.body)
                expect_equal(reply.bytes, wanted[1], name + ", sealed alone")
                times = 3
            expect_equal(server.names[before:], [name] * times,
                         "what the server had")
            if wanted[0] == 200:
                done = run("/usr/bin/python3", os.path.join(
                    SRC, "tests/integration/clients/send_winrm.py"),
                    gate.url("https", "/wsman"), CA, env=ENV,
                    data=one.request.body.decode())
                expect_equal(done.stdout, wanted[1].decode(),
                             name + ", pywinrm")
    expect_equal(server.last().values("X-Remote-User"),
                 ["alice@NSGATE.TEST"], "who asks")


@test("in clear the encrypted namespace is a fault of the gateway's, and the "
      "server sees nothing of it")
def _():
    before = len(server.seen)
    for name in ("hardware-get", "hardware-enumerate", "hardware-pull"):
        status, body = curl("http", "/wsman", WSMAN[name])
        expect_equal(status, 500, name)
        expect(b"w:AccessDenied" in body and CANARY not in body, "the fault",
               body)
    expect_equal(len(server.seen), before, "requests at the server")
    expect_equal(curl("http", "/wsman", WSMAN["get"]),
                 recorded(WSMAN["get"]), "the other namespace")


@test("a namespace that is not there, or not said, is the gateway's to refuse")
def _():
    before = len(server.seen)
    for name, subcode in zip(LOST, (b"a:DestinationUnreachable",
                                    b"w:InvalidSelectors")):
        status, body = curl("https", "/wsman", WSMAN[name])
        expect_equal((status, subcode in body), (500, True), body)
    status, body = curl("https", "/cimom", CIM["invalid-namespace"])
    expect_equal(status, 404, body)
    expect_equal(len(server.seen), before, "requests at the server")


main()
