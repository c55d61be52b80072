"""Sinks for asynchronous results, good ones and bad ones; operations as a
client sees them; and what crosses the loopback interface.

Ports are reserved beforehand, since the gateway's configuration names them: a
reserved one refuses connections until its sink is up.
"""
import base64
import contextlib
import ctypes
import functools
import json
import os
import socket
import ssl
import struct
import threading

from distribution import gssapi

from harness import (DEADLINE, SRC, Gate, at_end, expect, header_dict, run,
                     scratch, the_realm, tls_dir, wait_for, write)

GATEWAY = "nsgate/localhost"  # what the gateway is as a client
ENDED = ("done", "refused", "dead", "cancelled")
CALLBACK = r"""
[callback]
client_keytab  = {dir}/client.keytab
sinks          = %(sinks)s
sink_networks  = %(networks)s
sink_ca        = {tls}/ca.crt
couriers       = %(couriers)d
give_up_s      = %(give_up)d
sink_timeout_s = %(timeout)d
%(more)s
"""


# -- ports ---------------------------------------------------------------------

class Ports:
    """Addresses of this host that are ours, until a sink wants them."""

    def __init__(self, count, host="127.0.0.1"):
        self.sockets = []
        for _ in range(count):
            s = socket.socket()
            s.bind((host, 0))
            self.sockets.append(s)
            at_end(s.close)
        self.free = list(self.sockets)
        self.numbers = [s.getsockname()[1] for s in self.sockets]

    def take(self):
        return self.free.pop(0)

    def release(self):
        """A number for a program that binds it itself."""
        s = self.take()
        number = s.getsockname()[1]
        s.close()
        return number

    def listed(self, host="localhost"):
        return ", ".join("%s:%d" % (host, n) for n in self.numbers)


def callback_section(sinks, networks="127.0.0.1", couriers=4, give_up=1,
                     timeout=2, more=""):
    return CALLBACK % {"sinks": sinks, "networks": networks, "more": more,
                       "couriers": couriers, "give_up": give_up,
                       "timeout": timeout}


# -- the gateway ------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def client_keytab():
    realm = the_realm()
    path = os.path.join(realm.dir, "client.keytab")
    realm.kadmin("addprinc -randkey " + GATEWAY,
                 "ktadd -k %s %s" % (path, GATEWAY))
    # Sinks are acceptors in this very process.
    os.environ.update(realm.env)
    return path


class CallbackGate(Gate):
    """A gateway that delivers; sinks: the text of `sinks`."""

    def __init__(self, sinks, extra="", **options):
        section = {name: options.pop(name) for name in
                   ("networks", "couriers", "give_up", "timeout", "more")
                   if name in options}
        self.section = dict(section, sinks=sinks)
        self.more_extra = extra
        start = options.pop("start", True)
        super().__init__(extra=self._extra(), start=False, **options)
        self.set_client_keytab(client_keytab())
        if start:
            self.start()

    def _extra(self):
        return callback_section(**self.section) + self.more_extra

    def set_client_keytab(self, source=None, data=None):
        """By rename, as it should be done."""
        path = self.path("client.keytab")
        if source is not None:
            with open(source, "rb") as f:
                data = f.read()
        write(path + ".new", data, 0o600)
        os.rename(path + ".new", path)

    def reload(self, extra=None, **section):
        """With another [callback], and other sections behind it."""
        self.section.update(section)
        if extra is not None:
            self.more_extra = extra
        self.configure(extra=self._extra())
        self.ctl("reload")

    def begin(self, path, sink=None, listener="https", user="alice"):
        """The answer to a request for an asynchronous result."""
        prefer = "respond-async"
        if sink is not None:
            prefer += ', callback; url="%s"' % sink
        return self.probe(listener, path, "--header", "Prefer: " + prefer,
                          user=user)

    def operation(self, *arguments, **options):
        return Operation(self, self.begin(*arguments, **options))

    def count(self, event, **wanted):
        """Repeated events may be one row with a count."""
        return sum(e.get("count", 1) for e in self.events(id=event, **wanted))


class Operation:
    """What has been accepted, and how it goes on."""

    def __init__(self, gate, answer):
        answer.expect(202)
        self.gate, self.accepted = gate, answer
        self.path = answer.headers["location"]
        self.id = self.path.rsplit("/", 1)[1]

    def poll(self, listener="https", user="alice"):
        return self.gate.ask(listener, self.path,
                             self.gate.token(user=user))

    def inside(self):
        """As the gateway's administrator sees it; {}: not at all."""
        done = self.gate.ctl("operations", self.id, "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def state(self):
        return self.inside().get("state")

    def ended(self):
        return self.state() in ENDED

    def wait(self, *states, deadline=DEADLINE):
        """Until it is in one of them (none: until it has ended); what its
        owner then sees."""
        wait_for(lambda: self.state() in (states or ENDED),
                 lambda: "%s of %r" % (states or "the end", self.inside()),
                 deadline)
        return self.poll().json

    def wait_ready(self):
        wait_for(lambda: self.state() == "ready", "the result of " + self.id)
        return self

    def retried(self, times=1):
        wait_for(lambda: self.inside().get("attempts", 0) >= times,
                 "a failed attempt of " + self.id)
        return self


# -- certificates --------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def other_tls_dir():
    """Of an authority that nobody trusts."""
    path = os.path.join(scratch(), "other")
    run("sh", os.path.join(SRC, "tests/realm/tls.sh"), path)
    return path


@functools.lru_cache(maxsize=None)
def certificate_for(name):
    """Certificate and key of our authority for another host."""
    base = os.path.join(scratch(), name)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
        "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-addext",
        "basicConstraints=critical,CA:FALSE", "-CA", tls_dir() + "/ca.crt",
        "-CAkey", tls_dir() + "/ca.key", "-keyout", base + ".key", "-out",
        base + ".crt")
    return base + ".crt", base + ".key"


def server_context(pair=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(pair or (tls_dir() + "/tls.crt",
                                       tls_dir() + "/tls.key")))
    return context


# -- a sink ----------------------------------------------------------------------------

class Request:
    def __init__(self, lines, body):
        self.line = lines[0]
        self.headers = header_dict(lines[1:])
        self.body = body

    @property
    def target(self):
        return self.line.split(" ")[1]

    def token(self):
        kind, _, text = self.headers.get("authorization", "").partition(" ")
        return base64.b64decode(text) if kind == "Negotiate" else None

    @property
    def key(self):
        return self.headers.get("idempotency-key", "").strip('"')

    @property
    def json(self):
        return json.loads(self.body)


def response(status, *headers, body=b""):
    lines = ["HTTP/1.1 %d -" % status] + list(headers)
    if not any(h.lower().startswith(("content-length", "transfer-encoding"))
               for h in headers) and status != 204:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Peer:
    """One connection to a sink."""

    def __init__(self, sink, number, raw):
        self.sink, self.number, self.socket = sink, number, raw
        self.buffer = b""
        self.context = None  # once the gateway has signed in
        self.requests = []

    def more(self):
        data = self.socket.recv(65536)
        self.sink.seen += data
        self.buffer += data
        return bool(data)

    def request(self):
        """The next one; None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = int(header_dict(lines[1:]).get("content-length", 0))
        self.buffer = rest
        while len(self.buffer) < length:
            if not self.more():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        request = Request(lines, body)
        self.requests.append(request)
        return request

    def serve(self):
        if self.sink.connected is not None and \
                not self.sink.connected(self):
            return
        if self.sink.tls is not None:
            self.socket = self.sink.tls.wrap_socket(self.socket,
                                                    server_side=True)
        while True:
            request = self.request()
            if request is None:
                return
            answer = self.answer(request)
            if answer is None:
                return
            self.socket.sendall(answer)

    def answer(self, request):
        if self.context is None:
            return self.sink.sign_in(self, request)
        return self.sink.result(self, request)


class Sink:
    """A server on a reserved port.  What it does is one of its hooks:

        connected(peer)         before TLS; false: close
        sign_in(peer, request)  the bytes of an answer; None: close
        result(peer, request)
    """

    def __init__(self, ports, tls=True, pair=None, keytab=None, start=True,
                 connected=None, sign_in=None, result=None, host="localhost"):
        client_keytab()
        self.socket = ports.take()
        self.port = self.socket.getsockname()[1]
        self.url = "%s://%s:%d/results" % ("https" if tls else "http", host,
                                           self.port)
        self.tls = tls if isinstance(tls, ssl.SSLContext) else \
            server_context(pair) if tls else None
        self.keytab = keytab or the_realm().keytab()
        self.connected = connected
        self.sign_in = sign_in or accept_token
        self.result = result or (lambda peer, request: response(204))
        self.peers, self.seen, self.errors = [], b"", []
        self.stopping = False
        self.thread = None
        at_end(self.close)
        if start:
            self.start()

    def start(self):
        self.socket.listen(64)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def _accept(self):
        while not self.stopping:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            raw.settimeout(DEADLINE)
            peer = Peer(self, len(self.peers), raw)
            self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,),
                             daemon=True).start()

    def _serve(self, peer):
        try:
            peer.serve()
        except (OSError, ssl.SSLError):
            pass  # the gateway may go when it wants
        except Exception as e:  # pylint: disable=broad-except
            self.errors.append(e)
        finally:
            with contextlib.suppress(OSError):
                peer.socket.close()

    def close(self):
        """No connection more, and the end of those there are."""
        self.stopping = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)

    def requests(self):
        expect(not self.errors, "the sink failed: %r" % self.errors[:1])
        return [r for p in self.peers for r in p.requests]

    def results(self):
        """What came with a body, in the order of its coming."""
        return [r for r in self.requests() if r.body]

    def signed_in(self):
        return [p for p in self.peers if p.context is not None]


def accept_token(peer, request):
    """A good sink's answer to the sign-in, which has no body."""
    expect(request.body == b"", "a body before the sign-in was answered")
    token = request.token()
    if token is None:
        return response(401, "WWW-Authenticate: Negotiate")
    credentials = gssapi.Credentials(usage="accept", store={
        "keytab": "FILE:" + peer.sink.keytab, "rcache": "none:"})
    context = gssapi.SecurityContext(creds=credentials, usage="accept")
    try:
        reply = context.step(token)
        complete = context.complete  # some failures are told only here
    except gssapi.raw.GSSError:
        return response(401, "WWW-Authenticate: Negotiate")
    expect(complete, "the sign-in takes more than one token")
    peer.context = context
    return response(204, "WWW-Authenticate: Negotiate " +
                    base64.b64encode(reply).decode())


# -- the wire --------------------------------------------------------------------------

class Capture:
    """All TCP on the loopback interface to and from some ports, put together
    to streams.  Needs to be root."""

    OUTGOING = 4  # each packet is seen twice there
    STATISTICS = (263, 6)
    RCVBUFFORCE = 33

    def __init__(self, ports):
        self.ports = set(ports)
        self.flows = {}
        self.dropped = 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                    socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, self.RCVBUFFORCE, 64 << 20)
        self._filter()
        self.socket.bind(("lo", 3))
        at_end(self.socket.close)
        threading.Thread(target=self._run, daemon=True).start()

    def _filter(self):
        """Has the kernel pass these ports' packets only: what others send
        meanwhile must not push them out of the buffer (bpf(4))."""
        load_byte, load_half, load_half_x = 0x30, 0x28, 0x48
        refuse, accept = (0x06, 0, 0, 0), (0x06, 0, 0, 0xffffffff)

        def family(protocol_at, load, source_at, to_at, prepare=()):
            code = [(load_byte, 0, 0, protocol_at), (0x15, 1, 0, 6), refuse]
            code += prepare
            for at in (source_at, to_at):
                code.append((load, 0, 0, at))
                for port in sorted(self.ports):
                    code += [(0x15, 0, 1, port), accept]
            return code + [refuse]

        four = family(9, load_half_x, 0, 2, [(0xb1, 0, 0, 0)])
        code = [(load_byte, 0, 0, 0), (0x74, 0, 0, 4), (0x15, 1, 0, 4),
                (0x05, 0, 0, len(four))] + four + family(6, load_half, 40, 42)
        text = ctypes.create_string_buffer(
            b"".join(struct.pack("HBBI", *step) for step in code))
        self.socket.setsockopt(socket.SOL_SOCKET, 26, struct.pack(
            "HP", len(code), ctypes.addressof(text)))

    def _run(self):
        while True:
            try:
                data, address = self.socket.recvfrom(1 << 17)
            except OSError:
                return
            if address[2] == self.OUTGOING:
                self._packet(data)

    def _packet(self, data):
        if data[0] >> 4 == 4:
            tcp = data[(data[0] & 15) * 4:struct.unpack("!H", data[2:4])[0]] \
                if data[9] == 6 else b""
        else:
            tcp = data[40:] if data[6] == 6 else b""
        if len(tcp) < 20:
            return
        source, to, number = struct.unpack("!HHI", tcp[:8])
        if source not in self.ports and to not in self.ports:
            return
        payload = tcp[(tcp[12] >> 4) * 4:]
        if payload:
            self.flows.setdefault((source, to), {})[number] = payload

    def streams(self):
        expect(not self._drops(), "packets were lost to the capture")
        for (source, to), parts in list(self.flows.items()):
            parts = dict(parts)
            first = next(iter(parts))
            yield source, to, b"".join(
                parts[n] for n in sorted(parts, key=lambda n:
                                         (n - first) & 0xffffffff))

    def _drops(self):
        told = self.socket.getsockopt(*self.STATISTICS, 8)
        self.dropped += struct.unpack("II", told)[1]
        return self.dropped

    def find(self, text):
        """(from, to) of the streams that hold it in clear."""
        return [(source, to) for source, to, data in self.streams()
                if text.encode() in data]

    def settle(self, port):
        """Until all that was sent before has been seen.  port: one that is
        captured, and takes connections."""
        mark = b"mark-" + os.urandom(16).hex().encode()
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(mark)
        wait_for(lambda: any(mark in p for parts in list(self.flows.values())
                             for p in list(parts.values())),
                 "the capture to see a mark")
