"""All that crosses the loopback interface of a network namespace of our own,
put together to streams, and a search that knows the disguises of a text.

own_network() comes first in a script, before any thread or child; then
nothing on the interface is anybody else's.
"""
import base64
import binascii
import contextlib
import ctypes
import fcntl
import os
import re
import socket
import struct
import threading
import urllib.parse

from harness import ROOT, Failure, at_end, expect, wait_for

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SYN, FIN = 2, 1
WORD = 0xffffffff


def own_network():
    """False where it cannot be had: the host's own is watched then."""
    if not ROOT or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(s, SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", request, 16)[0]
        struct.pack_into("H", request, 16, flags | IFF_UP)
        fcntl.ioctl(s, SIOCSIFFLAGS, request)
    return True


# -- capture -------------------------------------------------------------------

class Stream:
    """One direction of one TCP connection; begin: of its first byte, None if
    it was there before us."""

    def __init__(self, source, to, begin=None):
        self.source, self.to, self.begin, self.end = source, to, begin, None
        self.parts = {}

    def add(self, number, flags, payload):
        if flags & SYN:
            number = (number + 1) & WORD
        if self.begin is None and not self.parts:
            self.first = number
        elif self.begin is not None:
            self.first = self.begin
        offset = (number - self.first) & WORD
        if payload and len(payload) > len(self.parts.get(offset, b"")):
            self.parts[offset] = payload
        if flags & FIN:
            self.end = offset + len(payload)

    def data(self):
        """All of it.  Something missing is a failure: what was not seen could
        be what is looked for."""
        parts, whole = dict(self.parts), bytearray()
        for offset in sorted(parts):
            part = parts[offset]
            if offset > len(whole) and self.begin is not None:
                raise Failure("lost: %d bytes before %d of %s" % (
                    offset - len(whole), offset, self))
            new = part[max(0, len(whole) - offset):] \
                if offset < len(whole) else part
            whole += new
        if self.begin is not None and self.end not in (None, len(whole)):
            raise Failure("lost: the end of %s, %d of %d bytes" % (
                self, len(whole), self.end))
        return bytes(whole)

    def ports(self):
        return {self.source[1], self.to[1]}

    def __str__(self):
        return "%s:%d > %s:%d" % (self.source + self.to)


class Wire:
    """Sees each TCP packet from now on."""

    OUTGOING = 4  # on lo each packet is seen going out and coming in
    STATISTICS = (263, 6)
    RCVBUFFORCE = 33

    def __init__(self):
        self.open, self.all, self.dropped, self.packets = {}, [], 0, 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                    socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, self.RCVBUFFORCE, 256 << 20)
        self.socket.bind(("lo", 3))
        at_end(self.socket.close)
        self.listener = socket.create_server(("127.0.0.1", 0))
        at_end(self.listener.close)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                data, address = self.socket.recvfrom(1 << 18)
            except OSError:
                return
            if address[2] == self.OUTGOING:
                self.packets += 1
                self._packet(data)

    def _packet(self, data):
        if data[0] >> 4 == 4 and data[9] == socket.IPPROTO_TCP:
            tcp = data[(data[0] & 15) * 4:struct.unpack("!H", data[2:4])[0]]
            addresses = [socket.inet_ntop(socket.AF_INET, a)
                         for a in (data[12:16], data[16:20])]
        elif data[0] >> 4 == 6 and data[6] == socket.IPPROTO_TCP:
            tcp = data[40:40 + struct.unpack("!H", data[4:6])[0]]
            addresses = [socket.inet_ntop(socket.AF_INET6, a)
                         for a in (data[8:24], data[24:40])]
        else:
            return
        source, to, number = struct.unpack("!HHI", tcp[:8])
        self._segment((addresses[0], source), (addresses[1], to), number,
                      tcp[13], tcp[(tcp[12] >> 4) * 4:])

    def _segment(self, source, to, number, flags, payload):
        key = (source, to)
        stream = self.open.get(key)
        begin = (number + 1) & WORD if flags & SYN else None
        if stream is None or (flags & SYN and stream.begin != begin):
            # The ports of a connection that is over are taken again.
            stream = self.open[key] = Stream(source, to, begin)
            self.all.append(stream)
        stream.add(number, flags, payload)

    def settle(self):
        """Until all that was sent before has been seen, none of it lost."""
        mark = b"mark-" + os.urandom(16).hex().encode()
        with socket.create_connection(self.listener.getsockname()) as s, \
                contextlib.closing(self.listener.accept()[0]):
            s.sendall(mark)
            wait_for(lambda: any(mark in p for stream in list(self.all)
                                 for p in list(stream.parts.values())),
                     "the capture to see a mark")
        told = self.socket.getsockopt(*self.STATISTICS, 8)
        self.dropped += struct.unpack("II", told)[1]
        expect(self.dropped == 0, "packets were lost to the capture: %d"
               % self.dropped)
        return self

    def streams(self):
        return list(self.all)

    def find(self, text):
        """[(stream, form)] of those that hold text in some form."""
        return [(stream, form) for stream in self.streams()
                for form in found(text, stream.data())]

    def ports_with(self, text, among):
        """Of the ports in `among`, those whose connections hold text; and
        what was found on connections to none of them."""
        seen, others = set(), []
        for stream, form in self.find(text):
            ports = stream.ports() & set(among)
            seen |= ports
            if not ports:
                others.append("%s as %s" % (stream, form))
        return seen, others


# -- search --------------------------------------------------------------------

def _base64(data):
    """What data becomes in base64 at each of the three positions, without
    the characters that its neighbours have a part in."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        inner = text[(0, 2, 3)[shift]:(shift + len(data)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def _forms(text):
    plain = {"plain text": text.encode(),
             "UTF-16LE": text.encode("utf-16-le"),
             "UTF-16BE": text.encode("utf-16-be")}
    for name, data in plain.items():
        yield name, data
        yield name + " in hex", binascii.hexlify(data)
        for one in _base64(data):
            yield name + " in base64", one


CHUNK = re.compile(rb"\r\n[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]*)?\r\n")
ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})|\\(/)|&#x0*([0-9a-fA-F]{2});"
                    rb"|&#0*([0-9]{1,3});")


def _character(match):
    code, slash, entity, decimal = match.groups()
    if slash:
        return slash
    number = int(decimal) if decimal else int(code or entity, 16)
    return bytes([number & 0xff])


def _views(data):
    for how, view in (("", data), (", chunk-split", CHUNK.sub(b"", data))):
        yield how, view
        yield how + ", escaped", ESCAPE.sub(_character, view)
        yield how + ", percent-encoded", urllib.parse.unquote_to_bytes(view)
        yield how + ", folded", re.sub(rb"[\r\n\t ]+", b"", view)


def found(text, data):
    """The first form in which data holds text, as a list of none or one."""
    for how, view in _views(data):
        folded = view.lower()
        for name, form in _forms(text):
            exact = "base64" in name
            if form in view if exact else form.lower() in folded:
                return [name + how]
    return []
