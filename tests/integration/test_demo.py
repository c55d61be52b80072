#!/usr/bin/env python3
"""`./dev demo` ends by itself as it should, tidies up, and --keep keeps."""
import os
import re
import signal
import subprocess
import sys
import time

from harness import (SRC, expect, expect_equal, main, run, scratch, test,
                     wait_for)

DEMO = os.path.join(SRC, "tests/integration/demo.py")
area = scratch()


def demo(*arguments):
    begun = time.monotonic()
    done = run(sys.executable, DEMO, *arguments, check=False, timeout=300,
               env={"TMPDIR": area})
    return done, time.monotonic() - begun


def left():
    return os.listdir(area)


def processes():
    """Of the programs of a demo in our area."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(area + "/") for word in words):
            found.append((pid, words))
    return found


@test("it shows each refusal and each success, and ends in under a minute")
def _():
    done, seconds = demo()
    expect_equal(done.returncode, 0, "exit status\n" + done.stdout[-3000:]
                 + done.stderr)
    expect(seconds < 60, "%.0f seconds" % seconds)
    for words in ("[RequiresEncryption(TRUE)]", "curl -si --negotiate",
                  "nsgatectl probe --level PktIntegrity",
                  "nsgatectl probe --level Default", "channel-not-private",
                  "--message-encryption", "sink-not-private",
                  "nsgatectl listen", "WBEM_S_NO_ERROR",
                  "context-not-private", "not-listed", "5605",
                  "nsgatectl --config nsgate.conf why"):
        expect(words in done.stdout, "it does not show " + words,
               done.stdout)
    expect_equal(left(), [], "what it left")
    expect_equal(processes(), [], "processes it left")


@test("interrupted, it tidies up as well")
def _():
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [sys.executable, "-u", DEMO], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            # Whoever runs this in the background has SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env=dict(os.environ, TMPDIR=area))
        for line in process.stdout:
            if "in front of the last one" in line:
                break
        process.send_signal(number)
        process.stdout.read()
        expect(process.wait(60) != 0, "exit status 0")
        expect_equal(left(), [], "what it left")
        expect_equal(processes(), [], "processes it left")


@test("--keep leaves it running, with commands that work")
def _():
    done, _ = demo("--keep")
    expect_equal(done.returncode, 0, "exit status\n" + done.stderr)
    env = re.search(r"^  \. (\S+/env)$", done.stdout, re.M)
    expect(env is not None, "no environment is named", done.stdout)
    lines = done.stdout[env.end():].split("To end it:")[0]
    stop = re.search(r"^  (\S+/stop)$", done.stdout, re.M).group(1)
    try:
        curls = [line.strip() for line in lines.split("\n") if "curl" in line]
        for line, status in zip(curls, (b"200", b"403")):
            answer = subprocess.run(
                ["bash", "-c", ". %s && %s" % (env.group(1), line)],
                check=True, capture_output=True, timeout=30)
            expect(status in answer.stdout.split(b"\n")[0], line,
                   answer.stdout)
        run("bash", "-c", ". %s && nsgatectl --config nsgate.conf status"
            % env.group(1))
    finally:
        run("sh", stop, check=False)
    wait_for(lambda: not processes(), lambda: "the end of %s" % processes())
    expect_equal(left(), [], "what it left")


main()
