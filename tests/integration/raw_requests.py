"""Requests as bytes that a parser could take in more than one way: threats 20
to 22 of docs/threat-model.md.  T stands for a line with a fresh token."""

PAGE = "/cim/root/Open"
HEAD = "GET %s HTTP/1.1\r\nHost: localhost\r\nT\r\n" % PAGE
POST = "POST %s HTTP/1.1\r\nHost: localhost\r\nT\r\n" % PAGE
# A second request, which nobody may find in what belongs to the first.
SMUGGLED = "GET /cim/root/Secret HTTP/1.1\r\nHost: localhost\r\n" \
    "Connection: close\r\n\r\n"

# Lines that follow HEAD or POST; none of them may be admitted.
FRAMING = [
    ("two different lengths", "Content-Length: 0\r\nContent-Length: 5\r\n"),
    ("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n"),
    ("a list of lengths", "Content-Length: 5, 5\r\n"),
    ("a signed length", "Content-Length: +5\r\n"),
    ("a negative length", "Content-Length: -5\r\n"),
    ("a hexadecimal length", "Content-Length: 0x5\r\n"),
    ("a length with a blank in it", "Content-Length: 1 0\r\n"),
    ("an enormous length", "Content-Length: 99999999999999999999999\r\n"),
    ("an empty length", "Content-Length:\r\n"),
    ("length and chunked",
     "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked and length",
     "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ("chunked twice",
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"),
    ("xchunked", "Transfer-Encoding: xchunked\r\n"),
    ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
    ("chunked, identity", "Transfer-Encoding: chunked, identity\r\n"),
    ("identity", "Transfer-Encoding: identity\r\n"),
    ("a blank before the colon", "Transfer-Encoding : chunked\r\n"),
    ("a tab before the colon", "Content-Length\t: 5\r\n"),
    ("a vertical tab in it", "Transfer-Encoding: \x0bchunked\r\n"),
    ("a folded line", "X-A: b\r\n Content-Length: 5\r\n"),
    ("a folded line with a tab", "X-A: b\r\n\tTransfer-Encoding: chunked\r\n"),
]

# One line more than there should be.
HEADERS = [
    ("two Hosts", "Host: localhost\r\n"),
    ("another Host", "Host: other\r\n"),
    ("a second Authorization", "Authorization: Negotiate AAAA\r\n"),
    ("NUL in a value", "X-A: b\x00c\r\n"),
    ("NUL in a name", "X-\x00A: b\r\n"),
    ("a name that is no token", "X(A): b\r\n"),
    ("a name with a blank", "X A: b\r\n"),
    ("an empty name", ": b\r\n"),
    ("no colon", "nonsense\r\n"),
    ("a control byte in a value", "X-A: b\x01\r\n"),
    ("an overriding method", "X-HTTP-Method-Override: DELETE\r\n"),
]
LINES = [
    ("absolute form", "GET http://localhost%s HTTP/1.1" % PAGE),
    ("absolute form elsewhere", "GET http://evil.example/ HTTP/1.1"),
    ("no path", "GET cim/root/Open HTTP/1.1"),
    ("asterisk", "GET * HTTP/1.1"),
    ("CONNECT", "CONNECT localhost:80 HTTP/1.1"),
    ("a method that is no token", "G(ET %s HTTP/1.1" % PAGE),
    ("HTTP/0.9", "GET %s" % PAGE),
    ("HTTP/2.0", "GET %s HTTP/2.0" % PAGE),
    ("HTTP/1.10", "GET %s HTTP/1.10" % PAGE),
    ("two blanks", "GET  %s HTTP/1.1" % PAGE),
    ("a fragment", "GET %s#x HTTP/1.1" % PAGE),
]

# Of an encrypted namespace, or of what might be taken for it.
SPELLINGS = """
/cim/root/Secret:Secret_Thing/instances
/cim/ROOT/SECRET:secret_thing/instances
/cim/root%2fSecret:Secret_Thing/instances
/cim/root%2FSecret:Secret_Thing/instances
/cim/root%5cSecret:Secret_Thing/instances
/cim/root\\Secret:Secret_Thing/instances
/cim/root//Secret:Secret_Thing/instances
/cim//root/Secret:Secret_Thing/instances
//cim/root/Secret:Secret_Thing/instances
/cim/root/./Secret:Secret_Thing/instances
/cim/root/../root/Secret:Secret_Thing/instances
/cim/root/Open/../Secret:Secret_Thing/instances
/cim/root/Open/%2e%2e/Secret:Secret_Thing/instances
/cim/root/Open/%2E./Secret:Secret_Thing/instances
/cim/root/Open%2f..%2fSecret:Secret_Thing/instances
/cim/root/Open%5c..%5cSecret:Secret_Thing/instances
/cim/root/Open%252f..%252fSecret:Secret_Thing/instances
/cim/root/Secret%00:Secret_Thing/instances
/cim/root/Open%00/../Secret:Secret_Thing/instances
/cim/root/Secret.:Secret_Thing/instances
/cim/root/Secret%2e:Secret_Thing/instances
/cim/root/Secret%20:Secret_Thing/instances
/cim/root/Secret/:Secret_Thing/instances
/cim/root/%53ecret:Secret_Thing/instances
/cim/root/%5%33ecret:Secret_Thing/instances
/cim/root/Secret%:Secret_Thing/instances
/cim/root/Secret%zz:Secret_Thing/instances
/cim/root/%c0%aeSecret:Secret_Thing/instances
/cim/root%c0%afSecret:Secret_Thing/instances
/cim/root%e0%80%afSecret:Secret_Thing/instances
/cim/root%ef%bc%8fSecret:Secret_Thing/instances
/cim/root/%ff:Secret_Thing/instances
/cim/root/%ed%a0%80Secret:Secret_Thing/instances
/cim/root/Secret%0a:Secret_Thing/instances
/cim/root/Secret%0d%0aX:Secret_Thing/instances
/cim/root/Secret;x=y:Secret_Thing/instances
/cim/root/Secret:Secret_Thing/instances?namespace=root/Open
/cim/root/Secret:Secret_Thing/instances?limit=1&limit=2
/cim/root/Secret:Secret_Thing/instances/
/cim/root/Secret:Secret_Thing.Name="code"
/cim/root/Secret:Secret_Thing.Name=%22code%22
/cim/root/Open:Secret_Thing/instances
/cim/root/Open:Secret:Secret_Thing/instances
/cim/root:Secret:Secret_Thing/instances
/cim/Secret:Secret_Thing/instances
/CIM/root/Secret:Secret_Thing/instances
/cim/./root/Secret:Secret_Thing/instances
/cim/localhost/root/Secret:Secret_Thing/instances
/./cim/root/Secret:Secret_Thing/instances
/%63im/root/Secret:Secret_Thing/instances
/cim/root/Secret:Secret_Thing%2finstances
/cim/root/s%65cret%3aSecret_Thing/instances
/cim/root/\u017fecret:Secret_Thing/instances
""".split()
