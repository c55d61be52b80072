"""Operations by the thousand, and a sink that remembers what it was sent.

The sink is this file as a program; what it receives it writes down before it
answers, so that nothing it has acknowledged is forgotten when it is killed.
"""
import base64
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from distribution import gssapi

from harness import (Failure, Gate, at_end, expect, expect_equal, read,
                     scratch, tls_dir)

SINK_PATH = "/sink"
CALLBACK = """
[callback]
client_keytab  = {dir}/client.keytab
sinks          = localhost:%d
sink_networks  = 127.0.0.0/8, ::1
sink_ca        = {tls}/ca.crt
couriers       = %d
operations_max = 1000000
operations_per_principal = 1000000
%s
"""


# -- tokens ------------------------------------------------------------------

class Tokens:
    """Fresh tokens for HTTP@localhost, made in this process."""

    def __init__(self, realm, user="alice"):
        os.environ.update(realm.env)
        self.name = gssapi.Name("HTTP@localhost",
                                gssapi.NameType.hostbased_service)
        self.credentials = gssapi.Credentials(
            usage="initiate",
            store={"ccache": "FILE:" + realm.ccache(user)})
        self.context()  # the ticket is in the cache from here on

    def context(self):
        flags = gssapi.RequirementFlag
        c = gssapi.SecurityContext(
            name=self.name, creds=self.credentials, usage="initiate",
            flags=flags.mutual_authentication | flags.confidentiality |
            flags.integrity)
        return base64.b64encode(c.step()).decode(), c

    def __call__(self):
        return self.context()[0]


# -- processes of a gateway ---------------------------------------------------

def processes(gate, name):
    """The gateway's children of this name, as ps shows it."""
    master = gate.process.pid
    found = []
    for child in read("/proc/%d/task/%d/children" % (master,
                                                     master)).split():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if read("/proc/%s/comm" % child).strip() == name:
                found.append(int(child))
    return found


def kill_one(gate, name, index=0):
    """SIGKILL to one of them; True if there was one."""
    found = processes(gate, name)
    if not found:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(found[index % len(found)], signal.SIGKILL)
        return True
    return False


@functools.lru_cache(maxsize=None)
def client_keytab(realm):
    """Made once: each ktadd makes a new key."""
    keytab = os.path.join(realm.dir, "client.keytab")
    realm.kadmin("addprinc -randkey nsgate/localhost",
                 "ktadd -k %s nsgate/localhost" % keytab)
    return keytab


def make_gate(sink, couriers=4, extra="", **options):
    """A gateway that may deliver to this sink; not started."""
    gate = Gate(extra=CALLBACK % (sink.port, couriers, extra), start=False,
                **options)
    shutil.copy(client_keytab(gate.realm), gate.path("client.keytab"))
    return gate


def operations(gate):
    """id -> what nsgatectl tells of it."""
    out = gate.ctl("operations", "--json", "--limit", "0").stdout
    found = [json.loads(line) for line in out.split("\n") if line]
    return {o["id"]: o for o in found}


# -- asking ------------------------------------------------------------------

class Asker:
    """Clients that share the making of many operations: each has one
    connection and asks again what was not answered with 202.

    targets: number -> path.  rows: id -> (number, when 202 came);
    refused: how many were answered 503; broken: connections that ended."""

    def __init__(self, gate, listener, tokens, sink, targets, count,
                 clients=32):
        self.gate, self.listener, self.tokens = gate, listener, tokens
        self.headers = [("Prefer", 'respond-async, callback; url="%s"'
                         % sink.url)]
        self.targets, self.count = targets, count
        self.rows, self.errors = {}, []
        self.next = self.refused = self.broken = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, daemon=True)
                        for _ in range(clients)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def join(self, deadline):
        end = time.monotonic() + deadline
        for t in self.threads:
            t.join(max(0, end - time.monotonic()))
        expect(not self.errors, "a client failed", *self.errors[:3])
        expect_equal(len(self.rows), self.count,
                     "operations accepted within %d s" % deadline)

    def _client(self):
        connection = None
        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.count:
                break
            done = False
            while not done and not self.errors:
                try:
                    if connection is None:
                        connection = self.gate.connect(self.listener)
                    done = self._ask(connection, number)
                except (OSError, Failure):
                    connection = None
                    self._count("broken")
                except Exception as e:  # pylint: disable=broad-except
                    self.errors.append(repr(e))
        if connection is not None:
            connection.socket.close()

    def _count(self, what):
        with self.lock:
            setattr(self, what, getattr(self, what) + 1)

    def _ask(self, connection, number):
        answer = connection.ask(self.targets(number), self.tokens(),
                                self.headers)
        return self._take(answer, number)

    def _take(self, answer, number):
        """True: that was it."""
        when = time.monotonic_ns()
        if answer.status == 202:
            name = answer.headers["location"].rsplit("/", 1)[1]
            with self.lock:
                self.rows[name] = (number, when)
            return True
        if answer.status == 503:
            self._count("refused")
        else:
            self.errors.append(str(answer))
        return False


# -- the sink, as its owner sees it ----------------------------------------------

class Sink:
    """A sink in a process of its own that can be killed and come back on
    the same port."""

    def __init__(self, realm):
        self.realm = realm
        self.records = os.path.join(scratch(), "records")
        # Bound and never listening: the port stays ours while the sink is
        # away, and connecting to it is refused.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        self.url = "https://localhost:%d%s" % (self.port, SINK_PATH)
        self.process = None
        self.offset, self.rest = 0, b""
        at_end(self.close)

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), str(self.port),
             self.records, tls_dir(), self.realm.keytab()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **self.realm.env))
        expect_equal(self.process.stdout.readline(), "ready\n",
                     "what the sink says")
        return self

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.communicate()

    def close(self):
        if self.process is not None:
            self.kill()
        self.reserved.close()

    def news(self):
        """What came since the last call: (when, key, body)."""
        with contextlib.suppress(FileNotFoundError):
            with open(self.records, "rb") as f:
                f.seek(self.offset)
                data = f.read()
                self.offset += len(data)
                self.rest += data
        lines = self.rest.split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            when, key, body = line.split(b" ", 2)
            yield int(when), key.decode().strip('"'), body


# -- the sink itself -----------------------------------------------------------------

def sink_request(reader):
    """Headers and body of one request, None: the other side has closed."""
    if not reader.readline():
        return None
    headers = {}
    while True:
        name, _, value = reader.readline().decode("latin-1").partition(":")
        if not name.strip():
            break
        headers[name.lower()] = value.strip()
    return headers, reader.read(int(headers.get("content-length", "0")))


def sink_serve(connection, tls, credentials, records):
    """One connection: authenticated by its first request, or closed."""
    context = None
    with contextlib.suppress(OSError, gssapi.exceptions.GSSError), \
            tls.wrap_socket(connection, server_side=True) as s, \
            s.makefile("rb", 65536) as reader:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            request = sink_request(reader)
            if request is None:
                break
            headers, body = request
            if context is None:
                kind, _, token = headers.get("authorization",
                                             "").partition(" ")
                if kind != "Negotiate" or body:
                    break
                context = gssapi.SecurityContext(creds=credentials,
                                                 usage="accept")
                token = context.step(base64.b64decode(token))
                s.sendall(b"HTTP/1.1 204 No Content\r\nWWW-Authenticate:"
                          b" Negotiate %s\r\n\r\n" % base64.b64encode(token))
                continue
            os.write(records, b"%d %s %s\n" % (
                time.monotonic_ns(),
                headers["idempotency-key"].encode("latin-1"), body))
            s.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def sink_main(port, path, certificates, keytab):
    os.environ["KRB5RCACHENAME"] = "none:"
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates + "/tls.crt", certificates + "/tls.key")
    credentials = gssapi.Credentials(
        usage="accept", store={"keytab": "FILE:" + keytab})
    records = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(64)
    print("ready", flush=True)
    while True:
        threading.Thread(target=sink_serve, daemon=True, args=(
            listener.accept()[0], tls, credentials, records)).start()


if __name__ == "__main__":
    sink_main(*sys.argv[1:])
