#!/usr/bin/env python3
"""Forwarding and sessions, beside nginx, Apache and the HTTP library alone.

usage: bench_routes.py [ROUNDS [REQUESTS]]

The server behind all of them is one nginx that answers a few bytes, on core 1
with the client; what is compared has core 0.  The last table is of one route
while a thousand requests of another wait for a server that never answers.
"""
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_gateway as bench  # noqa: E402
from apache import Apache  # noqa: E402
from bench_gateway import harness  # noqa: E402

WAITING = 1000
MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
LISTENERS = """
[listener/tools]
bind        = 127.0.0.1:0
channel     = local
local_users = {me}
connections_max = 20000
connections_per_address_max = 20000

[listener/proxy]
bind                  = 127.0.0.1:0
trusted_proxy         = {me}
secret_file           = {dir}/proxy.secret
proxy_tls_certificate = {tls}/tls.crt
session_s             = 36000
"""
ROUTES = """
[access/root\\Plain]
allow = *@NSGATE.TEST
[route/plain]
path      = /plain/
namespace = root\\Plain
upstream  = http://127.0.0.1:%d
[route/hangs]
path      = /hangs/
namespace = root\\Plain
upstream  = http://127.0.0.1:%d
connections_max = 2000
waiting_max = 2000
answer_timeout_s = 600
"""


class Nginx:
    """One worker; `location` is what it does."""

    def __init__(self, location, cores):
        self.dir = os.path.join(harness.scratch(), "nginx")
        os.makedirs(self.dir)
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(1024)
        self.port = s.getsockname()[1]
        paths = "".join("%s_temp_path %s/%s;" % (kind, self.dir, kind)
                        for kind in ("client_body", "proxy", "fastcgi",
                                     "uwsgi", "scgi"))
        conf = harness.write(os.path.join(self.dir, "nginx.conf"), """
daemon off; worker_processes 1; pid %s/pid; error_log %s/log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; %s
       server { listen 127.0.0.1:%d; location / { %s } } %s }
""" % (self.dir, self.dir, paths, self.port, location[0], location[1]))
        self.process = subprocess.Popen(
            ["nginx", "-c", conf, "-p", self.dir, "-e", self.dir + "/log"],
            stdin=subprocess.DEVNULL, pass_fds=[s.fileno()],
            env=dict(os.environ, NGINX="%d;" % s.fileno()))
        harness.at_end(self.stop)
        s.close()
        harness.wait_for(lambda: len(bench.children(self.process.pid)) > 1,
                         "nginx")
        for pid in bench.children(self.process.pid):
            os.sched_setaffinity(pid, cores)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def session_lines(gate):
    """Header lines of a client of the proxy that has signed in."""
    proxy = harness.PROXY_TLS
    a = gate.ask("proxy", "/plain/x", gate.token(), proxy).expect(200)
    cookie = a.headers["set-cookie"].split(";")[0]
    return "".join("%s: %s\r\n" % h for h in
                   proxy + [("Cookie", cookie)])


def hanging():
    """A server that takes requests and never answers."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(4096)
    harness.at_end(s.close)
    return s.getsockname()[1]


def wait_in(gate, lines, count):
    """As many clients that wait for the server that hangs."""
    opened = []
    for _ in range(count):
        c = harness.Connection(gate.listeners["proxy"])
        c.send("GET /hangs/x HTTP/1.1\r\nHost: localhost\r\n" + lines +
               "\r\n")
        opened.append(c)
    return opened


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.cpu_count() < 2:
        print("bench_routes: needs two cores")
        return
    realm = harness.the_realm()
    behind = Nginx(('return 200 "hello\\n";', ""), {1})
    plain = Nginx(("proxy_pass http://up; proxy_http_version 1.1;"
                   ' proxy_set_header Connection "";',
                   "upstream up { server 127.0.0.1:%d; keepalive 64; }"
                   % behind.port), {0})
    gate = harness.Gate(listeners=LISTENERS, workers=1, mof=(MOF,),
                        extra=ROUTES % (behind.port, hanging()))
    lines = session_lines(gate)
    through = bench.Served(realm, plain.process.pid, plain.port, "/plain/x",
                           200, {0}, False)

    apache = Apache(realm, behind.port, {0})

    def apached(fresh=False, headers=None):
        return bench.Served(realm, apache.process.pid, apache.port,
                            "/plain/x", 200, {0}, fresh, headers)

    def nsgated(path, fresh=False, headers=None):
        return bench.served(gate, "tools" if fresh else "proxy", path, 200,
                            {0}, fresh, headers)
    bench.compare("To a server behind, 1 process on one core", [
        ("nginx, proxy_pass", through),
        ("nsgated, session", nsgated("/plain/x", headers=lines)),
        ("Apache, session", apached(
            headers=apache.session_lines(gate.token()))),
        ("nsgated, fresh token", nsgated("/plain/x", True)),
        ("Apache, fresh token", apached(True))],
        rounds, min(count, 5000))
    bench.compare("Answered at once, 1 process on one core", [
        ("libmicrohttpd", bench.bare(realm, 1, {0}, False)),
        ("nsgated, session", nsgated("/cim/root/Plain", headers=lines))],
        rounds, count)
    opened = wait_in(gate, lines, WAITING)
    bench.compare("While %d requests wait for a server that hangs" % WAITING, [
        ("nginx, proxy_pass", through),
        ("nsgated, session", nsgated("/plain/x", headers=lines))],
        rounds, min(count, 5000))
    for c in opened:
        c.socket.close()
    harness.end_all()


if __name__ == "__main__":
    main()
