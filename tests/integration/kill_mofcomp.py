#!/usr/bin/env python3
"""kill -9 mofcomp at random instants: the repository and the policy image
are all or nothing, the next compile goes on, and nothing is left behind
(threats 30, 38).

NSGATE_KILLS says how often (200), NSGATE_SEED repeats a run."""
import os
import random
import signal
import time

from harness import expect, main, test
from versions import FILES, Versions

KILLS = min(10000, int(os.environ.get("NSGATE_KILLS", "200")))
SEED = int(os.environ.get("NSGATE_SEED", random.randrange(1 << 32)))


@test("mofcomp killed %d times leaves everything or nothing (seed %d)" %
      (KILLS, SEED))
def kills():
    chance = random.Random(SEED)
    v = Versions(200)
    v.compile("the first compile")
    begun = time.monotonic()
    v.compile("the second compile")
    usual = time.monotonic() - begun
    between = died = tries = 0
    while died < KILLS:
        tries += 1
        expect(tries <= 5 * KILLS, "only %d of %d died" % (died, tries))
        what = "try %d" % tries
        process = v.state.start(v.next_file())
        # Not waiting for anything: the instant is what is tried.
        time.sleep(chance.uniform(0, usual * 1.1))
        process.kill()
        process.communicate()
        died += process.returncode == -signal.SIGKILL
        between += v.verify(what) is None
        expect(set(v.state.names()) <= FILES | {"policy.image.new",
                                              "autorecover.list.new"},
               "files", v.state.names())
        if tries % 10 == 9:
            v.compile(what)
    print("# %d of %d died, %d between commit and activation" %
          (died, tries, between))


if __name__ == "__main__":
    main()
