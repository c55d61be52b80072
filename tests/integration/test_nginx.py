#!/usr/bin/env python3
"""Behind a real nginx, on a Unix socket and on loopback TCP: threats 6, 20
to 24, 26 and 42 of docs/threat-model.md."""
import os
import re

from harness import (OPEN, PROXY_SECRET, PROXY_TLS, ROOT, SECRET, Answer,
                     Connection, Gate, Nginx, expect, expect_equal, main, read,
                     run, test, tls_dir, wait_for)
from raw_requests import (FRAMING, HEAD, HEADERS, LINES, PAGE, POST, SMUGGLED,
                          SPELLINGS)

PROXY = "www-data" if ROOT else "{me}"
gate = Gate(workers=1, listeners="""
[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = %s
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt

[listener/proxytcp]
bind                  = 127.0.0.1:0
trusted_proxy         = %s
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt

[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/httpsneeds]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
encrypted_needs_binding = yes

[listener/httpsrequire]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
channel_bindings = require

[listener/http]
bind = 127.0.0.1:0

[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = {me}

[listener/toolsock]
bind        = unix:{dir}/sock/tools.sock
channel     = local
local_users = {me}
mode        = 0666

[listener/mesh]
bind           = 127.0.0.1:0
channel        = asserted
channel_reason = a tunnel between the hosts

[listener/status]
bind   = 127.0.0.1:0
status = true
""" % (PROXY, PROXY))
KINDS = ("proxy", "proxytcp")


def upstream(listener):
    address = gate.listeners[listener]
    return address[5:] if address.startswith("unix:") else address


fronts = {kind: Nginx(gate, upstream(kind), gate.path("front-" + kind))
          for kind in KINDS}


def principal(answer):
    return answer.json["caller"]["principal"]


def ask(port, tls, path, token=None, headers=(), **more):
    with Connection("127.0.0.1:%d" % port, tls=tls) as c:
        return c.ask(path, token, headers, **more)


def records(mark):
    """The records since mark(): what has reached the gateway and was made a
    request.  One worker writes them in order, so the last of ours is found
    by one more request."""
    done = ask(fronts["proxytcp"].clear_port, False, PAGE, gate.token())
    last = done.headers["nsgate-request-id"]
    found = wait_for(lambda: [a for a in gate.access() if a["requestId"] ==
                              last] and gate.access(), "the last record")
    return [a for a in found[mark:] if a["requestId"] != last]


def mark():
    records(0)
    return len(gate.access())


# -- what is right ---------------------------------------------------------------

@test("on both kinds of listener https is private, http is not, and nobody "
      "is nobody")
def _():
    for kind, nginx in fronts.items():
        seen = mark()
        answer = ask(nginx.tls_port, True, SECRET, gate.token()).expect(200)
        expect(b"swordfish" in answer.body, "the secret", answer)
        ask(nginx.clear_port, False, SECRET, gate.token()).expect(
            403, "channel-not-private")
        ask(nginx.clear_port, False, OPEN, gate.token()).expect(200)
        ask(nginx.tls_port, True, SECRET, gate.token(flags=0)).expect(
            403, "context-not-private")
        for port, tls in ((nginx.tls_port, True), (nginx.clear_port, False)):
            ask(port, tls, OPEN).expect(401)
        for record in records(seen):
            expect_equal(record["listener"], kind, "the listener")
            expect(record["client"].startswith("127.0.0.1 via "),
                   "the client", record)


def upstream_connections(kind):
    """How many connections the gateway has from nginx on that listener."""
    if kind == "proxytcp":
        port = "%04X" % int(gate.listeners[kind].rsplit(":", 1)[1])
        return len([1 for line in read("/proc/net/tcp").split("\n")[1:-1]
                    if line.split()[1].endswith(":" + port) and
                    line.split()[3] == "01"])
    return len([1 for line in read("/proc/net/unix").split("\n")
                if line.endswith(" " + upstream(kind)) and
                line.split()[5] == "03"])


@test("two users and nobody over one kept-alive upstream connection")
def _():
    for kind, nginx in fronts.items():
        address = "127.0.0.1:%d" % nginx.tls_port
        clear = "127.0.0.1:%d" % nginx.clear_port
        # What earlier requests left open is one connection, too.
        wait_for(lambda k=kind: upstream_connections(k) <= 1,
                 "one connection", 90)
        with Connection(address, tls=True) as one, \
                Connection(address, tls=True) as two, \
                Connection(clear) as three:
            for _ in range(5):
                expect_equal(principal(one.ask(PAGE, gate.token(
                    user="alice")).expect(200)), "alice@NSGATE.TEST", "who")
                two.ask(PAGE).expect(401)
                one.ask(PAGE).expect(401)
                one.ask(SECRET, gate.token()).expect(200)
                three.ask(SECRET).expect(401)
                three.ask(SECRET, gate.token()).expect(403)
                expect_equal(principal(two.ask(PAGE, gate.token(
                    user="bob")).expect(200)), "bob@NSGATE.TEST", "who")
                three.ask(PAGE, None, PROXY_TLS).expect(401)
                expect_equal(upstream_connections(kind), 1, "connections "
                             "from nginx on " + kind)
            one.send(one.request(PAGE, gate.token(user="alice")) +
                     one.request(PAGE) +
                     one.request(PAGE, gate.token(user="bob")))
            expect_equal(principal(one.receive().expect(200)),
                         "alice@NSGATE.TEST", "the first")
            one.receive().expect(401)
            expect_equal(principal(one.receive().expect(200)),
                         "bob@NSGATE.TEST", "the third")


def http2(nginx, requests, parallel=False):
    """One curl, one connection of HTTP/2: a list of (path, token), and the
    answers in their order."""
    out = gate.path("http2")
    command = ["curl", "-sS"] + (["-Z", "--parallel-max", "50"]
                                 if parallel else [])
    for n, (path, token) in enumerate(requests):
        if n:
            command.append("--next")
        command += ["-sS", "--http2", "--cacert", tls_dir() + "/ca.crt",
                    "-D", "%s.%d" % (out, n), "-o", "%s.%d.body" % (out, n),
                    "-w", "%{http_version}\n"]
        if token is not None:
            command += ["-H", "Authorization: Negotiate " + token]
        command.append("https://localhost:%d%s" % (nginx.tls_port, path))
    versions = run(*command).stdout.split()
    expect_equal(versions, ["2"] * len(requests), "versions of HTTP")
    answers = []
    for n in range(len(requests)):
        head = read("%s.%d" % (out, n)).replace("HTTP/2 ", "HTTP/1.1 ")
        answers.append(Answer.parse(head.encode() + read(
            "%s.%d.body" % (out, n)).encode()))
    return answers


@test("clients of HTTP/2 are served, each by its own token, also at once")
def _():
    for nginx in fronts.values():
        done = run("curl", "-sS", "--http2", "--negotiate", "-u", ":",
                   "--cacert", tls_dir() + "/ca.crt", "-w", "%{http_version}",
                   "https://localhost:%d%s" % (nginx.tls_port, SECRET),
                   env=dict(gate.realm.env, KRB5CCNAME="FILE:" +
                            gate.realm.ccache("alice"))).stdout
        expect("swordfish" in done and done.endswith("2"), "curl --http2",
               done)
        whose = ["alice", None, "bob", None, "alice", "bob"] * 4
        for parallel in (False, True):
            answers = http2(nginx, [
                (PAGE, gate.token(user=user) if user else None)
                for user in whose], parallel)
            for user, answer in zip(whose, answers):
                if user is None:
                    answer.expect(401)
                else:
                    expect_equal(principal(answer.expect(200)),
                                 user + "@NSGATE.TEST", "who")
        token = gate.token()
        expect_equal([a.status for a in http2(
            nginx, [(PAGE, token), (PAGE, token), (SECRET, gate.token(
                flags=0)), (SECRET, None)])], [200, 401, 403, 401],
                     "a replay, no privacy, nobody")


# -- what a client says itself ----------------------------------------------------

FORGED = [
    PROXY_TLS,
    [(name.lower(), value) for name, value in PROXY_TLS],
    [(name.upper(), value) for name, value in PROXY_TLS],
    [(name.replace("-", "_"), value) for name, value in PROXY_TLS],
    [(name.replace("-Tls-", "_Tls-"), value) for name, value in PROXY_TLS],
    PROXY_TLS + PROXY_TLS,
    [("X-Nsgate-Tls-Protocol", "TLSv1.3")],
    [("X-Nsgate-Client-Addr", "10.0.0.1")],
    [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "10.0.0.1")],
    [("X_Forwarded_Proto", "https")], [("Forwarded", "proto=https")],
    [("Via", "1.1 gateway")], [("X-Real-IP", "10.0.0.1")],
    [("X-Forwarded-Ssl", "on")], [("Front-End-Https", "on")],
    [("Connection", "X-Nsgate-Client-Addr, X-Nsgate-Proxy-Secret")],
    [("Connection", "close, X-Nsgate-Tls-Protocol, Authorization")],
    [("X-Remote-User", "bob@NSGATE.TEST"), ("X_Remote_User", "bob")],
]


@test("what a client says of its own connection is worth nothing")
def _():
    for kind, nginx in fronts.items():
        for forged in FORGED:
            seen = mark()
            answer = ask(nginx.clear_port, False, SECRET, gate.token(),
                         forged)
            expect(answer.status in (400, 403), "%r in clear" % forged,
                   answer)
            expect(b"swordfish" not in answer.body, "a leak", answer)
            answer = ask(nginx.tls_port, True, PAGE, gate.token(), forged)
            expect(answer.status == 200 and principal(answer) ==
                   "alice@NSGATE.TEST", "%r with TLS" % forged, answer)
            for record in records(seen):
                expect(record["client"].startswith("127.0.0.1 via "),
                       "a client's own address", record, forged)


# -- mistakes ------------------------------------------------------------------------

GOOD = """
        proxy_set_header X-Nsgate-Tls-Protocol $ssl_protocol;
        proxy_set_header X-Nsgate-Tls-Cipher   $ssl_cipher;
        proxy_set_header X-Nsgate-Client-Addr  $remote_addr;
        proxy_set_header X-Nsgate-Proxy-Secret %s;
""" % PROXY_SECRET
FORWARDED = """
        proxy_set_header X-Forwarded-For   $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-Real-IP         $remote_addr;
"""
TIDY = "proxy_http_version 1.1; proxy_set_header Connection \"\";"
# Lines of the server, lines of the location.
BLOCKS = {
    "stock": ("", ""),
    "kept alive": (TIDY, ""),
    "forwarded": (FORWARDED, ""),
    "host": ("proxy_set_header Host $host;", ""),
}
PROXY_BLOCKS = {
    "no secret": (re.sub(r".*Secret.*", "", GOOD), ""),
    "a wrong secret": (GOOD.replace(PROXY_SECRET, "f" * 32), ""),
    "a location with a header of its own":
        (GOOD, "proxy_set_header Host $host;"),
    "a location that only wants to keep alive":
        (GOOD, "proxy_set_header Connection \"\"; proxy_http_version 1.1;"),
}


class Mistakes(Nginx):
    """A server for each of blocks, in clear and with TLS, all to one
    listener."""

    user = "www-data"

    def __init__(self, listener, blocks):
        self.listener, self.blocks = listener, blocks
        self.ports = 2 * len(blocks)
        super().__init__(gate, upstream(listener), gate.path(
            "mistakes-%d" % len(os.listdir(gate.dir))))

    def servers(self, one, upstream):
        text = ""
        scheme = "https" if self.listener.startswith("https") else "http"
        where = upstream if ":" in upstream else "unix:%s:" % upstream
        for n, (server, location) in enumerate(self.blocks.values()):
            for k in range(2):
                text += """
server {
    listen 127.0.0.1:%d%s;
    ssl_certificate %s/tls.crt;
    ssl_certificate_key %s/tls.key;
    large_client_header_buffers 4 64k;
    underscores_in_headers on;
    %s
    location / {
        %s
        proxy_pass %s://%s;
    }
}""" % (self.sockets[2 * n + k].getsockname()[1], " ssl" if k == 0 else "",
                    tls_dir(), tls_dir(), server, location, scheme, where)
        return text

    def fronts(self):
        """(name, port, with TLS)"""
        for n, name in enumerate(self.blocks):
            for k in range(2):
                yield (name, self.sockets[2 * n + k].getsockname()[1], k == 0)


def through(listener, blocks, statuses, forged=((),)):
    """Every block asks for the secret, by every client: such a status and no
    secret. statuses: of a client in clear, and with TLS."""
    nginx = Mistakes(listener, blocks)
    for name, port, tls in nginx.fronts():
        for headers in forged:
            answer = ask(port, tls, SECRET, gate.token(), headers)
            what = "%s behind '%s', %s, %r" % (
                listener, name, "https" if tls else "http", headers)
            expect(answer.status in statuses, what, answer)
            expect((answer.status == 200) == (b"swordfish" in answer.body),
                   "a leak: " + what, answer)
            expect(ask(port, tls, SECRET, None, headers).status in
                   (400, 401, 403, 404, 502), "nobody, " + what, answer)
    nginx.stop()


@test("a stock proxy_pass in front of each kind of listener opens nothing")
def _():
    forged = ((), tuple(PROXY_TLS[:3]), tuple(PROXY_TLS[:1]))
    through("http", BLOCKS, (400, 403), forged)
    through("status", BLOCKS, (400, 404), forged)
    for listener in KINDS:
        through(listener, BLOCKS, (400,), forged)
    if ROOT:  # else nginx is the user whom they serve
        for listener in ("tools", "toolsock"):
            through(listener, BLOCKS, (400, 403), forged)


@test("in front of a TLS listener a proxy is not seen: the record says that "
      "nothing was bound, and where that must be it is refused")
def _():
    nginx = Mistakes("https", {"stock": ("", "")})
    seen = mark()
    for _, port, tls in nginx.fronts():
        ask(port, tls, SECRET, gate.token()).expect(200)
    expect_equal([(r["channel"], r["binding"]) for r in records(seen)],
                 [("tls", "absent")] * 2, "channel and binding")
    nginx.stop()
    through("httpsneeds", BLOCKS, (403,))
    through("httpsrequire", BLOCKS, (401,))


@test("an asserted listener believes its operator, and says so")
def _():
    nginx = Mistakes("mesh", {"stock": ("", "")})
    seen = mark()
    for _, port, tls in nginx.fronts():
        ask(port, tls, SECRET, gate.token()).expect(200)
        ask(port, tls, SECRET, gate.token(), PROXY_TLS).expect(400)
    told = [r for r in records(seen) if r["status"] == 200]
    expect_equal([r["channel"] for r in told], ["asserted"] * 2, "channels")
    nginx.stop()


@test("a server block or a location that forgot the headers is 400, also "
      "when its clients send them")
def _():
    forged = ((), tuple(PROXY_TLS[:3]),
              tuple(PROXY_TLS[:3]) + (("X-Nsgate-Proxy-Secret", "f" * 32),),
              tuple((n.replace("-", "_"), v) for n, v in PROXY_TLS))
    for listener in KINDS:
        through(listener, PROXY_BLOCKS, (400,), forged)
        # Without a secret in front of it no line can be left out alone.
        through(listener, {"no address": (re.sub(
            r".*Client-Addr.*", "", GOOD), "")}, (400,))


# -- raw bytes -------------------------------------------------------------------

def ways():
    """(what, port, with TLS)"""
    for kind, nginx in fronts.items():
        yield kind + ", https", nginx.tls_port, True
        yield kind + ", http", nginx.clear_port, False


def raw(port, tls, text):
    """What comes back for these bytes, whose end is not said."""
    with Connection("127.0.0.1:%d" % port, tls=tls) as c:
        c.send(text.replace("T\r\n", "Authorization: Negotiate %s\r\n"
                            % gate.token(), 1))
        c.socket.settimeout(1)
        try:
            return c.everything()
        except TimeoutError:
            return c.buffer + b"(still open)"


def statuses(got):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d+) ", got)]


def driven(name, text, allowed):
    """Such an answer, and nothing of what the bytes could also mean: one
    request at the gateway at most, and not the one behind it."""
    for what, port, tls in ways():
        seen = mark()
        got = raw(port, tls, text)
        what = "%s through %s" % (name, what)
        expect(statuses(got)[:1] and statuses(got)[0] in allowed, what, text,
               got)
        expect(b"swordfish" not in got, "a leak: " + what, got)
        told = records(seen)
        expect(len(told) <= 1 and
               not any("Secret" in r["target"] for r in told), what, told)


@test("framing that two parsers could read differently reaches the gateway "
      "as one request or none")
def _():
    for name, lines in FRAMING:
        for head in (HEAD, POST):
            driven(name, head + lines + "\r\n0\r\n\r\n" + SMUGGLED,
                   (400, 413, 501))


@test("what nginx repairs is one request with one meaning")
def _():
    head = HEAD + "Connection: close\r\n"
    body = SMUGGLED.encode().hex()
    for name, text in (
            ("bare LF", head.replace("\r\n", "\n").replace(
                "T\n", "T\r\n") + "\r\n"),
            ("an empty line before it", "\r\n" + head + "\r\n"),
            ("two blanks", head.replace("GET ", "GET  ") + "\r\n"),
            ("an underscore in a name",
             head + "Transfer_Encoding: chunked\r\n\r\n"),
            ("chunks with extensions", head + "Transfer-Encoding: chunked\r\n"
             "\r\n%x;a=b\r\n%s\r\n0\r\nX-T: u\r\n\r\n" % (len(body), body)),
            ("Chunked", head + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc"
             "\r\n0\r\n\r\n"),
            ("a body that looks like a request",
             head + "Content-Length: %d\r\n\r\n%s" % (len(SMUGGLED),
                                                    SMUGGLED))):
        driven(name, text, (200, 400))
        driven(name + ", POST", text.replace("GET ", "POST ", 1), (400, 405))


@test("headers that are twice, or no headers, do not reach a user's request")
def _():
    dropped = ("a name that is no token", "a name with a blank",
               "an empty name", "no colon", "NUL in a name")
    for name, line in HEADERS:
        # nginx drops a line that is no header; nothing of it is left then.
        allowed = (200, 400) if name in dropped else (400,)
        driven(name, HEAD + line + "Connection: close\r\n\r\n" + SMUGGLED,
               allowed)


@test("request lines that are not origin form have one meaning or none")
def _():
    for name, line in LINES:
        if name == "HTTP/0.9":
            continue  # its answers have no status
        # nginx has an origin form for these, and puts the Host in order.
        allowed = (200, 400) if name in (
            "absolute form", "two blanks", "HTTP/1.10") else (400, 404, 405, 501, 505)
        driven(name, line + "\r\nHost: localhost\r\nT\r\nConnection: close"
               "\r\n\r\n", allowed)
    for what, port, tls in ways():
        got = raw(port, tls, "GET %s\r\n" % SECRET)
        expect(b'"status":401' in got or statuses(got) == [400],
               "HTTP/0.9 through " + what, got)


@test("no spelling of an encrypted namespace gets it in clear through nginx")
def _():
    for spelling in SPELLINGS:
        target = spelling.encode("utf-8").decode("latin-1")
        text = "GET %s HTTP/1.1\r\nHost: localhost\r\nT\r\n" \
            "Connection: close\r\n\r\n" % target
        for what, port, tls in ways():
            got = raw(port, tls, text)
            status = (statuses(got) or [0])[0]
            expect(status in ((200, 400, 404) if tls else (400, 403, 404)),
                   "%s through %s" % (spelling, what), got)
            expect(tls or b"swordfish" not in got, "a leak: " + spelling, got)
            if status == 200:
                expect(not re.search(r"%2f|%5c|\\\\|\.\.|//",
                                     spelling.lower()), "served: " + spelling)


@test("paths are exempt nowhere, and no user agent is")
def _():
    for path in ("/healthz", "/healthz?x", "/metrics", "/healthz/..",
                 PAGE + ";/healthz", PAGE + "?/healthz", "/"):
        for what, port, tls in ways():
            answer = ask(port, tls, path, None, [
                ("User-Agent", "kube-probe/1.27")])
            expect(answer.status in (400, 401), path + what, answer)


@test("slow and large clients: heads reach the gateway whole or not at all, "
      "bodies as they come, and others are served meanwhile")
def _():
    unfinished = "Content-Length: 100\r\n\r\nx"
    for what, port, tls in ways():
        seen = mark()
        address = "127.0.0.1:%d" % port
        with Connection(address, tls=tls) as slow, \
                Connection(address, tls=tls) as nobody, \
                Connection(address, tls=tls) as body:
            slow.send(HEAD[:40])
            nobody.send(HEAD.replace("T\r\n", "") + unfinished)
            nobody.receive().expect(401)
            body.send(HEAD.replace("T\r\n", "Authorization: Negotiate %s\r\n"
                                   % gate.token()) + unfinished)
            ask(port, tls, PAGE, gate.token()).expect(200)
            body.send(b"x" * 99)
            body.receive().expect(200)
        got = raw(port, tls, HEAD + "X-A: %s\r\n\r\n" % ("a" * 1048576))
        expect(statuses(got) in ([400], []), "a megabyte", got[:200])
        # Larger than what the listener takes, smaller than what nginx does.
        for header, status in ((("X-A", "a" * 60000), 431),
                               (("Authorization", "Negotiate " + "A" * 30000),
                                431)):
            ask(port, tls, PAGE, None, [header]).expect(status)
        answer = ask(port, tls, PAGE, gate.token(), method="GET",
                     body=b"x" * 1048577).expect(413)
        expect_equal(answer.json["status"], 413, "the gateway's words")
        ask(port, tls, PAGE, gate.token(), method="GET",
            body=b"x" * 1000000).expect(200)
        told = records(seen)
        expect_equal([r["status"] for r in told], [401, 200, 200, 200],
                     "records of " + what)


@test("what a client puts into headers splits neither answer nor record")
def _():
    for part in ("x%0d%0aSet-Cookie:%20a=b", "x%22,%22status%22:200",
                 "x%1b[31m", "x\x85y", "x\"y"):
        for what, port, tls in ways():
            answer = ask(port, tls, "/cim/root/" + part, gate.token(), [
                ("User-Agent", "a\"b',\\ \xff"), ("Referer", "\x80\x9f"),
                ("X-Forwarded-For", '1.2.3.4","status":200')])
            expect("set-cookie" not in answer.headers and
                   answer.status in (400, 403, 404), what + part, answer)
    for record in gate.access():
        expect(isinstance(record["status"], int), "a record", record)
    for line in read(gate.logfile).split("\n"):
        expect(all(c >= " " and c != "\x7f" and not "\x80" <= c <= "\x9f"
                   for c in line), "the log", repr(line))


main()
