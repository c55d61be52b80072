"""A server behind the gateway: what it does is in the path it is asked for.

It reads and writes raw bytes, so that a test sees exactly what crossed the
hop, and can have it answer what no server should.
"""
import contextlib
import hashlib
import json
import socket
import ssl
import threading


class Seen:
    """A request as it came in."""

    def __init__(self, method, target, fields):
        self.method, self.target, self.fields = method, target, fields
        self.body_length, self.body_hash = 0, hashlib.sha256()
        self.body = b""
        self.added = []  # fields of whatever is answered

    def values(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]


class Behind:
    """A socket on which something stands in front of what is sent."""

    def __init__(self, c, front):
        self.c, self.front = c, front

    def sendall(self, data):
        self.c.sendall(self.front + data)


class Upstream:
    """Listens on TCP, TLS or a Unix socket until close()."""

    def __init__(self, unix=None, tls=None, ca=None,
                 at=("127.0.0.1", 0)):
        self.seen, self.connections, self.clients = [], 0, []
        self.gone = threading.Event()     # a client went away
        self.release = threading.Event()  # lets those go on that wait
        self.said = threading.Event()     # an early head
        self.sent = 0
        self.health = "200 OK"  # what _health says; None: nothing
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(unix)
        else:
            self.socket = socket.socket()
            self.socket.bind(at)
            self.port = self.socket.getsockname()[1]
        self.socket.listen(2048)
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            if ca:
                self.tls.load_verify_locations(ca)
                self.tls.verify_mode = ssl.CERT_REQUIRED
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.release.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for c in self.clients:
            with contextlib.suppress(OSError):
                c.shutdown(socket.SHUT_RDWR)

    def open(self):
        """How many connections are."""
        return sum(c.fileno() >= 0 for c in self.clients)

    def targets(self):
        return [s.target for s in self.seen]

    def last(self):
        return self.seen[-1]

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.clients.append(c)
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            f = c.makefile("rb")
            while self.one(c, f):
                pass
        with contextlib.suppress(OSError):
            c.close()

    def one(self, c, f):
        line = f.readline()
        if not line:
            return False
        method, target, _ = line.decode("latin-1").split(" ")
        fields = []
        while True:
            line = f.readline().rstrip(b"\r\n").decode("latin-1")
            if not line:
                break
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        seen = Seen(method, target, fields)
        self.seen.append(seen)
        if not self.admit(c, seen):
            return False
        act = getattr(self, "_" + target.split("?")[0].strip("/").split("/")
                      [-1].replace("-", "_").replace(".", "_"), None)
        if act is not None and getattr(act, "__name__", "") in EARLY:
            return act(c, seen, f)
        self.body(f, seen)
        if act is not None:
            return act(c, seen, f)
        return self.answer(c, seen, json.dumps(
            {"method": method, "target": target, "length": seen.body_length,
             "hash": seen.body_hash.hexdigest()}).encode())

    def admit(self, c, seen):  # pylint: disable=unused-argument
        """False: it has been dealt with, and the connection ends."""
        return True

    @staticmethod
    def take(seen, data):
        seen.body_length += len(data)
        seen.body_hash.update(data)
        if len(seen.body) < 65536:
            seen.body += data[:65536]

    def body(self, f, seen):
        if seen.values("Transfer-Encoding"):
            while True:
                size = int(f.readline(), 16)
                data = f.read(size)
                f.readline()
                if size == 0:
                    return
                self.take(seen, data)
        left = int((seen.values("Content-Length") or ["0"])[0])
        while left > 0:
            data = f.read(min(left, 1 << 16))
            if not data:
                raise OSError("short body")
            self.take(seen, data)
            left -= len(data)

    @staticmethod
    def answer(c, seen, body, status="200 OK", fields=()):
        head = "HTTP/1.1 %s\r\nContent-Length: %d\r\n" % (status, len(body))
        for name, value in list(fields) + seen.added:
            head += "%s: %s\r\n" % (name, value)
        c.sendall(head.encode("latin-1") + b"\r\n" +
                  (b"" if seen.method == "HEAD" else body))
        return True

    # -- kinds of answers: the last segment of the path

    def _health(self, c, seen, f):
        if self.health is None:
            return self._hang(c, seen, f)
        return self.answer(c, seen, b"", self.health)

    def _chunked(self, c, _seen, _f):
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        return True

    def _large(self, c, seen, _f):
        """As many bytes as ?N says, with a hash to compare."""
        size = int(seen.target.partition("?")[2])
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = bytes(range(256)) * 256
        self.sent = 0
        try:
            while size > 0:
                n = min(size, len(block))
                c.sendall(block[:n])
                size -= n
                self.sent += n
        except OSError:
            self.gone.set()
            raise
        return True

    def _headers(self, c, seen, _f):
        return self.answer(c, seen, b"x", fields=[
            ("X-Plain", "kept"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
            ("Connection", "X-Hop"), ("X-Hop", "dropped"),
            ("Keep-Alive", "timeout=5"), ("WWW-Authenticate", "Basic"),
            ("X-Accel-Redirect", "/internal"), ("X-Nsgate-Level", "forged"),
            ("Nsgate-Request-Id", "forged"), ("Upgrade", "h2c")])

    def _cached(self, c, seen, _f):
        return self.answer(c, seen, b"x", fields=[
            ("Cache-Control", "public, s-maxage=600"),
            ("Cache-Control", "max-age=60"), ("Expires", "0"),
            ("CDN-Cache-Control", "max-age=600"),
            ("Surrogate-Control", "max-age=600")])

    def _session(self, c, seen, _f):
        return self.answer(c, seen, b"", fields=[
            ("Set-Cookie", "__Host-nsgate=forged; Path=/; Secure"),
            ("Set-Cookie", "=__Host-nsgate=forged; Path=/; Secure"),
            ("Set-Cookie", " = =__Host-nsgate=forged; Path=/; Secure")])

    def _split(self, c, _seen, _f):
        c.sendall(b"HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0"
                  b"\r\n\r\n")
        return True

    def _fold(self, c, _seen, _f):
        c.sendall(b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 0"
                  b"\r\n\r\n")
        return True

    def _redirect(self, c, seen, _f):
        return self.answer(c, seen, b"", "302 Found", [
            ("Location", "http://127.0.0.1:%d/back/there?x=1" % self.port)])

    def _elsewhere(self, c, seen, _f):
        return self.answer(c, seen, b"", "302 Found", [
            ("Location", "https://other.example/")])

    def _unauthorized(self, c, seen, _f):
        return self.answer(c, seen, b"", "401 Unauthorized", [
            ("WWW-Authenticate", "Negotiate")])

    def _gone_away(self, c, seen, _f):
        return self.answer(c, seen, b'{"gone":true}', "410 Gone")

    def _empty(self, c, _seen, _f):
        c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    def _not_modified(self, c, _seen, _f):
        c.sendall(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n')
        return True

    def _range(self, c, seen, _f):
        return self.answer(c, seen, b"part", "206 Partial Content", [
            ("Content-Range", "bytes 0-3/10"),
            ("X-Asked", (seen.values("Range") or ["none"])[0])])

    def _continue(self, c, seen, _f):
        c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"
                  b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        return self.answer(c, seen, b"done")

    def _garbage(self, c, _seen, _f):
        c.sendall(b"\x00\x01\x02 no http at all\r\n\r\n" * 10)
        return False

    def _close(self, _c, _seen, _f):
        return False

    def _middle(self, c, _seen, _f):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" +
                  b"x" * 50000)
        return False

    def _heads(self, c, _seen, _f):
        """100 MB of header lines, unless somebody stops reading."""
        self.sent = 0
        c.sendall(b"HTTP/1.1 200 OK\r\n")
        line = b"X-Filler: " + b"y" * 8000 + b"\r\n"
        try:
            for _ in range(100 * 1024 * 1024 // len(line)):
                c.sendall(line)
                self.sent += len(line)
        except OSError:
            self.gone.set()
            raise
        return False

    def _hang(self, _c, _seen, f):
        """Until the client goes, or the test says so."""
        _c.settimeout(0.05)
        while not self.release.is_set():
            try:
                if not _c.recv(1):
                    self.gone.set()
                    return False
            except socket.timeout:
                continue
        return False

    def _stall(self, c, seen, f):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return self._hang(c, seen, f)

    def _echo(self, c, seen, f):
        """Says its head at once, and ends when the body has ended."""
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.said.set()
        self.body(f, seen)
        c.sendall(b"4\r\ndone\r\n0\r\n\r\n")
        return True

    def _unasked(self, c, seen, _f):
        """A second answer, once the first has been received."""
        c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        self.release.wait(30)
        self.answer(c, seen, b"second")
        self.said.set()
        return True

    def _joined(self, c, seen, _f):
        """A second answer in one piece with the body of the first."""
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        return self.answer(Behind(c, b"first"), seen, b"second")

    def _early(self, c, seen, _f):
        """Answers without having read the body, and closes."""
        self.answer(c, seen, b"too much", "413 Content Too Large",
                     [("Connection", "close")])
        return False

    def _unread(self, c, seen, f):
        """Reads nothing of the body until it may."""
        self.release.wait(30)
        self.body(f, seen)
        return self.answer(c, seen, b"read at last")


EARLY = ("_early", "_echo", "_unread", "_hang")
