#!/usr/bin/env python3
"""What crosses the wire: a text that stands only in an encrypted namespace is
never seen in clear on a TCP connection, other than the local hops that the
configuration declares; and not on those either where there are none."""
import base64
import binascii
import configparser
import os
import re
import socket
import subprocess

import wire

OWN_NETWORK = wire.own_network()

# pylint: disable=wrong-import-position
from harness import (OPEN, PROXY_CLEAR, PROXY_TLS, ROOT, SECRET, SECURITY_MOF,
                     Answer, Connection, Failure, Nginx, expect, expect_equal,
                     main, program, read, run, test, the_realm, tls_dir)
from sink import CallbackGate, Ports, Sink, response
from sealing import SPNEGO, Sealed, content_type, frame, take_apart

# What stands in the encrypted namespace only, and in the open one only; of
# many repeated so that a part of an answer holds it too.
CANARY = "canary" + os.urandom(12).hex()
BAIT = "bait" + os.urandom(12).hex()
REPEATED = 400
MOF = r"""
#pragma namespace("\\\\.\\root\\Open")
class Open_Thing { [key] string Name; string Value; };
instance of Open_Thing { Name = "one"; Value = "%s"; };
#pragma namespace("\\\\.\\root\\Secret")
class Secret_Thing { [key] string Name; string Value; };
instance of Secret_Thing { Name = "code"; Value = "%s"; };
instance of Secret_Thing { Name = "many"; Value = "%s"; };
""" % (BAIT, CANARY, " ".join([CANARY] * REPEATED))
ONE = "/cim/root/Secret:Secret_Thing.Name=%22code%22"
PAGE = SECRET + "?limit=1"

PRIVATE = """
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/http]
bind = 127.0.0.1:0

[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt

[listener/status]
bind   = 127.0.0.1:0
status = true
"""
HOPS = """
[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = {me}

[listener/toolsock]
bind        = unix:{dir}/sock/tools.sock
channel     = local
local_users = {me}

[listener/mesh]
bind           = 127.0.0.1:0
channel        = asserted
channel_reason = a tunnel between the hosts

[listener/proxytcp]
bind                  = 127.0.0.1:0
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
"""


def port_of(address):
    return int(address.rsplit(":", 1)[1])


class Run:
    """A gateway, what stands around it, and all that it is asked."""

    def __init__(self, hops):
        self.hops = hops
        self.ports = Ports(8)
        self.gate = CallbackGate(
            self.ports.listed(), networks="127.0.0.1", give_up=2, timeout=5,
            more="message_encryption = yes", mof=(MOF, SECURITY_MOF % "TRUE"),
            listeners=PRIVATE + (HOPS if hops else ""))
        self.fronts = [
            Nginx(self.gate, address[5:] if address.startswith("unix:")
                  else address, self.gate.path("front-" + name))
            for name, address in self.gate.listeners.items()
            if name in ("proxy", "proxytcp")]
        self.sinks = {}

    # -- what is declared

    def sections(self):
        parser = configparser.RawConfigParser(strict=True)
        parser.read_string(read(self.gate.conf))
        return {name.split("/")[1]: dict(parser[name])
                for name in parser.sections()
                if name.startswith("listener/")}

    def declared_hops(self):
        """{port: why} of the connections in clear that the gateway's
        configuration calls private."""
        found = {}
        for name, keys in self.sections().items():
            why = keys.get("channel") or (
                "trusted_proxy" if "trusted_proxy" in keys else None)
            if why is not None and not keys["bind"].startswith("unix:"):
                found[port_of(self.gate.listeners[name])] = why
        for nginx in self.fronts:  # which declares the same, or is wrong
            for address in re.findall(r"^\s*server\s+([^{;\s]+);",
                                      read(nginx.conf), re.MULTILINE):
                expect(address.startswith("unix:") or
                       found.get(port_of(address)) == "trusted_proxy",
                       "nginx's upstream is no trusted_proxy: " + address)
        return found

    def clear_ports(self):
        """Where an open namespace is asked for in clear."""
        ports = {port_of(self.gate.listeners["http"])}
        ports |= {nginx.clear_port for nginx in self.fronts}
        return ports

    def all_ports(self):
        """Each server's, by which a connection is told."""
        ports = {port_of(a) for a in self.gate.listeners.values()
                 if not a.startswith("unix:")}
        for nginx in self.fronts:
            ports |= {nginx.tls_port, nginx.clear_port}
        return ports | set(self.ports.numbers)

    # -- what is asked

    def everything(self):
        for listener in ("https", "tools", "toolsock", "mesh"):
            if listener in self.gate.listeners:
                self.admitted(listener)
        self.refused()
        self.sealed()
        self.proxied()
        self.operations()
        self.callbacks()
        for path in ("/", "/metrics", "/status", "/healthz"):
            self.gate.ask("status", path)

    def admitted(self, listener):
        for answer in (self.gate.probe(listener, SECRET),
                       self.gate.curl(listener, PAGE),
                       self.gate.curl(listener, ONE, "-H", "Expect: "
                                      "100-continue", "--http1.1")):
            holds(answer.expect(200))
        with self.gate.connect(listener) as c:
            for path in (SECRET, ONE, PAGE, OPEN):
                answer = c.ask(path, self.gate.token()).expect(200)
                holds(answer, BAIT if path == OPEN else CANARY)
            for flags in (0, 0x24, 0x2e):
                c.ask(SECRET, self.gate.token(flags=flags)).expect(403)
            c.ask(ONE + "x", self.gate.token())
            c.ask(SECRET).expect(401)
            c.ask(ONE, self.gate.token(), method="HEAD").expect(200)

    def refused(self):
        for path in (SECRET, ONE, PAGE):
            self.gate.probe("http", path).expect(403, "channel-not-private")
            self.gate.curl("http", path).expect(403, "channel-not-private")
            self.gate.probe("http", path, level="Connect").expect(403)
            self.gate.ask("http", path).expect(401)
            self.gate.ask("http", path, self.gate.token(),
                          method="HEAD").expect(403)
            self.gate.begin(path, listener="http").expect(403)
        # A client's word for it changes nothing.
        for headers in (PROXY_TLS, [("X-Forwarded-Proto", "https")]):
            expect(self.gate.ask("http", SECRET, self.gate.token(),
                                 headers).status in (400, 403), "admitted")
        holds(self.gate.probe("http", OPEN).expect(200), BAIT)

    def sealed(self):
        holds(self.gate.probe("http", SECRET, "--message-encryption")
              .expect(200))
        with Sealed(self.gate) as client:
            client.sign_in()
            for path in (SECRET, ONE, PAGE):
                holds(client.get(path).expect(200))
            # A wrong one ends it; whatever the answer is, it tells nothing.
            client.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Length: 2\r\n\r\n{}" % ONE.encode())
            client.everything()

    def proxied(self):
        for nginx in self.fronts:
            base = "https://localhost:%d" % nginx.tls_port
            for option in ("--http1.1", "--http2"):
                holds(self.curl(base + SECRET, option).expect(200))
            with Connection("127.0.0.1:%d" % nginx.tls_port, tls=True) as c:
                holds(c.ask(ONE, self.gate.token()).expect(200))
                c.ask(ONE).expect(401)
            clear = "http://localhost:%d" % nginx.clear_port
            self.curl(clear + SECRET).expect(403, "channel-not-private")
            with Connection("127.0.0.1:%d" % nginx.clear_port) as c:
                c.ask(SECRET, self.gate.token(), PROXY_TLS).expect(403)
            holds(self.curl(clear + OPEN).expect(200), BAIT)
        with self.gate.connect("proxy") as c:
            holds(c.ask(SECRET, self.gate.token(), PROXY_TLS).expect(200))
            c.ask(SECRET, self.gate.token(), PROXY_CLEAR).expect(403)

    def curl(self, url, *options):
        done = run("curl", "-sS", "-i", "--cacert", tls_dir() + "/ca.crt",
                   "--negotiate", "-u", ":", *options, url,
                   env=dict(self.gate.realm.env, KRB5CCNAME="FILE:" +
                            self.gate.realm.ccache("alice")))
        return Answer.parse(re.sub(r"^HTTP/2 ", "HTTP/1.1 ", done.stdout,
                                   flags=re.MULTILINE).encode())

    def operations(self):
        operation = self.gate.operation(SECRET).wait_ready()
        holds(operation.poll("https").expect(200))
        expect(operation.poll("http").status in (403, 404), "polled in clear")
        holds(self.gate.probe("http", operation.path, "--message-encryption")
              .expect(200))

    def callbacks(self):
        results = {}
        for name, path, listener, options in (
                ("https", SECRET, "https", {}),
                ("sealed", SECRET, "https", {"tls": False,
                                             "result": unseal}),
                ("no sealing", SECRET, "https", {"tls": False}),
                ("open", OPEN, "http", {"tls": False, "result": unseal})):
            sink = Sink(self.ports, **options)
            self.sinks[name] = sink
            results[name] = self.gate.operation(path, sink.url, listener) \
                .wait()["state"]
        expect_equal((results["https"], results["sealed"]),
                     ("done", "done"), "delivered")
        expect(results["no sealing"] != "done", "delivered to who cannot")
        expect(CANARY.encode() in self.sinks["https"].seen, "by https")
        expect(any(CANARY.encode() in p for p in
                   getattr(self.sinks["sealed"], "opened", [])), "sealed")
        self.listen()

    def listen(self):
        url = "https://localhost:%d/results" % self.ports.release()
        process = subprocess.Popen(
            [program("nsgatectl"), "listen", url, "--certificate",
             tls_dir() + "/tls.crt", "--key", tls_dir() + "/tls.key",
             "--keytab", the_realm().keytab(), "--json", "--once"],
            env=dict(os.environ, **the_realm().env), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = process.stderr.readline()
        if not line.startswith("listening on"):
            raise Failure("nsgatectl listen: " + line)
        self.gate.operation(SECRET, url).wait("done")
        expect(CANARY in process.communicate(timeout=30)[0], "listen")


def holds(answer, text=CANARY):
    """A search that finds nothing says something only if there was
    something."""
    body = answer.body if isinstance(answer.body, (bytes, dict, list)) \
        else str(answer.body)
    expect(answer.headers.get("content-length") != "0" and
           text in (body.decode() if isinstance(body, bytes) else str(body)),
           "the answer holds no %s" % text, answer)


def unseal(peer, request):
    """A sink that opens sealed results and seals its answer."""
    _, token = take_apart(request.body, SPNEGO)
    opened = peer.context.unwrap(token)
    expect(opened.encrypted, "only signed")
    peer.sink.opened = getattr(peer.sink, "opened", []) + [opened.message]
    plain = response(204)
    body = frame(peer.context.wrap(plain, True).message, len(plain))
    return response(200, "Content-Type: " + content_type(SPNEGO), body=body)


def watched(hops):
    """(run, capture) after all has been asked."""
    network = wire.Wire()
    one = Run(hops)
    one.everything()
    return one, network.settle()


def check(one, network):
    """Where each of both was seen, and that nothing was seen elsewhere."""
    hops = one.declared_hops()
    ports = one.all_ports()
    seen, others = network.ports_with(CANARY, ports)
    expect_equal((seen - set(hops), others), (set(), []),
                 "the encrypted namespace in clear; the hops are %r" % hops)
    # Not one that was allowed has been looked past.
    expect_equal(seen, set(hops), "the encrypted namespace on the hops")
    seen, others = network.ports_with(BAIT, ports)
    expect(one.clear_ports() <= seen,
           "the open namespace was not seen where it was asked for in clear",
           one.clear_ports(), seen)
    expect_equal(others, [], "the open namespace elsewhere")
    sealed = {sink.port for sink in one.sinks.values() if sink.tls is None}
    if sealed:
        expect_equal(network.ports_with("SPNEGO-session-encrypted", ports)[0],
                     sealed | {port_of(one.gate.listeners["http"])},
                     "sealed messages")
    for stream in network.streams():
        expect(b"\r\ncontent-encoding:" not in stream.data().lower(),
               "an encoding that the search does not know: %s" % stream)
    return hops


# -- the two runs ----------------------------------------------------------------

if not ROOT:
    @test("# SKIP not root: the wire cannot be watched")
    def _():
        pass
else:
    @test("every kind of listener and client: the encrypted namespace in "
          "clear on declared local hops only, and there it is seen")
    def _():
        one, network = watched(True)
        hops = check(one, network)
        expect_equal(sorted(hops.values()),
                     ["asserted", "local", "trusted_proxy"], "the hops")
        print("# %d packets, %d streams" % (network.packets,
                                            len(network.streams())))
        one.gate.close()

    @test("without such hops: in clear nowhere")
    def _():
        one, network = watched(False)
        expect_equal(check(one, network), {}, "hops")
        one.gate.close()


# -- would it notice? ---------------------------------------------------------------

def percent(text):
    return "".join("%%%02x" % ord(c) for c in text).encode()


def chunks(data, size):
    return b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%s\r\n" % (len(data[i:i + size]), data[i:i + size])
        for i in range(0, len(data), size)) + b"0\r\n\r\n"


def disguises(text):
    clear = text.encode()
    utf16 = text.encode("utf-16-le")
    yield "plain", clear
    yield "upper case", text.upper().encode()
    yield "UTF-16LE", utf16
    yield "UTF-16BE", text.encode("utf-16-be")
    for shift in range(3):
        yield "base64, at %d" % shift, base64.b64encode(b"x" * shift + clear +
                                                        b"y" * shift)
        yield "base64 of UTF-16, at %d" % shift, base64.b64encode(
            b"x" * shift + utf16)
    yield "base64 in lines", base64.encodebytes(clear * 5)
    yield "base64 for URLs", base64.urlsafe_b64encode(clear)
    yield "hex", binascii.hexlify(clear)
    yield "JSON escapes", "".join("\\u%04x" % ord(c) for c in text).encode()
    yield "some JSON escapes", clear[:9] + b"\\u%04X" % clear[9] + clear[10:]
    yield "XML", "".join("&#x%x;" % ord(c) for c in text).encode()
    yield "XML, decimal", "".join("&#%d;" % ord(c) for c in text).encode()
    yield "percent", percent(text)


def over_the_wire(data, size):
    """data sent in pieces on a connection of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()) as sender:
        receiver, _ = server.accept()
        with receiver:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(data), size):
                sender.sendall(data[i:i + size])
            sender.shutdown(socket.SHUT_WR)
            while receiver.recv(65536):
                pass
        return server.getsockname()[1]


if ROOT:
    @test("control: the search knows each disguise, whole, chunk-split and in "
          "packets of one byte")
    def _():
        for name, data in disguises(CANARY):
            data = b"before " + data + b" after"
            for how in (data, chunks(data, 1), chunks(data, 7)):
                expect(wire.found(CANARY, how), "not found: " + name, how)
                expect(not wire.found(BAIT, how), "found what is not there: "
                       + name)
        network = wire.Wire()
        sent = [over_the_wire(chunks(data, 5), 1)
                for _, data in disguises(CANARY)]
        network.settle()
        seen, others = network.ports_with(CANARY, sent)
        expect_equal((seen, others), (set(sent), []), "seen")

    @test("control: a packet that the capture lost fails the search")
    def _():
        network = wire.Wire()
        port = over_the_wire(b"x" * 100, 10)
        network.settle()
        stream = [s for s in network.streams() if s.to[1] == port][0]
        expect_equal(len(stream.data()), 100, "all of it")
        for offset in (0, 50, 90):
            part = stream.parts.pop(offset)
            try:
                network.find(CANARY)
            except Failure as e:
                expect("lost" in str(e), "another failure", e)
            else:
                raise Failure("the hole at %d was not noticed" % offset)
            stream.parts[offset] = part
        network.dropped = 1
        try:
            network.settle()
        except Failure as e:
            expect("lost" in str(e), "another failure", e)
        else:
            raise Failure("the kernel's count was not noticed")

    @test("control: a hop that is not declared would fail the run")
    def _():
        network = wire.Wire()
        one = Run(True)
        one.gate.ask("tools", ONE, one.gate.token()).expect(200)
        network.settle()
        port = port_of(one.gate.listeners["tools"])
        expect_equal(network.ports_with(CANARY, one.all_ports()),
                     ({port}, []), "where it was seen")
        # As a configuration would say that has only such listeners.
        one.declared_hops = lambda: {}
        try:
            check(one, network)
        except Failure as e:
            expect("in clear" in str(e), "another failure", e)
        else:
            raise Failure("it was not noticed")
        one.gate.close()


main()
