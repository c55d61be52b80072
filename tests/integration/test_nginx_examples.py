#!/usr/bin/env python3
"""docs/nginx.md and docs/examples do not drift apart, and the gateway's side
of them works as it stands, with curl over both versions of HTTP."""
import contextlib
import hashlib
import json
import os
import re
import subprocess

from examples import EXAMPLES, AuthRequest, gate_of
from harness import (DEADLINE, OPEN_MOF, SECRET, SECRET_MOF, SECURITY_MOF,
                     SRC, Nginx, at_end, expect, expect_equal, main, read, run,
                     test, tls_dir, wait_for)
from upstream import Upstream

WEB_MOF = r"""
#pragma namespace("\\\\.\\root\\web")
class Web_Thing { [key] string Name; };
"""
behind = Upstream()
at_end(behind.close)
ROUTE = r"""
[access/root\secret]
allow = alice@{realm}

[route/files]
path      = /files/
namespace = root\secret
upstream  = http://127.0.0.1:%(port)d
channel   = local

[route/small]
path      = /small/
namespace = root\secret
upstream  = http://127.0.0.1:%(port)d
channel   = local
body_max  = 2M
""" % {"port": behind.port}
gate = gate_of("nsgate-nginx.conf", "nsgate-auth-request.conf", mof=(
    OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE", WEB_MOF), workers=1,
    more=[("files.conf", ROUTE)])
SOCKET = gate.path("sock", "proxy.sock")
nginx = Nginx(gate, SOCKET)
content = AuthRequest(gate, SOCKET, gate.path("content"),
                      pages=("index.html", "page.html"))
VERSIONS = (("--http1.1", "1.1"), ("--http2", "2"))
SIZE = 3 * 1048576
LARGE = bytes(range(256)) * (SIZE // 256)
LARGE_HASH = hashlib.sha256(LARGE).hexdigest()
LARGE_FILE = gate.path("large")
with open(LARGE_FILE, "wb") as large:
    large.write(LARGE)
COMMANDS = ("(umask", "install", "nsgated", "nginx", "curl")


def blocks():
    """The indented blocks of docs/nginx.md, without their indentation."""
    text = read(os.path.join(SRC, "docs/nginx.md"))
    for block in re.findall(r"(?:(?:(?<=\n)|^) {4}.*\n|(?<=\n)\n(?= {4}))+",
                            text):
        lines = block.strip("\n").split("\n")
        depth = min(len(l) - len(l.lstrip()) for l in lines if l.strip())
        yield "\n".join(l[depth:] for l in lines)


@test("every configuration in docs/nginx.md is part of an example")
def _():
    examples = [read(os.path.join(EXAMPLES, name))
                for name in os.listdir(EXAMPLES) if name.endswith(".conf")]
    found = 0
    for block in blocks():
        if block.split(" ")[0] in COMMANDS:
            continue
        found += 1
        expect(any(block + "\n" in text for text in examples),
               "in no example", block)
    expect_equal(found, 4, "blocks")


def curl(option, url, *options, user=None):
    """The command, which prints the version of HTTP and the status, and
    leaves the body in the file "body"."""
    who = ["--negotiate", "-u", ":"] if user else []
    return ["curl", "-sS", option, "--cacert", tls_dir() + "/ca.crt", "-o",
            gate.path("body"), "-w", "%{http_version} %{http_code}", *who,
            *options, url], dict(gate.realm.env, KRB5CCNAME="FILE:" +
                                 gate.realm.ccache(user or "alice"))


def url_of(front, path):
    return "https://localhost:%d%s" % (front.tls_port, path)


def body():
    with open(gate.path("body"), "rb") as f:
        return f.read()


def worker_files(front):
    """The files below nginx's directory that its workers have open, also
    those that have no name any more."""
    pid = front.process.pid
    found = []
    for child in read("/proc/%d/task/%d/children" % (pid, pid)).split():
        for fd in os.listdir("/proc/%s/fd" % child):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink("/proc/%s/fd/%s" % (child, fd)))
    return [f for f in found if f.startswith(front.dir + "/") and
            f != front.logfile]


def nothing_on_disk(front):
    expect_equal(worker_files(front), [], "files that nginx has open")
    expect("temporary file" not in read(front.logfile), "a temporary file",
           read(front.logfile))
    for kind in ("client_body", "proxy"):
        left = [files for _, _, files in os.walk(
            os.path.join(front.dir, kind)) if files]
        expect_equal(left, [], "files in " + kind)


def uploaded():
    told = json.loads(body())
    expect_equal((told["length"], told["hash"], behind.last().body_length),
                 (SIZE, LARGE_HASH, SIZE), "what the server received")


def downloaded():
    expect_equal(hashlib.sha256(body()).hexdigest(), LARGE_HASH,
                 "what the client received")


# What is asked for, by which options, and what is looked at then.
WAYS = (
    (nginx, SECRET, (), lambda: expect(b"swordfish" in body(), "no secret",
                                       body())),
    (nginx, "/files/put", ("-T", LARGE_FILE), uploaded),
    (nginx, "/files/post", ("--data-binary", "@" + LARGE_FILE), uploaded),
    (nginx, "/files/large?%d" % SIZE, (), downloaded),
    (content, "/page.html", (), lambda: expect_equal(
        body(), b"this is page.html", "the page")),
    (content, "/", (), lambda: expect_equal(
        body(), b"this is index.html", "the index")),
)


@test("HTTP/1.1 and HTTP/2 carry namespaces, routes and auth_request, by a "
      "ticket and by the session alone, and nothing of it touches a disk")
def _():
    for option, version in VERSIONS:
        for n, (front, path, options, look) in enumerate(WAYS):
            url = url_of(front, path)
            jar = gate.path("jar%s.%d" % (version, n))
            for user, cookies in (("alice", "-c"), (None, "-b")):
                command, env = curl(option, url, cookies, jar, *options,
                                    user=user)
                what = "%s, %s, %s" % (version, path, user or "session")
                expect_equal((what, run(*command, env=env).stdout),
                             (what, version + " 200"), "version and status")
                look()
            command, env = curl(option, url, *options)
            expect_equal(run(*command, env=env).stdout, version + " 401",
                         "nobody at " + path)
    for front in (nginx, content):
        nothing_on_disk(front)


@test("while an upload is under way nginx keeps none of it in a file")
def _():
    for option, version in VERSIONS:
        before = len(behind.seen)
        behind.release.clear()
        command, env = curl(option, url_of(nginx, "/files/unread"), "-T",
                            LARGE_FILE, user="alice")
        with subprocess.Popen(command, env=dict(os.environ, **env), text=True,
                              stdout=subprocess.PIPE) as client:
            wait_for(lambda n=before: len(behind.seen) > n, "the head")
            nothing_on_disk(nginx)
            expect_equal(client.poll(), None, "the client's end")
            behind.release.set()
            told, _ = client.communicate(timeout=DEADLINE)
        expect_equal(told, version + " 200", "version and status")
        expect_equal(behind.last().body_hash.hexdigest(), LARGE_HASH,
                     "what the server received")


@test("what is too large is refused by the gateway, by the limit that holds "
      "there")
def _():
    for option, version in VERSIONS:
        for path, method in ((SECRET, "GET"), ("/small/post", "POST")):
            command, env = curl(option, url_of(nginx, path), "-X", method,
                                "--data-binary", "@" + LARGE_FILE,
                                user="alice")
            expect_equal((path, run(*command, env=env).stdout),
                         (path, version + " 413"), "version and status")
            expect(b'"status":413' in body(), "the gateway's words", body())
    expect("/small/post" not in behind.targets(), "it was forwarded")


@test("the route of nsgate-auth-request.conf decides, and forwards nothing")
def _():
    for option, version in VERSIONS:
        seen = len(gate.access())
        for front, status in ((content, "200"), (nginx, "404")):
            command, env = curl(option, url_of(front, "/page.html"),
                                user="alice")
            expect_equal(run(*command, env=env).stdout,
                         "%s %s" % (version, status), "version and status")
        told = wait_for(lambda n=seen: len(gate.access()) > n + 1 and
                        gate.access(), "records")[seen:]
        expect_equal([(r["target"], r["status"], r.get("namespace"))
                      for r in told], [("/auth", 200, r"root\web"),
                                       ("/page.html", 404, None)], "records")


main()
