#!/usr/bin/env python3
"""What message encryption costs the gateway: the same requests sealed, by
https and in clear, beside unwrap and wrap alone (bench_seal).

usage: bench_sealed.py [ROUNDS [REQUESTS]]

A request and its answer have bodies of about the same length.  One worker,
one client, one connection; each way takes its turn in each round.  What counts
is the CPU time of all of nsgated's processes, and what one core could serve in
that time: the client is in Python and slower than the gateway.
"""
import os
import re
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))
import harness  # noqa: E402  pylint: disable=wrong-import-position
import sealing  # noqa: E402  pylint: disable=wrong-import-position

LENGTHS = (1 << 10, 1 << 16, 1 << 20)
BYTES = 32 << 20  # of a round, at most
LISTENERS = """
[listener/http]
bind            = 127.0.0.1:0
body_max        = 4M
sealed_body_max = 4M

[listener/https]
bind            = 127.0.0.1:0
body_max        = 4M
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key

[listener/sessions]
bind            = 127.0.0.1:0
body_max        = 4M
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
session_s       = 3600
"""
MOF = r"""
#pragma namespace("\\\\.\\root\\Sized")
class Sized_Thing { [key] uint32 Length; string Text; };
""" + "".join('instance of Sized_Thing { Length = %d; Text = "%s"; };\n'
              % (n, "x" * (n - 200)) for n in LENGTHS)


def target(length):
    return "/cim/root/Sized:Sized_Thing.Length=%d" % length


def cpu_seconds(pid):
    """Of a process and all that it has begun."""
    total = int(harness.read("/proc/%d/schedstat" % pid).split()[0]) / 1e9
    for child in harness.read("/proc/%d/task/%d/children" % (
            pid, pid)).split():
        total += cpu_seconds(int(child))
    return total


# -- the ways: each makes the bytes of its requests before the clock starts ----

class Sealed:
    def __init__(self, gate, _):
        self.connection = sealing.Sealed(gate)

    def requests(self, length, count):
        c = self.connection
        return [c.bytes_for(target(length), body=b"x" * length)
                for _ in range(count)]

    def check(self, _):
        """One more: the answer is what it has to be."""
        answer = self.connection.opened().expect(200)
        harness.expect(answer.sealed, "an answer in clear")
        return answer


class WithTokens:
    """A token of its own for each request."""

    def __init__(self, gate, listener):
        self.gate = gate
        self.connection = harness.Connection(gate.listeners[listener],
                                             tls=listener != "http")
        self.maker = sealing.Sealed(gate, sign_in=False)

    def requests(self, length, count):
        c, body = self.connection, b"x" * length
        head = c.request(target(length), "TOKEN", body=body)
        return [head.replace(b"TOKEN", self.maker.token().encode())
                for _ in range(count)]

    def check(self, _):
        return self.connection.receive().expect(200)


class WithSession(WithTokens):
    """One token, and its session for all requests."""

    def requests(self, length, count):
        c = self.connection
        c.send(c.request(target(length), self.maker.token()))
        cookie = c.receive().expect(200).headers["set-cookie"].split(";")[0]
        return [c.request(target(length), headers=[("Cookie", cookie)],
                          body=b"x" * length) for _ in range(count)]


WAYS = (("sealed", Sealed, "http"),
        ("https, a token each", WithTokens, "https"),
        ("https, a session", WithSession, "sessions"),
        ("in clear, a token each", WithTokens, "http"))


def run(gate, way, listener, length, count):
    """Seconds of CPU of a request."""
    client = way(gate, listener)
    requests = client.requests(length, count)
    before = cpu_seconds(gate.process.pid)
    for request in requests:
        client.connection.send(request)
        answer = client.check(length)
        harness.expect(abs(len(answer.body) - length) < 300,
                       "an answer of %d bytes" % len(answer.body))
    after = cpu_seconds(gate.process.pid)
    client.connection.socket.close()
    return (after - before) / count


def seal_alone(rounds):
    """Seconds of CPU of unwrap and wrap, by length."""
    out = subprocess.run([harness.program("tests/bench/bench_seal"),
                          str(rounds)], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return {int(n): float(us) / 1e6 for n, us in re.findall(
        r"(?m)^ *(\d+)  security_context\S* .*?([\d.]+) us CPU", out)}


def show(length, name, seconds, first):
    print("  %8d  %-24s %8.1f us CPU  %8.0f/s  %7.1f MB/s  ratio %5.2f" % (
        length, name, seconds * 1e6, 1 / seconds, 2 * length / seconds / 1e6,
        seconds / first), flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    gate = harness.Gate(listeners=LISTENERS, workers=1,
                        mof=(harness.OPEN_MOF, MOF))
    alone = seal_alone(rounds)
    print("a request and its answer, bodies of so many bytes; median of %d"
          % rounds)
    for length in LENGTHS:
        count = max(10, min(most, BYTES // length))
        results = [[] for _ in WAYS]
        for _ in range(rounds):
            for result, (_, way, listener) in zip(results, WAYS):
                result.append(run(gate, way, listener, length, count))
        first = statistics.median(results[0])
        show(length, "unwrap and wrap alone", alone[length], first)
        for result, (name, _, _) in zip(results, WAYS):
            show(length, name, statistics.median(result), first)
    harness.end_all()


if __name__ == "__main__":
    main()
