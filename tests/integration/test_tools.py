#!/usr/bin/env python3
"""What nsgatectl says to people, beyond what its unit tests see."""
import os

from harness import (ROOT, Gate, expect, expect_equal, main, program, run,
                     test, tls_dir, user_exists, wait_for)

gate = Gate()
SECRET = "/cim/root/Secret"


def tool(*arguments, **env):
    return run(program("nsgatectl"), *arguments, check=False,
               env=dict(gate.realm.env, **env))


def probe(*arguments, **env):
    return tool("probe", "--ccache", "FILE:" + gate.realm.ccache("alice"),
                gate.url("https", SECRET), *arguments, **env)


@test("explain shows where the running gateway listens")
def _():
    out = gate.ctl("explain", "root\\Secret").stdout
    for name in ("https", "http", "tools"):
        line = "listener %s (%s)," % (name, gate.listeners[name])
        expect(line in out, "no '%s'" % line, out)
    port = gate.listeners["https"].rsplit(":", 1)[1]
    expect("secureUri: https://localhost:%s/cim/root/Secret" % port in out,
           "secureUri", out)


@test("explain says what message encryption does for a listener without TLS")
def _():
    out = gate.ctl("explain", "root\\Secret").stdout
    listener = out.split("listener http (")[1].split("\n\n")[0]
    clear, sealed = listener.split("message encryption:")
    for words, text in (
            (("http: channel cleartext, binding absent, applied Connect",
              "403  declared PktPrivacy    effective Connect      "
              " channel-not-private:"), clear),
            (("channel sealed, binding absent, applied PktPrivacy",
              "CONF and INTEG  200  declared PktPrivacy",
              "INTEG only      403  declared PktIntegrity",
              "without REPLAY or SEQUENCE: 400"), sealed)):
        for word in words:
            expect(word in text, "no '%s'" % word, out)
    gate.probe("http", SECRET, "--message-encryption").expect(200)
    expect("message encryption" not in
           out.split("listener https (")[1].split("\n\n")[0], "with TLS too",
           out)


@test("a certificate that is not trusted is told with URL and --cacert")
def _():
    for options in ((), ("--no-channel-binding",)):
        done = probe(*options)
        expect_equal(done.returncode, 3, "exit status")
        for word in (gate.url("https", SECRET), "--cacert"):
            expect(word in done.stderr, "no " + word, done.stderr)


@test("probe trusts what CURL_CA_BUNDLE names, and --cacert more")
def _():
    done = probe(CURL_CA_BUNDLE=tls_dir() + "/ca.crt")
    expect_equal(done.returncode, 0, done.stderr)
    done = probe("--cacert", tls_dir() + "/ca.crt", CURL_CA_BUNDLE="/none")
    expect_equal(done.returncode, 0, done.stderr)


@test("no context is said to declare Default")
def _():
    done = probe("--flags", "0x1000", CURL_CA_BUNDLE=tls_dir() + "/ca.crt")
    expect_equal(done.returncode, 1, done.stderr)
    expect("declares None" in done.stdout, "what it declares", done.stdout)


@test("a repository that the gateway cannot read is found by doctor")
def _():
    if not (ROOT and user_exists("nsgate") and user_exists("nsgate-store")):
        return
    other = Gate(user="nsgate", store_user="nsgate-store", start=False)
    os.chown(other.path("state/repository.db"), 0, 0)
    os.chmod(other.path("state/repository.db"), 0o600)
    other.start()
    wait_for(lambda: other.ctl("status", check=False).returncode == 1,
             "status 1")
    done = other.ctl("doctor", check=False)
    expect_equal(done.returncode, 1, "exit status")
    for words in ("FAIL  repository: ", "nsgate cannot read it",
                  "FAIL  workers: no policy is in force"):
        expect(words in done.stdout, "no " + words, done.stdout)
    other.close()


@test("each command has --help, and a wrong option is told once")
def _():
    for command in ("status", "probe", "explain", "events", "doctor",
                    "listen"):
        done = tool(command, "--help")
        expect_equal((done.returncode, done.stderr), (0, ""), command)
        expect(command in done.stdout, "usage of " + command, done.stdout)
    done = tool("events", "--namespace")
    expect_equal(done.returncode, 2, "exit status")
    expect("requires an argument" in done.stderr and
           "no such option" not in done.stderr, "what is wrong", done.stderr)


main()
