"""A server that sends and takes gigabytes: a process of its own, so that it
shares no interpreter with the test, and hardly any work for each byte.

Every block is the same MiB: its checksum, repeated, is that of the whole.
"""
import contextlib
import json
import mmap
import os
import random
import signal
import socket
import ssl
import threading
import zlib

MIB = 1 << 20
BLOCK = random.Random(4559).randbytes(MIB)


def checksum(blocks):
    """CRC-32 of so many blocks."""
    crc = 0
    for _ in range(blocks):
        crc = zlib.crc32(BLOCK, crc)
    return crc


class Intake:
    """Counts and sums what is received into one buffer."""

    def __init__(self):
        self.room = memoryview(bytearray(MIB))
        self.length, self.crc = 0, 0

    def take(self, data):
        self.length += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def receive(self, s, size):
        """Until so many bytes are here; false: it ended before."""
        while self.length < size:
            n = s.recv_into(self.room, min(MIB, size - self.length))
            if n == 0:
                return False
            self.take(self.room[:n])
        return True


class Volume:
    """GET sends ?N MiB; what PUT brings is counted and summed up, of /held
    only once release() was said.  How many MiB were begun is told."""

    def __init__(self, tls=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.told = mmap.mmap(-1, mmap.PAGESIZE)
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                self.accept()
            finally:
                os._exit(1)
        self.socket.close()

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def begun(self):
        return int.from_bytes(self.told[:8], "little")

    def release(self):
        self.told[8] = 1

    # -- in the process

    def accept(self):
        while True:
            c, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            while self.one(c):
                pass
        c.close()

    def one(self, c):
        head = b""
        while b"\r\n\r\n" not in head:
            data = c.recv(65536)
            if not data:
                return False
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        if method == "GET":
            self.send(c, int(target.partition("?")[2]))
        else:
            size = [int(line.partition(":")[2]) for line in lines
                    if line.lower().startswith("content-length:")][0]
            pause = threading.Event()
            while target.endswith("/held") and not self.told[8]:
                pause.wait(0.01)
            self.take(c, rest, size)
        return True

    def send(self, c, blocks):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                  % (blocks * MIB))
        with contextlib.ExitStack() as stack:
            fd = os.memfd_create("block")
            stack.callback(os.close, fd)
            os.write(fd, BLOCK)
            for n in range(blocks):
                self.told[:8] = (n + 1).to_bytes(8, "little")
                at = 0
                while at < MIB and not self.tls:
                    at += os.sendfile(c.fileno(), fd, at, MIB - at)
                if self.tls:
                    c.sendall(BLOCK)

    @staticmethod
    def take(c, rest, size):
        intake = Intake()
        intake.take(rest)
        intake.receive(c, size)
        body = json.dumps({"length": intake.length,
                           "crc": intake.crc}).encode()
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                  % (len(body), body))
