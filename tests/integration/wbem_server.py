"""A stand-in for a WBEM and WS-Management server, made of exchanges that a
real one had (tests/integration/recorded/README).

A request that is one of the recorded ones, in method, target, headers and
body, is answered as the server answered it, byte for byte; anything else gets
the error that its protocol has for it, as a server would find it out for
itself.  What has come is counted as by any Upstream.
"""
import collections
import glob
import os
import re
import urllib.parse
import xml.etree.ElementTree as tree

from harness import SRC
from upstream import Upstream

RECORDED = os.path.join(SRC, "tests/integration/recorded")
SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
ADDRESS = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
FAULT = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"\
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>\
<a:Action>http://schemas.xmlsoap.org/ws/2004/08/addressing/fault</a:Action>\
</s:Header><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>\
<s:Value>a:ActionNotSupported</s:Value></s:Subcode></s:Code></s:Fault>\
</s:Body></s:Envelope>
"""
NOT_SUPPORTED = """<?xml version="1.0" encoding="utf-8" ?>
<CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="%s" PROTOCOLVERSION="1.0">\
<SIMPLERSP><%sRESPONSE NAME="%s"><ERROR CODE="7"/></%sRESPONSE></SIMPLERSP>\
</MESSAGE></CIM>
"""

# Of a request; what makes two requests the same.
Key = collections.namedtuple("Key", "operation method object trailers body")


class Message:
    """What a file holds: a head whose lines end with LF, and a body."""

    def __init__(self, path):
        with open(path, "rb") as f:
            head, _, self.body = f.read().partition(b"\n\n")
        self.line, *lines = head.decode("ascii").split("\n")
        self.fields = [tuple(line.split(": ", 1)) for line in lines]

    def value(self, name):
        return dict((n.lower(), v) for n, v in self.fields).get(name.lower())

    def bytes(self, body=None):
        """As it was on the wire; with another body if told so."""
        body = self.body if body is None else body
        lines = [self.line]
        for name, value in self.fields:
            if name.lower() == "content-length":
                value = str(len(body))
            lines.append("%s: %s" % (name, value))
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Exchange:
    """A request and its answer; key is what a request has to be like."""

    def __init__(self, kind, name):
        path = os.path.join(RECORDED, kind, name)
        self.name = name
        self.request = Message(path + ".request")
        self.answer = Message(path + ".answer")
        self.key = key_of(self.request.value, self.request.body)


def exchanges(kind):
    """{name: Exchange} of "cim-xml" or "ws-man"."""
    names = [os.path.basename(p)[:-len(".request")] for p in
             glob.glob(os.path.join(RECORDED, kind, "*.request"))]
    return {name: Exchange(kind, name) for name in sorted(names)}


def shape(element):
    """An element but for what belongs to one message, and to where it was
    sent."""
    text = (element.text or "").strip()
    if element.tag in (ADDRESS + "MessageID", ADDRESS + "To"):
        text = ""
    names = sorted((n, v) for n, v in element.attrib.items()
                   if (element.tag, n) != ("MESSAGE", "ID"))
    return (element.tag, tuple(names), text,
            tuple(shape(e) for e in element))


def decoded(value):
    return None if value is None else urllib.parse.unquote(value)


def key_of(value, body):
    """value: what finds a header's value.  DSP0200 6.3: values in headers are
    percent-encoded."""
    return Key(value("CIMOperation"), decoded(value("CIMMethod")),
               decoded(value("CIMObject")), value("TE") is not None,
               shape(tree.fromstring(body)))


def identity(body):
    return tree.fromstring(body).findtext(".//%sMessageID" % ADDRESS)


def namespace_of(call):
    path = call.find(".//LOCALNAMESPACEPATH")
    return "/".join(e.get("NAME") for e in path) if path is not None else ""


class WbemServer(Upstream):
    """chunked: answers in chunks with a trailer although no TE asks for it."""

    def __init__(self, **options):
        self.known = {}
        for kind in ("cim-xml", "ws-man"):
            for one in exchanges(kind).values():
                self.known.setdefault(one.key, []).append(one)
        self.names = []  # of the exchanges that were had; None: of none
        self.chunked = False
        super().__init__(**options)

    def found(self, value, body):
        key = key_of(value, body)
        found = self.known.get(key, [])
        if self.chunked:
            found = self.known.get(key._replace(trailers=True), found)
        # Two Pulls differ in nothing else.
        same = [o for o in found if identity(o.request.body) == identity(body)]
        one = (same + found + [None])[0]
        self.names.append(one.name if one else None)
        return one

    def refuse(self, c, seen, status, *fields):
        self.names.append(None)
        return self.answer(c, seen, b"", status, fields)

    @staticmethod
    def replay(c, one, body=None):
        c.sendall(one.answer.bytes(body))
        return (one.answer.value("Connection") or "").lower() != "close"

    # -- CIM operations over HTTP (DSP0200)

    def _cimom(self, c, seen, _f):
        def value(name):
            return (seen.values(name) or [None])[0]

        def bad(error):
            return self.refuse(c, seen, "400 Bad Request",
                               ("CIMError", error))
        if seen.method != "POST":
            return self.refuse(c, seen, "405 Method Not Allowed",
                               ("Allow", "POST"))
        if not re.fullmatch(r'(application|text)/xml(; *charset="?utf-8"?)?',
                            value("Content-Type") or "", re.I):
            return self.refuse(c, seen, "415 Unsupported Media Type")
        if value("CIMOperation") != "MethodCall":
            return bad("unsupported-operation")
        if not re.fullmatch(r"1\.\d", value("CIMProtocolVersion") or "1.0"):
            return self.refuse(c, seen, "501 Not Implemented",
                               ("CIMError", "unsupported-protocol-version"))
        try:
            document = tree.fromstring(seen.body)
        except tree.ParseError:
            return bad("request-not-well-formed")
        message = document.find("MESSAGE")
        calls = [] if message is None else list(message.findall("SIMPLEREQ/*"))
        if document.tag != "CIM" or len(calls) != 1:
            return bad("request-not-valid")
        call = calls[0]
        target = decoded(value("CIMObject") or "").partition(":")[0]
        if decoded(value("CIMMethod")) != call.get("NAME") or \
                target != namespace_of(call):
            return bad("header-mismatch")
        one = self.found(value, seen.body)
        if one is not None:
            return self.replay(c, one)
        kind = "IMETHOD" if call.tag == "IMETHODCALL" else "METHOD"
        return self.answer(c, seen, (NOT_SUPPORTED % (
            message.get("ID"), kind, call.get("NAME"), kind)).encode(),
            fields=[("Content-Type", 'application/xml; charset="utf-8"'),
                    ("CIMOperation", "MethodResponse")])

    # -- WS-Management (DSP0226)

    def _wsman(self, c, seen, _f):
        if seen.method != "POST":
            return self.refuse(c, seen, "405 Method Not Allowed",
                               ("Allow", "POST"))
        kind = (seen.values("Content-Type") or [""])[0]
        if not re.fullmatch(r"application/soap\+xml(; *charset=utf-8)?", kind,
                            re.I):
            return self.refuse(c, seen, "415 Unsupported Media Type")
        try:
            document = tree.fromstring(seen.body)
        except tree.ParseError:
            return self.refuse(c, seen, "400 Bad Request")
        if document.tag != SOAP + "Envelope":
            return self.refuse(c, seen, "400 Bad Request")
        one = self.found(lambda name: None, seen.body)
        if one is None:
            return self.answer(
                c, seen, FAULT.encode(), "500 Internal Server Error",
                [("Content-Type", "application/soap+xml;charset=UTF-8")])
        asked, told = identity(seen.body), identity(one.request.body)
        if asked is None:
            return self.replay(c, one)
        return self.replay(c, one, one.answer.body.replace(
            told.encode(), asked.encode()))
