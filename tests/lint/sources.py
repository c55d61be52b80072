#!/usr/bin/env python3
"""Rules of the house that a compiler does not know.

usage: sources.py [TREE]

No function above 80 lines, no trailing white space, every source named in a
makefile fragment, no words that belong to one person's machine.  Looks at the
files that git tracks, or at all of them where there is no git.  Prints TAP.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from layers import print_tap  # noqa: E402

FUNCTION_LINES_MAX = 80
TEXT = (".c", ".h", ".am", ".ac", ".py", ".sh", ".md", ".conf", ".mof",
        ".service", ".1", ".5", ".8")
NAMES = ("dev", "run", "LICENSE", ".gitignore", ".clang-format")
# Written byte by byte on purpose.
DATA = ("tests/fuzz/corpus/", "tests/mof/")

# Paths of one machine, marks of unfinished work, references to a tracker.
WORDS = [
    (re.compile(r"(?<![\w./])/(work|home)/\w"), "a path of one machine"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "unfinished work"),
    (re.compile(r"\b[Ii]ssue #?\d|(?<![\w&/#])#\d+\b(?!\s*include)"),
     "a reference to a tracker"),
]


def tracked(tree):
    try:
        names = subprocess.run(
            ["git", "-C", tree, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [os.path.relpath(os.path.join(path, name), tree)
                 for path, _, files in os.walk(tree) for name in files]
    return sorted(name for name in names
                  if name and os.path.isfile(os.path.join(tree, name)))


def is_text(name):
    return (name.endswith(TEXT) or os.path.basename(name) in NAMES) \
        and not name.startswith(DATA)


def read(tree, name):
    with open(os.path.join(tree, name), encoding="utf-8",
              errors="replace") as f:
        return f.read()


def long_functions(tree, names):
    """By the tree's format a body stands between '{' and '}' in column 1."""
    for name in names:
        if not name.endswith((".c", ".h")):
            continue
        start = None
        for number, line in enumerate(read(tree, name).split("\n"), 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start is not None:
                length = number - start + 1
                if length > FUNCTION_LINES_MAX:
                    yield "%s:%d: a function of %d lines" % (
                        name, start, length)
                start = None


def untidy_lines(tree, names):
    for name in names:
        if not is_text(name):
            continue
        text = read(tree, name)
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield "%s:%d: white space at the end" % (name, number)
            if name.endswith((".c", ".h", ".py")) and "\t" in line:
                yield "%s:%d: a tab" % (name, number)
        if text and not text.endswith("\n"):
            yield "%s: no newline at the end" % name


def unlisted_sources(tree, names):
    """A file or a folder above it is named in a fragment, so that it is
    built and shipped."""
    fragments = "\n".join(read(tree, name) for name in names
                          if name.endswith(".am"))
    # A pattern that is commented out lists nothing.
    fragments = re.sub(r"(?m)^\s*#.*$", "", fragments)
    listed = set(re.findall(r"[\w./+-]+", fragments))
    for name in names:
        if not name.startswith(("policy/", "gateway/", "tests/", "docs/")) \
                or name.endswith((".am", ".gitignore")):
            continue
        parts = name.split("/")
        above = {"/".join(parts[:n]) for n in range(2, len(parts) + 1)}
        if not above & listed:
            yield "%s: in no .am file" % name


def odd_words(tree, names):
    for name in names:
        if not is_text(name) or name.startswith("tests/lint/"):
            continue
        for number, line in enumerate(read(tree, name).split("\n"), 1):
            for pattern, what in WORDS:
                if pattern.search(line):
                    yield "%s:%d: %s: %s" % (name, number, what,
                                             line.strip()[:60])


def bad_python(tree, names):
    for name in names:
        if name.endswith(".py"):
            try:
                compile(read(tree, name), name, "exec")
            except SyntaxError as e:
                yield "%s:%s: %s" % (name, e.lineno, e.msg)


def results(tree):
    names = tracked(tree)
    for title, check in (
            ("no function above %d lines" % FUNCTION_LINES_MAX,
             long_functions),
            ("no white space at line ends, no tabs", untidy_lines),
            ("every file is listed in a makefile fragment",
             unlisted_sources),
            ("no words of one machine or tracker", odd_words),
            ("Python scripts compile", bad_python)):
        yield title, list(check(tree, names))


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.exit(print_tap(results(
        sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../.."))))
