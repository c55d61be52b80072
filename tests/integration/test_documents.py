#!/usr/bin/env python3
"""What README.md, docs/ and the manual pages claim and no other test shows:
nginx between client and gateway, exit statuses, reloads, audit."""
import contextlib
import datetime
import os
import re
import socket
import threading
import types

from harness import (OPEN, OPEN_MOF, PROXY_SECRET, SECRET, SRC, Connection,
                     Gate, Nginx, expect, expect_equal, main, program, read,
                     run, scratch, test, tls_dir, write)

gate = Gate()


def reload(*options, check=True):
    """Reads what the service manager is told, too: nobody else does here,
    and a gateway waits for a full socket."""
    done = gate.ctl(*options, "reload", check=check)
    gate._noted("")
    return done


# -- docs/nginx.md: what the client sent, and what reached the gateway ------------


class Catcher:
    """In the gateway's place behind nginx: keeps each head as it came."""

    def __init__(self):
        self.dir = scratch()
        self.path = self.dir + "/proxy.sock"
        self.heads = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            c, _ = self.socket.accept()
            data = b""
            with c, contextlib.suppress(OSError):
                while b"\r\n\r\n" not in data:
                    more = c.recv(65536)
                    if not more:
                        break
                    data += more
                self.heads.append(data.decode("latin-1"))
                c.sendall(b"HTTP/1.1 204 No Content\r\n"
                          b"Connection: close\r\n\r\n")


def ours(head):
    """The X-Nsgate headers of a head, whatever joins their words."""
    return sorted(re.findall(r"(?im)^(x[-_]nsgate[^:]*): ?(.*?)\r$", head))


@test("nginx as in the example says what docs/nginx.md says")
def _():
    catcher = Catcher()
    nginx = Nginx(types.SimpleNamespace(dir=catcher.dir), catcher.path)

    def sent(tls, path="/cim/root", headers=()):
        del catcher.heads[:]
        with Connection("127.0.0.1:%d" % (nginx.tls_port if tls else
                                          nginx.clear_port), tls=tls) as c:
            status = c.ask(path, None, headers).status
        return status, catcher.heads[0] if catcher.heads else ""

    clear = [("X-Nsgate-Client-Addr", "127.0.0.1"),
             ("X-Nsgate-Proxy-Secret", PROXY_SECRET)]
    _, head = sent(True)
    told = dict(ours(head))
    expect(told.pop("X-Nsgate-Tls-Cipher"), "the cipher")
    expect(told.pop("X-Nsgate-Tls-Protocol") in ("TLSv1.2", "TLSv1.3"),
           "the protocol")
    expect_equal(sorted(told.items()), clear, "https")
    expect_equal(ours(sent(False)[1]), clear, "http")
    forged = [("X-Nsgate-Tls-Protocol", "TLSv1.3"),
              ("X-Nsgate-Tls-Cipher", "x"),
              ("X-Nsgate-Client-Addr", "192.0.2.1"),
              ("X-Nsgate-Proxy-Secret", "f" * 32)]
    expect_equal(ours(sent(False, headers=forged)[1]), clear, "all forged")
    expect_equal(ours(sent(False, headers=[
        ("X_Nsgate_Tls_Protocol", "TLSv1.3")])[1]), clear, "underscores")
    protocols = [v for k, v in ours(sent(True, headers=[
        ("X-Nsgate-Tls-Protocol", "TLSv1.0")])[1]) if "Protocol" in k]
    expect(len(protocols) == 1 and protocols[0] != "TLSv1.0",
           "once, and the real one", protocols)
    target = "/cim/root/a:C.K=%22a%2Fb%5Cc//%22?limit=1"
    expect_equal(sent(True, target)[1].split(" ")[1], target, "the target")
    for length, status in ((20000, 204), (60000, 204), (70000, 400)):
        token = "Negotiate " + "A" * length
        got, head = sent(True, headers=[("Authorization", token)])
        expect_equal((got, "Authorization: %s\r\n" % token in head),
                     (status, status == 204), "a token of %d" % length)


# -- manual pages: exit statuses --------------------------------------------------

def status_of(name, *arguments):
    return run(program(name), *arguments, check=False, env=gate.realm.env,
               timeout=60).returncode


@test("nsgatectl ends with the statuses of nsgatectl(1)")
def _():
    conf = ("--config", gate.conf)
    for wanted, arguments in (
            (0, ("--version",)), (0, ("--help",)), (0, conf + ("status",)),
            (0, conf + ("reload",)), (0, conf + ("namespaces",)),
            (0, conf + ("explain", "root\\Secret")),
            (0, conf + ("events", "--limit", "1")),
            (1, conf + ("explain", "root\\None")),
            (1, conf + ("why", "0" * 32)),
            (1, ("--config", "/nonexistent", "status")),
            (2, ()), (2, ("bogus",)), (2, ("status", "--bogus")),
            (2, conf + ("events", "--id", "x")), (2, ("why",)),
            (2, ("probe",))):
        expect_equal(status_of("nsgatectl", *arguments), wanted,
                     "nsgatectl " + " ".join(arguments))
    url = gate.url("https", SECRET)
    trust = ("--cacert", tls_dir() + "/ca.crt")
    ticket = ("--ccache", "FILE:" + gate.realm.ccache("alice"))
    for wanted, arguments in (
            (0, trust + ticket), (1, trust + ticket + ("--level", "Pkt")),
            (1, trust + ("--level", "None")),
            (2, trust + ticket + ("--level", "High")), (3, ticket),
            (3, trust + ("--ccache", "FILE:/nonexistent")),
            (3, trust + ticket + ("--principal", "bob@NSGATE.TEST"))):
        expect_equal(status_of("nsgatectl", "probe", url, *arguments), wanted,
                     "probe " + " ".join(arguments))


@test("nsgated and mofcomp end with the statuses of their pages")
def _():
    good = write(gate.path("good.mof"), OPEN_MOF)
    broken = write(gate.path("broken.mof"), "class X { strin };\n")
    orphan = write(gate.path("orphan.mof"), "class X : Nothing { };\n")
    conf = ("--config", gate.conf)
    for name, wanted, arguments in (
            ("nsgated", 0, conf + ("--check-config",)),
            ("nsgated", 0, ("--version",)), ("nsgated", 2, ("--bogus",)),
            ("nsgated", 2, conf + ("more",)),
            ("nsgated", 1, ("--config", "/nonexistent")),
            ("nsgated", 1, conf),  # it runs already
            ("mofcomp", 0, conf + (good,)), ("mofcomp", 0, ("-check", good)),
            ("mofcomp", 0, ("-check", orphan)),
            ("mofcomp", 1, conf + (orphan,)),
            ("mofcomp", 1, conf + ("/nonexistent.mof",)),
            ("mofcomp", 2, ("--bogus",)), ("mofcomp", 2, ()),
            ("mofcomp", 3, conf + (broken,)),
            ("mofcomp", 3, ("-check", broken))):
        expect_equal(status_of(name, *arguments), wanted,
                     "%s %s" % (name, " ".join(arguments)))


# -- docs/events.md, docs/rest.md ---------------------------------------------------

@test("events of a namespace are found in any of its spellings")
def _():
    request = gate.ask("http", SECRET, gate.token()).expect(403).headers[
        "nsgate-request-id"]
    gate.wait_event(requestId=request)
    for spelling in ("root\\Secret", "ROOT/SECRET", "\\\\.\\root\\secret"):
        told = gate.ctl("events", "--json", "--namespace", spelling).stdout
        expect(request in told, spelling, told)
    expect_equal(gate.ctl("events", "--namespace", "root\\Open").stdout, "",
                 "another namespace")


@test("a problem of malformed HTTP is about:blank, without a request id")
def _():
    with gate.connect("http") as c:
        c.send("GET /cim/root HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        answer = c.receive().expect(400)
    expect_equal((answer.json["type"], "requestId" in answer.json),
                 ("about:blank", False), "the problem")
    answer = gate.ask("http", "/elsewhere", gate.token()).expect(404)
    expect_equal((answer.json["type"], "hresult" in answer.json),
                 ("urn:nsgate:problem:not-found", False), "the problem")


# -- docs/config.md, docs/architecture.md ---------------------------------------------

@test("audit lets in, says so and records it, until its day has ended")
def _():
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = datetime.timedelta(days=1)
    section = "[namespace/root\\Secret]\nenforcement = audit\nuntil = %s\n"
    gate.configure(extra=section % (today + day))
    reload()
    answer = gate.ask("http", SECRET, gate.token()).expect(200)
    expect("PktPrivacy" in answer.headers.get("nsgate-audit", ""),
           "Nsgate-Audit", answer)
    event = gate.wait_event(id=133,
                            requestId=answer.headers["nsgate-request-id"])
    expect_equal((event["requiredLevel"], event["effectiveLevel"]),
                 ("PktPrivacy", "Connect"), "the event")
    answer = gate.ask("https", SECRET, gate.token()).expect(200)
    expect("nsgate-audit" not in answer.headers, "nothing to say", answer)
    gate.ask("http", SECRET).expect(401)
    gate.configure(extra=section % (today - day))
    reload()
    gate.ask("http", SECRET, gate.token()).expect(403, "channel-not-private")
    gate.configure(extra="")
    reload()


@test("what needs a restart is told at a reload, and nothing changes")
def _():
    good = read(gate.conf)
    for old, new in (("{dir}/state\n", "{dir}/state2\n"),
                     ("{dir}/run\n", "{dir}/run2\n")):
        old, new = gate.fill(old), gate.fill(new)
        os.makedirs(gate.path("state2"), 0o750, exist_ok=True)
        write(gate.conf, good.replace(old, new, 1))
        done = reload("--state-dir", gate.state, "--runtime-dir",
                      gate.runtime, check=False)
        expect_equal(done.returncode, 1, "exit status")
        expect("restart" in done.stdout + done.stderr, "it says restart",
               done.stdout, done.stderr)
        gate.ask("https", OPEN, gate.token()).expect(200)
    write(gate.conf, good)
    reload()


@test("documents name only files that there are")
def _():
    pages = [os.path.join(SRC, name) for name in
             ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    docs = os.path.join(SRC, "docs")
    pages += [os.path.join(docs, n) for n in os.listdir(docs)
              if n.endswith(".md")]
    for page in pages:
        text = read(page)
        for name in re.findall(r"\]\(([^)#:]+)\)", text):
            expect(os.path.exists(os.path.join(os.path.dirname(page), name)),
                   "%s links to %s" % (page, name))
        for name in re.findall(r"\b((?:docs|tests|policy|gateway)/[\w./-]+"
                               r"\.\w+)", text):
            expect(os.path.exists(os.path.join(SRC, name)),
                   "%s names %s" % (page, name))


main()
