#!/usr/bin/env python3
"""mofcomp --recover under a running gateway: the old policy or the recovered
one, and 503 while there is no repository; never open (threats 30, 31)."""
import os
import random

from harness import (OPEN, SECRET, SECURITY_MOF, Gate, expect, expect_equal,
                     main, test, write)
from load import Load

gate = Gate()
MOF = gate.path("listed.mof")
SWAP = "/cim/root/Swap:Swap_Thing/instances"


def listed():
    """What the gateway serves, as files on the autorecover list."""
    done = gate.mofcomp("--export", "root")
    write(MOF, "#pragma autorecover\n" + done.stdout)
    gate.mofcomp(MOF)


def expect_in_force():
    for _ in range(6):
        gate.ask("http", SECRET, gate.token()).expect(403)
        gate.ask("http", OPEN, gate.token()).expect(200)


@test("a recovery is in force when mofcomp returns; nobody sees a namespace "
      "open meanwhile")
def in_place():
    gate.compile(SECURITY_MOF % "TRUE")
    listed()
    with Load(gate, "http", SECRET) as load:
        for _ in range(4):
            gate.mofcomp("--recover")
            load.more(6)
    for _, _, status, body in load.check():
        expect_equal(status, 403, "status %s" % body)
    expect_in_force()


@test("a repository of noise is made anew under a gateway, which is closed "
      "until then")
def noise():
    path = gate.path("state/repository.db")
    stat = os.stat(path)
    for name in ("repository.db", "repository.db-wal", "repository.db-shm"):
        os.unlink(gate.path("state", name))
    write(path, random.Random(3).randbytes(65536), stat.st_mode & 0o777)
    os.chown(path, stat.st_uid, stat.st_gid)
    expect(gate.ask("http", SECRET, gate.token()).status in (403, 503),
           "open")
    done = gate.mofcomp("--recover", check=False)
    expect(os.path.exists(path + ".damaged"), "not set aside", done.stdout)
    expect_equal(done.returncode, 0, done.stdout)
    expect_in_force()
    # And whatever is compiled next is in force by itself.
    gate.compile(SECURITY_MOF % "FALSE")
    for _ in range(4):
        gate.ask("http", SECRET, gate.token()).expect(200)


main()
