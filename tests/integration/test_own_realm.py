#!/usr/bin/env python3
"""README.md, "On your own realm", its MIT variant word by word.

What differs: the host is localhost, what is below / is below a directory of
the test's, ports are free ones, and `kadmin` needs no administrator, since it
is the kadmin.local of a throw-away realm.  The programs are those that were
built; small scripts of their names say where the configuration is.  nsgated
is started with the capabilities that the systemd unit leaves it."""
import json
import os
import re
import subprocess

from harness import (ME, ROOT, SRC, Realm, at_end, expect, expect_equal, main,
                     program, read, run, scratch, test, tls_dir, user_exists,
                     wait_for, write)

README = read(os.path.join(SRC, "README.md"))
SECTION = README.split("\n## On your own realm\n")[1].split("\n## ")[0]
USERS = ROOT and user_exists("nsgate") and user_exists("nsgate-store")
realm = Realm("OWN.TEST")
root = scratch()


def as_the_unit():
    """What comes before a command to have the unit's capabilities only."""
    if not USERS:
        return ""
    names = re.findall(r"CAP_(\w+)", " ".join(re.findall(
        r"^CapabilityBoundingSet=(.*)$",
        read(os.path.join(SRC, "docs/examples/nsgated.service")), re.M)))
    expect(names, "no capabilities in the unit")
    return "setpriv --no-new-privs --bounding-set -all,+%s " % ",+".join(
        names).lower()


PROGRAMS = {
    "kadmin": "kadmin.local -r %s" % realm.name,
    "mofcomp": "%s --config %s/etc/nsgate/nsgate.conf" % (
        program("mofcomp"), root),
    "nsgatectl": "%s --config %s/etc/nsgate/nsgate.conf" % (
        program("nsgatectl"), root),
    "nsgated": "exec %s%s --config %s/etc/nsgate/nsgate.conf" % (
        as_the_unit(), program("nsgated"), root),
    "systemctl": "false",
}
ports = {}


def here(text):
    text = text.replace("gw.example.com", "localhost")
    for name in ("/etc/nsgate", "/var/lib/nsgate"):
        text = re.sub(r"(?<![\w/])" + name, root + name, text)
    if not USERS:
        text = text.replace("-o nsgate-store -g nsgate ", "")
    for listener, port in ports.items():
        text = text.replace(listener, port)
    return text


def shell(line, check=True, **env):
    """A command of the README's, run in the source tree."""
    done = subprocess.run(
        ["sh", "-c", here(line)], cwd=SRC, text=True, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
        env=dict(os.environ, **realm.env, **env,
                 PATH=root + "/bin:" + os.environ["PATH"]))
    expect(not check or done.returncode == 0, "exit %d: %s" % (
        done.returncode, line), done.stdout, done.stderr)
    return done.stdout


def commands(pattern, count):
    """Those in backticks that begin so; a line end in one is a blank."""
    found = [" ".join(c.split()) for c in
             re.findall(r"`(%s[^`]*)`" % pattern, SECTION)]
    expect_equal(len(found), count, "commands like " + pattern)
    return found


def make_programs():
    os.mkdir(root + "/bin")
    for name, command in PROGRAMS.items():
        write(root + "/bin/" + name, '#!/bin/sh\n%s "$@"\n' % command, 0o755)
    os.makedirs(root + "/var/lib")


def configuration():
    """As it stands; what cannot be the same is in conf.d."""
    step = SECTION.split("**Configuration**")[1].split("\n4. ")[0]
    text = here("\n".join(line.strip() for line in step.split("\n")[1:]))
    text, binds = re.subn(r"\[::\]:\d+", "[::]:0", text)
    expect_equal(binds, 2, "listeners")
    write(root + "/etc/nsgate/nsgate.conf", text)
    os.mkdir(root + "/etc/nsgate/conf.d")
    write(root + "/etc/nsgate/conf.d/test.conf", "[nsgate]\n"
          "state_dir = %s/var/lib/nsgate\nruntime_dir = %s/run\n" % (
              root, root) +
          ("" if USERS else "user = %s\nstore_user = %s\n" % (ME, ME)))


@test("keytab, certificate, configuration")
def _():
    make_programs()
    os.makedirs(root + "/etc")
    shell(re.search(r"^    (install -d /etc/nsgate)$", SECTION,
                    re.M).group(1))
    # The realm is made with this principal; here it is the README's to add.
    run("kadmin.local", "-r", realm.name, "delprinc", "-force",
        "HTTP/localhost", env=realm.env)
    for command in commands("kadmin -q", 2):
        shell(command)
    expect_equal(os.stat(root + "/etc/nsgate/http.keytab").st_mode & 0o077,
                 0, "the keytab is for others")
    for name, mode in (("tls.crt", 0o644), ("tls.key", 0o600)):
        expect("`/etc/nsgate/%s`" % name in SECTION, name + " is named")
        write(root + "/etc/nsgate/" + name, read(tls_dir() + "/" + name),
              mode)
    configuration()


@test("it starts, and a compile is in force")
def _():
    make_state, = commands("install -d -o", 1)
    commands("systemctl enable --now nsgated", 1)
    start, = commands("nsgated", 1)
    shell(make_state)
    shell("nsgated --check-config")
    with open(root + "/log", "ab") as log:
        process = subprocess.Popen(
            [root + "/bin/" + start], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=dict(os.environ, **realm.env))

    def stop():
        process.terminate()
        expect_equal(process.wait(30), 0, "exit status of nsgated")
    at_end(stop)

    def status():
        expect(process.poll() is None, "it ended", read(root + "/log"))
        out = shell("nsgatectl status --json", check=False)
        return out.startswith("{") and json.loads(out)
    told = wait_for(status, "a gateway")
    for one in told["listeners"]:
        ports[{"public": "localhost:8443", "plain": "localhost:5985"}[
            one["name"]]] = "localhost:" + one["address"].rsplit(":", 1)[1]
    said = shell(commands("mofcomp", 1)[0] + " 2>&1")
    expect("in force" in said, "it does not say in force", said)
    findings = shell(commands("nsgatectl doctor", 1)[0])
    expect("FAIL" not in findings, "doctor", findings)


def is_what_came(shown, body):
    """The README's excerpt, with ... for what it leaves out."""
    at = 0
    excerpt = "".join(line.strip() for line in shown.strip().split("\n"))
    for piece in excerpt.split("..."):
        found = body.find(piece, at)
        expect(found >= 0, "README shows %s" % piece, body[at:])
        at = found + len(piece)


@test("the README's two curls: 403 by http, 200 by https, as shown; event "
      "5605, and why")
def _():
    shown = re.findall(r"\$ (curl .*)\n {4}HTTP/1\.1 (\d+) (.*)\n"
                       r"((?: {4}.+\n)+)", README)
    expect_equal([(status, "https:" in line) for line, status, _, _ in shown],
                 [("403", False), ("200", True)], "curl lines")
    for line, status, phrase, excerpt in shown:
        answer = shell(line, KRB5CCNAME="FILE:" + realm.ccache("alice"),
                       CURL_CA_BUNDLE=tls_dir() + "/ca.crt")
        expect_equal(answer.split("\n")[0].strip(),
                     "HTTP/1.1 %s %s" % (status, phrase), line)
        body = answer.strip().split("\n")[-1]
        is_what_came(excerpt, body)
        if status == "403":
            request = json.loads(body)["requestId"]
    events, = commands("nsgatectl events", 1)
    event = wait_for(lambda: [e for e in shell(events).split("\n")
                              if request in e], "the event")[0]
    expect(" 5605 " in event, "the event's number", event)
    why, = commands("nsgatectl why", 1)
    cause = shell(why.replace("REQUEST-ID", request))
    expect("PktPrivacy" in cause and "https" in cause, "why", cause)


main()
