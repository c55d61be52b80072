#!/usr/bin/env python3
"""Who may include whom: the layer table of docs/architecture.md.

usage: layers.py [TREE]

A folder is a layer.  It may include its own headers, the public header of
folders below it, and the external libraries that are named in its row.
Prints TAP; a test for each folder and one for pthread.
"""
import os
import re
import sys

BASE = ["policy/base"]
STORE = BASE + ["policy/mof"]
DECIDE = STORE + ["policy/repository"]
POLICY = BASE + ["policy/repository", "policy/decision"]
SYS = POLICY + ["gateway/sys"]
PARTS = ["gateway/config", "gateway/event", "gateway/auth", "gateway/http",
         "gateway/xml", "gateway/wsman", "gateway/cimxml", "gateway/proxy"]

# folder -> (folders it may include, external headers it may include)
LAYERS = {
    "policy/base": ([], []),
    "policy/mof": (BASE, ["iconv.h"]),
    "policy/repository": (STORE, ["sqlite3.h"]),
    "policy/decision": (DECIDE, []),
    "policy/library": (DECIDE + ["policy/decision"], []),
    "policy/mofcomp": (
        DECIDE + ["policy/decision", "policy/library", "gateway/sys",
                  "gateway/config"], ["cjson/"]),
    "gateway/sys": (BASE, ["systemd/", "seccomp.h"]),
    "gateway/config": (SYS, ["ini_configobj.h", "ini_config.h"]),
    "gateway/event": (SYS, ["sqlite3.h"]),
    "gateway/auth": (
        SYS, ["gssapi/", "krb5.h", "krb5/", "profile.h", "gnutls/"]),
    "gateway/http": (SYS, ["microhttpd.h", "gnutls/"]),
    "gateway/xml": (BASE, ["libxml/"]),
    "gateway/wsman": (BASE + ["policy/repository", "gateway/xml"], []),
    "gateway/cimxml": (BASE + ["gateway/xml"], []),
    "gateway/proxy": (SYS + ["gateway/config"], ["curl/", "gnutls/"]),
    "gateway/rest": (SYS, ["cjson/"]),
    "gateway/callback": (SYS + ["gateway/config"], ["curl/", "sqlite3.h"]),
    "gateway/server": (
        STORE + SYS + PARTS + ["gateway/rest", "gateway/callback"], []),
    "gateway/ctl": (
        STORE + SYS + PARTS + ["gateway/rest", "gateway/callback"],
        ["curl/", "cjson/", "gnutls/"]),
    "gateway": (
        BASE + ["gateway/sys", "gateway/config", "gateway/server",
                "gateway/ctl"], []),
}

# Headers of libc and the kernel: anybody's.
LIBC = set("""
alloca assert ctype dirent dlfcn endian errno fcntl fnmatch ftw getopt glob
grp ifaddrs inttypes iso646 libgen limits locale malloc math netdb poll pwd regex
sched search setjmp signal spawn stdalign stdarg stdatomic stdbool stddef
float stdint stdio stdlib stdnoreturn string strings sysexits syslog termios time
uchar ucontext unistd utime wchar wctype byteswap error features libintl
langinfo
""".split())
LIBC_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def is_libc(header):
    return header.startswith(LIBC_FOLDERS) or header[:-2] in LIBC


def public_header(folder):
    return "%s/%s.h" % (folder, os.path.basename(folder))


def sources(tree, folder):
    path = os.path.join(tree, folder)
    for name in sorted(os.listdir(path)):
        if name.endswith((".c", ".h")):
            yield "%s/%s" % (folder, name)


def external_is_allowed(folder, header):
    return is_libc(header) or any(
        header == name or (name.endswith("/") and header.startswith(name))
        for name in LAYERS[folder][1])


def own_is_allowed(folder, header):
    """None, or why not."""
    below = os.path.dirname(header)
    if below == folder:
        return None
    if below not in LAYERS[folder][0]:
        return "%s is not below %s" % (below or header, folder)
    if header != public_header(below):
        return "%s is private to %s" % (header, below)
    return None


def check_file(tree, folder, source):
    with open(os.path.join(tree, source), encoding="utf-8") as f:
        text = f.read()
    for match in INCLUDE.finditer(text):
        mark, header = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if mark == "<":
            if not external_is_allowed(folder, header):
                yield "%s:%d: <%s> is not for %s" % (
                    source, line, header, folder)
        else:
            why = own_is_allowed(folder, header)
            if why is not None:
                yield "%s:%d: %s" % (source, line, why)


def check_folder(tree, folder):
    return [problem for source in sources(tree, folder)
            for problem in check_file(tree, folder, source)]


def folders_with_sources(tree):
    for top in ("policy", "gateway"):
        for path, _, names in os.walk(os.path.join(tree, top)):
            if any(name.endswith((".c", ".h")) for name in names):
                yield os.path.relpath(path, tree)


def check_pthread(tree):
    for top in ("policy", "gateway"):
        for folder in sorted(folders_with_sources(tree)):
            if not folder.startswith(top):
                continue
            for source in sources(tree, folder):
                with open(os.path.join(tree, source), encoding="utf-8") as f:
                    for number, line in enumerate(f, 1):
                        if re.search(r"pthread|threads\.h|thrd_create", line):
                            yield "%s:%d: a thread" % (source, number)


def results(tree):
    """(name, problems) of every check."""
    present = sorted(set(folders_with_sources(tree)))
    yield ("every folder has a row in the table",
           ["%s: not in LAYERS" % f for f in present if f not in LAYERS])
    for folder in present:
        if folder in LAYERS:
            yield ("%s includes only what is below it" % folder,
                   check_folder(tree, folder))
    yield "one thread a process", list(check_pthread(tree))


def print_tap(rows):
    count, failures = 0, 0
    for name, problems in rows:
        count += 1
        failures += bool(problems)
        print("%sok %d - %s" % ("not " if problems else "", count, name))
        for problem in problems:
            print("# " + problem)
    print("1..%d" % count)
    return 1 if failures else 0


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.exit(print_tap(results(
        sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../.."))))
