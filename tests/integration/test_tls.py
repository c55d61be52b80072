#!/usr/bin/env python3
"""TLS and the channel bindings that come of it: what is negotiated, which
binding is right for which certificate, and what happens to both while
certificates are replaced.

The client is Python's ssl and gssapi: it works the binding out by itself.
"""
import base64
import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import threading
import warnings

from distribution import gssapi

from harness import (OPEN, PROXY_SECRET, PROXY_TLS, ROOT, SECRET, Connection,
                     Gate, expect, expect_equal, main, program, read, run,
                     scratch, test, the_realm, wait_for, write)

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
PREFIX = b"tls-server-end-point:"
NO_CI = gssapi.OID.from_int_seq("1.2.752.43.13.29")  # levels.md 1
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
MUTUAL = gssapi.RequirementFlag.mutual_authentication
ALL = MUTUAL | gssapi.RequirementFlag.replay_detection | \
    gssapi.RequirementFlag.confidentiality | gssapi.RequirementFlag.integrity

# -- certificates --------------------------------------------------------------

RSA = ["-newkey", "rsa:2048"]
P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
P384 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]
PSS = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
# name, how it is made, the binding's hash (RFC 5929 4.1)
CERTIFICATES = [
    ("rsa-sha256", RSA + ["-sha256"], "sha256"),
    ("rsa-sha384", RSA + ["-sha384"], "sha384"),
    ("rsa-sha512", RSA + ["-sha512"], "sha512"),
    ("rsa-sha1", RSA + ["-sha1"], "sha256"),
    ("pss-sha256", RSA + ["-sha256"] + PSS, "sha256"),
    ("pss-sha384", RSA + ["-sha384"] + PSS, "sha384"),
    ("psskey-sha256", ["-newkey", "rsa-pss", "-pkeyopt",
                       "rsa_keygen_bits:2048", "-sha256"], "sha256"),
    ("p256-sha256", P256 + ["-sha256"], "sha256"),
    ("p256-sha512", P256 + ["-sha512"], "sha512"),
    ("p384-sha384", P384 + ["-sha384"], "sha384"),
    ("p256-sha1", P256 + ["-sha1"], "sha256"),
]
HASH = {name: digest for name, _, digest in CERTIFICATES}
made = scratch()


def make(name, options):
    path = os.path.join(made, name)
    run("openssl", "req", "-x509", "-nodes", "-days", "30", *options,
        "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", path + ".key", "-out", path + ".crt")
    return path


def certificate(name):
    return os.path.join(made, name + ".crt")


for _name, _options, _ in CERTIFICATES:
    make(_name, _options)
make("ed25519", ["-newkey", "ed25519"])  # RFC 5929 has no hash for it


def listener(name, cert, *lines):
    return "\n".join(["[listener/https-%s]" % name, "bind = 127.0.0.1:0",
                      "tls_certificate = %s/%s.crt" % (made, cert),
                      "tls_key = %s/%s.key" % (made, cert), *lines, ""])


MODES = {
    "off": ["channel_bindings = off"],
    "allow": [],
    "require": ["channel_bindings = require"],
    "needs": ["encrypted_needs_binding = yes"],
    "evidence": ["privacy_evidence = bound"],
}
gate = Gate(workers=1, listeners="\n".join(
    [listener(name, "rsa-sha256", *lines) for name, lines in MODES.items()] +
    [listener(name, name, "channel_bindings = require")
     for name, _, _ in CERTIFICATES]))

# -- the client ------------------------------------------------------------------

os.environ.update(the_realm().env)


def binding_of(der, digest):
    return PREFIX + hashlib.new(digest, der).digest()


def der_of(name):
    with open(certificate(name), encoding="ascii") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def token(binding=None, flags=ALL, no_ci=False):
    """Made by a library that is not the gateway's own client."""
    creds = gssapi.Credentials(usage="initiate", store={
        "ccache": "FILE:" + the_realm().ccache("alice")})
    if no_ci:
        creds = gssapi.Credentials(
            gssapi.raw.set_cred_option(NO_CI, creds) or creds)
    name = gssapi.Name("HTTP@localhost",
                       gssapi.NameType.hostbased_service)
    channel = None
    if binding is not None:
        channel = gssapi.raw.ChannelBindings(application_data=binding)
    context = gssapi.SecurityContext(
        name=name, creds=creds, flags=flags, mech=SPNEGO, usage="initiate",
        channel_bindings=channel)
    return base64.b64encode(context.step()).decode()


def trusting(version=None, ca=None, alpn=None, ciphers=None):
    context = ssl.create_default_context(cafile=ca or certificate(
        "rsa-sha256"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


def connect(address, context, **more):
    connection = Connection(address)
    try:
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname="localhost", **more)
    except BaseException:
        connection.socket.close()
        raise
    return connection


def secure(name, cert="rsa-sha256", version=None):
    return connect(gate.listeners["https-" + name],
                   trusting(VERSIONS.get(version), certificate(cert)))


def binding_in(connection, digest="sha256"):
    return binding_of(connection.socket.getpeercert(True), digest)


def wrong(binding):
    return binding[:-1] + bytes([binding[-1] ^ 1])


# -- which binding is right ------------------------------------------------------

def every_certificate(name, version):
    @test("the binding of %s under TLS %s" % (name, version))
    def _():
        with secure(name, name, version) as c:
            expect_equal(c.socket.version(), "TLSv" + version, "protocol")
            right = binding_in(c, HASH[name])
            expect_equal(right, binding_of(der_of(name), HASH[name]), "whose")
            c.ask(SECRET, token(right)).expect(200)
            for other in ("sha1", "sha256", "sha384", "sha512"):
                if other != HASH[name]:
                    c.ask(SECRET, token(binding_in(c, other))).expect(401)
            c.ask(SECRET, token(wrong(right))).expect(401)
            c.ask(SECRET, token(right[:-1])).expect(401)
            c.ask(SECRET, token(right[len(PREFIX):])).expect(401)
            c.ask(SECRET, token()).expect(401)
            c.ask(SECRET, token(right)).expect(200)


for _name, _, _ in CERTIFICATES:
    for _version in VERSIONS:
        every_certificate(_name, _version)


@test("a signature that defines no binding is refused at the start")
def _():
    other = Gate(listeners=listener("ed", "ed25519"), start=False, mof=())
    done = run(program("nsgated"), "--config", other.conf, "--check-config",
               check=False)
    expect(done.returncode != 0, "it was accepted", done.stderr)
    expect("tls-server-end-point" in done.stderr and
           certificate("ed25519") in done.stderr,
           "the reason", done.stderr)


# -- modes: levels.md 4 ----------------------------------------------------------

# mode, conf, what the client sends -> status and reason at SECRET
NOT_BOUND, CONTEXT = (403, "not-bound"), (403, "context-not-private")
OK, NO = (200, None), (401, None)
TABLE = [
    # mode        with CONF: right wrong none    without: right wrong none
    ("off", (OK, OK, OK), (CONTEXT, CONTEXT, CONTEXT)),
    ("allow", (OK, NO, OK), (CONTEXT, NO, CONTEXT)),
    ("require", (OK, NO, NO), (CONTEXT, NO, NO)),
    ("needs", (OK, NO, NOT_BOUND), (CONTEXT, NO, CONTEXT)),
    ("evidence", (OK, NO, OK), (OK, NO, CONTEXT)),
]


def ask_all(c, mode, row, no_ci):
    right = binding_in(c)
    flags = MUTUAL if no_ci else ALL
    for sent, (status, reason) in zip((right, wrong(right), None), row):
        answer = c.ask(SECRET, token(sent, flags, no_ci)).expect(
            status, reason)
        if status == 403:
            bound = sent == right and mode != "off"
            expect_equal(answer.json["binding"],
                         "bound" if bound else "absent", "binding")
            expect_equal(answer.json["appliedLevel"], "PktPrivacy", "applied")
        opened = 401 if status == 401 else 200
        c.ask(OPEN, token(sent, flags, no_ci)).expect(opened)


def every_mode(mode, with_conf, without, version):
    @test("%s: right, wrong and no binding, with and without CONF, TLS %s"
          % (mode, version))
    def _():
        with secure(mode, version=version) as c:
            ask_all(c, mode, with_conf, False)
            ask_all(c, mode, without, True)


for _mode, _with, _without in TABLE:
    for _version in VERSIONS:
        every_mode(_mode, _with, _without, _version)


@test("a binding counts as a declaration of privacy, and only with evidence")
def _():
    with secure("evidence") as c:
        answer = c.ask(SECRET, token(binding_in(c), MUTUAL, True)).expect(200)
    record = access_record(answer)
    expect_equal((record["declaredLevel"], record["effectiveLevel"],
                  record["binding"]), ("PktPrivacy", "PktPrivacy", "bound"),
                 "with evidence")
    with secure("allow") as c:
        answer = c.ask(SECRET, token(binding_in(c), MUTUAL, True)).expect(403)
    expect_equal((answer.json["declaredLevel"], answer.json["binding"]),
                 ("Connect", "bound"), "strict")


def access_record(answer):
    request = answer.headers["nsgate-request-id"]
    return wait_for(lambda: [r for r in gate.access()
                             if r["requestId"] == request],
                    "the access record")[0]


@test("the probe binds as the other client does")
def _():
    for name, _, _ in CERTIFICATES:
        options = ["--cacert", certificate(name)]
        gate.probe("https-" + name, SECRET, "--bind-channel",
                   *options).expect(200)
        gate.probe("https-" + name, SECRET, "--no-channel-binding",
                   *options).expect(401)


# -- what is negotiated ----------------------------------------------------------

def refused(address, context, **more):
    try:
        connect(address, context, **more).socket.close()
    except (ssl.SSLError, ConnectionError):
        return True
    return False


@test("TLS below 1.2 is not spoken")
def _():
    warnings.simplefilter("ignore", DeprecationWarning)
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = trusting(ciphers="ALL:@SECLEVEL=0")
        context.minimum_version = old
        context.maximum_version = old
        for name in ("rsa-sha256", "p256-sha256"):
            expect(refused(gate.listeners["https-" + name], context),
                   "%s is spoken" % old)


def offered(ciphers, name):
    context = trusting(ssl.TLSVersion.TLSv1_2, certificate(name),
                       ciphers=ciphers + ":@SECLEVEL=0")
    return not refused(gate.listeners["https-" + name], context)


@test("under TLS 1.2 there is forward secrecy and authenticated encryption "
      "only")
def _():
    for name in ("rsa-sha256", "p256-sha256"):
        expect(offered("ECDHE+AESGCM", name), "ECDHE with GCM is not there")
        expect(offered("ECDHE+CHACHA20", name), "nor with ChaCha20")
        for bad in ("kRSA", "aNULL", "eNULL", "kDHE", "kPSK", "SHA1",
                    "SHA256:!AESGCM:!CHACHA20:!AESCCM", "AES128-SHA",
                    "ECDHE+AES:!AESGCM:!AESCCM", "CAMELLIA", "ARIA:!AESGCM"):
            try:
                trusting(ciphers=bad + ":@SECLEVEL=0")
            except ssl.SSLError:
                continue  # the client has none of them either
            expect(not offered(bad, name), "%s is offered" % bad)


@test("http/1.1 is the protocol that is chosen, and no other")
def _():
    address = gate.listeners["https-allow"]
    for version in VERSIONS.values():
        for names, chosen in ((None, None), (["http/1.1"], "http/1.1"),
                              (["h2", "http/1.1"], "http/1.1"),
                              (["http/1.1", "h2"], "http/1.1"),
                              (["http/1.0", "http/1.1"], "http/1.1")):
            with connect(address, trusting(version, alpn=names)) as c:
                expect_equal(c.socket.selected_alpn_protocol(), chosen,
                             "chosen of %s" % names)
                c.ask(OPEN, token(binding_in(c))).expect(200)
        for names in (["h2"], ["http/1.0"], ["h2", "spdy/3"]):
            expect(refused(address, trusting(version, alpn=names)),
                   "%s is spoken" % names)


@test("no session is resumed, so that each has its own certificate")
def _():
    for mode in ("allow", "require"):
        for version in VERSIONS.values():
            context, session = trusting(version), None
            for _ in range(3):
                with connect(gate.listeners["https-" + mode], context,
                             session=session) as c:
                    c.ask(SECRET, token(binding_in(c))).expect(200)
                    c.ask(SECRET, token(wrong(binding_in(c)))).expect(401)
                    c.ask(SECRET, token()).expect(
                        200 if mode == "allow" else 401)
                    expect(not c.socket.session_reused, "resumed")
                    session = c.socket.session
                    expect(not session.has_ticket, "a ticket")
    for option in ("-tls1_2", "-tls1_3"):
        done = run("openssl", "s_client", option, "-connect",
                   gate.listeners["https-allow"], "-reconnect", check=False)
        expect("New, TLSv" in done.stdout, "no session at all", done.stdout,
               done.stderr)
        expect("Reused" not in done.stdout, "reused", done.stdout)


@test("no handshake can be had in the middle of a session")
def _():
    """The input stays open: who ends it is the gateway."""
    with subprocess.Popen(
            ["openssl", "s_client", "-tls1_2", "-connect",
             gate.listeners["https-allow"]], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as c:
        c.stdin.write("R\n")
        c.stdin.flush()
        c.wait(30)
        said = c.stdout.read()
    before, _, after = said.partition("RENEGOTIATING")
    expect("verify return" in before, "no session", said)
    expect(after and "verify return" not in after, "it went on", said)


# -- certificates that change ----------------------------------------------------

class Changing:
    """A gateway whose certificate is in files of its own."""

    def __init__(self, workers=2, extra="", **users):
        self.gate = Gate(workers=workers, start=False, **users, listeners="""
[listener/https]
bind             = 127.0.0.1:0
tls_certificate  = {dir}/own.crt
tls_key          = {dir}/own.key

[listener/https-require]
bind             = 127.0.0.1:0
tls_certificate  = {dir}/own.crt
tls_key          = {dir}/own.key
channel_bindings = require
""" + extra)
        self.changes = self.failures = 0
        self.put("rsa-sha256")
        self.gate.start()

    def put(self, name, parts=("crt", "key"), how=os.rename):
        for part in parts:
            path = self.gate.path("own." + part)
            shutil.copyfile(os.path.join(made, "%s.%s" % (name, part)),
                            path + ".new")
            os.chmod(path + ".new", 0o600)
            how(path + ".new", path)

    def wait_changed(self, count=2):
        """Each of the two listeners tells it."""
        self.changes += count
        wait_for(lambda: len(self.gate.events(
            name="certificate-changed")) >= self.changes, "the change")
        expect_equal(len(self.gate.events(name="certificate-changed")),
                     self.changes, "changes")

    def wait_failed(self):
        self.failures += 2
        wait_for(lambda: len(self.gate.events(
            name="certificate-failed")) >= self.failures, "the failure")
        return self.gate.events(name="certificate-failed")[-1]

    def connect(self, cert, version=None, listener="https"):
        return connect(self.gate.listeners[listener],
                       trusting(version, certificate(cert)))

    def serves(self, cert, times=6):
        """At whatever worker."""
        for _ in range(times):
            with self.connect(cert) as c:
                right = binding_in(c, HASH[cert])
                expect_equal(right, binding_of(der_of(cert), HASH[cert]),
                             "the certificate")
                c.ask(SECRET, token(right)).expect(200)


def in_place(new, path):
    """As an editor or cp does: the file is empty for a moment."""
    shutil.copyfile(new, path)
    os.unlink(new)


@test("a connection keeps its certificate and binding; the next has the new")
def _():
    ours = Changing()
    order = ["rsa-sha256", "p384-sha384", "p256-sha512", "rsa-sha384",
             "rsa-sha256"]
    for before, after in zip(order, order[1:]):
        old = binding_of(der_of(before), HASH[before])
        new = binding_of(der_of(after), HASH[after])
        kept = [ours.connect(before, version, name)
                for version in VERSIONS.values()
                for name in ("https", "https-require")]
        for c in kept:
            c.ask(SECRET, token(old)).expect(200)
        ours.put(after)
        ours.wait_changed()
        for c in kept:
            with c:
                c.ask(SECRET, token(old)).expect(200)
                c.ask(SECRET, token(new)).expect(401)
                c.ask(SECRET, token(old)).expect(200)
        for version in VERSIONS.values():
            for name in ("https", "https-require"):
                with ours.connect(after, version, name) as c:
                    c.ask(SECRET, token(new)).expect(200)
                    c.ask(SECRET, token(old)).expect(401)
                    c.ask(SECRET, token(new)).expect(200)


@test("however the files are replaced, and in whatever order")
def _():
    ours = Changing()
    ours.put("rsa-sha384", how=in_place)
    ours.wait_changed()
    ours.serves("rsa-sha384")
    ours.put("p256-sha256", ("key", "crt"))
    ours.wait_changed()
    ours.serves("p256-sha256")
    for part in ("crt", "key"):  # as certbot's links
        link = ours.gate.path("link." + part)
        os.symlink(os.path.join(made, "rsa-sha512." + part), link)
        os.rename(link, ours.gate.path("own." + part))
    ours.wait_changed()
    ours.serves("rsa-sha512")
    expect(not ours.gate.events(name="certificate-failed"), "a complaint",
           ours.gate.events(name="certificate-failed"))


@test("what says the same in a new file is no change")
def _():
    ours = Changing()
    ours.put("rsa-sha256")
    ours.put("p256-sha256")
    ours.wait_changed()
    ours.serves("p256-sha256")


@test("a certificate without its key is told once, and taken when it has one")
def _():
    ours = Changing()
    ours.put("p256-sha256", ("crt",))
    event = ours.wait_failed()
    expect("own.crt" in event["detail"] and "own.key" in event["detail"],
           "the files", event)
    expect_equal((event["id"], event["severity"]), (123, "error"), "event")
    ours.serves("rsa-sha256")
    ours.put("p256-sha256", ("key",))
    ours.wait_changed()
    ours.serves("p256-sha256")
    expect_equal(sum(e["count"] for e in ours.gate.events(
        name="certificate-failed")), 2, "once for each listener")


def broken(ours):
    path = ours.gate.path("own.crt")
    text = read(path)
    yield "half a file", lambda: write(path, text[:len(text) // 2])
    yield "no file", lambda: os.unlink(path)
    yield "a directory", lambda: os.mkdir(path)


@test("a certificate that cannot be used leaves the old one and an event")
def _():
    ours = Changing()
    for what, put in broken(ours):
        put()
        event = ours.wait_failed()
        expect("own.crt" in event["detail"], what, event)
        ours.serves("rsa-sha256")
    os.rmdir(ours.gate.path("own.crt"))
    ours.put("rsa-sha256", ("crt",))
    ours.wait_changed()  # after a complaint, that it is well again
    write(ours.gate.path("own.key"), read(ours.gate.path("own.key")).replace(
        "A", "B"))
    event = ours.wait_failed()
    expect("own.key" in event["detail"], "the key", event)
    ours.serves("rsa-sha256")
    done = ours.gate.ctl("reload", check=False)
    expect(done.returncode != 0, "reloaded with a broken key", done.stdout)
    ours.serves("rsa-sha256")
    shutil.copyfile(os.path.join(made, "ed25519.crt"),
                    ours.gate.path("own.crt"))
    shutil.copyfile(os.path.join(made, "ed25519.key"),
                    ours.gate.path("own.key"))
    expect("tls-server-end-point" in ours.wait_failed()["detail"], "ed25519")
    ours.serves("rsa-sha256")


@test("a worker that begins after the change has the new certificate")
def _():
    ours = Changing()
    ours.put("p384-sha384")
    ours.wait_changed()
    before = set(ours.gate.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(ours.gate.workers()) - before) == len(before),
             "new workers")
    ours.serves("p384-sha384")
    ours.put("rsa-sha256", ("crt",))
    ours.wait_failed()
    before = set(ours.gate.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(ours.gate.workers()) - before) == len(before),
             "new workers")
    ours.serves("p384-sha384")


if ROOT:
    @test("workers that may not read the files get what is in them")
    def _():
        ours = Changing(user="nobody", store_user="games")
        for name in ("p256-sha256", "rsa-sha384"):
            ours.put(name)
            ours.wait_changed()
            ours.serves(name)
        expect(not ours.gate.events(name="worker-died"), "a death")


PROXY = """
[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {dir}/own.crt
"""


@test("a proxy's certificate and secret are taken too")
def _():
    ours = Changing(extra=PROXY)
    old, new = (binding_of(der_of(name), HASH[name])
                for name in ("rsa-sha256", "p384-sha384"))
    ours.gate.ask("proxy", SECRET, token(old), PROXY_TLS).expect(200)
    ours.put("p384-sha384")
    ours.wait_changed(3)
    ours.gate.ask("proxy", SECRET, token(new), PROXY_TLS).expect(200)
    ours.gate.ask("proxy", SECRET, token(old), PROXY_TLS).expect(401)
    write(ours.gate.path("proxy.secret"), PROXY_SECRET[::-1] + "\n", 0o600)
    ours.wait_changed(1)
    ours.gate.ask("proxy", SECRET, token(new), PROXY_TLS).expect(400)
    headers = [(n, v if v != PROXY_SECRET else PROXY_SECRET[::-1])
               for n, v in PROXY_TLS]
    ours.gate.ask("proxy", SECRET, token(new), headers).expect(200)
    write(ours.gate.path("proxy.secret"), "short\n", 0o600)
    event = ours.gate.wait_event(name="certificate-failed")
    expect("32 bytes" in event["detail"], "the reason", event)
    expect_equal(event["listener"], "proxy", "the listener")
    ours.gate.ask("proxy", SECRET, token(new), headers).expect(200)


class Load(threading.Thread):
    """Requests on one connection each, or on one for all; each binds to what
    its connection has."""

    def __init__(self, ours, contexts, keep):
        super().__init__()
        self.ours, self.contexts, self.keep = ours, contexts, keep
        self.ending, self.count, self.seen = threading.Event(), 0, set()
        self.error = None

    def one(self, index):
        address = self.ours.gate.listeners["https-require"]
        with connect(address, self.contexts[index % 2]) as c:
            der = c.socket.getpeercert(True)
            self.seen.add(der)
            right = binding_of(der, "sha256")
            for _ in range(50 if self.keep else 1):
                c.ask(SECRET, token(right)).expect(200)
                self.count += 1

    def run(self):
        try:
            index = 0
            while not self.ending.is_set():
                self.one(index)
                index += 1
        except BaseException as e:  # pylint: disable=broad-except
            self.error = e


@test("no request fails while certificates are replaced twenty times")
def _():
    ours = Changing()
    names = ("rsa-sha256", "p256-sha256")
    contexts = [trusting(v) for v in VERSIONS.values()]
    for context in contexts:
        context.load_verify_locations(certificate("p256-sha256"))
    load = [Load(ours, contexts, keep) for keep in (True, False, False)]
    for one in load:
        one.start()
    try:
        for turn in range(20):
            ours.put(names[(turn + 1) % 2],
                     how=os.rename if turn % 4 < 2 else in_place)
            ours.wait_changed()
    finally:
        for one in load:
            one.ending.set()
        for one in load:
            one.join()
    for one in load:
        expect(one.error is None, "after %d requests: %r" % (one.count,
                                                             one.error))
        expect(one.count > 40, "only %d requests" % one.count)
        expect_equal(len(one.seen), 2, "certificates seen")
    expect(not ours.gate.events(name="certificate-failed"), "a complaint",
           ours.gate.events(name="certificate-failed"))
    expect(not ours.gate.events(name="worker-died"), "a death")


main()
