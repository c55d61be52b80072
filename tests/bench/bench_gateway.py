#!/usr/bin/env python3
"""The whole gateway beside the bare accept in the same configuration, in
interleaved rounds: requests a second, CPU a request, memory of a worker."""
import json
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
from harness import BUILD, OPEN, Gate, end_all, run  # noqa: E402

ROUNDS, COUNT = 5, 3000
TICK = os.sysconf("SC_CLK_TCK")


def tool(name, *arguments, gate):
    return json.loads(run(os.path.join(BUILD, "tests/bench", name),
                          *arguments, env=gate.realm.env).stdout)


def cpu(pids):
    """Seconds of user and system time."""
    total = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory(gate):
    total = 0
    for pid in gate.workers():
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            total += next(int(line.split()[1]) for line in f
                          if line.startswith("Rss:"))
    return total


def one(gate, processes):
    port = gate.listeners["http"].rsplit(":", 1)[1]
    cache = "FILE:" + gate.realm.ccache("alice")
    bare = tool("limit", "accept", gate.realm.keytab(), gate.dir, processes,
                COUNT, cache, gate=gate)
    before = cpu(gate.workers())
    ours = tool("load", port, OPEN, "200", 16, COUNT, cache, gate=gate)
    ours["cpu"] = cpu(gate.workers()) - before
    return bare, ours


def fresh(processes):
    gate = Gate(workers=processes)
    rows = [one(gate, processes) for _ in range(ROUNDS)]
    bare, ours = (statistics.median(r[i]["seconds"] for r in rows)
                  for i in range(2))
    bare_cpu, our_cpu = (statistics.median(r[i]["cpu"] for r in rows)
                         for i in range(2))
    print("%d process(es): bare accept %.0f/s %.0f us; gateway %.0f/s %.0f us;"
          " rate %.2f, CPU %.2f of the bare accept" % (
              processes, COUNT / bare, bare_cpu / COUNT * 1e6, COUNT / ours,
              our_cpu / COUNT * 1e6, bare / ours, our_cpu / bare_cpu))
    return gate


fresh(2).close()
last = fresh(1)
print("one worker: %d KiB resident" % memory(last))
last.close()
end_all()
