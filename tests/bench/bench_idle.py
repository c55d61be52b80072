#!/usr/bin/env python3
"""What a connection costs a worker while nothing happens on it.

usage: bench_idle.py [CONNECTIONS [HEADER_MAX]]

For each kind of listener a gateway of its own with one worker, whose resident
memory is read before and after: of connections that never sent a byte, of
such that were answered just now, and of the same ones once they are idle.
What the kernel keeps for a socket is not in it.
"""
import os
import resource
import signal
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../integration"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

LIMITS = """
connections_max      = 100000
first_byte_timeout_s = 3600
header_timeout_s     = 3600
idle_timeout_s       = 3600
header_max           = %d
"""
KINDS = {
    "http": """
[listener/http]
bind = 127.0.0.1:0
connections_per_address_max = 100000
""",
    "https": """
[listener/https]
bind            = 127.0.0.1:0
tls_certificate = {tls}/tls.crt
tls_key         = {tls}/tls.key
connections_per_address_max = 100000
""",
    "tools": """
[listener/tools]
bind        = unix:{dir}/sock/tools.sock
channel     = local
local_users = {me}
""",
    "proxy": """
[listener/proxy]
bind          = unix:{dir}/sock/proxy.sock
trusted_proxy = {me}
secret_file   = {dir}/proxy.secret
""",
    "proxytcp": """
[listener/proxytcp]
bind          = 127.0.0.1:0
trusted_proxy = {me}
secret_file   = {dir}/proxy.secret
""",
}
REQUEST = b"GET /cim/root/Open HTTP/1.1\r\nHost: localhost\r\n\r\n"


def resident_kb(pid):
    for line in harness.read("/proc/%d/smaps_rollup" % pid).split("\n"):
        if line.startswith("Rss:"):
            return int(line.split()[1])
    raise harness.Failure("no Rss")


def connect(address):
    if address.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(30)
        s.connect(address[5:])
        return s
    return socket.create_connection(
        ("127.0.0.1", int(address.rsplit(":", 1)[1])), 30)


def use(s):
    s.sendall(REQUEST)
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(65536)
    harness.expect(b" 40" in data[:16], "an answer", data[:300])


def settle(worker, what):
    """The memory once it does not change any more for two seconds."""
    seen = []

    def same():
        seen.append(resident_kb(worker))
        return len(seen) > 200 and max(seen[-200:]) - min(seen[-200:]) < 64
    harness.wait_for(same, what)
    return seen[-1]


def measure(kind, count, header_max):
    gate = harness.Gate(listeners=KINDS[kind] + LIMITS % header_max, workers=1,
                        mof=(harness.OPEN_MOF,))
    worker = gate.workers()[0]
    address = gate.listeners[kind]
    context = None
    if kind == "https":
        context = ssl.create_default_context(
            cafile=harness.tls_dir() + "/ca.crt")
    warm = []
    for _ in range(10):
        s = connect(address)
        if context is not None:
            s = context.wrap_socket(s, server_hostname="localhost")
        use(s)
        warm.append(s)
    base = settle(worker, "a quiet worker")
    opened = [connect(address) for _ in range(count)]
    silent = settle(worker, "silent connections")
    for n, s in enumerate(opened):
        if context is not None:
            opened[n] = context.wrap_socket(s, server_hostname="localhost")
    for s in opened:
        use(s)
    busy = resident_kb(worker)
    idle = settle(worker, "idle connections")
    print("  %-9s %12.2f %12.2f %12.2f" % (
        kind, *((kb - base) / count for kb in (silent, busy, idle))),
          flush=True)
    for s in opened + warm:
        s.close()
    gate.close()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    header_max = int(sys.argv[2]) if len(sys.argv) > 2 else 36864
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(count, most - 200)
    print("KiB of a worker for each of %d connections, header_max %d" % (
        count, header_max))
    print("  %-9s %12s %12s %12s" % ("listener", "never spoke", "just now",
                                     "idle"))
    for kind in KINDS:
        measure(kind, count, header_max)
    harness.end_all()


if __name__ == "__main__":
    main()
