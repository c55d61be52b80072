#include "gateway/callback/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BUSY_MS 10000
#define READ_BUSY_MS  1000

_Static_assert(OPERATION_ACCEPTED == 1 && OPERATION_READY == 2 &&
                   OPERATION_DELIVERING == 3 && OPERATION_DONE == 4 &&
                   OPERATION_DEAD == 6 && OPERATION_CANCELLED == 7,
               "the states stand as numbers in the file");

static const char *const statement_sql[] = {
#define STATEMENT(name, sql) sql,
#include "gateway/callback/outbox_sql.h"
#undef STATEMENT
};

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE operation(number INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE, request TEXT, principal TEXT NOT NULL,"
    " namespace TEXT, display TEXT, target TEXT, sink TEXT,"
    " floor INTEGER NOT NULL, declared INTEGER NOT NULL,"
    " applied INTEGER NOT NULL, required INTEGER NOT NULL,"
    " give_up_s INTEGER NOT NULL, keep_s INTEGER NOT NULL,"
    " keep_dead_s INTEGER NOT NULL, result_max INTEGER NOT NULL,"
    " outbox_max INTEGER NOT NULL, state INTEGER NOT NULL,"
    " hresult INTEGER NOT NULL DEFAULT 0, result INTEGER,"
    " reason TEXT, detail TEXT, generation INTEGER NOT NULL DEFAULT 0,"
    " batches INTEGER NOT NULL DEFAULT 0,"
    " objects INTEGER NOT NULL DEFAULT 0,"
    " bytes INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
    " next INTEGER NOT NULL, give_up INTEGER NOT NULL,"
    " finished INTEGER NOT NULL DEFAULT 0,"
    " expires INTEGER NOT NULL DEFAULT 0, head TEXT);"
    "CREATE INDEX operation_due ON operation(state, next);"
    "CREATE INDEX operation_expires ON operation(expires)"
    " WHERE expires > 0;"
    "CREATE TABLE batch(operation INTEGER NOT NULL,"
    " number INTEGER NOT NULL, objects INTEGER NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY(operation, number));"
    "CREATE TABLE tally(state INTEGER PRIMARY KEY,"
    " operations INTEGER NOT NULL);"
    "INSERT INTO tally VALUES(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0),"
    " (7, 0);"
    "CREATE TABLE owner(principal TEXT PRIMARY KEY,"
    " unfinished INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE volume(bytes INTEGER NOT NULL);"
    "INSERT INTO volume VALUES(0);"
    "CREATE TRIGGER operation_added AFTER INSERT ON operation BEGIN"
    " UPDATE tally SET operations = operations + 1 WHERE state = new.state;"
    " INSERT INTO owner SELECT new.principal, 0 WHERE NOT EXISTS("
    "SELECT 1 FROM owner WHERE principal = new.principal);"
    " UPDATE owner SET unfinished = unfinished + 1"
    " WHERE principal = new.principal; END;"
    "CREATE TRIGGER operation_moved AFTER UPDATE OF state ON operation"
    " WHEN new.state <> old.state BEGIN"
    " UPDATE tally SET operations = operations - 1 WHERE state = old.state;"
    " UPDATE tally SET operations = operations + 1 WHERE state = new.state;"
    " INSERT INTO owner SELECT new.principal, 0 WHERE NOT EXISTS("
    "SELECT 1 FROM owner WHERE principal = new.principal);"
    " UPDATE owner SET unfinished = unfinished"
    " + (new.state <= 3) - (old.state <= 3) WHERE principal = new.principal;"
    " DELETE FROM owner WHERE principal = new.principal"
    " AND unfinished <= 0; END;"
    "CREATE TRIGGER operation_grown AFTER UPDATE OF bytes ON operation"
    " WHEN new.bytes <> old.bytes BEGIN"
    " UPDATE volume SET bytes = bytes + new.bytes - old.bytes; END;"
    "CREATE TRIGGER operation_removed AFTER DELETE ON operation BEGIN"
    " DELETE FROM batch WHERE operation = old.number;"
    " UPDATE volume SET bytes = bytes - old.bytes;"
    " UPDATE tally SET operations = operations - 1 WHERE state = old.state;"
    " UPDATE owner SET unfinished = unfinished - (old.state <= 3)"
    " WHERE principal = old.principal;"
    " DELETE FROM owner WHERE principal = old.principal"
    " AND unfinished <= 0; END;"
    "PRAGMA user_version = 1; COMMIT";

_Static_assert(OUTBOX_VERSION == 1, "the version in schema_sql");

/* -- what the other files share ------------------------------------------- */

int
outbox_error(struct outbox *b, struct error *err)
{
    int code = b->db != NULL ? sqlite3_errcode(b->db) & 0xff : SQLITE_NOMEM;

    error_set(err, "%s: %s", b->path,
              b->db != NULL ? sqlite3_errmsg(b->db) : "out of memory");
    if (err != NULL && code == SQLITE_BUSY)
        err->code = -EBUSY;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        b->damaged = true;
    return -1;
}

int
outbox_run(struct outbox *b, const char *sql, struct error *err)
{
    if (sqlite3_exec(b->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return outbox_error(b, err);
    return 0;
}

int
outbox_fail(struct outbox *b, struct error *err)
{
    outbox_error(b, err);
    if (b->db != NULL && sqlite3_get_autocommit(b->db) == 0)
        sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
    b->in_transaction = false;
    b->lost = b->lost || b->changed;
    b->changed = false;
    return -1;
}

sqlite3_stmt *
outbox_statement(struct outbox *b, enum outbox_statement which,
                 struct error *err)
{
    sqlite3_stmt **q = &b->statements[which];

    if (*q == NULL &&
        sqlite3_prepare_v3(b->db, statement_sql[which], -1,
                           SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK)
        outbox_error(b, err);
    return *q;
}

void
outbox_reset(sqlite3_stmt *q)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

void
outbox_bind_text(sqlite3_stmt *q, int index, struct span text)
{
    if (text.data == NULL)
        sqlite3_bind_null(q, index);
    else
        sqlite3_bind_text64(q, index, text.data, text.length, SQLITE_STATIC,
                            SQLITE_UTF8);
}

/* -- the file ------------------------------------------------------------- */

/* 0640, and of the directory's owner and group as far as that is ours to
 * give: SQLite makes -wal and -shm like it.  One that is there is left alone:
 * to close it would lose the locks another handle of this process has. */
static int
make_file(const struct outbox *b, struct error *err)
{
    struct stat directory;
    int fd, rc = 0;

    fd = open(b->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
              0640);
    if (fd < 0)
        return errno == EEXIST ? 0
                               : error_set_errno(err, errno, "%s", b->path);
    if (stat(b->directory, &directory) < 0 || fchmod(fd, 0640) < 0 ||
        (geteuid() == 0 &&
         fchown(fd, directory.st_uid, directory.st_gid) < 0) ||
        (geteuid() != 0 && fchown(fd, (uid_t)-1, directory.st_gid) < 0 &&
         errno != EPERM))
        rc = error_set_errno(err, errno, "%s", b->path);
    close(fd);
    return rc;
}

static void
close_database(struct outbox *b)
{
    for (size_t i = 0; i < OUTBOX_STATEMENT_COUNT; i++) {
        sqlite3_finalize(b->statements[i]);
        b->statements[i] = NULL;
    }
    sqlite3_close(b->db);
    b->db = NULL;
    b->in_transaction = false;
}

static int
read_version(struct outbox *b, struct error *err)
{
    sqlite3_stmt *q = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(b->db, "PRAGMA user_version", -1, &q, NULL) !=
        SQLITE_OK)
        return outbox_error(b, err);
    if (sqlite3_step(q) == SQLITE_ROW)
        version = sqlite3_column_int(q, 0);
    else
        outbox_error(b, err);
    sqlite3_finalize(q);
    if (version > OUTBOX_VERSION)
        return error_set(err, "%s: written by a later version of nsgate",
                         b->path);
    return version;
}

/* FULL: what was acknowledged survives a power cut.  -wal and -shm stay, so
 * that a reader that may not create them can open the file while no writer
 * has it. */
static int
configure_writer(struct outbox *b, struct error *err)
{
    int one = 1;

    sqlite3_busy_timeout(b->db, WRITE_BUSY_MS);
    if (outbox_run(b,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA cell_size_check = ON;"
                   "PRAGMA secure_delete = FAST;"
                   "PRAGMA journal_size_limit = 67108864;"
                   "PRAGMA temp_store = MEMORY",
                   err) < 0)
        return -1;
    sqlite3_file_control(b->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &one);
    return 0;
}

/* The version of what was opened, 0 only for a reader, or -1. */
static int
open_database(struct outbox *b, struct error *err)
{
    bool writes = b->mode == OUTBOX_WRITE;
    int version;

    if (writes && make_file(b, err) < 0)
        return -1;
    if (sqlite3_open_v2(
            b->path, &b->db,
            (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
            NULL) != SQLITE_OK)
        return outbox_error(b, err);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(b->db, READ_BUSY_MS);
    if (writes && configure_writer(b, err) < 0)
        return -1;
    version = read_version(b, err);
    if (version != 0 || !writes)
        return version;
    if (outbox_run(b, schema_sql, err) < 0)
        return -1;
    return OUTBOX_VERSION;
}

/* Keeps a damaged file, and what SQLite kept beside it, under another name. */
static int
set_aside(struct outbox *b, struct error *err)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char name[sizeof(b->set_aside)];
    int rc = 0;

    snprintf(name, sizeof(name), "%s.damaged-%" PRId64, OUTBOX_FILE,
             clock_now_us() / 1000);
    for (size_t i = 0; rc == 0 && i < ARRAY_COUNT(parts); i++) {
        struct buf from = BUF_INIT, to = BUF_INIT;

        buf_addf(&from, "%s%s", b->path, parts[i]);
        buf_addf(&to, "%s/%s%s", b->directory, name, parts[i]);
        if (buf_failed(&from) || buf_failed(&to))
            rc = error_set_errno(err, ENOMEM, "%s", b->path);
        else if (rename(from.data, to.data) < 0 && errno != ENOENT)
            rc = error_set_errno(err, errno, "%s", b->path);
        buf_fini(&from);
        buf_fini(&to);
    }
    if (rc == 0)
        memcpy(b->set_aside, name, sizeof(name));
    return rc;
}

int
outbox_reopen(struct outbox *b, struct error *err)
{
    int version = -1;

    if (b->db != NULL && !b->damaged)
        return 0;
    /* Whoever made these changes has to hear that they are lost. */
    if (b->in_transaction) {
        outbox_fail(b, NULL);
        return error_set(err, "%s: damaged", b->path);
    }
    if (!b->damaged)
        version = open_database(b, err);
    if (b->damaged) {
        close_database(b);
        if (set_aside(b, err) < 0)
            return -1;
        b->damaged = false;
        version = open_database(b, err);
    }
    if (version < 0) {
        close_database(b);
        return -1;
    }
    return 0;
}

int
outbox_prepare_read(struct outbox *b, struct error *err)
{
    struct stat st;
    int version;

    if (b->mode == OUTBOX_WRITE)
        return outbox_reopen(b, err) < 0 ? -1 : 1;
    if (stat(b->path, &st) < 0) {
        close_database(b);
        return errno == ENOENT ? 0
                               : error_set_errno(err, errno, "%s", b->path);
    }
    if (b->db != NULL && !b->damaged && st.st_dev == b->device &&
        st.st_ino == b->inode)
        return 1;
    close_database(b);
    b->damaged = false;
    b->device = st.st_dev;
    b->inode = st.st_ino;
    version = open_database(b, err);
    if (version <= 0) /* 0: its writer is only just making it */
        close_database(b);
    return version > 0 ? 1 : version;
}

/* -- open and close ------------------------------------------------------- */

int
outbox_open(const char *state_dir, enum outbox_mode mode, struct outbox **out,
            struct error *err)
{
    struct outbox *b = calloc(1, sizeof(*b));
    struct buf path = BUF_INIT;
    int rc;

    *out = NULL;
    if (b == NULL)
        return error_set_errno(err, ENOMEM, "%s", OUTBOX_FILE);
    b->mode = mode;
    buf_addf(&path, "%s/%s", state_dir, OUTBOX_FILE);
    b->path = buf_take(&path);
    b->directory = strdup(state_dir);
    if (b->path == NULL || b->directory == NULL)
        rc = error_set_errno(err, ENOMEM, "%s", OUTBOX_FILE);
    else
        rc = outbox_prepare_read(b, err);
    if (rc < 0) {
        outbox_close(b);
        return -1;
    }
    *out = b;
    return 0;
}

void
outbox_close(struct outbox *b)
{
    if (b == NULL)
        return;
    close_database(b);
    free(b->directory);
    free(b->path);
    free(b);
}

const char *
outbox_set_aside(const struct outbox *b)
{
    return b->set_aside[0] != '\0' ? b->set_aside : NULL;
}
