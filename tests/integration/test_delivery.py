#!/usr/bin/env python3
"""Nothing that was accepted is lost: ten thousand operations whose dispatcher,
couriers and sink are killed again and again while they are made, carried out
and delivered (docs/asynchronous.md).

NSGATE_OPERATIONS says how many (10000), NSGATE_SEED repeats a run's instants
as far as the machine lets it."""
import collections
import json
import os
import random
import threading

from delivery import (Asker, Sink, Tokens, kill_one, make_gate, operations)
from harness import (BUILD, OPEN_MOF, SECRET_MOF, SECURITY_MOF, Failure,
                     expect, expect_equal, main, read, test, the_realm,
                     wait_for)

SEED = int(os.environ.get("NSGATE_SEED", random.randrange(1 << 32)))
# Not more than a sanitizer's slowness lets be done in the same time.
SANITIZED = "-fsanitize" in read(os.path.join(BUILD, "Makefile"))
COUNT = int(os.environ.get("NSGATE_OPERATIONS",
                           "2000" if SANITIZED else "10000"))
DISPATCHER_KILLS, COURIER_KILLS = 24, 6
DEADLINE = 240 if SANITIZED else 120

# Of one object, of several, of so many bytes that it takes several batches,
# and one that comes to nothing but a status.
BIG_OBJECTS, BIG_TEXT = 24, 30000
BIG_MOF = r"""
#pragma namespace("\\\\.\\root\\Secret")
class Secret_Big { [key] uint32 Number; string Text; };
""" + "".join('instance of Secret_Big { Number = %d; Text = "%s"; };\n'
              % (i, chr(97 + i) * BIG_TEXT) for i in range(BIG_OBJECTS))
KINDS = [
    ("/cim/root/Secret:Secret_Thing/instances", 1, "0x00000000"),
    ("/cim/root/Open:Open_Thing/instances", 2, "0x00000000"),
    ("/cim/root/Secret:Secret_Thing.Name=%22code%22", 1, "0x00000000"),
    ("/cim/root/Open:Open_Thing.Name=%22none%22", 0, "0x80041002"),
]
BIG = ("/cim/root/Secret:Secret_Big/instances", BIG_OBJECTS, "0x00000000")
BIG_EVERY = 250


def kind_of(number):
    return BIG if number % BIG_EVERY == 7 else KINDS[number % len(KINDS)]


class Received:
    """What the sink has, by operation: part -> its bodies and how often."""

    def __init__(self, sink):
        self.sink = sink
        self.parts = collections.defaultdict(dict)
        self.finished = self.messages = self.duplicates = 0

    def take(self):
        for _, key, body in self.sink.news():
            self.messages += 1
            operation, _, part = key.rpartition("-")
            bodies = self.parts[operation].setdefault(
                part, collections.Counter())
            self.duplicates += bool(bodies)
            self.finished += part == "status" and not bodies
            bodies[body] += 1
        return self

    def check(self, operation, number):
        """All of it, and nothing else."""
        parts = self.parts.get(operation, {})
        _, objects, hresult = kind_of(number)
        told = {}
        for part, bodies in parts.items():
            expect_equal(len(bodies), 1, "different bodies of %s-%s"
                         % (operation, part))
            told[part] = json.loads(next(iter(bodies)))
            expect_equal(told[part]["operation"], operation,
                         "the operation in a body of %s" % operation)
        expect("status" in told, "no status of %s" % operation, told.keys())
        status = told.pop("status")
        expect_equal((status["kind"], status["hresult"], status["objects"]),
                     ("setstatus", hresult, objects),
                     "the status of %s" % operation)
        expect_equal(sorted(map(int, told)),
                     list(range(1, status["batches"] + 1)),
                     "the batches of %s" % operation)
        expect_equal(sum(len(m["objects"]) for m in told.values()), objects,
                     "the objects of %s" % operation)
        expect(objects < BIG_OBJECTS or status["batches"] > 1,
               "the big one came in one batch")


class Killer(threading.Thread):
    """Kills at random points of what is to be done, of which a point is one
    operation accepted or delivered."""

    def __init__(self, gate, sink, asker, received):
        super().__init__(daemon=True)
        self.gate, self.sink, self.asker = gate, sink, asker
        self.received = received
        self.chance = random.Random(SEED)
        points = [(self.chance.randrange(1, 2 * COUNT - COUNT // 10), victim)
                  for victim in ["nsgated-dispat"] * DISPATCHER_KILLS +
                  ["nsgated-courier"] * COURIER_KILLS]
        points.append((COUNT, "sink"))
        self.points = sorted(points)
        self.killed = collections.Counter()
        self.error = None

    def progress(self):
        return len(self.asker.rows) + self.received.take().finished

    def run(self):
        try:
            for point, victim in self.points:
                wait_for(lambda p=point: self.progress() >= p,
                         lambda p=point: "%d of %d points; %d accepted" % (
                             self.progress(), p, len(self.asker.rows)),
                         DEADLINE)
                self.kill(victim)
        except (Failure, OSError) as e:
            self.error = e

    def kill(self, victim):
        self.killed[victim] += 1
        if victim == "sink":
            self.sink.kill()
            # Away until a delivery has failed because of that.
            wait_for(lambda: any(o["attempts"] > 0 for o in
                                 operations(self.gate).values()),
                     "a delivery that failed")
            self.sink.start()
            return
        wait_for(lambda: kill_one(self.gate, victim,
                                  self.chance.randrange(100)),
                 "a %s to kill" % victim)


def undone(gate):
    """Of those that are not over, how many there are in each state."""
    return collections.Counter(
        o["state"] for o in operations(gate).values() if o["state"] != "done")


@test("%d operations, the dispatcher killed %d times: all is delivered, and "
      "what is repeated is the same (seed %d)" % (COUNT, DISPATCHER_KILLS,
                                                 SEED))
def _():
    sink = Sink(the_realm()).start()
    gate = make_gate(sink, mof=(OPEN_MOF, SECRET_MOF, BIG_MOF,
                                SECURITY_MOF % "TRUE")).start()
    tokens = Tokens(gate.realm)
    received = Received(sink)
    asker = Asker(gate, "tools", tokens, sink,
                  lambda number: kind_of(number)[0], COUNT)
    killer = Killer(gate, sink, asker, received)
    killer.start()
    asker.start().join(DEADLINE)
    killer.join(DEADLINE)
    expect(not killer.is_alive() and killer.error is None,
           "the killing did not end", killer.error)
    wait_for(lambda: not undone(gate),
             lambda: "undone: %s" % undone(gate), DEADLINE)
    received.take()
    told = operations(gate)
    for operation, (number, _) in asker.rows.items():
        expect(operation in told, "%s was accepted and is gone" % operation)
        received.check(operation, number)
    # Those whose 202 was lost are operations like others.
    extra = set(told) - set(asker.rows)
    expect(set(received.parts) <= set(told), "the sink has what never was")
    expect(len(extra) <= asker.refused + asker.broken,
           "%d operations nobody asked for" % len(extra))
    print("# %d messages, %d of them duplicates; answered 503: %d (%d of them"
          " carried out), connections broken: %d; killed: %s" % (
              received.messages, received.duplicates, asker.refused,
              len(extra), asker.broken, dict(killer.killed)))
    expect(received.duplicates > 0, "the kills came when nothing was done")


main()
