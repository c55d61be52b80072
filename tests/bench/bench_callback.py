#!/usr/bin/env python3
"""What asynchronous results cost, and how fast they are delivered.

usage: bench_callback.py [ROUNDS [OPERATIONS]]

Deliveries: operations are accepted while no sink is there, and the time is
taken from the first message that the sink gets to the last.  Beside it what
a bare client gets from the same sink, which posts the same bytes on one
connection that it authenticated.  Rounds take turns, so that a busy machine
slows all of them; medians are shown.

The worker's cost: the same requests, answered at once and made operations,
from the same clients; processor time is that of the worker processes.
"""
import os
import signal
import socket
import ssl
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
# pylint: disable=wrong-import-position
import delivery  # noqa: E402
import harness  # noqa: E402
from delivery import Asker, Sink, Tokens, make_gate, processes  # noqa: E402

OBJECTS = 100
MOF = r"""
#pragma namespace("\\\\.\\root\\Bench")
class Bench_One { [key] uint32 Number; string Text; };
class Bench_Many { [key] uint32 Number; string Text; };
""" + "".join('instance of Bench_%s { Number = %d; Text = "%s"; };\n'
              % (name, i, "some text of no great length")
              for name, count in (("One", 1), ("Many", OBJECTS))
              for i in range(count))
PATHS = {1: "/cim/root/Bench:Bench_One/instances",
         OBJECTS: "/cim/root/Bench:Bench_Many/instances"}
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    """User and system time of processes, from /proc/PID/stat."""
    total = 0
    for pid in pids:
        fields = harness.read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def wait_records(sink, count, deadline=300):
    """The next so many messages, and (when, key, body) of them."""
    found = []
    harness.wait_for(lambda: found.extend(sink.news()) or
                     len(found) >= count, lambda: "%d of %d messages" % (
                         len(found), count), deadline)
    return found


def span_s(records):
    return (records[-1][0] - records[0][0]) / 1e9


# -- deliveries ---------------------------------------------------------------

class Couriers:
    """A gateway with so many couriers and a sink of its own."""

    def __init__(self, couriers, tokens=None):
        self.sink = Sink(harness.the_realm())
        self.gate = make_gate(self.sink, couriers, workers=1,
                              mof=(MOF,)).start()
        self.tokens = tokens or Tokens(self.gate.realm)

    def run(self, objects, count):
        """Operations a second; the bodies of one of them are kept."""
        asker = Asker(self.gate, "tools", self.tokens, self.sink,
                      lambda _: PATHS[objects], count, clients=8)
        asker.start().join(120)
        before = cpu_seconds(self.pids())
        self.sink.start()
        records = wait_records(self.sink, 2 * count)
        cpu = cpu_seconds(self.pids()) - before
        self.sink.kill()
        return count / span_s(records), cpu / count, [
            body for _, _, body in records[-2:]]

    def pids(self):
        return (processes(self.gate, "nsgated-dispat") +
                processes(self.gate, "nsgated-courier"))


class Bare:
    """One connection to a sink, authenticated by its first request."""

    def __init__(self, tokens):
        self.sink, self.tokens = Sink(harness.the_realm()), tokens

    def run(self, bodies, count):
        self.sink.start()
        token, context = self.tokens.context()
        tls = ssl.create_default_context(cafile=harness.tls_dir() + "/ca.crt")
        with tls.wrap_socket(
                socket.create_connection(("127.0.0.1", self.sink.port)),
                server_hostname="localhost") as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            harness.expect(b" 204 " in self.post(s, b"", (
                "Authorization: Negotiate " + token,)), "not signed in")
            for n in range(count):
                for part, body in enumerate(bodies):
                    self.post(s, body, ('Idempotency-Key: "%032x-%d"'
                                        % (n, part),))
        records = wait_records(self.sink, len(bodies) * count)
        self.sink.kill()
        return count / span_s(records)

    def post(self, s, body, headers):
        s.sendall(("POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
                   "Content-Length: %d\r\n\r\n" % (
                       delivery.SINK_PATH, "\r\n".join(headers),
                       len(body))).encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += s.recv(4096)
        return answer


def deliveries(rounds, count):
    print("Deliveries of operations, each one batch and one status: %d a"
          " round, median of %d" % (count, rounds))
    one, four = Couriers(1), Couriers(4)
    bare = Bare(one.tokens)
    rows = [("a bare client, one connection", None),
            ("nsgated, 1 courier", one), ("nsgated, 4 couriers", four)]
    print("  %-44s %10s %7s %8s" % ("", "a second", "ratio", "CPU us"))
    for objects in PATHS:
        # Also a round to warm up, and the bodies that the bare client posts.
        bodies = one.run(objects, 50)[2]
        size = sum(map(len, bodies))
        rates = {name: [] for name, _ in rows}
        cpus = {name: [] for name, _ in rows}
        for _ in range(rounds):
            for name, what in rows:
                if what is None:
                    rates[name].append(bare.run(bodies, count))
                    continue
                rate, cpu, _ = what.run(objects, count)
                rates[name].append(rate)
                cpus[name].append(cpu * 1e6)
        first = statistics.median(rates[rows[0][0]])
        for name, _ in rows:
            rate = statistics.median(rates[name])
            print("  %-44s %10.0f %7.2f %8s" % (
                "%s, %d object%s, %d bytes" % (
                    name, objects, "s" if objects > 1 else "", size),
                rate, rate / first, "%.0f" % statistics.median(cpus[name])
                if cpus[name] else ""), flush=True)
    one.gate.close()
    four.gate.close()


# -- the worker's cost --------------------------------------------------------------

class Plain(Asker):
    """The same clients, whose requests are answered at once."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.headers = []

    def _take(self, answer, number):
        harness.expect_equal(answer.status, 200, "the answer")
        self.rows[number] = (number, time.monotonic_ns())
        return True


class Fetched(Asker):
    """Operations whose results nobody is sent."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.headers = [("Prefer", "respond-async")]


def cost(rounds, count):
    print("\nThe worker: one process, %d requests a round from 8 connections,"
          " median of %d" % (count, rounds))
    sink = Sink(harness.the_realm())
    gate = make_gate(sink, workers=1, mof=(MOF,)).start()
    tokens = Tokens(gate.realm)
    kinds = [("answered at once", Plain), ("202, to be fetched", Fetched),
             ("202, with a callback", Asker)]
    print("  %-30s %10s %7s %10s %7s" % ("", "a second", "ratio",
                                         "worker us", "ratio"))
    for objects, path in PATHS.items():
        results = {name: [] for name, _ in kinds}
        for _ in range(rounds):
            for name, kind in kinds:
                workers = processes(gate, "nsgated-worker")
                before, begun = cpu_seconds(workers), time.monotonic()
                kind(gate, "tools", tokens, sink, lambda _, p=path: p, count,
                     clients=8).start().join(120)
                seconds = time.monotonic() - begun
                cpu = cpu_seconds(workers) - before
                results[name].append((count / seconds, cpu * 1e6 / count))
        first = None
        for name, _ in kinds:
            rate, cpu = (statistics.median(r[i] for r in results[name])
                         for i in (0, 1))
            first = first or (rate, cpu)
            print("  %-30s %10.0f %7.2f %10.0f %7.2f" % (
                "%s, %d object%s" % (name, objects,
                                     "s" if objects > 1 else ""),
                rate, rate / first[0], cpu, cpu / first[1]), flush=True)
    gate.close()


# -- latency ----------------------------------------------------------------------

def latency(count):
    print("\nFrom 202 to the sink's receipt of the final status, %d"
          " operations, 1 and 8 clients" % count)
    sink = Sink(harness.the_realm()).start()
    gate = make_gate(sink, mof=(MOF,)).start()
    tokens = Tokens(gate.realm)
    for clients in (1, 8):
        asker = Asker(gate, "tools", tokens, sink, lambda _: PATHS[1], count,
                      clients=clients)
        asker.start().join(120)
        came = {key.rsplit("-", 1)[0]: when
                for when, key, _ in wait_records(sink, 2 * count)}
        late = sorted((came[name] - when) / 1e6
                      for name, (_, when) in asker.rows.items())
        print("  %d client%s: median %.2f ms, p99 %.2f ms" % (
            clients, "s" if clients > 1 else "", statistics.median(late),
            late[len(late) * 99 // 100]), flush=True)
    gate.close()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    deliveries(rounds, count)
    cost(rounds, count)
    latency(count)
    harness.end_all()


if __name__ == "__main__":
    main()
