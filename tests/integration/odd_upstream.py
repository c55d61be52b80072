"""A server behind the gateway that answers what it should not, or what is
rare: each word by word, chosen by the last segment of the path.
"""
import gzip
import threading

from upstream import Upstream

OK = b"HTTP/1.1 200 OK\r\n"
LONG = b"a" * 8192
EVIL = OK + b"Content-Length: 4\r\nX-Evil: yes\r\n\r\nevil"
PACKED = gzip.compress(b"packed " * 1000)
PARTS = (b"--cut\r\nContent-Range: bytes 0-1/10\r\n\r\nab\r\n"
         b"--cut\r\nContent-Range: bytes 8-9/10\r\n\r\nij\r\n--cut--\r\n")

# Well formed, and rare.
RARE = {
    "trailers": OK + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Nsgate-Level: forged"
                b"\r\n\r\n",
    "extension": OK + b"Transfer-Encoding: chunked\r\n\r\n"
                 b"5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n",
    "gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
            % len(PACKED) + PACKED,
    "gzip-chunked": OK + b"Content-Encoding: gzip\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n"
                    b"%x\r\n" % len(PACKED) + PACKED + b"\r\n0\r\n\r\n",
    "multipart": b"HTTP/1.1 206 Partial Content\r\nContent-Type: "
                 b"multipart/byteranges; boundary=cut\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(PARTS) + PARTS,
    "unsatisfiable": b"HTTP/1.1 416 Range Not Satisfiable\r\n"
                     b"Content-Range: bytes */10\r\nContent-Length: 0"
                     b"\r\n\r\n",
    "failed": b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0"
              b"\r\n\r\n",
    "same": b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n"
            b"Content-Length: 1000\r\n\r\n",
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Hint: 1\r\n\r\n"
             b"HTTP/1.1 102 Processing\r\n\r\n" + OK +
             b"Content-Length: 4\r\n\r\ndone",
    "same-lengths": OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\n"
                    b"same",
}

# Until the connection ends.
CLOSING = {
    "unframed": OK + b"\r\n" + b"until the end",
    "old": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
}

# No answer to be passed on: 502.
BAD = {
    "two-lengths": OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n"
                   b"12345",
    "length-list": OK + b"Content-Length: 4, 5\r\n\r\n12345",
    "length-negative": OK + b"Content-Length: -4\r\n\r\n1234",
    "length-word": OK + b"Content-Length: four\r\n\r\n1234",
    "length-huge": OK + b"Content-Length: 99999999999999999999\r\n\r\n1234",
    "both-framings": OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked"
                     b"\r\n\r\n4\r\nfour\r\n0\r\n\r\n",
    "coding-unknown": OK + b"Transfer-Encoding: rot13\r\n\r\nabcd",
    "http-nine": b"hello\r\n\r\n",
    "http-two": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "interim-length": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\n"
                      + OK + b"Content-Length: 4\r\n\r\nfour",
    "interim-chunks": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: "
                      b"chunked\r\n\r\n" + OK +
                      b"Content-Length: 4\r\n\r\nfour",
    "http-three": b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status-word": b"HTTP/1.1 OK\r\n\r\n",
    "status-big": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                 b"Connection: Upgrade\r\n\r\n",
    "nul": OK + b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "nameless": OK + b": a\r\nContent-Length: 0\r\n\r\n",
    "space": OK + b"Content-Length : 4\r\n\r\nfour",
    "many": OK + b"X-A: b\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
    "long-line": OK + b"X-A: " + LONG * 20 + b"\r\n\r\n",
}

# Whose head is good, and whose body ends too early: broken off.
BROKEN = {
    "short": OK + b"Content-Length: 100\r\n\r\nonly this",
    "chunk-short": OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\nonly",
    "chunk-last": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n",
    "chunk-word": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
                  b"zz\r\n",
    "chunk-huge": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
                  b"fffffffffffffffffffff\r\nx",
}

# More than an answer, on a connection that stays: not the next one's.
MORE = {
    "longer": OK + b"Content-Length: 4\r\n\r\nfour" + EVIL,
    "none": b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL,
    "none-length": b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n"
                   b"four" + EVIL,
    "same-body": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"
                 b"four" + EVIL,
    "after-chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
                    b"0\r\n\r\n" + EVIL,
    "reset": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 4\r\n\r\nfour"
             + EVIL,
}


class OddUpstream(Upstream):
    """Answers of the tables above, and those without an end."""

    def __init__(self):
        self.broken = threading.Event()  # a body of a client broke off
        super().__init__()

    def body(self, f, seen):
        try:
            super().body(f, seen)
        except (OSError, ValueError):
            self.broken.set()
            raise

    def endless(self, c, first, again):
        """Until somebody stops reading."""
        self.sent = 0
        try:
            c.sendall(first)
            while not self.release.is_set():
                c.sendall(again)
                self.sent += len(again)
        except OSError:
            self.gone.set()
            raise
        return False

    def _endless_extension(self, c, _seen, _f):
        return self.endless(c, OK + b"Transfer-Encoding: chunked\r\n\r\n5;",
                            LONG)

    def _endless_trailers(self, c, _seen, _f):
        return self.endless(
            c, OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
            b"X-A: " + LONG + b"\r\n")

    def _endless_line(self, c, _seen, _f):
        return self.endless(c, OK + b"X-A: ", LONG)

    def _endless_hints(self, c, _seen, _f):
        return self.endless(
            c, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)

    def _endless_status(self, c, _seen, _f):
        return self.endless(c, b"HTTP/1.1 200 ", LONG)

    def _late(self, c, _seen, _f):
        """What nobody asked for, once the answer is there."""
        c.sendall(OK + b"Content-Length: 4\r\n\r\nfour")
        self.release.wait(30)
        c.sendall(EVIL)
        self.said.set()
        return True


def _word(data, stays):
    def act(_self, c, _seen, _f):
        c.sendall(data)
        return stays
    return act


for _table, _stays in ((RARE, True), (CLOSING, False), (BAD, False),
                       (BROKEN, False), (MORE, True)):
    for _name, _data in _table.items():
        setattr(OddUpstream, "_" + _name.replace("-", "_"),
                _word(_data, _stays))
