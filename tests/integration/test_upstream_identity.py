#!/usr/bin/env python3
"""The gateway signs in to servers behind it: identity = negotiate."""
import concurrent.futures
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket

from signed_upstream import Signed

from harness import (OPEN, OPEN_MOF, ROOT, Gate, Realm, at_end, expect,
                     expect_equal, main, program, read, run, scratch, test,
                     tls_dir, user_exists, wait_for)
from upstream import Upstream

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
GATEWAY = "nsgate/localhost@NSGATE.TEST"
realm = Realm()
os.environ.update(realm.env)
where = scratch()


def key(principal, *options):
    """A keytab of a new principal."""
    path = os.path.join(where, principal.replace("/", "-") + ".keytab")
    realm.kadmin("addprinc -randkey %s %s" % (" ".join(options), principal),
                 "ktadd -k %s %s" % (path, principal))
    return path


CLIENT = key("nsgate/localhost")


SERVERS = {}


def server(name, keytab, **options):
    SERVERS[name] = Signed(keytab, where, **options)
    at_end(SERVERS[name].close)
    return SERVERS[name]


def route(name, upstream, more=""):
    return """
[route/%s]
path      = /%s/
namespace = root\\Plain
upstream  = %s
identity  = negotiate
%s
""" % (name, name, upstream, more)


TLS = (tls_dir() + "/tls.crt", tls_dir() + "/tls.key")
CA = "upstream_ca = %s/ca.crt" % tls_dir()
LOCAL = "channel = local\nupstream_principal = "
ACCESS = "\n[access/root\\Plain]\nallow = alice@NSGATE.TEST\n"
CALLBACK = "\n[callback]\nclient_keytab = {dir}/client.keytab\n"
sock = os.path.join(where, "up.sock")
secure = server("secure", realm.keytab(), tls=TLS)
unix = server("unix", realm.keytab("other"), unix=sock)
os.chmod(sock, 0o666)
rekeyed = server("rekeyed", key("web/rekeyed"))
brief = server("brief", key("web/brief", "-maxlife", "6sec"))
key("web/wrong")
wrong = server("wrong", key("web/another"))
headers = Upstream()
at_end(headers.close)
dead = socket.socket()  # bound and not listening: refuses
dead.bind(("127.0.0.1", 0))
at_end(dead.close)


def http(upstream):
    return "http://127.0.0.1:%d" % upstream.port


CONFIG = ACCESS + CALLBACK + "".join([
    route("secure", "https://localhost:%d" % secure.port, CA),
    route("unix", "unix:" + sock, "upstream_principal = HTTP@other.test"),
    route("both", "http://127.0.0.1:%d, %s" % (dead.getsockname()[1],
                                               http(rekeyed)),
          LOCAL + "web/rekeyed@NSGATE.TEST"),
    route("rekeyed", http(rekeyed), LOCAL + "web/rekeyed@NSGATE.TEST"),
    route("brief", http(brief), LOCAL + "web/brief@NSGATE.TEST"),
    route("wrong", http(wrong), LOCAL + "web/wrong@NSGATE.TEST"),
    route("nobody", http(wrong), LOCAL + "web/nobody@NSGATE.TEST"),
    route("headers", http(headers)).replace("identity  = negotiate", ""),
])


def make_gate(config=CONFIG, **options):
    gate = Gate(realm, extra=config, start=False, **options)
    shutil.copy(CLIENT, gate.path("client.keytab"))
    return gate.start()


gate = make_gate(mof=(MOF, OPEN_MOF), workers=2)


def get(path, gate_=None, listener="https", **options):
    return (gate_ or gate).ask(listener, path, (gate_ or gate).token(),
                               **options)


def kdc_counts(service):
    """How many tickets for it the KDC was asked for."""
    return len(re.findall(r"TGS_REQ .* for %s" % re.escape(service),
                          read(os.path.join(realm.dir, "kdc.log"))))


# -- who is who -----------------------------------------------------------

@test("the gateway signs in as itself, beside the headers about the client")
def _():
    for name, upstream in (("secure", secure), ("unix", unix),
                           ("rekeyed", rekeyed)):
        a = get("/%s/x" % name).expect(200)
        expect_equal(upstream.users[-1], GATEWAY, "who signed in")
        seen = upstream.last()
        expect_equal(seen.values("X-Remote-User"), ["alice@NSGATE.TEST"],
                     "user")
        expect_equal(seen.values("X-Nsgate-Level"), ["PktPrivacy"], "level")
        expect_equal(len(seen.values("Authorization")), 1, "Authorizations")
        # The client is answered the gateway's own token, not the server's.
        expect(upstream.replies[-1] not in str(a.headers),
               "the server's token came through")
        expect_equal(upstream.refusals, [], "refusals")


@test("what a client sends as Authorization reaches no server")
def _():
    token = gate.token()
    gate.ask("https", "/secure/x", token).expect(200)
    expect(token not in str(secure.last().fields), "the client's token")
    gate.ask("https", "/headers/x", gate.token()).expect(200)
    expect_equal(headers.last().values("Authorization"), [],
                 "with identity = headers")


@test("who may not come in is signed in for nowhere")
def _():
    before = len(secure.seen)
    gate.ask("https", "/secure/x").expect(401)
    gate.ask("https", "/secure/x", gate.token(user="bob")).expect(403)
    expect_equal(len(secure.seen), before, "requests")


@test("bodies go with it, and answers of every kind come back")
def _():
    data = os.urandom(300000)
    a = get("/secure/x", method="POST", body=data).expect(200)
    expect_equal(json.loads(a.body)["length"], len(data), "length")
    get("/secure/x", method="POST", body=b"").expect(200)
    get("/secure/gone-away").expect(410)
    get("/secure/x", method="HEAD").expect(200)
    with gate.connect("https") as c:
        c.send(c.request("/secure/x", gate.token(), method="PUT", headers=[
            ("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n")
        c.receive().expect(200)


# -- tokens ---------------------------------------------------------------

@test("no token is sent twice: a hundred requests, one after another and many "
      "at once")
def _():
    before = len(secure.tokens)
    for _ in range(30):
        get("/secure/x").expect(200)
    tokens = [gate.token() for _ in range(70)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        for a in pool.map(lambda t: gate.ask("https", "/secure/x", t),
                          tokens):
            a.expect(200)
    sent = secure.tokens[before:]
    expect_equal(len(sent), 100, "requests")
    expect_equal(len(set(sent)), 100, "different tokens")
    expect_equal(secure.refusals, [], "refusals")
    # One ticket for all of them, and not one a worker or request.
    expect(kdc_counts("HTTP/localhost") < 40, "tickets",
           kdc_counts("HTTP/localhost"))


@test("a request that a dead connection swallowed is sent again with another "
      "token")
def _():
    single = make_gate(mof=(MOF,), workers=1)
    get("/secure/x", single).expect(200)  # a connection that is kept
    secure.dropped, before = False, len(secure.tokens)
    get("/secure/drop", single).expect(200)
    sent = secure.tokens[before:]
    expect_equal(len(sent), 2, "attempts")
    expect_equal(len(set(sent)), 2, "different tokens")
    expect_equal(secure.refusals, [], "refusals")
    single.close()


@test("of several servers the next one gets a token of its own")
def _():
    before = len(rekeyed.tokens)
    for _ in range(4):
        get("/both/x").expect(200)
    expect_equal(len(set(rekeyed.tokens[before:])), 4, "different tokens")


@test("a ticket is renewed before its end, without a request that wants it")
def _():
    get("/brief/x").expect(200)
    before = kdc_counts("web/brief")

    # Nobody asks for it: it is the clerk's own doing.
    wait_for(lambda: kdc_counts("web/brief") > before, "another ticket",
             deadline=10)
    get("/brief/x").expect(200)
    expect_equal(brief.refusals, [], "refusals")
    expect(max(s.lifetime for s in brief.seen) <= 320, "short tickets")


# -- servers that are not who they should be ------------------------------

@test("an answer that does not prove who the server is does not come through")
def _():
    for mood in ("silent", "bare", "noise", "no base64", "old", "cut",
                 "basic", "twice"):
        secure.mood = mood
        count = len(gate.events(id=160, reason="upstream-identity"))
        a = get("/secure/x")
        secure.mood = "honest"
        expect_equal((mood, a.status), (mood, 502), "status")
        expect(b"target" not in (a.body or b""), "the body came through")
        wait_for(lambda: len(gate.events(
            id=160, reason="upstream-identity")) > count, "an event")
    secure.mood = "listed"
    get("/secure/x").expect(200)
    secure.mood = "honest"
    get("/secure/x").expect(200)


@test("a server with another key is refused, and the KDC is not asked for "
      "each request")
def _():
    for _ in range(20):
        get("/wrong/x").expect(502)
    gate.wait_event(id=160, reason="upstream-unauthorized")
    expect(len(wrong.refusals) >= 20, "refusals", len(wrong.refusals))
    expect(kdc_counts("web/wrong") <= 4, "tickets", kdc_counts("web/wrong"))


@test("a server whose key has changed is signed in to with a new ticket")
def _():
    get("/rekeyed/x").expect(200)
    fresh = os.path.join(where, "fresh.keytab")
    realm.kadmin("ktadd -k %s web/rekeyed" % fresh)  # a new key
    rekeyed.use(fresh)
    get("/rekeyed/x").expect(502)
    gate.wait_event(id=160, reason="upstream-unauthorized")
    wait_for(lambda: get("/rekeyed/x").status == 200, "a new ticket")
    before = len(rekeyed.refusals)
    for _ in range(10):  # of both workers
        get("/rekeyed/x").expect(200)
    expect_equal(len(rekeyed.refusals), before, "refusals")


# -- KDCs -----------------------------------------------------------------

def start_kdc():
    run("krb5kdc", "-r", realm.name, "-P", os.path.join(realm.dir, "kdc.pid"),
        env=realm.env)
    wait_for(lambda: run("kinit", "-c", "FILE:%s/check.cc" % where, "-kt",
                         os.path.join(realm.dir, "check.keytab"),
                         "realm-check", check=False,
                         env=realm.env).returncode == 0, "a KDC")


def kdc_pid():
    return int(read(os.path.join(realm.dir, "kdc.pid")))


@test("a service that the KDC does not know is 503, and an event says why")
def _():
    a = get("/nobody/x").expect(503)
    expect_equal(a.json["status"], 503, "problem")
    e = gate.wait_event(id=160, reason="upstream-ticket")
    expect("web/nobody@NSGATE.TEST" in e["detail"] and
           "not found in Kerberos database" in e["detail"], "detail",
           e["detail"])


@test("without a KDC what has tickets goes on; what has none is 503 and comes "
      "back with it")
def _():
    tokens = [gate.token() for _ in range(20)]
    late = Gate(realm, extra=CONFIG, start=False, mof=(MOF, OPEN_MOF))
    shutil.copy(CLIENT, late.path("client.keytab"))
    realm.stop()
    try:
        for token in tokens:
            gate.ask("https", "/secure/x", token).expect(200)
        late.start()
        late.ask("https", "/secure/x", late.token()).expect(503)
        e = late.wait_event(id=160, reason="upstream-ticket")
        expect("Cannot contact any KDC" in e["detail"], "detail", e["detail"])
        late.ask("https", OPEN, late.token()).expect(200)
    finally:
        start_kdc()
    wait_for(lambda: get("/secure/x", late).status == 200, "a ticket")
    late.close()


@test("a request just after the start waits a moment for the first ticket")
def _():
    late = Gate(realm, extra=CONFIG, start=False, mof=(MOF, OPEN_MOF),
                workers=1)
    shutil.copy(CLIENT, late.path("client.keytab"))
    tokens = [gate.token() for _ in range(5)]
    os.kill(kdc_pid(), signal.SIGSTOP)
    try:
        late.start()
        with late.connect("https") as c, late.connect("https") as d, \
                late.connect("https") as e:
            c.send(c.request("/secure/x", tokens[0]))
            # No body is read before there is somebody to send it to; that
            # one is at its end already does not make it wait twice.
            for waits, body in ((d, b"2\r\nhi\r\n"), (e, b"")):
                waits.send(waits.request(
                    "/secure/x", tokens.pop(), method="POST",
                    headers=[("Transfer-Encoding", "chunked")]) + body +
                           b"0\r\n\r\n")
            # By the time of this answer the worker has seen them all.
            late.ask("https", OPEN, tokens.pop()).expect(200)
            os.kill(kdc_pid(), signal.SIGCONT)
            c.receive().expect(200)
            for waits, length in ((d, 2), (e, 0)):
                told = json.loads(waits.receive().expect(200).body)
                expect_equal(told["length"], length, "length")
        late.ask("https", "/secure/x", tokens.pop()).expect(200)
    finally:
        os.kill(kdc_pid(), signal.SIGCONT)
    late.close()


@test("while a KDC hangs nobody else waits")
def _():
    late = Gate(realm, extra=CONFIG, start=False, mof=(MOF, OPEN_MOF),
                workers=1)
    shutil.copy(CLIENT, late.path("client.keytab"))
    tokens = [gate.token() for _ in range(70)]
    os.kill(kdc_pid(), signal.SIGSTOP)
    try:
        late.start()
        with late.connect("https") as held:
            held.send(held.request("/secure/x", tokens.pop()))
            served = 0
            while served < 60:  # by the same worker
                late.ask("https", OPEN, tokens.pop()).expect(200)
                served += 1
            held.receive().expect(503)
        expect_equal(served, 60, "requests served meanwhile")
        gate.ask("https", "/secure/x", tokens.pop()).expect(200)
    finally:
        os.kill(kdc_pid(), signal.SIGCONT)
    wait_for(lambda: get("/secure/x", late).status == 200, "a ticket",
             deadline=60)
    late.close()


# -- processes ------------------------------------------------------------

@test("a clerk or a worker that is killed is replaced, and has tickets")
def _():
    clerk = gate.status()["clerk"]["pid"]
    os.kill(clerk, signal.SIGKILL)
    get("/secure/x").expect(200)
    wait_for(lambda: gate.status().get("clerk", {}).get("pid") not in
             (None, 0, clerk), "another clerk")
    for pid in gate.workers():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len([w for w in gate.workers() if w > 0]) == 2,
             "other workers")
    for _ in range(6):
        wait_for(lambda: get("/secure/x").status == 200, "a worker")
    expect("clerk" in gate.ctl("status").stdout, "the clerk in the status")


@test("a changed client keytab is taken up, and a reload keeps signing in")
def _():
    count = len(gate.events(id=120))
    realm.kadmin("ktadd -k %s nsgate/localhost" % CLIENT)
    shutil.copy(CLIENT, gate.path("client.keytab.new"))
    os.rename(gate.path("client.keytab.new"), gate.path("client.keytab"))
    wait_for(lambda: len(gate.events(id=120)) > count, "event 120")
    get("/secure/x").expect(200)
    gate.ctl("reload")
    for _ in range(6):
        get("/secure/x").expect(200)
    gate.configure(extra=ACCESS + route("headers", http(headers)).replace(
        "identity  = negotiate", ""))
    gate.ctl("reload")
    get("/headers/x").expect(200)
    expect("clerk" not in gate.status(), "nobody needs a clerk")
    gate.configure(extra=CONFIG)
    gate.ctl("reload")
    get("/secure/x").expect(200)


def open_files(pid):
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    return found


@test("as real users: the clerk is the workers' user, has nothing of the "
      "state and leaves no memory file behind in a worker")
def _():
    if not ROOT or not (user_exists("nsgate") and
                        user_exists("nsgate-store")):
        return
    users = Gate(realm, extra=CONFIG.replace(CA, ""), start=False, mof=(MOF,),
                 user="nsgate", store_user="nsgate-store", workers=1)
    shutil.copy(CLIENT, users.path("client.keytab"))
    os.chmod(users.path("client.keytab"), 0o600)
    users.start()
    get("/unix/x", users).expect(200)
    get("/rekeyed/x", users).expect(200)
    status = users.status()
    clerk, worker = status["clerk"]["pid"], status["workers"][0]["pid"]
    expect_equal(read("/proc/%d/status" % clerk).split("Uid:\t")[1].split()[0],
                 str(pwd.getpwnam("nsgate").pw_uid), "the clerk's user")
    expect(not [x for x in open_files(clerk) if users.state in x],
           "files of state_dir", open_files(clerk))
    files = [x for x in open_files(worker) if "memfd" in x]
    asked = kdc_counts("HTTP/other.test")
    os.kill(clerk, signal.SIGKILL)  # the next one tells of all tickets anew
    wait_for(lambda: kdc_counts("HTTP/other.test") > asked, "another ticket")
    wait_for(lambda: "not found in Kerberos database" in users.log().split(
        "is replaced")[-1], "the clerk's last word")
    get("/unix/x", users).expect(200)
    expect_equal([x for x in open_files(worker) if "memfd" in x], files,
                 "memory files")
    users.close()


# -- configuration --------------------------------------------------------

@test("--check-config refuses a way from which the token could be taken")
def _():
    bad = Gate(realm, extra=ACCESS + CALLBACK + route(
        "open", "http://127.0.0.1:1", "upstream_principal = HTTP@h"),
        start=False, mof=(MOF,))
    shutil.copy(CLIENT, bad.path("client.keytab"))
    done = run(program("nsgated"), "--check-config", "--config", bad.conf,
               check=False, env=realm.env)
    expect(done.returncode != 0 and "is not private" in done.stderr,
           "what it says", done.stdout, done.stderr)
    bad.close()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
