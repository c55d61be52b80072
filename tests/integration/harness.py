"""What the integration tests stand on: a realm, a gateway, clients, TAP.

A script defines functions marked @test("a sentence") and ends with main().
Every server takes a free port and tells it; nothing waits for time to pass,
only for conditions; everything is ended and removed on every way out, and
what the gateway logged is shown when a test fails.
"""
import atexit
import base64
import contextlib
import functools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SRC = os.path.abspath(os.environ.get("NSGATE_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.path.abspath(os.environ.get("NSGATE_BUILDDIR") or
                        os.path.join(SRC, "build/gcc"))
ROOT = os.geteuid() == 0
ME = pwd.getpwuid(os.geteuid()).pw_name
DEADLINE = 30  # seconds until a condition that does not come is a failure
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
# Nothing of the caller's may reach the programs under test.
for _name in [n for n in os.environ if n.startswith("KRB5")] + [
        "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "ALL_PROXY", "NOTIFY_SOCKET", "LISTEN_FDS", "JOURNAL_STREAM"]:
    os.environ.pop(_name, None)
# What ignores signals (nohup, a job in the background) makes its children
# ignore them too.
for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)
os.environ.setdefault(
    "LSAN_OPTIONS", "suppressions=%s/tests/support/lsan.supp:"
    "print_suppressions=0" % SRC)

# A report of a sanitizer in a log makes the test fail that sees it.
SANITIZER = re.compile(
    r"(ERROR: \w*Sanitizer|runtime error:|SUMMARY: \w*Sanitizer)")

OPEN_MOF = r"""
#pragma namespace("\\\\.\\root\\Open")
class Open_Thing
{
    [key] string Name;
    uint64 Size;
};
instance of Open_Thing { Name = "one"; Size = 1; };
instance of Open_Thing { Name = "two"; Size = 18446744073709551615; };
"""
SECRET_MOF = r"""
#pragma namespace("\\\\.\\root\\Secret")
class Secret_Thing
{
    [key] string Name;
    string Value;
};
instance of Secret_Thing { Name = "code"; Value = "swordfish"; };
"""
SECURITY_MOF = r"""
#pragma namespace("\\\\.\\root\\Secret")
[RequiresEncryption(%s)]
instance of __SystemSecurity { };
"""
OPEN = "/cim/root/Open:Open_Thing/instances"
SECRET = "/cim/root/Secret:Secret_Thing/instances"


# -- TAP -------------------------------------------------------------------

class Failure(AssertionError):
    pass


_tests = []
_gates = []


def test(sentence):
    def mark(function):
        _tests.append((sentence, function))
        return function
    return mark


def expect(condition, message, *details):
    if not condition:
        raise Failure("\n".join([message] + [str(d) for d in details]))


def expect_equal(actual, expected, what):
    if actual != expected:
        raise Failure("%s: expected %r, got %r" % (what, expected, actual))


def _comment(text):
    for line in text.rstrip("\n").split("\n"):
        print("# " + line)


def _run_one(number, sentence, function):
    begun = time.monotonic()
    try:
        function()
        for gate in _gates:
            gate.check_log()
    except Exception as e:  # pylint: disable=broad-except
        print("not ok %d - %s" % (number, sentence))
        if isinstance(e, Failure):
            where = traceback.extract_tb(e.__traceback__)
            _comment("%s\nat %s" % (e, ", ".join(
                "%s:%d" % (os.path.basename(f.filename), f.lineno)
                for f in where[1:])))
        else:
            _comment(traceback.format_exc())
        for gate in _gates:
            _comment("-- the log of the gateway in %s:" % gate.dir)
            _comment("\n".join(gate.log().split("\n")[-40:]))
        return False
    print("ok %d - %s # %.1f s" % (number, sentence,
                                   time.monotonic() - begun))
    return True


def main():
    """Runs the tests of the script, or those whose sentence holds a word
    given on the command line."""
    sys.stdout.reconfigure(line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = [t for t in _tests if len(sys.argv) < 2 or
              any(word in t[0] for word in sys.argv[1:])]
    good = True
    print("1..%d" % (len(chosen) + 1))
    for number, (sentence, function) in enumerate(chosen, 1):
        good = _run_one(number, sentence, function) and good
    good = _run_one(len(chosen) + 1, "all ends cleanly", end_all) and good
    sys.exit(0 if good else 1)


# -- the world around --------------------------------------------------------

_cleanups = []


def at_end(function, *arguments):
    _cleanups.append((function, arguments))


def end_all():
    errors = []
    while _cleanups:
        function, arguments = _cleanups.pop()
        try:
            function(*arguments)
        except Exception as e:  # pylint: disable=broad-except
            errors.append("%s: %s" % (getattr(function, "__name__", "?"), e))
    expect(not errors, "\n".join(errors))


def _end_quietly():
    with contextlib.suppress(Failure):
        end_all()


atexit.register(_end_quietly)


def scratch():
    """A directory that everyone may enter, removed at the end."""
    path = tempfile.mkdtemp(prefix="nsgate-", dir=os.environ.get("TMPDIR"))
    os.chmod(path, 0o755)
    at_end(shutil.rmtree, path, True)
    return path


def run(*command, check=True, env=None, user=None, timeout=120, data=None):
    """A finished process with text output; as another user if told so."""
    extra = {}
    if user is not None:
        account = pwd.getpwnam(user)
        extra = {"user": account.pw_uid, "group": account.pw_gid,
                 "extra_groups": [], "cwd": "/"}
    done = subprocess.run(
        [str(c) for c in command], text=True, capture_output=True,
        env=dict(os.environ, **(env or {})), timeout=timeout,
        input=data if data is not None else "", errors="replace", **extra)
    expect(not check or done.returncode == 0,
           "exit %d: %s" % (done.returncode, " ".join(map(str, command))),
           done.stdout, done.stderr)
    expect(not SANITIZER.search(done.stderr), "a sanitizer's report",
           done.stderr)
    return done


def wait_for(condition, what, deadline=DEADLINE):
    """Polls condition() until it is true and returns what it returned."""
    end = time.monotonic() + deadline
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        expect(time.monotonic() < end, "not within %d s: %s"
               % (deadline, what() if callable(what) else what))
        pause.wait(0.01)


def alive(pid):
    """Running, that is not merely waiting to be reaped."""
    with contextlib.suppress(OSError):
        return read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()[0] != "Z"
    return False


def write(path, text, mode=0o644, owner=None):
    with open(path, "wb" if isinstance(text, bytes) else "w") as f:
        f.write(text)
    os.chmod(path, mode)
    if owner is not None and ROOT:
        shutil.chown(path, owner, pwd.getpwnam(owner).pw_gid)
    return path


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def program(name):
    return os.path.join(BUILD, name)


def is_sanitized():
    """Sanitizers need system calls that the filters do not allow."""
    with open(program("nsgated"), "rb") as f:
        return b"__asan_init" in f.read()


def user_exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


# -- realm and certificates -------------------------------------------------

class Realm:
    """A KDC of its own (tests/realm/realm.sh)."""

    def __init__(self, name="NSGATE.TEST"):
        self.dir = os.path.join(scratch(), "realm")
        self.name = name
        self.script = os.path.join(SRC, "tests/realm/realm.sh")
        at_end(self.stop)
        run("sh", self.script, "start", self.dir, name)
        self.env = {"KRB5_CONFIG": os.path.join(self.dir, "krb5.conf"),
                    "KRB5_KDC_PROFILE": os.path.join(self.dir, "kdc.conf")}
        self._caches = {}

    def stop(self):
        run("sh", self.script, "stop", self.dir)

    def keytab(self, name="http"):
        return os.path.join(self.dir, name + ".keytab")

    def ccache(self, user):
        """The path of a cache with a ticket of user's, readable by all."""
        if user not in self._caches:
            path = os.path.join(self.dir, user + ".cc")
            run("sh", self.script, "kinit", self.dir, user, "FILE:" + path)
            os.chmod(path, 0o644)
            self._caches[user] = path
        return self._caches[user]

    def kadmin(self, *queries):
        for query in queries:
            run("kadmin.local", "-r", self.name, "-q", query, env=self.env)


@functools.lru_cache(maxsize=None)
def tls_dir():
    path = os.path.join(scratch(), "tls")
    run("sh", os.path.join(SRC, "tests/realm/tls.sh"), path)
    return path


@functools.lru_cache(maxsize=None)
def the_realm():
    return Realm()


# -- the gateway ------------------------------------------------------------

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

[listener/toolsock]
bind        = unix:{dir}/sock/tools.sock
channel     = local
local_users = {me}

[listener/mesh]
bind           = 127.0.0.1:0
channel        = asserted
channel_reason = a tunnel between the hosts

[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt

[listener/status]
bind   = 127.0.0.1:0
status = true
"""
PROXY_SECRET = "0123456789abcdef0123456789abcdef"


class Gate:
    """One nsgated with its directories, configuration and clients."""

    def __init__(self, realm=None, listeners=LISTENERS, extra="", workers=2,
                 user=None, store_user=None, settings="", start=True,
                 mof=(OPEN_MOF, SECRET_MOF, SECURITY_MOF % "TRUE")):
        self.realm = realm or the_realm()
        self.dir = scratch()
        self.user, self.store_user = user or ME, store_user or ME
        self.conf = os.path.join(self.dir, "nsgate.conf")
        self.state = os.path.join(self.dir, "state")
        self.runtime = os.path.join(self.dir, "run")
        self.logfile = os.path.join(self.dir, "log")
        self.keytab = os.path.join(self.dir, "http.keytab")
        self.process, self.listeners, self.notes = None, {}, []
        self._log_seen = 0
        os.mkdir(os.path.join(self.dir, "sock"))
        self.make_state_dir()
        shutil.copy(self.realm.keytab(), self.keytab)
        write(os.path.join(self.dir, "proxy.secret"), PROXY_SECRET + "\n",
              0o600)
        self.settings = {"workers": workers, "settings": settings,
                         "listeners": listeners, "extra": extra}
        self.configure()
        _gates.append(self)
        at_end(self.close)
        if mof:
            self.compile(*mof)
        if start:
            self.start()

    # -- files

    def make_state_dir(self):
        os.mkdir(self.state)
        os.chmod(self.state, 0o750)
        if ROOT:
            os.chown(self.state, pwd.getpwnam(self.store_user).pw_uid,
                     pwd.getpwnam(self.user).pw_gid)

    def fill(self, text):
        for name, value in (("dir", self.dir), ("tls", tls_dir()),
                            ("me", ME), ("realm", self.realm.name)):
            text = text.replace("{%s}" % name, value)
        return text

    def configure(self, **changes):
        """Writes the configuration; changes stay for the next time."""
        self.settings.update(changes)
        write(self.conf, self.fill("""[nsgate]
state_dir   = {dir}/state
runtime_dir = {dir}/run
keytab      = {dir}/http.keytab
acceptor    = HTTP@localhost
user        = %s
store_user  = %s
access_log  = {dir}/access.log
workers     = %s
%s
%s
%s
""" % (self.user, self.store_user, self.settings["workers"],
            self.settings["settings"], self.settings["listeners"],
            self.settings["extra"])))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    # -- compile and control

    def mofcomp(self, *arguments, check=True, **options):
        return run(program("mofcomp"), "--config", self.conf, *arguments,
                   check=check, **options)

    def compile(self, *texts, check=True):
        """Texts compiled as one transaction."""
        names = []
        for i, text in enumerate(texts):
            names.append(write(self.path("%d.mof" % i), text))
        return self.mofcomp(*names, check=check)

    def ctl(self, *arguments, check=True, **options):
        return run(program("nsgatectl"), "--config", self.conf, *arguments,
                   check=check, **options)

    def status(self):
        return json.loads(self.ctl("status", "--json", check=False).stdout)

    def events(self, **wanted):
        """Events as dicts, oldest first: those with all of wanted."""
        out = self.ctl("events", "--json", "--limit", "100000").stdout
        found = [json.loads(line) for line in out.split("\n") if line]
        return [e for e in found
                if all(e.get(k) == v for k, v in wanted.items())]

    def wait_event(self, **wanted):
        return wait_for(lambda: self.events(**wanted),
                        "an event with %r" % wanted)[-1]

    def access(self):
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line)
                    for line in read(self.path("access.log")).split("\n")
                    if line]
        return []

    # -- process

    def start(self):
        """Returns when the gateway says READY=1."""
        notify = self.path("notify.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify)
        os.chmod(notify, 0o666)
        self.notify.setblocking(False)
        self.notes = []  # what an earlier one said is not its word
        self.spawn(NOTIFY_SOCKET=notify)
        wait_for(lambda: self._noted("READY=1"), self._not_ready)
        self.learn()
        return self

    def spawn(self, **env):
        with open(self.logfile, "ab") as log:
            self.process = subprocess.Popen(
                [program("nsgated"), "--config", self.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **self.realm.env, **env),
                start_new_session=True)

    def _not_ready(self):
        return "the gateway is not ready\n" + self.log()

    def _noted(self, word):
        expect(self.process.poll() is None, "the gateway ended with %s"
               % self.process.returncode, self.log())
        with contextlib.suppress(BlockingIOError):
            while True:
                self.notes += self.notify.recv(4096).decode().split("\n")
        return word in self.notes

    def learn(self):
        """Where the listeners are."""
        self.listeners = {one["name"]: one["address"]
                          for one in self.status()["listeners"]}

    def stop(self, signum=signal.SIGTERM):
        """Its exit status."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signum)
        try:
            return process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failure("the gateway did not end\n" + self.log()[-3000:])

    def close(self):
        status = self.stop()
        if getattr(self, "notify", None) is not None:
            self.notify.close()
        if self in _gates:
            _gates.remove(self)
        self.check_log()
        expect(status in (None, 0), "the gateway's exit status: %s" % status,
               self.log()[-4000:])

    def restart(self):
        expect_equal(self.stop(), 0, "exit status at SIGTERM")
        self.notes = []
        self.start()

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return read(self.logfile)
        return ""

    def check_log(self):
        """Fails once for each sanitizer report."""
        new = self.log()[self._log_seen:]
        self._log_seen += len(new)
        expect(not SANITIZER.search(new), "a sanitizer's report in the log",
               new[-6000:])

    def workers(self):
        return [w["pid"] for w in self.status()["workers"]]

    # -- clients

    def url(self, listener, path):
        address = self.listeners[listener]
        if address.startswith("unix:"):
            return "http://localhost" + path
        scheme = "https" if listener.startswith("https") else "http"
        return "%s://localhost:%s%s" % (scheme, address.rsplit(":", 1)[1],
                                        path)

    def probe(self, listener, path, *options, user="alice", level=None):
        """nsgatectl probe: the answer as an Answer."""
        arguments = [self.url(listener, path), "--json", "--cacert",
                     tls_dir() + "/ca.crt"]
        address = self.listeners[listener]
        if address.startswith("unix:"):
            arguments += ["--unix", address[5:]]
        if user is not None:
            arguments += ["--ccache", "FILE:" + self.realm.ccache(user)]
        if level is not None:
            arguments += ["--level", level]
        done = run(program("nsgatectl"), "probe", *arguments, *options,
                   env=self.realm.env, check=False)
        expect(done.returncode in (0, 1), "probe: exit %d" % done.returncode,
               done.stdout, done.stderr)
        told = json.loads(done.stdout)
        return Answer(told["status"], told.get("headers", {}),
                      told.get("body"), told)

    def curl(self, listener, path, *options, user="alice", as_user=None):
        """curl --negotiate, as people use it."""
        command = ["curl", "-sS", "-i", "--cacert", tls_dir() + "/ca.crt",
                   *options]
        env = dict(self.realm.env)
        if user is not None:
            command += ["--negotiate", "-u", ":"]
            env["KRB5CCNAME"] = "FILE:" + self.realm.ccache(user)
        address = self.listeners[listener]
        if address.startswith("unix:"):
            command += ["--unix-socket", address[5:]]
        done = run(*command, self.url(listener, path), env=env,
                   user=as_user)
        return Answer.parse(done.stdout.encode())

    def token(self, *options, user="alice", flags=0x36, realm=None,
              raw=False, spn="HTTP@localhost", url="http://localhost/"):
        """A fresh token in base64, made with exactly these flags."""
        realm = realm or self.realm
        command = [program("nsgatectl"), "probe", url, "--token-only",
                   "--flags", str(flags), "--spn", spn, "--ccache", "FILE:" + realm.ccache(user), *options]
        if raw:
            command.append("--raw-krb5")
        return run(*command, env=realm.env).stdout.strip()

    def connect(self, listener):
        return Connection(self.listeners[listener],
                          listener.startswith("https"))

    def ask(self, listener, path, token=None, headers=(), method="GET",
            body=None):
        """One request on its own connection."""
        with self.connect(listener) as c:
            return c.ask(path, token, headers, method, body)


# -- nginx -------------------------------------------------------------------

class Nginx:
    """nginx with docs/examples/nginx-nsgate.conf: only its addresses and
    paths are replaced, everything else is used word by word.  upstream: the
    gateway's socket, a path or HOST:PORT."""

    EXAMPLE = os.path.join(SRC, "docs/examples/nginx-nsgate.conf")
    user = None  # as whom its worker runs; None: the owner of the socket
    ports = 2    # the first two are tls_port and clear_port
    modules = ()  # paths of what is not built in

    def __init__(self, gate, upstream, directory=None):
        self.dir = os.path.join(directory or gate.dir, "nginx")
        os.makedirs(self.dir)
        self.sockets = [self._listener() for _ in range(self.ports)]
        self.tls_port, self.clear_port = (
            s.getsockname()[1] for s in self.sockets[:2])
        self.conf = os.path.join(self.dir, "nginx.conf")
        write(self.conf, self._main(gate, upstream))
        self.logfile = os.path.join(self.dir, "log")
        at_end(self.stop)
        # Listening sockets are handed over, so that no port is guessed.
        with open(self.logfile, "ab") as log:
            self.process = subprocess.Popen(
                ["nginx", "-c", self.conf, "-p", self.dir, "-e",
                 self.logfile], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
                pass_fds=[s.fileno() for s in self.sockets],
                env=dict(os.environ, NGINX="".join(
                    "%d;" % s.fileno() for s in self.sockets)))

    @staticmethod
    def _listener():
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(64)
        return s

    def _main(self, gate, upstream):
        lines = ["load_module %s;" % m for m in self.modules] + [
            "daemon off;", "worker_processes 1;", "pid %s/pid;" % self.dir,
            "error_log %s info;" % os.path.join(self.dir, "log")]
        if ROOT:  # as the user whom the gateway trusts
            user = self.user or ("www-data" if ":" in upstream else
                                 pwd.getpwuid(os.stat(upstream).st_uid)
                                 .pw_name)
            lines.append("user %s;" % user)
        return "\n".join(lines + ["events { worker_connections 1024; }",
                                  self.block(gate, upstream), ""])

    def block(self, gate, upstream):
        lines = ["http {", "access_log off;"]
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            lines.append("%s_temp_path %s/%s;" % (kind, self.dir, kind))
        return "\n".join(lines + [self.servers(gate, upstream), "}"])

    def servers(self, gate, upstream):
        text = read(self.EXAMPLE)
        for pattern, value in (
                (r"listen\s+443\b", "listen 127.0.0.1:%d" % self.tls_port),
                (r"listen\s+80\b", "listen 127.0.0.1:%d" % self.clear_port),
                (r"listen\s+\[::\]:\d+[^;]*;", ""),
                (r"unix:/run/nsgate/proxy\.sock",
                 upstream if ":" in upstream else "unix:" + upstream),
                (r"(ssl_certificate\s+)[^;]+", r"\g<1>%s/tls.crt"
                 % tls_dir()),
                (r"(ssl_certificate_key\s+)[^;]+", r"\g<1>%s/tls.key"
                 % tls_dir()),
                (r"(server_name\s+)[^;]+", r"\g<1>localhost"),
                (r"(X-Nsgate-Proxy-Secret\s+)[^;]+",
                 r"\g<1>%s" % PROXY_SECRET)):
            text = re.sub(pattern, value, text)
        return text

    def stop(self):
        for s in self.sockets:
            s.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)


# Flags of RFC 2743 as MIT numbers them.
FLAGS = {"DELEG": 1, "MUTUAL": 2, "REPLAY": 4, "SEQUENCE": 8, "CONF": 16,
         "INTEG": 32}
PROXY_TLS = [("X-Nsgate-Tls-Protocol", "TLSv1.3"),
             ("X-Nsgate-Tls-Cipher", "TLS_AES_256_GCM_SHA384"),
             ("X-Nsgate-Client-Addr", "192.0.2.7"),
             ("X-Nsgate-Proxy-Secret", PROXY_SECRET)]
PROXY_CLEAR = [("X-Nsgate-Client-Addr", "192.0.2.7"),
               ("X-Nsgate-Proxy-Secret", PROXY_SECRET)]


class Answer:
    """Status, headers (names in lower case) and body."""

    def __init__(self, status, headers, body, told=None):
        self.status, self.headers, self.body = status, headers, body
        self.told = told or {}

    @staticmethod
    def parse(data):
        """The last response of a curl -i, whose text has lost its CRs."""
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        while True:
            head, _, rest = data.partition(b"\r\n\r\n")
            if rest.startswith(b"HTTP/"):
                data = rest
                continue
            lines = head.decode("latin-1").split("\r\n")
            return Answer(int(lines[0].split(" ")[1]), header_dict(lines[1:]),
                          rest)

    @property
    def json(self):
        if isinstance(self.body, (dict, list)):
            return self.body
        text = self.body
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        try:
            return json.loads(text)
        except ValueError as e:
            raise Failure("no JSON: %r" % self.body) from e

    def expect(self, status, reason=None):
        expect_equal(self.status, status, "status of %s" % self)
        if reason is not None:
            expect_equal(self.json.get("reason"), reason, "reason of %s"
                         % self)
        return self

    def __str__(self):
        return "%s %r %s" % (self.status, self.headers, str(self.body)[:600])


def header_dict(lines):
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        found[name] = found[name] + ", " + value if name in found else value
    return found


class Connection:
    """Raw HTTP on one connection: what is sent is exactly what is said."""

    def __init__(self, address, tls=False, timeout=DEADLINE):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address[5:])
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection(
                (host.strip("[]"), int(port)), timeout)
        if tls:
            context = ssl.create_default_context(
                cafile=tls_dir() + "/ca.crt")
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes)
                            else data.encode("latin-1"))

    def request(self, path, token=None, headers=(), method="GET", body=None):
        """The bytes of a request."""
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost"]
        if token is not None:
            lines.append("Authorization: Negotiate " + token)
        lines += ["%s: %s" % h for h in headers]
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + \
            (body or b"")

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.buffer:
            expect(self._more(), "the connection ended: %r" % self.buffer)
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def _take(self, count):
        while len(self.buffer) < count:
            expect(self._more(), "the body ended early: %r" % self.buffer)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                self._until(b"\r\n")
                return body
            body += self._take(size)
            self._take(2)

    def receive(self, method="GET"):
        """One response."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status, headers = int(lines[0].split(" ")[1]), header_dict(lines[1:])
        body = b""
        if method == "HEAD" or status in (204, 304) or status < 200:
            pass
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        elif "content-length" in headers:
            body = self._take(int(headers["content-length"]))
        else:
            while self._more():
                pass
            body, self.buffer = self.buffer, b""
        return Answer(status, headers, body)

    def ask(self, path, token=None, headers=(), method="GET", body=None):
        self.send(self.request(path, token, headers, method, body))
        return self.receive(method)

    def everything(self):
        """What comes until the other side closes."""
        try:
            while self._more():
                pass
        except (ConnectionResetError, ssl.SSLError):
            pass
        return self.buffer

    def ended(self):
        """True if the other side has closed and sent nothing more."""
        try:
            return not self.buffer and not self._more()
        except (ConnectionResetError, ssl.SSLError):
            return True


def basic_token(token):
    return base64.b64decode(token)
