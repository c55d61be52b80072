#!/usr/bin/env python3
"""Programs that nobody here wrote, against every answer: what flags reach the
gateway, and what each of them gets.  The rows of docs/levels.md that are
marked measured are compared with what is measured here; --table prints them.

Those that are not installed are skipped."""
import base64
import collections
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys

from sink import gssapi  # the distribution's Python from here on
from gssapi.raw import set_cred_option

from harness import (DEADLINE, FLAGS, OPEN, OPEN_MOF, SECRET, SECRET_MOF,
                     SECURITY_MOF, SRC, Gate, expect, expect_equal, main,
                     program, read, run, scratch, test, tls_dir, wait_for,
                     write)

CLIENTS = os.path.join(SRC, "tests/integration/clients")
CA = tls_dir() + "/ca.crt"
# git asks for more than it is told to; so this is a namespace too.
GIT_MOF = r"""
#pragma namespace("\\\\.\\root\\%s\\info\\refs")
class Info_Refs { [key] string Name; };
"""
GIT_SECURITY = r"""
[RequiresEncryption(TRUE)] instance of __SystemSecurity { };
"""
gate = Gate(workers=1, mof=(OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE",
                            GIT_MOF % "Secret" + GIT_SECURITY,
                            GIT_MOF % "Open"))
ENV = dict(gate.realm.env,
           KRB5CCNAME="FILE:" + gate.realm.ccache("alice"))
TABLE = "--table" in sys.argv
if TABLE:
    sys.argv.remove("--table")


# -- clients -------------------------------------------------------------------

def curl(url):
    return run("curl", "-sS", "--cacert", CA, "--negotiate", "-u", ":", url,
               env=ENV).stdout


def git(url):
    done = run("git", "-c", "http.emptyAuth=true", "ls-remote",
               re.sub(r":\w+/instances$", "", url), check=False,
               env=dict(ENV, GIT_SMART_HTTP="0", GIT_SSL_CAINFO=CA,
                        HOME=scratch()))
    return done.stdout + done.stderr


def python(script):
    def client(url):
        return run("/usr/bin/python3", os.path.join(CLIENTS, script), url, CA,
                   env=ENV).stdout
    return client


def ruby(url):
    return run("ruby", os.path.join(CLIENTS, "get.rb"), url, CA,
               env=ENV).stdout


def node(url):
    return run("node", os.path.join(CLIENTS, "get.js"), url, CA,
               env=ENV).stdout


def node_has_kerberos():
    return shutil.which("node") is not None and run(
        "node", "-e", "require('kerberos')", check=False).returncode == 0


def java_program():
    found = sorted(glob.glob("/usr/lib/jvm/java-17-openjdk-*/bin/java"))
    return found[0] if found else None


LOGIN = """com.sun.security.jgss.krb5.initiate {
    com.sun.security.auth.module.Krb5LoginModule required
        useTicketCache=true ticketCache="%s" doNotPrompt=true;
};
"""


def java(*more):
    def client(url):
        login = write(gate.path("login.conf"),
                      LOGIN % gate.realm.ccache("alice"))
        return run(java_program(), "-Djava.security.krb5.conf=" +
                   gate.realm.env["KRB5_CONFIG"],
                   "-Djava.security.auth.login.config=" + login,
                   "-Djavax.security.auth.useSubjectCredsOnly=false",
                   os.path.join(CLIENTS, "Get.java"), url, CA, *more,
                   env=ENV).stdout
    return client


def chromium(url):
    profile = scratch()
    # A fresh profile leaves its first challenge unanswered.
    write(os.path.join(profile, "Local State"), json.dumps(
        {"net": {"received_http_auth_negotiate_headers": True}}))
    return run("chromium", "--headless", "--no-sandbox", "--disable-gpu",
               "--user-data-dir=" + profile, "--ignore-certificate-errors",
               "--auth-server-allowlist=localhost", "--dump-dom", url,
               env=dict(ENV, HOME=profile)).stdout


class Firefox:
    """Driven by Marionette, its own remote protocol."""

    PREFERENCES = """
user_pref("network.negotiate-auth.trusted-uris", "localhost");
user_pref("network.negotiate-auth.allow-non-fqdn", true);
user_pref("marionette.port", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
"""

    def __init__(self):
        self.profile = scratch()
        write(os.path.join(self.profile, "user.js"), self.PREFERENCES)
        self.process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--marionette",
             "--profile", self.profile], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=dict(os.environ, **ENV, HOME=self.profile))
        port = wait_for(self._port, "Firefox to say its port", 60)
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.buffer, self.number = b"", 0
        self._message()  # its greeting

    def _port(self):
        try:
            return int(read(os.path.join(self.profile,
                                         "MarionetteActivePort")))
        except (OSError, ValueError):
            return None

    def _message(self):
        while True:
            length, mark, rest = self.buffer.partition(b":")
            if mark and len(rest) >= int(length):
                self.buffer = rest[int(length):]
                return json.loads(rest[:int(length)])
            data = self.socket.recv(65536)
            expect(data, "Firefox closed")
            self.buffer += data

    def command(self, name, **parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters])
        self.socket.sendall(("%d:%s" % (len(text), text)).encode())
        _, _, error, result = self._message()
        expect(error is None, "Firefox: %r" % error)
        return result

    def end(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(DEADLINE)


def firefox(url):
    browser = Firefox()
    try:
        browser.command("WebDriver:NewSession", acceptInsecureCerts=True)
        browser.command("WebDriver:Navigate", url=url)
        return browser.command("WebDriver:GetPageSource")["value"]
    finally:
        browser.end()


def python_gssapi(no_ci=False, **wanted):
    """wanted: what gssapi.SecurityContext is given."""
    def client(url):
        os.environ.update(ENV)
        credentials = gssapi.Credentials(usage="initiate")
        if no_ci:
            set_cred_option(gssapi.OID.from_int_seq("1.2.752.43.13.29"),
                            credentials)
        context = gssapi.SecurityContext(
            name=gssapi.Name("HTTP@localhost",
                             gssapi.NameType.hostbased_service),
            creds=credentials, usage="initiate",
            mech=gssapi.OID.from_int_seq("1.3.6.1.5.5.2"), **wanted)
        token = base64.b64encode(context.step()).decode()
        _, _, rest = url.partition("://localhost:")
        port, _, path = rest.partition("/")
        name = [n for n, a in gate.listeners.items()
                if a.endswith(":" + port)][0]
        return gate.ask(name, "/" + path, token).body.decode()
    return client


def probe(level):
    def client(url):
        return run(program("nsgatectl"), "probe", url, "--cacert", CA,
                   "--level", level, env=ENV, check=False).stdout
    return client


# -- rows ----------------------------------------------------------------------

ADMITTED, NO_CHANNEL, NO_CONF = (
    "200", "403 channel-not-private", "403 context-not-private")
CHANNEL_BOUND = 0x800
LEVELS = os.path.join(SRC, "docs/levels.md")
QUESTIONS = [("https", SECRET), ("http", SECRET), ("https", OPEN),
             ("http", OPEN)]
TITLE = ("client", "flags", "declared", "binding", "https", "http",
         "open namespace")
Row = collections.namedtuple("Row", "name client flags shows answers")
rows = []     # the names of all
measured = {}  # name -> the cells of those that are installed


def row(name, there, client, flags, *answers, shows=True, binding="absent"):
    """there: a program, or whether it is installed.  flags: but for
    CHANNEL_BOUND, which is the binding over https.  answers: to https and
    http with an encrypted namespace, and with an open one.  shows: the client
    prints what it gets."""
    rows.append(name)
    if not (shutil.which(there) if isinstance(there, str) else there):
        @test("%s # SKIP not installed" % name)
        def _():
            pass
        return
    one = Row(name, client, flags, shows, answers)

    @test(name)
    def _():
        measured[name] = measure(one)
        expect_equal(measured[name],
                     (flags, declared(flags), binding) + answers,
                     "what is seen of %s" % name)
        expect_equal(documented().get(name), measured[name],
                     "its row in docs/levels.md")


def declared(flags):
    number = int(flags, 16)
    if number & 0x30 == 0x30:
        return "PktPrivacy"
    if number & FLAGS["INTEG"]:
        return "PktIntegrity"
    return "Pkt" if number & (FLAGS["REPLAY"] | FLAGS["SEQUENCE"]) \
        else "Connect"


def answer_of(record):
    """"200", or a status and why."""
    return str(record["status"]) if record["reason"] == "allowed" else \
        "%d %s" % (record["status"], record["reason"])


def ask(one, listener, path):
    """The record of what decided it.  Those that try without a token first
    leave two, and browsers ask for more than they were told to."""
    before = len(gate.access())
    out = one.client(gate.url(listener, path))
    records = wait_for(lambda: [r for r in gate.access()[before:]
                                if "gssFlags" in r and
                                r["target"].startswith(("/cim/", "/wsman"))],
                       lambda: "a request of %s\n%s" % (one.name, out))
    record = records[0]
    expect_equal((record["listener"], record["principal"]),
                 (listener, "alice@NSGATE.TEST"), "who came where")
    secret = path == SECRET and record["status"] == 200
    expect("swordfish" not in out or secret, "a leak", out)
    expect(not secret or not one.shows or "swordfish" in out,
           "it was admitted and does not show it", out)
    return record


def measure(one):
    records = [ask(one, *question) for question in QUESTIONS]
    flags = {"0x%04x" % (int(r["gssFlags"], 16) & ~CHANNEL_BOUND)
             for r in records}
    said = {r["declaredLevel"] for r in records}
    answers = [answer_of(r) for r in records]
    expect(len(flags) == len(said) == 1, "different contexts", records)
    expect_equal(answers[2], answers[3], "an open namespace by http")
    return (flags.pop(), said.pop(), records[0]["binding"]) + \
        tuple(answers[:3])


def documented(mark="measured"):
    """{name: cells} of the table's rows whose last cell is mark."""
    found, inside = {}, False
    for line in read(LEVELS).split("\n"):
        cells = tuple(c.strip().strip("`") for c in
                      line.strip("|").split("|"))
        if cells[:2] == TITLE[:2]:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and cells[-1] == mark:
            found[cells[0].replace("`", "")] = cells[1:-1]
    return found


JAVA = java_program() is not None
row("curl", "curl", curl, "0x0136", ADMITTED, NO_CHANNEL, ADMITTED)
row("git", "git", git, "0x0136", ADMITTED, NO_CHANNEL, ADMITTED, shows=False)
row("Chromium", "chromium", chromium, "0x0130", ADMITTED, NO_CHANNEL,
    ADMITTED)
row("Firefox", "firefox-esr", firefox, "0x0130", ADMITTED, NO_CHANNEL,
    ADMITTED)
row("Java HttpURLConnection", JAVA, java(), "0x013e", ADMITTED, NO_CHANNEL,
    ADMITTED)
row("Java JGSS, requestConf(false)", JAVA, java("noconf"), "0x012e", NO_CONF,
    NO_CONF, ADMITTED)
row("requests-kerberos", True, python("get_requests.py"), "0x01ba", ADMITTED,
    NO_CHANNEL, ADMITTED)
# By WS-Management, whose refusals are faults.
row("pywinrm", True, python("get_winrm.py"), "0x01ba", ADMITTED,
    "500 channel-not-private", ADMITTED)
row("ruby-gssapi", "ruby", ruby, "0x01ba", ADMITTED, NO_CHANNEL, ADMITTED)
row("npm kerberos", node_has_kerberos(), node, "0x01ba", ADMITTED,
    NO_CHANNEL, ADMITTED)
row("python-gssapi", True, python_gssapi(), "0x013a", ADMITTED, NO_CHANNEL,
    ADMITTED)
row("python-gssapi, NO_CI", True, python_gssapi(no_ci=True), "0x010a",
    NO_CONF, NO_CONF, ADMITTED)
for _level, _flags, _answers in (
        ("PktPrivacy", "0x013e", (ADMITTED, NO_CHANNEL)),
        ("PktIntegrity", "0x012e", (NO_CONF, NO_CONF)),
        ("Default", "0x0100", (NO_CONF, NO_CONF))):
    row("nsgatectl probe --level " + _level, True, probe(_level), _flags,
        *_answers, ADMITTED, shows=False, binding="bound")


@test("python-gssapi with each set of flags, as the library adds to it and "
      "exactly")
def _():
    for no_ci in (False, True):
        for asked in range(2, 0x40, 2):  # without DELEG; 0 is its default
            one = Row("python-gssapi", python_gssapi(
                no_ci, flags=gssapi.IntEnumFlagSet(
                    gssapi.RequirementFlag, asked)), None, True, ())
            seen = asked | (0 if no_ci else 0x30)
            said = declared("%x" % seen)
            record = ask(one, "https", SECRET)
            expect_equal((int(record["gssFlags"], 16) & 0x3e,
                          record["declaredLevel"], answer_of(record)),
                         (seen, said, ADMITTED if said == "PktPrivacy"
                          else NO_CONF), "asked for 0x%02x" % asked)


@test("docs/levels.md calls measured what is measured here, and no more")
def _():
    expect_equal(sorted(documented()), sorted(rows), "rows")
    if TABLE:
        print("| %s | |" % " | ".join(TITLE))
        print("|" + "---|" * (len(TITLE) + 1))
        for name, cells in measured.items():
            print("| %s | measured |" % " | ".join((name,) + cells))


main()
