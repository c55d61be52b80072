#!/usr/bin/env python3
"""kill -9 mofcomp at random instants: the repository and the policy image
are all or nothing, and the next compile goes on (threats 30, 38).

NSGATE_KILLS says how often (60), NSGATE_SEED repeats a run."""
import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../policy/mofcomp"))
# pylint: disable=wrong-import-position
from harness import expect, expect_equal, main, test  # noqa
from mofcomp_state import State  # noqa

KILLS = min(1000, int(os.environ.get("NSGATE_KILLS", "60")))
SEED = int(os.environ.get("NSGATE_SEED", random.randrange(1 << 32)))
INSTANCES = 300


def source(number):
    """One version: every instance and the qualifier tell its number."""
    lines = ['#pragma namespace("\\\\\\\\.\\\\root\\\\Kill")',
             "class Kill_Thing { [key] string Name; uint32 Number; };"]
    lines += ['instance of Kill_Thing { Name = "%d"; Number = %d; };' %
              (i, number) for i in range(INSTANCES)]
    # A class of its own for each version shows half a compile, too.
    lines += ["class Kill_%d { [key] string Name; };" % number,
              "[RequiresEncryption(%s)]" % ("TRUE" if number % 2 else
                                            "FALSE"),
              "instance of __SystemSecurity { };", ""]
    return "\n".join(lines)


def image_levels(state):
    """Canonical namespace -> required level, as policy.image has it."""
    with open(os.path.join(state.dir, "policy.image"), "rb") as f:
        image = f.read()
    size, count, records = (struct.unpack_from("=Q", image, 32)[0],
                            struct.unpack_from("=I", image, 40)[0],
                            struct.unpack_from("=Q", image, 56)[0])
    expect_equal(len(image), size, "length of policy.image")
    levels = {}
    while records < size:
        length, level = struct.unpack_from("=HB", image, records + 4)
        path = image[records + 8:records + 8 + length].decode().lower()
        levels[path] = level
        records += (8 + length + 7) // 8 * 8
    expect_equal(len(levels), count, "namespaces in policy.image")
    return levels


def number_of(state):
    """The version in the repository, which must be wholly that."""
    newest = state.query("SELECT max(CAST(substr(name, 6) AS INTEGER)) FROM "
                         "class WHERE name GLOB 'Kill_[0-9]*'")[0][0]
    bodies = state.query("SELECT length(body), count(*) FROM instance GROUP "
                         "BY 1")
    expect_equal(sum(row[1] for row in bodies), INSTANCES, "instances")
    encrypted = state.encrypted() != []
    expect_equal(encrypted, newest % 2 == 1,
                 "encryption of version %d" % newest)
    return newest


def instances_of(state):
    return state.query("SELECT key, body FROM instance ORDER BY key")


def verify(state, what):
    """What must hold at every moment; the generation and whether the image
    is behind it."""
    expect_equal(state.query("PRAGMA quick_check"), [("ok",)],
                 "quick_check %s" % what)
    expect_equal(state.query("PRAGMA foreign_key_check"), [],
                 "foreign_key_check %s" % what)
    generation, image = state.generation(), state.image()
    # Behind by one for each kill between commit and activation, never ahead.
    expect(0 < image <= generation, "image of generation %s, repository of %s %s" %
           (image, generation, what))
    number = number_of(state)
    if image == generation:
        expect_equal(image_levels(state).get("root\\kill"),
                     6 if number % 2 else 2, "level in the image %s" % what)
    return generation, image != generation, number


@test("mofcomp killed %d times leaves everything or nothing (seed %d)" %
      (KILLS, SEED))
def kills():
    chance = random.Random(SEED)
    state = State()
    number = 1
    begun = time.monotonic()
    state.run(state.file("1.mof", source(1)))
    usual = time.monotonic() - begun
    generation, _, _ = verify(state, "at first")
    stored = instances_of(state)
    between = died = 0
    for i in range(KILLS):
        number += 1
        path = state.file("%d.mof" % number, source(number))
        process = state.start(path)
        # Not waiting for anything: the instant is what is tried.
        time.sleep(chance.uniform(0, usual * 1.2))
        process.kill()
        process.communicate()
        died += process.returncode == -9
        what = "after kill %d" % (i + 1)
        now, behind, there = verify(state, what)
        between += behind
        if now == generation:
            expect(there < number, "half a compile %s" % what)
            expect_equal(instances_of(state), stored, "instances %s" % what)
        else:
            expect_equal((now, there), (generation + 1, number),
                         "generation and version %s" % what)
        generation, stored = now, instances_of(state)
        if i % 10 == 9:
            number += 1
            state.run(state.file("%d.mof" % number, source(number)))
            generation, behind, there = verify(state, "after " + what)
            expect(not behind and there == number,
                   "the compile %s is not in place" % what)
            stored = instances_of(state)
        os.unlink(path)
    print("# %d of %d died, %d between commit and activation" %
          (died, KILLS, between))
    expect(died > KILLS // 4, "only %d of %d died" % (died, KILLS))


if __name__ == "__main__":
    main()
