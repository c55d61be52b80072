#!/usr/bin/env python3
"""What a forwarded request pays for identity = negotiate.

usage: bench_identity.py [ROUNDS [REQUESTS]]

The same requests of one client over one connection, to a server that wants no
token and to one that accepts a token of each; processor time is that of the
worker alone.  Clients have a session or a fresh token; rounds take turns, and
medians are shown.
"""
import os
import shutil
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
# pylint: disable=wrong-import-position
import harness  # noqa: E402
from signed_upstream import Signed  # noqa: E402
from upstream import Upstream  # noqa: E402

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
LISTENERS = """
[listener/proxy]
bind                  = unix:{dir}/sock/proxy.sock
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
session_s             = 36000
"""
CONFIG = """
[access/root\\Plain]
allow = *@NSGATE.TEST
[callback]
client_keytab = {dir}/client.keytab
[route/headers]
path      = /headers/
namespace = root\\Plain
upstream  = unix:%s
[route/negotiate]
path      = /negotiate/
namespace = root\\Plain
upstream  = unix:%s
identity  = negotiate
upstream_principal = HTTP@other.test
"""
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = harness.read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Bench:
    def __init__(self, realm):
        os.environ.update(realm.env)
        where = harness.scratch()
        sockets = [os.path.join(where, name) for name in ("a", "b")]
        self.servers = [Upstream(unix=sockets[0]),
                        Signed(realm.keytab("other"), where,
                               unix=sockets[1])]
        for s in self.servers:
            harness.at_end(s.close)
        self.gate = harness.Gate(realm, listeners=LISTENERS, workers=1,
                                 mof=(MOF,), extra=CONFIG % tuple(sockets),
                                 start=False)
        shutil.copy(realm.keytab("ops"), self.gate.path("client.keytab"))
        self.gate.start()
        self.pid = self.gate.workers()[0]
        a = self.gate.ask("proxy", "/headers/x", self.gate.token(),
                          harness.PROXY_TLS).expect(200)
        self.cookie = ("Cookie", a.headers["set-cookie"].split(";")[0])
        self.gate.ask("proxy", "/negotiate/x", headers=harness.PROXY_TLS +
                      [self.cookie]).expect(200)

    def run(self, path, tokens, count):
        """Microseconds of the worker for one request."""
        headers = list(harness.PROXY_TLS)
        if tokens is None:
            headers.append(self.cookie)
        with self.gate.connect("proxy") as c:
            before = cpu_seconds(self.pid)
            for i in range(count):
                c.ask(path, tokens[i] if tokens else None,
                      headers).expect(200)
            return (cpu_seconds(self.pid) - before) / count * 1e6


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    bench = Bench(harness.the_realm())
    for name, fresh in (("session", False), ("fresh token", True)):
        rows = {"/headers/x": [], "/negotiate/x": []}
        for _ in range(rounds):
            for path, found in rows.items():
                tokens = [bench.gate.token() for _ in range(count // 4)] \
                    if fresh else None
                found.append(bench.run(path, tokens,
                                       len(tokens) if fresh else count))
        plain, signed = (statistics.median(v) for v in rows.values())
        print("%-12s headers %6.0f us, negotiate %6.0f us, ratio %.2f "
              "(+%.0f us)" % (name, plain, signed, signed / plain,
                              signed - plain))
    harness.end_all()


if __name__ == "__main__":
    main()
