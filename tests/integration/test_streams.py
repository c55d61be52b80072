#!/usr/bin/env python3
"""Bodies of gigabytes through a route, in a worker that does not grow."""
import contextlib
import json
import os
import threading

from harness import (Gate, at_end, expect, expect_equal,
                     is_sanitized, main, read, test, tls_dir, wait_for)
from volume import BLOCK, MIB, Intake, Volume, checksum

MOF = r"""
#pragma namespace("\\\\.\\root\\Plain")
class Plain_Thing { [key] string Name; };
"""
# 2 GiB; NSGATE_STREAM_MIB says otherwise.
SIZE = int(os.environ.get("NSGATE_STREAM_MIB",
                          "256" if is_sanitized() else "2048"))
GROWTH_KIB = 4096
HELD_KIB = 256  # of one request that is held up: buffers of both libraries

clear = Volume()
at_end(clear.close)
secure = Volume((tls_dir() + "/tls.crt", tls_dir() + "/tls.key"))
at_end(secure.close)
ROUTES = """
[access/root\\Plain]
allow = alice@NSGATE.TEST
[route/clear]
path      = /clear/
namespace = root\\Plain
upstream  = http://127.0.0.1:%d
body_max  = 4G
[route/secure]
path      = /secure/
namespace = root\\Plain
upstream  = https://localhost:%d
upstream_ca = %s/ca.crt
body_max  = 4G
""" % (clear.port, secure.port, tls_dir())
gate = Gate(extra=ROUTES, mof=(MOF,), workers=1)
worker = gate.workers()[0]
WANT = checksum(SIZE)


def peak_kib():
    for line in read("/proc/%d/status" % worker).split("\n"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


class Growing:
    """Fails if the worker's peak grows by more within."""

    def __init__(self, allowed_kib=GROWTH_KIB):
        self.allowed = allowed_kib

    def __enter__(self):
        # Not the peak of what was before, where this is allowed.
        with contextlib.suppress(OSError):
            with open("/proc/%d/clear_refs" % worker, "w") as f:
                f.write("5")
        self.before = peak_kib()

    def __exit__(self, kind, *_):
        grown = peak_kib() - self.before
        print("# the peak grew by %d KiB from %d" % (grown, self.before))
        # What AddressSanitizer keeps of the freed is no measure.
        if kind is None and not is_sanitized():
            expect(grown < self.allowed, "it grew by %d KiB" % grown)


def ask_down(c, path, size):
    """The request, and the head of its answer."""
    c.send(c.request("%s?%d" % (path, size), gate.token()))
    head = c._until(b"\r\n\r\n")
    expect(b"Content-Length: %d" % (size * MIB) in head, "length", head)


def take_down(c, size):
    intake = Intake()
    intake.take(c.buffer)
    expect(intake.receive(c.socket, size * MIB),
           "broken off at %d" % intake.length)
    return intake.crc


def download(listener, path, size=SIZE):
    with gate.connect(listener) as c:
        ask_down(c, path, size)
        return take_down(c, size)


def upload(listener, path, size=SIZE):
    with gate.connect(listener) as c:
        c.send(c.request(path, gate.token(), method="PUT", headers=[
            ("Content-Length", str(size * MIB))]))
        for _ in range(size):
            c.socket.sendall(BLOCK)
        return json.loads(c.receive().expect(200).body)


def rest(value):
    """Until it changes no more."""
    seen = [-1]

    def rests():
        seen.append(value())
        return seen[-1] > 0 and len(seen) > 50 and len(set(seen[-50:])) == 1
    wait_for(rests, "something moved, and rests")


def warm(listener, path):
    """What the first bodies of a kind cost is not growth."""
    download(listener, path, 8)
    upload(listener, path, 8)


@test("%d MiB come down and go up in clear, and the worker stays as it is"
      % SIZE)
def _():
    warm("tools", "/clear/x")
    with Growing():
        expect_equal(download("tools", "/clear/x"), WANT, "down")
        expect_equal(upload("tools", "/clear/x"),
                     {"length": SIZE * MIB, "crc": WANT}, "up")


@test("%d MiB come down over https on both hops, and the worker stays"
      % SIZE)
def _():
    warm("https", "/secure/x")
    with Growing():
        expect_equal(download("https", "/secure/x"), WANT, "down")


@test("clients that do not read hold the server up, and cost a buffer each")
def _():
    count, size = 16, 64
    warm("tools", "/clear/x")
    with Growing(count * HELD_KIB):
        held = [gate.connect("tools") for _ in range(count)]
        for c in held:
            ask_down(c, "/clear/x", size)
        rest(clear.begun)
        expect(clear.begun() < size, "a client that reads nothing got it all")
        for c in held:
            expect_equal(take_down(c, size), checksum(size), "down")
            c.socket.close()


@test("a server that does not read holds the client up, at no other cost")
def _():
    size = 64
    sent = [0]

    def send(c):
        for _ in range(size):
            c.socket.sendall(BLOCK)
            sent[0] += 1
    warm("tools", "/clear/x")
    with Growing(HELD_KIB), gate.connect("tools") as c:
        c.send(c.request("/clear/held", gate.token(), method="PUT", headers=[
            ("Content-Length", str(size * MIB))]))
        sender = threading.Thread(target=send, args=(c,), daemon=True)
        sender.start()
        rest(lambda: sent[0])
        expect(sent[0] < size, "all was taken from the client")
        clear.release()
        told = json.loads(c.receive().expect(200).body)
        sender.join()
    expect_equal(told, {"length": size * MIB, "crc": checksum(size)}, "up")


if __name__ == "__main__":
    main()
