"""One compile after another into a state, each wholly a version of its own."""
import hashlib
import os
import sqlite3
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../policy/mofcomp"))
# pylint: disable=wrong-import-position
from harness import expect, expect_equal  # noqa
from mofcomp_state import State  # noqa


def source(number, instances):
    """One version: every instance and the qualifier tell its number."""
    lines = ["#pragma autorecover", '#pragma namespace("\\\\\\\\.\\\\root\\\\Kill")',
             "class Kill_Thing { [key] string Name; uint32 Number; };"]
    lines += ['instance of Kill_Thing { Name = "%d"; Number = %d; };' %
              (i, number) for i in range(instances)]
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


FILES = {"autorecover.list", "policy.image", "repository.db", "repository.db-shm",
         "repository.db-wal", "repository.lock"}


class Versions:
    """A state whose content is one version or another, never between."""

    def __init__(self, instances):
        self.state = State()
        self.instances = instances
        self.made = 0         # versions written as files
        self.stored = 0       # that of the repository; 0: there is none
        self.generation = 0
        self.levels = {}      # generation -> level that its image must have
        self.rows = []

    def next_file(self):
        self.made += 1
        return self.state.file("version.mof",
                               source(self.made, self.instances))

    def content(self, db):
        """The version in the repository, which must be wholly that."""
        newest = db.execute("SELECT max(CAST(substr(name, 6) AS INTEGER)) FROM"
                            " class WHERE name GLOB 'Kill_[0-9]*'"
                            ).fetchone()[0] or 0
        rows = db.execute("SELECT key, body FROM instance ORDER BY key"
                          ).fetchall()
        encrypted = db.execute("SELECT count(*) FROM namespace WHERE "
                               "encryption").fetchone()[0]
        expect_equal(len(rows), self.instances if newest else 0, "instances")
        expect_equal(encrypted, newest % 2, "encryption of version %d" %
                     newest)
        return newest, rows

    def read(self, what):
        """Generation, version and instances; None before there are any."""
        db = self.state.database()
        try:
            # Killed while the file was made, with its journal left: it takes
            # a writer to undo that.
            if self.stored == 0:
                try:
                    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name "
                                      "= 'policy'").fetchone():
                        return None
                except sqlite3.OperationalError:
                    return None
            expect_equal(db.execute("PRAGMA quick_check").fetchall(),
                         [("ok",)], "quick_check " + what)
            expect_equal(db.execute("PRAGMA foreign_key_check").fetchall(),
                         [], "foreign_key_check " + what)
            return (db.execute("SELECT generation FROM policy").fetchone()[0],
                    ) + self.content(db)
        finally:
            db.close()

    def verify(self, what, behind_allowed=True):
        """What must hold at every moment.  True if the new version is stored,
        None if it is but its image is not in place yet."""
        found = None
        if "repository.db" in self.state.names():
            found = self.read(what)
        image = self.state.image()
        if found is None:
            expect_equal((self.stored, image), (0, None), what)
            return False
        generation, version, rows = found
        new = generation != self.generation
        expect_equal((generation, version),
                     (self.generation + 1, self.made) if new
                     else (self.generation, self.stored),
                     "generation and version " + what)
        expect(new or rows == self.rows, "half a compile " + what)
        self.generation, self.stored, self.rows = found
        self.levels[generation] = 6 if version % 2 else 2
        # Behind by one for each death between commit and activation, never
        # ahead, and always wholly that of its generation.
        if image is not None:
            expect(image <= generation, "image of generation %d, repository "
                   "of %d %s" % (image, generation, what))
            expect_equal(image_levels(self.state).get("root\\kill"),
                         self.levels[image], "level in the image " + what)
        if image == generation or generation == 0:
            return new
        expect(behind_allowed, "the image is behind " + what)
        return None

    def compile(self, what):
        """The next compile works, and nothing is left of those before."""
        self.state.run(self.next_file())
        expect_equal(self.verify("after " + what), True, what)
        expect_equal(set(self.state.names()), FILES, "files after " + what)
        with open(os.path.join(self.state.dir, "autorecover.list"),
                  encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(self.state.top, "version.mof"), "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        expect_equal((text.count("\n"), digest in text), (2, True),
                     "the list after %s: %s" % (what, text))
        wal = os.path.getsize(os.path.join(self.state.dir,
                                           "repository.db-wal"))
        expect(wal <= 4 << 20, "%d bytes of WAL after %s" % (wal, what))
