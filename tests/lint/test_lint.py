#!/usr/bin/env python3
"""The lint finds what it is for: each rule broken once, in a tree of its own
(TAP)."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import layers  # noqa: E402
import sources  # noqa: E402

# (what is broken, {file: text}, the checks, a part of what must be said)
CASES = [
    ("a layer above",
     {"policy/base/a.c": '#include "policy/mof/mof.h"\n'},
     layers, "policy/mof is not below policy/base"),
    ("a neighbour",
     {"gateway/http/a.c": '#include "gateway/auth/auth.h"\n'},
     layers, "gateway/auth is not below gateway/http"),
    ("a private header",
     {"policy/mof/a.c": '#include "policy/base/secret.h"\n'},
     layers, "policy/base/secret.h is private to policy/base"),
    ("a library of another folder",
     {"gateway/rest/a.c": "#include <microhttpd.h>\n"},
     layers, "<microhttpd.h> is not for gateway/rest"),
    ("a library nobody has",
     {"policy/base/a.c": "  #  include <openssl/ssl.h>\n"},
     layers, "<openssl/ssl.h> is not for policy/base"),
    ("a folder without a row",
     {"gateway/new/a.c": "int x;\n"}, layers, "gateway/new: not in LAYERS"),
    ("a thread",
     {"gateway/sys/a.c": "int x = sizeof(pthread_t);\n"},
     layers, "a.c:1: a thread"),
    ("a long function",
     {"policy/base/a.c": "void\nf(void)\n{\n" + "    g();\n" * 79 + "}\n"},
     sources, "a.c:3: a function of 81 lines"),
    ("white space at the end",
     {"docs/a.md": "text \n"}, sources, "docs/a.md:1: white space"),
    ("no newline at the end",
     {"docs/a.md": "text"}, sources, "docs/a.md: no newline"),
    ("a tab", {"policy/base/a.c": "\tint x;\n"}, sources, "a.c:1: a tab"),
    ("a file nobody builds",
     {"policy/base/a.c": "int x;\n", "policy/policy.am": "# a.c\n"},
     sources, "policy/base/a.c: in no .am file"),
    ("a path of one machine",
     {"docs/a.md": "see /home/somebody\n"}, sources, "a path of one machine"),
    ("a script that is no Python",
     {"tests/a.py": "def f(:\n"}, sources, "tests/a.py:1"),
]
SOUND = {
    "policy/policy.am": "policy/base/a.c policy/mof/b.c policy/base/base.h\n",
    "policy/base/base.h": "#include <sys/types.h>\n",
    "policy/base/a.c": '#include "policy/base/own.h"\n#include <stdio.h>\n'
                       "void\nf(void)\n{\n" + "    g();\n" * 78 + "}\n",
    "policy/mof/b.c": '#include "policy/base/base.h"\n#include <iconv.h>\n',
}


def problems(files, checks):
    with tempfile.TemporaryDirectory() as tree:
        for name in ("policy", "gateway"):
            os.mkdir(os.path.join(tree, name))
        for name, text in files.items():
            path = os.path.join(tree, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return [p for _, found in checks.results(tree) for p in found]


def rows():
    for name, files, checks, expected in CASES:
        found = problems(files, checks)
        good = any(expected in p for p in found)
        yield "finds " + name, [] if good else [
            "expected '%s', found %s" % (expected, found)]
    yield ("says nothing about a sound tree",
           problems(SOUND, layers) + problems(SOUND, sources))


if __name__ == "__main__":
    sys.exit(layers.print_tap(rows()))
