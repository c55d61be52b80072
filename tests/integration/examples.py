"""docs/examples as they stand: names of hosts and users, ports and paths are
replaced, each by a rule that must find something; nothing else is touched."""
import os
import re

from harness import (ME, ROOT, SRC, Gate, Nginx, expect, read, run, write)

EXAMPLES = os.path.join(SRC, "docs/examples")


def replaced(text, rules, what):
    for pattern, value in rules:
        text, count = re.subn(pattern, value, text)
        expect(count, "nothing in %s is %s" % (what, pattern))
    return text


# For each file of the gateway's what its names and paths are in a test.
LOCAL = {
    "nsgate-nginx.conf": [
        (r"unix:/run/nsgate/proxy\.sock", "unix:{dir}/sock/proxy.sock"),
        (r"(?<== )www-data", "www-data" if ROOT else ME),
        (r"/etc/nsgate/proxy\.secret", "{dir}/proxy.secret"),
        (r"/etc/nginx/tls\.crt", "{tls}/tls.crt")],
    "nsgate-auth-request.conf": [(r"EXAMPLE\.COM", "{realm}")],
    "nsgate-stream.conf": [(r"127\.0\.0\.1:15985", "127.0.0.1:0")],
}


def gate_of(*names, mof, listeners="", more=(), **options):
    """A gateway with these examples in its conf.d, in this order; more: pairs
    of a name and the text of a file of the test's own."""
    gate = Gate(start=False, mof=(), listeners=listeners, **options)
    os.mkdir(gate.path("conf.d"))
    texts = [(name, replaced(read(os.path.join(EXAMPLES, name)), LOCAL[name],
                             name)) for name in names]
    for number, (name, text) in enumerate(texts + list(more)):
        write(gate.path("conf.d", "%d-%s" % (number, name)), gate.fill(text))
    gate.compile(*mof)
    return gate.start()


def module(name):
    """The path of a module of nginx, where this nginx looks for them."""
    return "%s/%s.so" % (re.search(r"--modules-path=(\S+)", run(
        "nginx", "-V").stderr).group(1), name)


class AuthRequest(Nginx):
    """nginx with docs/examples/nginx-auth-request.conf, and pages that say
    their names."""

    EXAMPLE = os.path.join(EXAMPLES, "nginx-auth-request.conf")

    def __init__(self, gate, upstream, directory=None, pages=()):
        self.pages = pages
        super().__init__(gate, upstream, directory)

    def servers(self, gate, upstream):
        www = os.path.join(self.dir, "www")
        for name in self.pages:
            path = os.path.join(www, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write(path, "this is " + name)
        os.chmod(self.dir, 0o755)
        return replaced(super().servers(gate, upstream), [
            (r"root /srv/www;", "root %s;" % www)], self.EXAMPLE)


class Stream(Nginx):
    """nginx with docs/examples/nginx-stream.conf.  upstream: HOST:PORT."""

    user = "www-data"

    def __init__(self, gate, upstream, directory=None):
        self.modules = (module("ngx_stream_module"),)
        super().__init__(gate, upstream, directory)
        self.address = "127.0.0.1:%d" % self.clear_port

    def block(self, gate, upstream):
        name = "nginx-stream.conf"
        return replaced(read(os.path.join(EXAMPLES, name)), [
            (r"listen 5985;", "listen 127.0.0.1:%d;" % self.clear_port),
            (r"listen \[::\]:5985;", ""),
            (r"127\.0\.0\.1:15985", upstream)], name)
