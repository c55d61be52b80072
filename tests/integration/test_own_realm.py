#!/usr/bin/env python3
"""README.md, "On your own realm", its MIT variant word by word: only the
host's name, the directories under /, the ports and kadmin's way in differ."""
import os
import re
import shlex
import subprocess

from harness import (ME, SRC, Realm, at_end, expect, expect_equal, main,
                     program, read, run, scratch, test, tls_dir, wait_for,
                     write)
import json

README = read(os.path.join(SRC, "README.md"))
realm = Realm("OWN.TEST")
root = scratch()
os.chmod(root, 0o755)
etc = root + "/nsgate"
os.mkdir(etc)


def here(text):
    return text.replace("gw.example.com", "localhost").replace(
        "/etc/nsgate", etc)


def configuration():
    block = re.search(r"( +\[nsgate\]\n(?:.*\n)*?)\n4\. ", README).group(1)
    text = here("\n".join(line.strip() for line in block.split("\n")))
    text = re.sub(r"bind( +)= \[::\]:\d+", r"bind\1= [::]:0", text)
    for name in ("state", "run"):
        os.mkdir(root + "/" + name, 0o750)
    return text.replace("[nsgate]\n", "[nsgate]\nstate_dir = %s/state\n"
                        "runtime_dir = %s/run\nuser = %s\nstore_user = %s\n"
                        % (root, root, ME, ME), 1)


def ctl(*arguments):
    return run(program("nsgatectl"), "--config", etc + "/nsgate.conf",
               *arguments, check=False)


@test("keytab, certificate, configuration, start, compile")
def _():
    run("kadmin.local", "-r", realm.name, "delprinc", "-force",
        "HTTP/localhost", env=realm.env)
    commands = re.findall(r'`kadmin -q "([^"]+)"`', README)
    expect_equal(len(commands), 2, "kadmin lines")
    for command in commands:
        run("kadmin.local", "-r", realm.name, *shlex.split(here(command)),
            env=realm.env)
    write(etc + "/tls.crt", read(tls_dir() + "/tls.crt"))
    write(etc + "/tls.key", read(tls_dir() + "/tls.key"), 0o600)
    write(etc + "/nsgate.conf", configuration())
    log = open(root + "/log", "ab")
    process = subprocess.Popen(
        [program("nsgated"), "--config", etc + "/nsgate.conf"], stdout=log,
        stderr=log, stdin=subprocess.DEVNULL,
        env=dict(os.environ, **realm.env))

    def stop():
        process.terminate()
        process.wait(30)
    at_end(stop)
    wait_for(lambda: process.poll() is not None or
             ctl("status", "--json").stdout.startswith("{"), "a gateway")
    expect(process.poll() is None, "it ended", read(root + "/log"))
    line = re.search(r"`(mofcomp [^`]+)`", README).group(1).split()
    done = run(program("mofcomp"), "--config", etc + "/nsgate.conf",
               *[os.path.join(SRC, "docs/examples", name)
                 for name in line[1:]])
    expect("in force" in done.stdout + done.stderr, "in force", done)


@test("curl: 403 by http, 200 by https; event 5605, and why")
def _():
    env = dict(realm.env, KRB5CCNAME="FILE:" + realm.ccache("alice"),
               CURL_CA_BUNDLE=tls_dir() + "/ca.crt")
    ports = {one["name"]: one["address"].rsplit(":", 1)[1] for one in
             json.loads(ctl("status", "--json").stdout)["listeners"]}
    lines = re.findall(r"\$ (curl --negotiate -u : (https?)://\S+)", README)
    expect_equal([scheme for _, scheme in lines], ["http", "https"], "lines")
    for (command, scheme), (status, port) in zip(
            lines, ((403, ports["plain"]), (200, ports["public"]))):
        command = re.sub(r"localhost:\d+", "localhost:" + port,
                         here(command))
        words = shlex.split(command)
        body = json.loads(run(*words, "-sS", env=env).stdout)
        expect_equal(body.get("status", 200), status, command)
        shown = re.search(r"%s\n *HTTP/1.1 %d.*\n((?:    .+\n)+)" % (
            re.escape("/cim/root/MyNamespace"), status), README).group(1)
        for name, value in re.findall(r'"(\w+)":"(\w[\w -]*)"', shown):
            told = body.get(name, body.get("caller", {}).get(name))
            expect_equal(told, value, "README's %s of %d" % (name, status))
        if status == 403:
            request = body["requestId"]
    wait_for(lambda: request in ctl("events", "--id", "5605").stdout,
             "event 5605")
    expect("channel-not-private" in ctl("why", request).stdout, "why")
    expect("localhost" in ctl("doctor").stdout, "doctor")


main()
