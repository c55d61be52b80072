"""A state directory, mofcomp on it, and what it left there."""
import os
import socket
import sqlite3
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../integration"))
# pylint: disable=wrong-import-position
from harness import BUILD, DEADLINE, expect, expect_equal, scratch  # noqa

MOFCOMP = os.environ.get("MOFCOMP") or os.path.join(BUILD, "mofcomp")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"],
               "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}

CLASS = r"""
#pragma namespace("\\\\.\\root\\MyNamespace")
class My_Class { [key] string Name; uint32 Size; };
instance of My_Class { Name = "one"; Size = 1; };
instance of My_Class { Name = "two"; Size = 2; };
"""
SECURITY = r"""
#pragma namespace("\\\\.\\Root\\MyNamespace")
[RequiresEncryption(%s)]
instance of __systemSecurity { };
"""


class State:
    """One state directory with a runtime directory beside it."""

    def __init__(self):
        self.top = scratch()
        self.dir = os.path.join(self.top, "state")
        self.runtime = os.path.join(self.top, "run")
        os.mkdir(self.dir, 0o750)
        os.mkdir(self.runtime, 0o755)

    def file(self, name, text):
        path = os.path.join(self.top, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def arguments(self, words):
        return [MOFCOMP, "--state-dir", self.dir, "--runtime-dir",
                self.runtime] + list(words)

    def run(self, *words, code=0, stdin=b""):
        """Runs mofcomp; its standard output and error as text."""
        done = subprocess.run(self.arguments(words), input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=ENVIRONMENT, timeout=DEADLINE * 2,
                              check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        expect(done.returncode == code, "exit %d instead of %d: %s" %
               (done.returncode, code, " ".join(words)), out, err)
        return out, err

    def start(self, *words):
        return subprocess.Popen(self.arguments(words), env=ENVIRONMENT,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def start_with(self, *words):
        """The same with a pipe for standard input."""
        return subprocess.Popen(self.arguments(words), env=ENVIRONMENT,
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def names(self):
        return sorted(os.listdir(self.dir))

    def database(self):
        return sqlite3.connect("file:%s/repository.db?mode=ro" % self.dir,
                               uri=True, timeout=DEADLINE)

    def query(self, sql):
        db = self.database()
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def generation(self):
        return self.query("SELECT generation FROM policy")[0][0]

    def encrypted(self):
        return [row[0] for row in self.query(
            "SELECT display FROM namespace WHERE encryption ORDER BY path")]

    def image(self):
        """Its generation; None without one."""
        try:
            with open(os.path.join(self.dir, "policy.image"), "rb") as f:
                head = f.read(32)
        except FileNotFoundError:
            return None
        expect(head[:8] == struct.pack("=Q", 0x314c4f5045544147),
               "policy.image begins with %r" % head[:8])
        return struct.unpack_from("=Q", head, 24)[0]

    def expect_generation(self, generation):
        expect_equal((self.generation(), self.image()),
                     (generation, generation),
                     "generation of repository and image")


class Master:
    """The master's end of the control socket: answers is a function from
    request to reply, None closes the connection."""

    def __init__(self, state, answers):
        self.requests = []
        self.answers = answers
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.path = os.path.join(state.runtime, "control.sock")
        self.socket.bind(self.path)
        self.socket.listen(4)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                while True:
                    request = peer.recv(4096).decode()
                    if not request:
                        break
                    self.requests.append(request)
                    reply = self.answers(request)
                    if reply is None:
                        break
                    peer.send(reply.encode())

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(DEADLINE)
        os.unlink(self.path)
