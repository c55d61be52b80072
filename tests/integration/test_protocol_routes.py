#!/usr/bin/env python3
"""Routes whose requests say which namespace they are about: CIM-XML and
WS-Management, forwarded to a server that counts what it gets."""
import re

from sealing import Sealed
from soap import (CIM, ENUMERATE, EVENTING, GET, PULL, TYPE, WMI, Reply,
                  envelope, identify, reply_of, selectors, utf16)

from harness import (PROXY_TLS, Gate, at_end, expect, expect_equal, main,
                     program, read, run, test, wait_for, write)
from upstream import Upstream

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
#pragma namespace("\\\\.\\root\\Hidden")
class Hidden_Thing { [key] string Name; };
[RequiresEncryption(TRUE)]
instance of __SystemSecurity { };
#pragma namespace("\\\\.\\root\\Unlisted")
class Unlisted_Thing { [key] string Name; };
"""


class Server(Upstream):
    """Answers an envelope to whoever sent one, as a WS-Man server does."""

    reply = (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
             b"<s:Header/><s:Body><x>the server's</x></s:Body></s:Envelope>")

    def answer(self, c, seen, body, status="200 OK", fields=()):
        kind = (seen.values("Content-Type") or [""])[0]
        if not kind.startswith("application/soap+xml"):
            return super().answer(c, seen, body, status, fields)
        return super().answer(c, seen, self.reply, status, [
            ("Content-Type", TYPE), *fields])

    def _html(self, c, seen, _f):
        return super().answer(c, seen, b"<html/>", "404 Not Found",
                              [("Content-Type", "text/html")])


server = Server()
at_end(server.close)
HTTP = "http://127.0.0.1:%d" % server.port
ROUTES = """
[access/root]
allow = alice@NSGATE.TEST
[access/root\\Plain]
allow = alice@NSGATE.TEST
[access/root\\Hidden]
allow = alice@NSGATE.TEST
[access/root\\Absent]
allow = alice@NSGATE.TEST
"""
for name, protocol, more in (
        ("cimom", "cim-xml", "channel = local"),
        ("cimom-open", "cim-xml", ""),
        ("cimom-small", "cim-xml", "channel = local\nbody_max = 1K"),
        ("wsman", "wsman", "channel = local"),
        ("wsman-open", "wsman", ""),
        ("html", "wsman", "channel = local")):
    ROUTES += ("[route/%s]\npath = /%s\nprotocol = %s\nupstream = %s\n%s\n"
               % (name, name, protocol, HTTP, more))
gate = Gate(extra=ROUTES, mof=(MOF,), workers=1)


def counted(function):
    """What function returns, and how many requests the server got."""
    before = len(server.seen)
    result = function()
    return result, len(server.seen) - before


# -- CIM-XML ---------------------------------------------------------------------

def namespace_path(namespace):
    return "<LOCALNAMESPACEPATH>%s</LOCALNAMESPACEPATH>" % "".join(
        '<NAMESPACE NAME="%s"/>' % n for n in namespace.split("/"))


def call(method, namespace, inside=""):
    return message_of('<IMETHODCALL NAME="%s">%s%s</IMETHODCALL>'
                      % (method, namespace_path(namespace), inside))


def message_of(request):
    return ('<?xml version="1.0" encoding="utf-8" ?>\n<CIM CIMVERSION="2.0" '
            'DTDVERSION="2.0"><MESSAGE ID="1" PROTOCOLVERSION="1.0">'
            "<SIMPLEREQ>%s</SIMPLEREQ></MESSAGE></CIM>" % request).encode()


def cim_headers(method, target, kind='application/xml; charset="utf-8"'):
    return [("Content-Type", kind), ("CIMOperation", "MethodCall"),
            ("CIMMethod", method), ("CIMObject", target)]


def cim(namespace, listener="https", path="/cimom", method="GetClass",
        target=None, body=None, headers=None, user="alice"):
    return gate.ask(listener, path, gate.token(user=user),
                    cim_headers(method, target or namespace)
                    if headers is None else headers, "POST",
                    call(method, namespace) if body is None else body)


def refused(answer, status, error):
    expect_equal(answer.expect(status).headers.get("cimerror"), error,
                 "CIMError of %s" % answer)
    return answer


def record_of(answer, **wanted):
    identity = answer.headers["nsgate-request-id"]
    record = wait_for(lambda: [r for r in gate.access()
                               if r["requestId"] == identity],
                      "the access record of " + identity)[0]
    expect_equal({k: record.get(k) for k in wanted}, wanted, "the record")
    return record


@test("a CIM-XML request goes on as it came, with the object in one spelling")
def _():
    body = call("GetClass", "Root/plain", '<IPARAMVALUE NAME="ClassName">'
                '<CLASSNAME NAME="Plain_Thing"/></IPARAMVALUE>')
    for listener in ("https", "http"):
        a, sent = counted(lambda: cim("root/Plain", listener,
                                      target="ROOT%2fPl%61in", body=body))
        expect_equal((a.expect(200).status, sent), (200, 1), "requests")
        seen = server.last()
        expect_equal(seen.body, body, "the body")
        expect_equal(seen.target, "/cimom", "the target")
        for header, value in (("CIMObject", "root/plain"),
                              ("CIMMethod", "GetClass"),
                              ("CIMOperation", "MethodCall"),
                              ("X-Remote-User", "alice@NSGATE.TEST")):
            expect_equal(seen.values(header), [value], header)
        record_of(a, route="cimom", namespace="root\\Plain", reason="allowed",
                  action="GetClass")


@test("an encrypted namespace is for what is private, and the server sees none "
      "of the rest")
def _():
    a, sent = counted(lambda: cim("root/Hidden"))
    expect_equal((a.status, sent), (200, 1), "by https")
    a, sent = counted(lambda: cim("root/hidden", "http"))
    a.expect(403, "channel-not-private")
    expect_equal(sent, 0, "requests in clear")
    expect_equal(a.json["namespace"], "root\\Hidden", "the namespace")
    gate.wait_event(id=5605, requestId=a.json["requestId"],
                    namespace="root\\Hidden")
    record_of(a, route="cimom", namespace="root\\Hidden", status=403)
    a, sent = counted(lambda: cim("root/Hidden", path="/cimom-open"))
    a.expect(403, "upstream-not-private")
    expect_equal(sent, 0, "requests over an open hop")
    a, sent = counted(lambda: cim("root/Plain", path="/cimom-open"))
    expect_equal((a.status, sent), (200, 1), "what may go in clear")


@test("nobody, who is not listed, and what is not known reach nothing")
def _():
    def all_of_them():
        gate.ask("https", "/cimom", None, cim_headers("GetClass", "root"),
                 "POST", b"<not read").expect(401)
        cim("root/Plain", user="bob").expect(403, "not-listed")
        cim("root/Unlisted").expect(403, "not-listed")
        expect_equal(cim("root/Absent").expect(404).json["symbol"],
                     "WBEM_E_INVALID_NAMESPACE", "the symbol")
        refused(cim("interop"), 400, "request-not-valid")
    expect_equal(counted(all_of_them)[1], 0, "requests")


@test("header and body that disagree, or leave something open, are refused")
def _():
    good = call("GetClass", "root/Plain")
    with_two = good.replace(b"</LOCALNAMESPACEPATH>",
                            b"</LOCALNAMESPACEPATH>" +
                            namespace_path("root/Hidden").encode())
    usual = cim_headers("GetClass", "root/Plain")

    def all_of_them():
        for target, body, error in (
                ("root/Plain", call("GetClass", "root/Hidden"),
                 "header-mismatch"),
                ("root/Hidden", good, "header-mismatch"),
                ("root/Plain:Plain_Thing", good, "header-mismatch"),
                ("root/Plain", call("EnumerateClasses", "root/Plain"),
                 "header-mismatch"),
                ("root%252fPlain", good, "request-not-valid"),
                ("root/Plain", with_two, "request-not-valid"),
                ("root/Plain", b"<CIM>", "request-not-well-formed"),
                ("root/Plain", good.replace(b"utf-8", b"utf-16"),
                 "request-not-well-formed"),
                ("root/Plain", b'<!DOCTYPE CIM [<!ENTITY x SYSTEM "file:///'
                 b'etc/passwd">]>' + good, "request-not-well-formed")):
            refused(cim("root/Plain", target=target, body=body), 400, error)
        for headers, status, error in (
                (usual[:3], 400, "header-mismatch"),
                (usual + [("CIMObject", "root/Hidden")], 400,
                 "header-mismatch"),
                (usual + [("cimmethod", "GetClass")], 400, "header-mismatch"),
                (usual[:1] + usual[2:], 400, "unsupported-operation"),
                (usual + [("CIMProtocolVersion", "2.0")], 501,
                 "unsupported-protocol-version"),
                (usual + [("CIMBatch", "")], 501,
                 "multiple-requests-unsupported"),
                (usual + [("Man", "http://www.dmtf.org/cim/mapping/http/v1.0;"
                           "ns=73"), ("73-CIMObject", "root/Hidden")], 501,
                 "unsupported-operation"),
                (usual + [("Connection", "close, CIMObject")], 400, None),
                (usual[1:], 415, None),
                (usual + [("Content-Encoding", "gzip")], 415, None)):
            refused(cim("root/Plain", headers=headers), status, error)
        refused(cim("root/Plain", body=message_of("").replace(
            b"SIMPLEREQ", b"MULTIREQ")), 501, "multiple-requests-unsupported")
        for method in ("GET", "PUT", "OPTIONS"):
            a = gate.ask("https", "/cimom", gate.token(), usual, method,
                         None if method != "PUT" else good)
            expect_equal(a.expect(405).headers["allow"], "POST", "Allow")
        expect_equal(gate.ask("https", "/cimom", gate.token(), usual,
                              "M-POST", good).status, 501, "M-POST")
    expect_equal(counted(all_of_them)[1], 0, "requests")


@test("a large body is 413, told in advance or not, and not sent")
def _():
    body = call("GetClass", "root/Plain") + b" " * 2000

    def both():
        cim("root/Plain", path="/cimom-small", body=body).expect(413)
        with gate.connect("https") as c:
            head = c.request("/cimom-small", gate.token(),
                             cim_headers("GetClass", "root/Plain") +
                             [("Transfer-Encoding", "chunked")], "POST")
            c.send(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            c.receive().expect(413)
    expect_equal(counted(both)[1], 0, "requests")
    with gate.connect("https") as c:
        body = call("GetClass", "root/Plain")
        head = c.request("/cimom-small", gate.token(),
                         cim_headers("GetClass", "root/Plain") +
                         [("Transfer-Encoding", "chunked")], "POST")
        c.send(head + b"".join(b"1\r\n%c\r\n" % b for b in body) +
               b"0\r\n\r\n")
        c.receive().expect(200)
    expect_equal(server.last().body, body, "a body in pieces")


@test("a method of a class is for its namespace, and goes on with its object")
def _():
    path = ("<LOCALINSTANCEPATH>%s<INSTANCENAME CLASSNAME=\"Plain_Thing\">"
            "<KEYBINDING NAME=\"Name\"><KEYVALUE>\u00f6</KEYVALUE></KEYBINDING>"
            "</INSTANCENAME></LOCALINSTANCEPATH>")
    body = message_of('<METHODCALL NAME="Do">%s</METHODCALL>'
                      % path % namespace_path("root/Plain"))
    target = 'root/Plain:Plain_Thing.Name="%C3%B6"'
    cim("root/Plain", method="Do", target=target, body=body).expect(200)
    expect_equal(server.last().values("CIMObject"),
                 ["root/plain:Plain_Thing.Name%3D%22%C3%B6%22"], "CIMObject")

    def others():
        for other in ("root/Plain:Other.Name=1", "root/Plain",
                      "root/Hidden:Plain_Thing"):
            refused(cim("root/Plain", method="Do", target=other, body=body),
                    400, "header-mismatch")
    expect_equal(counted(others)[1], 0, "requests")


@test("a browser may not write here for another site's page")
def _():
    def both():
        for method, status in (("GetClass", 200), ("CreateInstance", 403)):
            cim("root/Plain", method=method, headers=cim_headers(
                method, "root/Plain") + [("Origin", "https://evil.example")]
                ).expect(status)
    expect_equal(counted(both)[1], 1, "requests")


@test("sealed, CIM-XML is decided and forwarded as what is inside")
def _():
    with Sealed(gate) as c:
        body = call("GetClass", "root/Hidden")
        a = c.get("/cimom", "POST", cim_headers("GetClass", "root/HIDDEN"),
                  body)
        expect_equal(a.expect(200).sealed, True, "sealed")
        expect_equal(server.last().body, body, "the body")
        expect_equal(server.last().values("CIMObject"), ["root/hidden"],
                     "CIMObject")
        a, sent = counted(lambda: c.get(
            "/cimom", "POST", cim_headers("GetClass", "root/Plain"), body))
        expect_equal((refused(a, 400, "header-mismatch").sealed, sent),
                     (True, 0), "a mismatch")


# -- WS-Management ------------------------------------------------------------------

PLAIN, HIDDEN = WMI + "root/Plain/Plain_Thing", WMI + "root/Hidden/X"


def ws(xml, listener="https", path="/wsman", **options):
    return gate.ask(listener, path, gate.token(**options),
                    [("Content-Type", TYPE)], "POST", xml)


def forwarded(xml, listener="https", path="/wsman"):
    a, sent = counted(lambda: ws(xml, listener, path))
    expect_equal((a.status, sent), (200, 1), "forwarded: %s" % a)
    expect(b"the server's" in a.body, "not the server's answer", a)
    expect_equal(server.last().body, xml[:65536], "the body")
    return a


def faulty(xml, subcode, code, listener="https", path="/wsman", detail=None):
    a, sent = counted(lambda: ws(xml, listener, path))
    expect_equal(sent, 0, "requests of %s" % xml[:2000])
    return reply_of(a).fault(subcode, code, detail)


@test("an envelope goes on as it came, whatever it asks the server for")
def _():
    invoke = CIM + "X/DoIt"
    header = selectors(__cimnamespace="root/plain", Name="x")
    unknown = ('<y:New xmlns:y="urn:y" s:mustUnderstand="true">1</y:New>'
               '<w:OptionSet><w:Option Name="a" MustComply="true"/>'
               "</w:OptionSet>")
    for xml in (
            envelope(GET, PLAIN, selectors(Name="x")),
            envelope(ENUMERATE, WMI + "root/PLAIN/*", body="<n:Enumerate>"
                     '<w:Filter Dialect="http://schemas.microsoft.com/wbem/'
                     'wsman/1/WQL">select * from X</w:Filter></n:Enumerate>'),
            envelope(PULL, PLAIN, body="<n:Pull><n:EnumerationContext><z/>"
                     "%s</n:EnumerationContext></n:Pull>" % ("c" * 300)),
            envelope(GET, CIM + "X", header, ""),
            envelope(invoke, CIM + "X", header, "<x/>"),
            envelope("urn:custom/action", PLAIN, unknown, "<x/>"),
            envelope(EVENTING + "/Subscribe", PLAIN, body="<x/>"),
            envelope(GET, PLAIN, "<w:FragmentTransfer>Name"
                     "</w:FragmentTransfer>")):
        a = forwarded(xml)
        record_of(a, route="wsman", namespace="root\\Plain",
                  reason="allowed")
        forwarded(xml, "http", "/wsman-open")
    forwarded(envelope(GET, HIDDEN))


@test("a refusal is a fault, in clear and over an open hop, and nothing is sent")
def _():
    for listener, path in (("http", "/wsman"), ("https", "/wsman-open")):
        reply = faulty(envelope(GET, HIDDEN), "w:AccessDenied", 2150859012,
                       listener, path)
        gate.wait_event(
            id=5605, namespace="root\\Hidden",
            requestId=reply.text("s:Header/a:MessageID")[5:].replace("-", ""))
    faulty(envelope(GET, WMI + "root/Absent/X"), "a:DestinationUnreachable",
           2150858811)
    faulty(envelope(GET, WMI + "root/Unlisted/X"), "w:AccessDenied",
           2150859012)
    before = len(server.seen)
    reply_of(ws(envelope(GET, PLAIN), user="bob")).denied()
    gate.ask("https", "/wsman", None, [("Content-Type", TYPE)], "POST",
             envelope(GET, PLAIN)).expect(401)
    ws(b"<x/>")
    gate.ask("https", "/wsman", gate.token(), [("Content-Type", "text/xml")],
             "POST", envelope(GET, PLAIN)).expect(415)
    expect_equal(len(server.seen), before, "requests")


def filtering(uri, more):
    return envelope(
        ENUMERATE, CIM + "*", selectors(__cimnamespace="root/Plain"),
        "<n:Enumerate><w:Filter><b:AssociatedInstances><b:Object><a:Address>x"
        "</a:Address><a:ReferenceParameters><w:ResourceURI>%s</w:ResourceURI>"
        "%s</a:ReferenceParameters></b:Object></b:AssociatedInstances>"
        "</w:Filter></n:Enumerate>" % (uri, more))


@test("no envelope leaves open which namespace it is about")
def _():
    at = lambda ns: selectors(__cimnamespace=ns)
    bad = ("w:InvalidSelectors", 2150858813)
    faulty(envelope(GET, CIM + "X"), *bad)
    faulty(envelope(GET, PLAIN, at("root/Hidden")), *bad)
    faulty(envelope(GET, CIM + "X", at("root/Plain") + at("root/Hidden")),
           "a:InvalidMessageInformationHeader", 2150858767)
    faulty(envelope(GET, "http://schemas.microsoft.com/wbem/wsman/1/windows/"
                    "shell/cmd"), "a:DestinationUnreachable", 2150858811)
    forwarded(filtering(CIM + "X", at("root/plain")))
    forwarded(filtering(PLAIN, ""))
    for uri, more in ((CIM + "X", at("root/Hidden")), (HIDDEN, ""),
                      (CIM + "X", ""), (PLAIN, at("root/Hidden")),
                      (CIM + "X", at("root/Plain") + at("root/Plain"))):
        faulty(filtering(uri, more), *bad)
    for header in ('<y:Action xmlns:y="http://www.w3.org/2005/08/addressing">'
                   "x</y:Action>",
                   '<y:ResourceURI xmlns:y="urn:y">%s</y:ResourceURI>'
                   % HIDDEN,
                   '<w:New s:mustUnderstand="true"/>'):
        reply = reply_of(ws(envelope(GET, PLAIN, header)))
        expect_equal(reply.code, 2150858768, "the fault of %s" % reply)


@test("Identify is decided as root's OPTIONS, and is the server's to answer")
def _():
    forwarded(identify(), "http")
    expect_equal(ws(identify(), user="bob").status, 500, "bob")


def sealed_alone(c, xml, target="/wsman", charset="UTF-8"):
    c.send(c.post(xml, target, kind="application/soap+xml", charset=charset))
    answer = c.receive()
    return Reply(answer, c.open(answer, kind="application/soap+xml",
                                charset="UTF-8"))


def addressed(xml, path):
    return xml.replace(b"http://localhost/wsman", b"http://localhost" + path)


@test("an envelope sealed by itself goes where it says that it is for")
def _():
    with Sealed(gate) as c:
        for target in ("/wsman", "/wsman-open", "/elsewhere"):
            xml = envelope(GET, HIDDEN)
            reply, sent = counted(lambda: sealed_alone(c, xml, target))
            expect_equal((reply.answer.status, sent), (200, 1), "forwarded")
            expect(b"the server's" in reply.bytes, "another answer", reply)
            seen = server.last()
            expect_equal((seen.target, seen.body), ("/wsman", xml), "seen")
            expect_equal(seen.values("Content-Type"), [TYPE], "type")
        xml = addressed(envelope(GET, HIDDEN), b"/wsman-open")
        reply, sent = counted(lambda: sealed_alone(c, xml))
        expect_equal(sent, 0, "requests over an open hop")
        reply.denied()
        xml = addressed(envelope(GET, HIDDEN), b"/html")
        reply = sealed_alone(c, xml)
        reply.fault("a:EndpointUnavailable", 2150858772)
        # Not for a route: the gateway's own.
        xml = addressed(envelope(GET, PLAIN, selectors(Name="x")), b"/own")
        reply, sent = counted(lambda: sealed_alone(c, xml))
        expect_equal(sent, 0, "requests")
        reply.fault("a:DestinationUnreachable", 2150858752)
    with Sealed(gate) as c:
        xml = utf16(envelope(GET, HIDDEN))
        reply, sent = counted(lambda: sealed_alone(c, xml, charset="UTF-16"))
        expect_equal(sent, 1, "requests")
        expect_equal(server.last().body, xml, "the body")


@test("a whole request may be sealed as well, and its refusal too")
def _():
    with Sealed(gate, flags=0x2e, no_ci=True) as c:
        a, sent = counted(lambda: c.get("/wsman", "POST", [
            ("Content-Type", TYPE)], envelope(GET, HIDDEN)))
        expect_equal((a.sealed, sent), (True, 0), "a refusal")
        reply_of(a).denied()
    with Sealed(gate) as c:
        a = c.get("/wsman", "POST", [("Content-Type", TYPE)],
                  envelope(GET, HIDDEN))
        expect(b"the server's" in a.expect(200).body, "another answer", a)


# -- configuration ------------------------------------------------------------------

def checked(route):
    path = write(gate.path("check.conf"), read(gate.conf) +
                 "\n[route/new]\npath = /new\n" + route)
    return run(program("nsgated"), "--check-config", "--config", path,
               check=False)


@test("a namespace is said by the route or by its requests, not by both")
def _():
    up = "upstream = %s\n" % HTTP
    for route, problem in (
            (up, "[route/new] needs namespace"),
            (up + "protocol = cimxml", "must be http, wsman or cim-xml"),
            (up + "protocol = wsman\nnamespace = root\\Plain",
             "each request of this protocol says its own"),
            (up + "protocol = cim-xml\nmethods = POST",
             "there is only POST in this protocol"),
            ("protocol = cim-xml\nupstream = none",
             "/auth does not see what requests")):
        done = checked(route)
        expect_equal(done.returncode, 1, "exit status of %s" % route)
        expect(problem in done.stderr, "%r in what it says" % problem,
               done.stderr)


@test("an open hop behind an encrypted namespace is warned of")
def _():
    done = run(program("nsgated"), "--check-config", "--config", gate.conf)
    what = ("root\\hidden requires encryption, and the way to %s is not "
            "private: requests are refused" % HTTP)
    expect(re.search(r"warning: \S+:\d+: upstream: " + re.escape(what),
                     done.stderr), "what it says", done.stderr)
    expect(what in gate.log(), "the log", gate.log())
    shown = gate.ctl("explain", "root\\Hidden").stdout
    expect("cimom-open" in shown and "upstream-not-private" in shown,
           "what explain says", shown)
    expect("route wsman (/wsman), of requests that name it" in shown,
           "what explain says", shown)
    told = {r["name"]: r for r in gate.status()["routes"]}
    expect("namespace" not in told["wsman"], "status", told["wsman"])


@test("/auth does not decide what it cannot see")
def _():
    headers = [("X-Original-URI", "/wsman"), ("X-Original-Method", "POST"),
               *PROXY_TLS]
    a, sent = counted(lambda: gate.ask("proxy", "/auth", gate.token(),
                                       headers))
    expect_equal((a.status, sent), (403, 0), "the answer %s" % a)
    expect("nobody shows here" in a.json["detail"], "the detail", a)


if __name__ == "__main__":
    main()
