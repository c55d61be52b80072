#!/usr/bin/env python3
"""`./dev demo`: what the gateway lets in and what it refuses, and why.

usage: demo.py [--keep]

A throw-away realm, certificates, one gateway, nginx in front of it. Each step
prints the command, the answer, and what decided it, and is compared with what
it should be; the first surprise ends the demo with an error.
"""
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import textwrap

import harness
from harness import ME, ROOT, SRC, Failure, read, write

NAMESPACE = "/cim/root/MyNamespace"
EXAMPLES = os.path.join(SRC, "docs/examples")
LISTENERS = """
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/http]
bind = 127.0.0.1:0

[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = {me}

[listener/nginx]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {proxy}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
"""
ACCESS = r"""
[access/root\MyNamespace]
allow = alice@{realm}, ops@{realm}

[callback]
client_keytab = {dir}/client.keytab
sinks         = localhost:%d
sink_networks = 127.0.0.0/8, ::1
sink_ca       = {tls}/ca.crt
"""


class Demo:
    def __init__(self):
        self.color = sys.stdout.isatty()
        self.steps = 0
        self.refused_id = None

    # -- words

    def paint(self, code, text):
        return "\033[%sm%s\033[0m" % (code, text) if self.color else text

    def title(self, text):
        print("\n" + self.paint("1", text))

    def command(self, words):
        print("  $ " + self.paint("36", " ".join(words)))

    def note(self, text, indent="      "):
        for line in textwrap.wrap(text, 76, initial_indent=indent,
                                  subsequent_indent=indent):
            print(line)

    # -- the set-up

    def set_up(self):
        self.title("A realm of its own, and a certificate")
        print("  $ tests/realm/realm.sh start; tests/realm/tls.sh")
        self.realm = harness.the_realm()
        tls = harness.tls_dir()
        print("      %s, users alice, bob, ops, mallory; HTTP/localhost"
              % self.realm.name)
        user, store = ("nsgate", "nsgate-store") if ROOT else (ME, ME)
        proxy = "www-data" if ROOT else ME
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.sink_port = s.getsockname()[1]
        self.gate = harness.Gate(
            self.realm, listeners=LISTENERS.replace("{proxy}", proxy),
            extra=ACCESS % self.sink_port, user=user, store_user=store, start=False, mof=())
        self.dir = self.gate.dir
        self.realm.kadmin(
            "addprinc -randkey nsgate/localhost",
            "ktadd -k %s/client.keytab nsgate/localhost" % self.dir)
        print("      the workers run as %s, their writers as %s" % (
            user, store))
        self.environment = dict(
            self.realm.env, CURL_CA_BUNDLE=tls + "/ca.crt",
            KRB5CCNAME="FILE:" + self.realm.ccache("alice"))
        self.environment["PATH"] = harness.BUILD + ":" + os.environ["PATH"]

    def shell(self, line, env=None, check=True):
        """Prints a command line as one can type it, and runs it."""
        self.command([line])
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.dir, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
            env=dict(os.environ, **self.environment, **(env or {})))
        if check and done.returncode != 0:
            raise Failure("exit %d\n%s%s" % (done.returncode, done.stdout,
                                             done.stderr))
        return done

    def compile(self):
        self.title("The namespace, and the three lines that protect it")
        for name in ("MyNamespace.mof", "MyNamespace_security.mof",
                     "Open.mof"):
            write(os.path.join(self.dir, name),
                  read(os.path.join(EXAMPLES, name)))
        print(textwrap.indent(
            read(os.path.join(self.dir, "MyNamespace_security.mof")).strip(),
            "      "))
        done = self.shell("mofcomp --config nsgate.conf MyNamespace.mof "
                          "MyNamespace_security.mof Open.mof")
        for line in (done.stdout + done.stderr).strip().split("\n")[-3:]:
            print("      " + line)

    def start(self):
        self.title("The gateway")
        self.command(["nsgated --config nsgate.conf &"])
        self.gate.start()
        for one in self.gate.status()["listeners"]:
            print("      %-6s %s, %s%s" % (
                one["name"], one["address"], one["channel"],
                " with TLS" if one["tls"] else ""))
        self.nginx = harness.Nginx(self.gate, self.dir + "/sock/proxy.sock")
        print("      nginx  in front of the last one: https on %d, http on "
              "%d" % (self.nginx.tls_port, self.nginx.clear_port))

    # -- asking

    def base(self, listener):
        port = self.gate.listeners[listener].rsplit(":", 1)[1]
        return "%s://localhost:%s" % (
            "https" if listener == "https" else "http", port)

    def because(self, answer):
        """What decided it: of a refusal its own words, of a success the
        access record."""
        request = answer.headers.get("nsgate-request-id")
        record = harness.wait_for(
            lambda: [r for r in self.gate.access()
                     if r.get("requestId") == request],
            "the access record of " + str(request))[0]
        words = ["reason %s" % record.get("reason")]
        for key in ("required", "declared", "applied", "effective"):
            if key + "Level" in record:
                words.append("%s %s" % (key, record[key + "Level"]))
        words.append("channel %s" % record.get("channel"))
        self.note("decided by: " + ", ".join(words))
        return record

    def show(self, answer):
        body = answer.body
        text = body.decode() if isinstance(body, bytes) else json.dumps(
            body, separators=(",", ":"))
        if answer.status != 200 and text.startswith("{"):
            text = answer.json.get("detail") or answer.json.get("title")
        self.note("%s  %s" % (self.paint(
            "32" if answer.status == 200 else "31", answer.status),
            text if len(text) < 300 else text[:297] + "..."))

    def judge(self, answer, status, reason=None):
        self.steps += 1
        self.show(answer)
        record = self.because(answer)
        if answer.status != status:
            raise Failure("expected %d, got %s" % (status, answer))
        if reason is not None and record.get("reason") != reason:
            raise Failure("expected reason %s, got %s" % (reason, record))
        if reason == "channel-not-private":
            self.refused_id = record["requestId"]
        return answer

    def curl(self, base, path, status, reason=None, ticket=True):
        negotiate = "--negotiate -u : " if ticket else ""
        done = self.shell("curl -si %s%s%s" % (negotiate, base, path))
        return self.judge(harness.Answer.parse(done.stdout.encode()), status,
                          reason)

    def probe(self, base, path, level, status, reason=None, env=None,
              option=""):
        line = "nsgatectl probe %s--level %s%s %s%s" % (
            option, level, " --cacert $CURL_CA_BUNDLE" if base.startswith("https")
            else "", base, path)
        done = self.shell(line + " --json", env=env, check=False)
        if done.returncode not in (0, 1):
            raise Failure(done.stdout + done.stderr)
        told = json.loads(done.stdout)
        return self.judge(harness.Answer(
            told["status"], told["headers"], told.get("body"), told), status,
            reason)

    # -- the story

    def levels(self):
        instances = NAMESPACE + ":My_Disk/instances"
        self.title("https, as everybody uses it: admitted")
        self.curl(self.base("https"), instances, 200, "allowed")
        self.title("The same over http: the context claims privacy, the "
                   "channel has none")
        self.curl(self.base("http"), instances, 403, "channel-not-private")
        self.title("Over http after all, each message sealed (MS-WSMV): "
                   "admitted")
        self.probe(self.base("http"), instances, "PktPrivacy", 200, "allowed",
                   option="--message-encryption ")
        self.title("On a listener that says channel = local: admitted")
        self.curl(self.base("tools"), instances, 200, "allowed")
        self.title("A private channel, but a context without CONF: refused")
        for base in (self.base("https"), self.base("tools")):
            for level in ("PktIntegrity", "Default"):
                self.probe(base, instances, level, 403,
                           "context-not-private")
        self.title("A namespace without the qualifier: every authenticated "
                   "level will do")
        for level in ("Connect", "Pkt", "PktIntegrity", "PktPrivacy"):
            self.probe(self.base("http"), "/cim/root/Open", level, 200,
                       "allowed")

    def identities(self):
        self.title("No ticket: who is it?")
        self.curl(self.base("https"), NAMESPACE, 401, "not-authenticated",
                  ticket=False)
        self.title("A ticket of mallory, whom the access section does not "
                   "list")
        self.command(["export KRB5CCNAME=FILE:" +
                      self.realm.ccache("mallory")])
        saved = self.environment["KRB5CCNAME"]
        self.environment["KRB5CCNAME"] = \
            "FILE:" + self.realm.ccache("mallory")
        self.curl(self.base("https"), NAMESPACE, 403, "not-listed")
        self.environment["KRB5CCNAME"] = saved

    def changes(self):
        self.title("TRUE becomes FALSE: in force when mofcomp returns")
        for value, status, reason in (("FALSE", 200, "allowed"),
                                      ("TRUE", 403, "channel-not-private")):
            other = "TRUE" if value == "FALSE" else "FALSE"
            self.shell("sed -i 's/%s/%s/' MyNamespace_security.mof"
                       % (other, value))
            self.shell("mofcomp --config nsgate.conf "
                       "MyNamespace_security.mof")
            self.curl(self.base("http"), NAMESPACE, status, reason)

    def proxied(self):
        self.title("Through nginx: by its TLS server admitted, by its "
                   "cleartext server not")
        self.curl("https://localhost:%d" % self.nginx.tls_port, NAMESPACE,
                  200, "allowed")
        self.curl("http://localhost:%d" % self.nginx.clear_port, NAMESPACE,
                  403, "channel-not-private")

    # -- results later

    def asynchronously(self, url):
        """The answer to a request whose result shall go to url."""
        line = ("curl -si --negotiate -u : -H 'Prefer: respond-async, "
                "callback; url=\"%s\"' %s%s:My_Disk/instances" % (
                    url, self.base("https"), NAMESPACE))
        return harness.Answer.parse(self.shell(line).stdout.encode())

    def callbacks(self):
        url = "https://localhost:%d/results" % self.sink_port
        self.title("Results later, to a sink of ours: by http refused, and "
                   "event 5606")
        self.judge(self.asynchronously(url.replace("https", "http")), 403,
                   "sink-not-private")
        self.title("By https delivered, over a connection that the gateway "
                   "made private")
        line = ("nsgatectl listen %s --certificate %s/tls.crt --key "
                "%s/tls.key --keytab http.keytab --gateway nsgate/localhost@%s "
                "--once" % (url, harness.tls_dir(), harness.tls_dir(),
                            self.realm.name))
        self.command([line + " &"])
        sink = subprocess.Popen(
            shlex.split(line), cwd=self.dir, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, **self.environment))
        harness.at_end(sink.kill)
        if "listening" not in sink.stderr.readline():
            raise Failure("nsgatectl listen: " + sink.stderr.read())
        answer = self.asynchronously(url)
        self.steps += 1
        self.note("%s  Location: %s" % (self.paint("32", answer.status),
                                        answer.headers.get("location")))
        shown, _ = sink.communicate(timeout=30)
        for text in shown.strip().split("\n"):
            print("      " + (text if len(text) < 200 else text[:197] + "..."))
        if answer.status != 202 or sink.returncode != 0 or \
                "PktPrivacy" not in shown:
            raise Failure("not delivered: %s\n%s" % (answer, shown))

    def evidence(self):
        self.title("What is left of it: event 5605")
        harness.wait_for(
            lambda: self.gate.events(id=5605, requestId=self.refused_id),
            "event 5605 of " + self.refused_id)
        done = self.shell("nsgatectl --config nsgate.conf events --id 5605 "
                          "--limit 3")
        if "5605" not in done.stdout or self.refused_id not in done.stdout:
            raise Failure("no event 5605 of %s in\n%s" % (self.refused_id,
                                                          done.stdout))
        print(textwrap.indent(done.stdout.strip(), "      "))
        done = self.shell("nsgatectl --config nsgate.conf why "
                          + self.refused_id)
        print(textwrap.indent(done.stdout.strip(), "      "))
        for word in ("channel-not-private", "Connect"):
            if word not in done.stdout:
                raise Failure("`nsgatectl why` does not say " + word)

    # -- the end

    def keep(self):
        env = os.path.join(self.dir, "env")
        lines = ["export %s=%s" % (k, shlex.quote(v))
                 for k, v in sorted(self.environment.items())]
        write(env, "\n".join(lines) + "\ncd %s\n" % shlex.quote(self.dir))
        temporary = sorted({os.path.dirname(self.realm.dir), self.dir,
                            os.path.dirname(harness.tls_dir())})
        stop = os.path.join(self.dir, "stop")
        write(stop, "#!/bin/sh\nkill %d %d\nsh %s stop %s\nrm -rf %s\n" % (
            self.nginx.process.pid, self.gate.process.pid,
            shlex.quote(self.realm.script), shlex.quote(self.realm.dir),
            " ".join(map(shlex.quote, temporary))), 0o755)
        harness._cleanups.clear()
        self.title("It goes on running. To talk to it:")
        print("  . %s" % env)
        for line in ("curl -i --negotiate -u : %s%s" % (self.base("https"),
                                                        NAMESPACE),
                     "curl -i --negotiate -u : %s%s" % (self.base("http"),
                                                        NAMESPACE),
                     "nsgatectl probe --level PktIntegrity %s%s" % (
                         self.base("https"), NAMESPACE),
                     "nsgatectl --config nsgate.conf status",
                     "nsgatectl --config nsgate.conf events --follow",
                     "mofcomp --config nsgate.conf "
                     "MyNamespace_security.mof"):
            print("  " + line)
        print("To end it:\n  %s" % stop)

    def run(self, keep):
        self.set_up()
        self.compile()
        self.start()
        self.levels()
        self.identities()
        self.changes()
        self.proxied()
        self.callbacks()
        self.evidence()
        self.title("%d requests, each answered as it should be."
                   % self.steps)
        if keep:
            self.keep()


def main():
    unknown = [a for a in sys.argv[1:] if a != "--keep"]
    if unknown:
        print("usage: ./dev demo [--keep]", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(line_buffering=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    demo = Demo()
    try:
        demo.run("--keep" in sys.argv)
        harness.end_all()
    except Failure as e:
        print("\ndemo: NOT AS EXPECTED: %s" % e, file=sys.stderr)
        for gate in harness._gates:
            print("-- the gateway's log:\n%s" % gate.log()[-4000:],
                  file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
