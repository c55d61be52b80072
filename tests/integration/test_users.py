#!/usr/bin/env python3
"""As real users: workers as nsgate, stores as nsgate-store, clients as
somebody else; and what `make install` puts where."""
import os
import pwd
import stat

from harness import (BUILD, OPEN, ROOT, SECRET, SECURITY_MOF, Gate, expect,
                     expect_equal, main, program, read, run, scratch, test,
                     user_exists, wait_for, write)

CLIENT = "games"  # any user of every Debian that is none of ours


@test("make install puts programs, manuals, unit and examples in place")
def _():
    root = os.path.join(scratch(), "root")
    run("make", "-s", "-C", BUILD, "install", "DESTDIR=" + root, timeout=600)
    found = sorted(os.path.relpath(os.path.join(path, name), root)
                   for path, _, names in os.walk(root) for name in names)
    for name in ("bin/mofcomp", "bin/nsgatectl", "sbin/nsgated",
                 "man1/mofcomp.1", "man1/nsgatectl.1", "man5/nsgate.conf.5",
                 "man8/nsgated.8", "nsgated.service",
                 "MyNamespace_security.mof", "nsgate.conf"):
        expect([f for f in found if f.endswith("/" + name)],
               "not installed: " + name, found)
    for name in found:
        mode = os.stat(os.path.join(root, name)).st_mode
        expect(mode & 0o002 == 0, "writable by all: " + name)
        base = os.path.basename(name)
        expect(not base.startswith("lib") or base.startswith("libnspolicy."),
               "another library: " + name)
    for name in ("bin/mofcomp", "bin/nsgatectl", "sbin/nsgated"):
        path = [f for f in found if f.endswith("/" + name)][0]
        expect("0." in run(os.path.join(root, path), "--version").stdout,
               "--version of " + name)
    run("make", "-s", "-C", BUILD, "uninstall", "DESTDIR=" + root)
    left = [os.path.join(path, name) for path, _, names in os.walk(root)
            for name in names]
    expect(not left, "left after uninstall", left)


def need_users():
    return ROOT and user_exists("nsgate") and user_exists("nsgate-store") \
        and user_exists(CLIENT)


def uid_of(pid):
    return int(read("/proc/%d/status" % pid).split("Uid:\t")[1].split()[0])


def as_users():
    gate = Gate(user="nsgate", store_user="nsgate-store", listeners=r"""
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/http]
bind = 127.0.0.1:0

[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = root, %s

[listener/rootonly]
bind        = 127.0.0.1:0
channel     = local
local_users = root

[listener/toolsock]
bind        = unix:{dir}/sock/tools.sock
channel     = local
local_users = root, %s
mode        = 0666

[listener/proxy]
bind          = unix:{dir}/sock/proxy.sock
trusted_proxy = www-data
secret_file   = {dir}/proxy.secret
""" % (CLIENT, CLIENT))

    @test("each process runs as its user, without capabilities")
    def _():
        status = gate.status()
        uid = pwd.getpwnam("nsgate").pw_uid
        store = pwd.getpwnam("nsgate-store").pw_uid
        for pid, wanted in [(w["pid"], uid) for w in status["workers"]] + [
                (status["recorder"]["pid"], store),
                (status["keeper"]["pid"], store),
                (status["dispatcher"]["pid"], store)]:
            text = read("/proc/%d/status" % pid)
            expect_equal(uid_of(pid), wanted, "uid of %d" % pid)
            expect("CapEff:\t0000000000000000" in text, "capabilities", text)
            groups = text.split("Groups:\t")[1].split("\n")[0].split()
            expect(len(groups) <= 1 and "0" not in groups, "groups", text)

    @test("the master keeps the capabilities that it needs and no more")
    def _():
        # CHOWN 0, DAC_OVERRIDE 1, DAC_READ_SEARCH 2, FOWNER 3, KILL 5,
        # SETGID 6, SETUID 7, NET_BIND_SERVICE 10 (capabilities(7))
        kept = "%016x" % sum(1 << n for n in (0, 1, 2, 3, 5, 6, 7, 10))
        text = read("/proc/%d/status" % gate.status()["pid"])
        for name in ("CapEff", "CapPrm", "CapBnd"):
            expect_equal(text.split(name + ":\t")[1].split("\n")[0], kept,
                         name)
        expect("NoNewPrivs:\t1" in text, "new privileges", text)

    @test("curl as another user: in by https, refused by http")
    def _():
        gate.curl("https", SECRET, as_user=CLIENT).expect(200)
        gate.curl("http", SECRET, as_user=CLIENT).expect(
            403, "channel-not-private")
        gate.curl("http", OPEN, as_user=CLIENT).expect(200)
        gate.curl("https", SECRET, user=None, as_user=CLIENT).expect(401)

    @test("a local listener is private for the users that it lists only")
    def _():
        for listener in ("tools", "toolsock"):
            gate.curl(listener, SECRET, as_user=CLIENT).expect(200)
            gate.curl(listener, SECRET).expect(200)
            gate.curl(listener, SECRET, as_user="nobody").expect(
                403, "channel-not-private")
        gate.curl("rootonly", SECRET).expect(200)
        gate.curl("rootonly", SECRET, as_user=CLIENT).expect(
            403, "channel-not-private")
        gate.curl("rootonly", OPEN, as_user=CLIENT).expect(200)

    @test("a proxy's socket is the proxy's")
    def _():
        path = gate.path("sock/proxy.sock")
        info = os.stat(path)
        expect_equal((stat.S_IMODE(info.st_mode), info.st_uid),
                     (0o600, pwd.getpwnam("www-data").pw_uid), "the socket")
        with gate.connect("proxy") as c:  # as root, who is not the proxy
            try:
                c.send(c.request(OPEN, gate.token()))
            except OSError:
                pass
            expect(c.ended(), "root was taken for the proxy", c.buffer)
        expect("403" not in run(
            "curl", "-s", "--unix-socket", path, "http://localhost/",
            user=CLIENT, check=False).stdout, "another user came in")

    @test("mofcomp as root leaves files that the stores own")
    def _():
        gate.compile(SECURITY_MOF % "TRUE")
        gate.ask("http", SECRET, gate.token()).expect(403)
        store = pwd.getpwnam("nsgate-store").pw_uid
        for name in os.listdir(gate.state):
            owner = os.stat(os.path.join(gate.state, name)).st_uid
            if name != "rcache":
                expect_equal(owner, store, "owner of " + name)
        expect_equal(os.stat(gate.state + "/rcache").st_uid,
                     pwd.getpwnam("nsgate").pw_uid, "owner of rcache")

    @test("the workers' user can write neither policy nor events")
    def _():
        for name in sorted(os.listdir(gate.state)):
            path = os.path.join(gate.state, name)
            if name == "rcache":
                continue
            done = run("sh", "-c", "echo x >>'%s'" % path, user="nsgate",
                       check=False)
            expect(done.returncode != 0, "nsgate could write " + name)
        done = run("sh", "-c", "echo x >'%s/new'" % gate.state,
                   user="nsgate", check=False)
        expect(done.returncode != 0, "nsgate could make a file there")

    @test("the workers' user cannot hold up those who write")
    def _():
        mode = os.stat(gate.state + "/repository.lock").st_mode
        expect(mode & 0o077 == 0, "repository.lock has mode %o" % mode)

    @test("a state directory that the workers cannot enter is refused")
    def _():
        gate.stop()
        os.chmod(gate.state, 0o700)
        done = run(program("nsgated"), "--config", gate.conf, check=False,
                   env=gate.realm.env)
        os.chmod(gate.state, 0o750)
        expect_equal(done.returncode, 1, "exit status")
        expect(gate.state in done.stderr and "nsgate" in done.stderr,
               "the directory and the user", done.stderr)
        gate.start()

    @test("others can neither read the state nor talk to the master")
    def _():
        for path in ("state/policy.image", "state/events.db",
                     "state/repository.db", "http.keytab", "proxy.secret"):
            done = run("cat", gate.path(path), user=CLIENT, check=False)
            expect(done.returncode != 0, "read by others: " + path)
        shared = write(gate.path("nsgatectl"),
                       open(program("nsgatectl"), "rb").read(), 0o755)
        for user in (CLIENT, "nsgate"):
            done = run(shared, "--config", gate.conf, "status", user=user,
                       check=False)
            expect(done.returncode != 0, "status as " + user, done.stdout)
            done = run(shared, "--config", gate.conf, "reload", user=user,
                       check=False)
            expect(done.returncode != 0, "reload as " + user, done.stdout)

    @test("a change while it runs, a killed worker, a reload: as real users "
          "too")
    def _():
        gate.compile(SECURITY_MOF % "FALSE")
        gate.curl("http", SECRET, as_user=CLIENT).expect(200)
        gate.compile(SECURITY_MOF % "TRUE")
        gate.curl("http", SECRET, as_user=CLIENT).expect(403)
        victim = gate.workers()[0]
        os.kill(victim, 9)
        wait_for(lambda: victim not in gate.workers() and
                 len(gate.workers()) == 2, "a new worker")
        gate.ctl("reload")
        gate.curl("https", SECRET, as_user=CLIENT).expect(200)
        gate.restart()
        gate.curl("https", SECRET, as_user=CLIENT).expect(200)


if need_users():
    as_users()
else:
    @test("# SKIP not root, or no users nsgate and nsgate-store")
    def _():
        pass

main()
