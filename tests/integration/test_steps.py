#!/usr/bin/env python3
"""mofcomp stopped at each of its steps: killed, interrupted, or with the step
failing.  All or nothing, and the next compile goes on (threats 30, 31)."""
import signal
import subprocess

from harness import DEADLINE, expect, expect_equal, main, read, test
from versions import Versions

from mofcomp_state import ENVIRONMENT  # noqa, by way of versions

# What changes a file; each of these is a step.
STEPS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "renameat",
         "unlinkat", "fchmod", "fchown")


def stepwise(v, call, inject, count):
    """mofcomp on the next version, with something happening at the count-th
    of its calls; v.hit: there were so many."""
    trace = v.state.top + "/trace"
    done = subprocess.run(
        ["strace", "-qqq", "-o", trace, "-e", "trace=" + call,
         "-e", "inject=%s:%s:when=%d" % (call, inject, count)] +
        v.state.arguments([v.next_file()]), env=dict(
            ENVIRONMENT, ASAN_OPTIONS="detect_leaks=0"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
    v.hit = read(trace).count(call + "(") >= count
    return done.returncode, done.stderr.decode()


def each_step(inject, fresh, after, calls=STEPS, stride=1):
    """Calls after(versions, code, errors, what) for each step of a compile;
    how many there were.  after: was it hit?"""
    v = Versions(20)
    if not fresh:
        v.compile("the first compile")
    steps = 0
    for call in calls:
        for count in range(1, 200, stride):
            if fresh:
                v = Versions(20)
            code, err = stepwise(v, call, inject, count)
            what = "%s %d, %s%s" % (call, count, inject,
                                    ", first compile" if fresh else "")
            if not after(v, code, err, what):
                break
            steps += 1
            v.compile(what)
    return steps


@test("killed before each step that writes: everything or nothing")
def kill_steps():
    for fresh in (False, True):
        seen = []

        def after(v, code, err, what):
            killed = code in (-9, 137)  # strace ends as its child does
            expect(killed or code == 0, what, err)
            seen.append(v.verify(what))
            return killed
        count = each_step("signal=KILL", fresh, after,
                          stride=3 if fresh else 1)
        expect(count > 20, "only %d steps" % count)
        expect(False in seen and None in seen and True in seen,
               "too few places", seen)
        print("# %d steps, %d of them between commit and activation" %
              (count, seen.count(None)))


@test("SIGTERM and SIGINT at each step leave the old policy or the new one")
def terminate_steps():
    for name in ("TERM", "INT"):
        def after(v, code, err, what, number=getattr(signal, "SIG" + name)):
            died = code in (-number, 128 + number)
            expect(died or code == 0, what, code, err)
            # Held back from the commit on, and then ignored.
            new = v.verify(what, behind_allowed=False)
            expect(died != bool(new), "%s: exit %d, new: %s" %
                   (what, code, new))
            return died or v.hit
        calls = STEPS if name == "TERM" else ("pwrite64", "renameat")
        count = each_step("signal=" + name, False, after, calls)
        expect(count > 10, "only %d steps" % count)


@test("a disk that is full or broken at each step: nothing or all is stored")
def failing_writes():
    for error, calls in (("ENOSPC", ("write", "pwrite64", "ftruncate")),
                         ("EIO", ("fsync", "fdatasync", "renameat",
                                  "fchmod"))):
        for fresh in (False, True):
            hurt = []

            def after(v, code, err, what):
                expect(code in (0, 1), what, code, err)
                new = v.verify(what)
                if code == 0:  # not hit, or none of ours: output, checkpoint
                    expect_equal(new, True, what)
                    return False
                expect("mofcomp: " in err, "no reason: " + what, err)
                # A directory that can't be synced has the image all the same.
                expect(new in ((None, True) if "not in force" in err
                               else (False,)), what, new, err)
                hurt.append(what)
                return True
            each_step("error=" + error, fresh, after, calls,
                      5 if fresh and error == "ENOSPC" else 1)
            expect(len(hurt) > 4, "only %d steps" % len(hurt), hurt)
            print("# %s: %d steps" % (error, len(hurt)))


if __name__ == "__main__":
    main()
