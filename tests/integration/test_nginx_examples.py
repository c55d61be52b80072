#!/usr/bin/env python3
"""docs/nginx.md and docs/examples do not drift apart, and the gateway's side
of them works as it stands, with curl over both versions of HTTP."""
import os
import re

from examples import EXAMPLES, gate_of
from harness import (OPEN, OPEN_MOF, SECRET, SECRET_MOF, SECURITY_MOF, SRC,
                     Answer, Nginx, expect, expect_equal, main, read, run,
                     test, tls_dir)

WEB_MOF = r"""
#pragma namespace("\\\\.\\root\\web")
class Web_Thing { [key] string Name; };
"""
gate = gate_of("nsgate-nginx.conf", "nsgate-auth-request.conf", mof=(
    OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE", WEB_MOF), workers=1)
nginx = Nginx(gate, gate.path("sock", "proxy.sock"))
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


@test("curl gets in over HTTP/1.1 and HTTP/2, and a session spares the ticket")
def _():
    for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
        jar = gate.path("jar" + version)
        for user, path in (("alice", SECRET), (None, SECRET), (None, OPEN)):
            who = ["--negotiate", "-u", ":"] if user else []
            done = run("curl", "-sS", "-i", option, "-b", jar, "-c", jar,
                       "--cacert", tls_dir() + "/ca.crt", "-w",
                       "\n%{http_version}", *who,
                       "https://localhost:%d%s" % (nginx.tls_port, path),
                       env=dict(gate.realm.env, KRB5CCNAME="FILE:" +
                                gate.realm.ccache("alice")))
            expect_equal(done.stdout.rsplit("\n", 1)[1], version, "version")
            Answer.parse(done.stdout.encode()).expect(200)


main()
