"""WS-Management as its clients speak it: envelopes, by hand, and what comes
back, read by another XML parser than the gateway's."""
import itertools
import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape, quoteattr

from harness import Answer, expect, expect_equal

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESS = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
BINDING = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
WSMANFAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
COMMON = "http://schemas.dmtf.org/wbem/wscim/1/common"
NAMES = {"s": SOAP, "a": ADDRESS, "w": WSMAN, "i": IDENTITY,
         "n": ENUMERATION, "f": WSMANFAULT, "x": XSI, "c": COMMON,
         "b": BINDING}
ANONYMOUS = ADDRESS + "/role/anonymous"
TYPE = "application/soap+xml;charset=UTF-8"
GET = TRANSFER + "/Get"
ENUMERATE = ENUMERATION + "/Enumerate"
PULL = ENUMERATION + "/Pull"
RELEASE = ENUMERATION + "/Release"
IDENTIFY = '<i:Identify/>'

_numbers = itertools.count(1)


def message_id():
    return "uuid:00000000-0000-0000-0000-%012d" % next(_numbers)


def selectors(**values):
    return "<w:SelectorSet>%s</w:SelectorSet>" % "".join(
        "<w:Selector Name=%s>%s</w:Selector>" % (quoteattr(k), escape(v))
        for k, v in values.items())


def envelope(action, resource, headers="", body="", identity=None):
    """What a client sends; action or resource None leaves it out."""
    parts = ["<a:To>http://localhost/wsman</a:To>",
             "<a:ReplyTo><a:Address s:mustUnderstand=\"true\">%s</a:Address>"
             "</a:ReplyTo>" % ANONYMOUS,
             "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">153600"
             "</w:MaxEnvelopeSize>",
             "<w:OperationTimeout>PT20S</w:OperationTimeout>"]
    if action is not None:
        parts.append('<a:Action s:mustUnderstand="true">%s</a:Action>'
                     % action)
        parts.append("<a:MessageID>%s</a:MessageID>"
                     % (identity or message_id()))
    if resource is not None:
        parts.append('<w:ResourceURI s:mustUnderstand="true">%s'
                     "</w:ResourceURI>" % resource)
    return bare("".join(parts) + headers, body)


def bare(headers, body):
    spaces = " ".join('xmlns:%s="%s"' % pair for pair in NAMES.items())
    return ("<s:Envelope %s><s:Header>%s</s:Header><s:Body>%s</s:Body>"
            "</s:Envelope>" % (spaces, headers, body)).encode()


def identify():
    return bare("", IDENTIFY)


def utf16(xml):
    return b"\xff\xfe" + xml.decode().encode("utf-16-le")


class Reply:
    """An envelope that came back, and the answer that brought it."""

    def __init__(self, answer, body=None):
        self.answer = answer
        self.bytes = answer.body if body is None else body
        text = self.bytes
        if text[:2] == b"\xff\xfe":
            text = text[2:].decode("utf-16-le")
        self.tree = tree.fromstring(text)
        expect_equal(self.tree.tag, "{%s}Envelope" % SOAP, "the root")

    def find(self, path):
        return self.tree.find(path, NAMES)

    def text(self, path):
        found = self.find(path)
        return None if found is None else found.text

    @property
    def action(self):
        return self.text("s:Header/a:Action")

    @property
    def relates_to(self):
        return self.text("s:Header/a:RelatesTo")

    @property
    def body(self):
        return list(self.find("s:Body"))

    @property
    def subcode(self):
        return self.text("s:Body/s:Fault/s:Code/s:Subcode/s:Value")

    @property
    def code(self):
        """The number that Windows' clients show."""
        fault = self.find("s:Body/s:Fault/s:Detail/f:WSManFault")
        return None if fault is None else int(fault.get("Code"))

    @property
    def detail(self):
        return self.text("s:Body/s:Fault/s:Detail/f:WSManFault/f:Message")

    def good(self):
        expect(self.find("s:Body/s:Fault") is None, "a fault", self)
        expect_equal(self.answer.status, 200, "the status of %s" % self)
        return self

    def fault(self, subcode, code, detail=None):
        expect_equal((self.answer.status, self.subcode, self.code),
                     (500, subcode, code), "the fault of %s" % self)
        expect(detail is None or detail in self.detail,
               "%r in the detail" % detail, self)
        return self

    def denied(self):
        return self.fault("w:AccessDenied", 2150859012)

    def __str__(self):
        return "%d %s" % (self.answer.status,
                          tree.tostring(self.tree).decode()[:2000])


def reply_of(answer, charset="UTF-8"):
    expect_equal(answer.headers.get("content-type"),
                 "application/soap+xml;charset=" + charset,
                 "the type of %s" % answer)
    return Reply(answer)


def post(gate, listener, xml, token=None, kind=TYPE, headers=(),
         path="/wsman"):
    """One plain request on a connection of its own: the answer."""
    return gate.ask(listener, path, token or gate.token(),
                    [("Content-Type", kind), *headers], "POST", xml)


def plain(gate, listener, xml, charset="UTF-8", **options):
    """The same, and the envelope that came back."""
    return reply_of(post(gate, listener, xml, kind="application/soap+xml;"
                         "charset=" + charset, **options), charset)


def sealed(client, xml, charset="UTF-8", target="/wsman", told=None,
           answered=None):
    """An envelope sealed by itself, as pypsrp and WinRM seal it."""
    client.send(client.post(xml, target, kind="application/soap+xml",
                            charset=told or charset))
    answer = client.receive()
    framing = {"kind": "application/soap+xml",
               "charset": answered or charset}
    return Reply(Answer(answer.status, answer.headers, answer.body),
                 client.open(answer, **framing))
