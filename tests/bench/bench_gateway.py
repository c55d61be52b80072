#!/usr/bin/env python3
"""The whole gateway beside the libraries it is made of, and its memory.

usage: bench_gateway.py [ROUNDS [TOKENS]]

Rounds take turns between what is compared, so that a busy machine slows all
of it; medians are shown, and ratios of them.  CPU time is that of the
server's processes (all of nsgated's: master, workers, recorder, keeper).

On one core: the servers on core 0, the client on core 1.  On two: two
processes each, and the client beside them on the same two cores; there the
CPU time tells more than the rate does.
"""
import json
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

CONNECTIONS = 32
IDLE = (1000, 5000)
PATH = "/cim/root/Open"
LISTENERS = """
[listener/http]
bind = 127.0.0.1:0
connections_max = 20000
connections_per_address_max = 20000
idle_timeout_s = 3600

[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = {me}

[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
connections_max = 20000
connections_per_address_max = 20000
idle_timeout_s = 3600

[listener/status]
bind   = 127.0.0.1:0
status = true
"""


def tool(name):
    return harness.program("tests/bench/" + name)


def on(cores):
    return lambda: os.sched_setaffinity(0, cores)


# -- processes ---------------------------------------------------------------

def children(pid):
    """pid and all its descendants."""
    found = [pid]
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task),
                  encoding="ascii") as f:
            for child in f.read().split():
                found += children(int(child))
    return found


def cpu_seconds(pids):
    """Of all their threads."""
    total = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task),
                      encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def memory_kb(pid):
    """Rss and what of it is this process's alone."""
    values = {}
    for line in harness.read("/proc/%d/smaps_rollup" % pid).split("\n"):
        name, _, value = line.partition(":")
        if value.endswith("kB"):
            values[name] = int(value.split()[0])
    return values["Rss"], values["Private_Clean"] + values["Private_Dirty"]


# -- what is compared: each has run(tokens) -> (seconds, cpu, told) -----------

class Accept:
    """gss_accept_sec_context and nothing else."""

    def __init__(self, realm, processes, cores):
        self.realm, self.processes, self.cores = realm, processes, cores
        self.dir = harness.scratch()

    def run(self, count):
        out = subprocess.run(
            [tool("limit"), "accept", self.realm.keytab(), self.dir,
             str(self.processes), str(count),
             "FILE:" + self.realm.ccache("alice")], check=True, text=True,
            capture_output=True, env=dict(os.environ, **self.realm.env),
            preexec_fn=on(self.cores)).stdout
        told = json.loads(out)
        return told["seconds"], told["cpu"], told


class Served:
    """A server, and our client."""

    def __init__(self, realm, pid, port, path, status, cores, fresh,
                 lines=None):
        self.realm, self.pid, self.port = realm, pid, port
        self.path, self.status, self.cores = path, status, cores
        self.fresh, self.lines = fresh, lines
        for child in children(pid):
            os.sched_setaffinity(child, cores)

    def run(self, count):
        client = {0, 1} if len(self.cores) > 1 else {1}
        command = [tool("load"), str(self.port), self.path, str(self.status),
                   str(CONNECTIONS), str(count)]
        if self.fresh or self.lines:
            command.append("FILE:" + self.realm.ccache("alice")
                           if self.fresh else "-")
        if self.lines:
            command.append(self.lines)
        pids = children(self.pid)
        before = cpu_seconds(pids)
        out = subprocess.run(
            command, check=True, text=True, stdout=subprocess.PIPE,
            env=dict(os.environ, **self.realm.env),
            preexec_fn=on(client)).stdout
        told = json.loads(out)
        return told["seconds"], cpu_seconds(pids) - before, told


def bare(realm, processes, cores, fresh):
    command = [tool("limit"), "http", str(processes)]
    if fresh:
        command += [realm.keytab(), harness.scratch()]
    p = subprocess.Popen(command, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True,
                         env=dict(os.environ, **realm.env))
    harness.at_end(p.communicate)
    return Served(realm, p.pid, int(p.stdout.readline()), "/", 200, cores,
                  fresh)


def served(gate, listener, path, status, cores, fresh, lines=None):
    return Served(gate.realm, gate.process.pid,
                  gate.listeners[listener].rsplit(":", 1)[1], path, status,
                  cores, fresh, lines)


# -- rounds -------------------------------------------------------------------

def compare(title, rows, rounds, count):
    """rows: (name, what); the first is what the others are compared with."""
    print("\n%s: %d a round, median of %d" % (title, count, rounds))
    results = [[] for _ in rows]
    for _ in range(rounds):
        for result, (_, what) in zip(results, rows):
            seconds, cpu, told = what.run(count)
            result.append((count / seconds, cpu * 1e6 / count,
                           told.get("p50_us"), told.get("p99_us")))
    print("  %-36s %9s %6s %9s %6s %8s %8s" % (
        "", "a second", "ratio", "CPU us", "ratio", "p50 us", "p99 us"))
    first = None
    for result, (name, _) in zip(results, rows):
        rate, cpu = (statistics.median(r[i] for r in result) for i in (0, 1))
        first = first or (rate, cpu)
        latency = ["%8.0f" % statistics.median(r[i] for r in result)
                   if result[0][i] is not None else "%8s" % ""
                   for i in (2, 3)]
        print("  %-36s %9.0f %6.2f %9.1f %6.2f %s" % (
            name, rate, rate / first[0], cpu, cpu / first[1],
            " ".join(latency)), flush=True)


def gateway(workers):
    return harness.Gate(listeners=LISTENERS, workers=workers,
                        mof=(harness.OPEN_MOF,))


def fresh_tokens(gates, rounds, count):
    realm = harness.the_realm()
    for processes, cores in ((1, {0}), (2, {0, 1})):
        gate = gates[processes]
        rows = [("gss_accept_sec_context", Accept(realm, processes, cores)),
                ("it behind libmicrohttpd", bare(realm, processes, cores,
                                                 True)),
                ("nsgated, cleartext", served(gate, "http", PATH, 200, cores,
                                              True)),
                ("nsgated, channel = local", served(
                    gate, "tools", PATH, 200, cores, True))]
        compare("Fresh tokens, %d process%s" % (
            processes, "es on two cores" if processes > 1 else
            " on one core"), rows, rounds, count)


def no_tokens(gate, rounds, count):
    realm = harness.the_realm()
    compare("Keep-alive requests without a token, 1 process on one core", [
        ("libmicrohttpd", bare(realm, 1, {0}, False)),
        ("nsgated, /healthz", served(gate, "status", "/healthz", 200, {0},
                                     False)),
        ("nsgated, 401, its event recorded", served(gate, "http", PATH, 401,
                                                    {0}, False))],
        rounds, count)


# -- memory -------------------------------------------------------------------

def idle_one(port, context, used=True):
    """A connection that is kept alive; used: after one request."""
    s = socket.create_connection(("127.0.0.1", port), 30)
    if context is not None:
        s = context.wrap_socket(s, server_hostname="localhost")
    if not used:
        return s
    s.sendall(b"GET /cim/root/Open HTTP/1.1\r\nHost: localhost\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(65536)
    return s


def wait_connections(gate, count):
    """Until the worker counts as many; the status listener tells."""
    def told():
        with harness.Connection(gate.listeners["status"]) as c:
            text = c.ask("/metrics").body.decode()
        return any(line.startswith("nsgate_connections{") and
                   int(line.split()[1]) >= count
                   for line in text.split("\n"))
    harness.wait_for(told, "%d connections" % count)


def idle_connections(listener, used):
    """In a gateway of its own, so that nothing before them counts."""
    gate = gateway(1)
    worker = gate.workers()[0]
    port = int(gate.listeners[listener].rsplit(":", 1)[1])
    context = None
    if listener == "https":
        context = ssl.create_default_context(
            cafile=harness.tls_dir() + "/ca.crt")
    opened = [idle_one(port, context) for _ in range(10)]  # warm
    base = memory_kb(worker)[0]
    for wanted in IDLE:
        first = len(opened)
        opened += [idle_one(port, context, used)
                   for _ in range(wanted - first)]
        wait_connections(gate, wanted)
        rss = memory_kb(worker)[0]
        print("  %5d idle on %-5s %-9s  worker Rss %7.1f MB, %5.2f KB each" % (
            wanted, listener, "after use" if used else "unused", rss / 1024, (rss - base) / (wanted - 10)),
            flush=True)
    for s in opened:
        s.close()
    gate.close()


def memory(gate):
    print("\nMemory")
    names = {gate.process.pid: "master"}
    names.update((pid, "worker, after the load") for pid in gate.workers())
    for pid in children(gate.process.pid):
        print("  %-24s Rss %6.1f MB, private %6.1f MB" % (
            names.get(pid, harness.read("/proc/%d/comm" % pid).strip()),
            *[kb / 1024 for kb in memory_kb(pid)]))
    fresh = gateway(1)
    print("  %-24s Rss %6.1f MB, private %6.1f MB" % (
        "worker, new", *[kb / 1024 for kb in memory_kb(fresh.workers()[0])]))
    fresh.close()
    idle_connections("http", False)
    idle_connections("http", True)
    idle_connections("https", True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.cpu_count() < 2:
        print("bench_gateway: needs two cores")
        return
    gates = {n: gateway(n) for n in (1, 2)}
    fresh_tokens(gates, rounds, count)
    no_tokens(gates[1], rounds, 10 * count)
    memory(gates[1])
    harness.end_all()


if __name__ == "__main__":
    main()
