#include "policy/repository/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "policy/repository/schema.h"

#define OPEN_BUSY_MS 10000
#define READ_BUSY_MS 100
#define WAL_STEP_MS  5
/* Pages that a writer keeps: with keys in no order it comes back to the same
 * ones of a large index again and again. */
#define WRITE_CACHE_KIB "32768"
#define LENGTH_MAX      (64 * 1024 * 1024)

static const char *const statement_sql[] = {
#define STATEMENT(name, sql) sql,
#include "policy/repository/sql.h"
#undef STATEMENT
};

int
store_error(struct repository *repo, struct error *err, const char *what)
{
    error_set(err, "%s: %s: %s", repo->path, what,
              repo->db != NULL ? sqlite3_errmsg(repo->db) : "out of memory");
    if (err != NULL && repo->db != NULL &&
        sqlite3_errcode(repo->db) == SQLITE_BUSY)
        err->code = -EBUSY;
    if (err != NULL && repo->db != NULL &&
        (sqlite3_errcode(repo->db) == SQLITE_CORRUPT ||
         sqlite3_errcode(repo->db) == SQLITE_NOTADB))
        err->code = -EILSEQ;
    return -1;
}

int
store_exec(struct repository *repo, const char *sql, struct error *err)
{
    if (sqlite3_exec(repo->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return store_error(repo, err, "write");
}

/* -- statements ----------------------------------------------------------- */

sqlite3_stmt *
store_statement(struct repository *repo, enum statement_id id,
                struct error *err)
{
    sqlite3_stmt **cached = &repo->statements[id], *s = NULL;

    repo->bind_failed = false;
    if (*cached != NULL && !sqlite3_stmt_busy(*cached))
        return *cached;
    if (sqlite3_prepare_v3(repo->db, statement_sql[id], -1,
                           SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
    {
        store_error(repo, err, "prepare");
        return NULL;
    }
    if (*cached == NULL)
        *cached = s;
    return s;
}

int
store_step(struct repository *repo, sqlite3_stmt *s, struct error *err)
{
    int r;

    if (repo->bind_failed)
        return error_set(err, "%s: a value is too large to store", repo->path);
    r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        return 1;
    if (r == SQLITE_DONE)
        return 0;
    return store_error(repo, err, "read or write");
}

void
store_done(struct repository *repo, sqlite3_stmt *s)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (repo->statements[i] == s) {
            sqlite3_reset(s);
            sqlite3_clear_bindings(s);
            return;
        }
    }
    sqlite3_finalize(s);
}

int
store_run(struct repository *repo, sqlite3_stmt *s, struct error *err)
{
    int r = store_step(repo, s, err);

    store_done(repo, s);
    return r < 0 ? -1 : 0;
}

void
store_bind_span(struct repository *repo, sqlite3_stmt *s, int i,
                struct span text)
{
    int r = text.data == NULL
                ? sqlite3_bind_null(s, i)
                : sqlite3_bind_text64(s, i, text.data, text.length,
                                      SQLITE_STATIC, SQLITE_UTF8);

    repo->bind_failed |= r != SQLITE_OK;
}

void
store_bind_blob(struct repository *repo, sqlite3_stmt *s, int i,
                struct span bytes)
{
    repo->bind_failed |= sqlite3_bind_blob64(s, i, bytes.data, bytes.length,
                                             SQLITE_STATIC) != SQLITE_OK;
}

void
store_bind_number(struct repository *repo, sqlite3_stmt *s, int i, int64_t n)
{
    repo->bind_failed |= sqlite3_bind_int64(s, i, n) != SQLITE_OK;
}

struct span
store_column(sqlite3_stmt *s, int i)
{
    const char *data = sqlite3_column_blob(s, i);
    int length = sqlite3_column_bytes(s, i);

    if (data == NULL && sqlite3_column_type(s, i) != SQLITE_NULL)
        data = "";
    return (struct span){data, data != NULL ? (size_t)length : 0};
}

/* -- open and close ------------------------------------------------------- */

/* Only a regular file, whose pages nobody else may write. */
static int
file_accept(struct repository *repo, struct error *err)
{
    const char *path = repo->path;
    struct stat st;

    if (lstat(path, &st) < 0)
        return error_set_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, "%s is not a regular file", path);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(err, "%s: others than its owner may write to it",
                         path);
    repo->device = st.st_dev;
    repo->inode = st.st_ino;
    return 0;
}

int
repository_still_there(const struct repository *repo, struct error *err)
{
    struct stat st;

    if (lstat(repo->path, &st) < 0)
        return error_set_errno(err, errno, "%s", repo->path);
    if (st.st_dev == repo->device && st.st_ino == repo->inode)
        return 0;
    return error_set(err, "%s is another file than the one in use",
                     repo->path);
}

/* The change to WAL, which only the first writer of all makes, turns a shared
 * lock into an exclusive one; there SQLite does not wait by itself, since two
 * that do the same would wait for one another. */
static int
wal_enter(struct repository *repo, struct error *err)
{
    const struct timespec step = {0, WAL_STEP_MS * 1000000L};
    uint64_t end_ms = clock_monotonic_ms() + OPEN_BUSY_MS;
    struct error why = {0, ""};

    while (store_exec(repo, "PRAGMA journal_mode = WAL", &why) < 0) {
        if (why.code != -EBUSY || clock_monotonic_ms() >= end_ms) {
            if (err != NULL)
                *err = why;
            return -1;
        }
        nanosleep(&step, NULL);
    }
    return 0;
}

static int
configure(struct repository *repo, struct error *err)
{
    bool writes = repo->mode == REPOSITORY_WRITE;
    int one = 1;

    sqlite3_extended_result_codes(repo->db, 0);
    sqlite3_db_config(repo->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(repo->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(repo->db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
    sqlite3_busy_timeout(repo->db, writes ? OPEN_BUSY_MS : READ_BUSY_MS);
    if (!writes)
        return store_exec(repo,
                          "PRAGMA query_only = ON; "
                          "PRAGMA cell_size_check = ON",
                          err);
    /* FULL: the image is renamed into place after the commit and may not
     * outlive it.  -wal and -shm stay, so that a reader that may not create
     * them can open the file while no writer has it. */
    if (wal_enter(repo, err) < 0 ||
        store_exec(repo,
                   "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                   "PRAGMA cell_size_check = ON; "
                   "PRAGMA cache_size = -" WRITE_CACHE_KIB "; "
                   "PRAGMA journal_size_limit = 4194304",
                   err) < 0)
        return -1;
    sqlite3_file_control(repo->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &one);
    return 0;
}

static int
open_database(struct repository *repo, struct error *err)
{
    int flags = repo->mode == REPOSITORY_WRITE ? SQLITE_OPEN_READWRITE
                                               : SQLITE_OPEN_READONLY;

    if (repo->mode == REPOSITORY_WRITE &&
        state_file_create(repo->state_dir, repo->path, 0640, err) < 0)
        return -1;
    if (file_accept(repo, err) < 0)
        return -1;
    if (sqlite3_open_v2(repo->path, &repo->db,
                        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                        NULL) != SQLITE_OK)
        return store_error(repo, err, "open");
    if (configure(repo, err) < 0)
        return -1;
    return schema_prepare(repo, err);
}

int
repository_open(const char *state_dir, enum repository_mode mode,
                struct repository **repo_out, struct error *err)
{
    struct repository *repo = calloc(1, sizeof(*repo));
    int n;

    *repo_out = NULL;
    if (repo == NULL)
        return error_set_errno(err, ENOMEM, "%s", state_dir);
    repo->mode = mode;
    repo->turn = -1;
    n = snprintf(repo->state_dir, sizeof(repo->state_dir), "%s", state_dir);
    snprintf(repo->path, sizeof(repo->path), "%s/%s", repo->state_dir,
             REPOSITORY_FILE);
    if (n < 0 || (size_t)n >= sizeof(repo->state_dir)) {
        repository_close(repo);
        return error_set(err, "%s: the path is too long", state_dir);
    }
    if (open_database(repo, err) < 0) {
        repository_close(repo);
        return -1;
    }
    *repo_out = repo;
    return 0;
}

void
repository_close(struct repository *repo)
{
    if (repo == NULL)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(repo->statements[i]);
    sqlite3_close(repo->db);
    turn_end(repo);
    free(repo);
}

static void
damaged(const struct repository *repo, struct span why, struct error *err)
{
    error_set(err, "%s: %.*s", repo->path,
              why.length > 200 ? 200 : (int)why.length, why.data);
    if (err != NULL)
        err->code = -EILSEQ;
}

int
repository_check(struct repository *repo, struct error *err)
{
    sqlite3_stmt *s;
    int r = -1;

    if (schema_verify(repo, err) < 0)
        return -1;
    if (sqlite3_prepare_v2(repo->db, "PRAGMA quick_check(1)", -1, &s, NULL) !=
        SQLITE_OK)
        return store_error(repo, err, "check");
    if (sqlite3_step(s) != SQLITE_ROW)
        store_error(repo, err, "check");
    else if (!span_equal(store_column(s, 0), SPAN("ok")))
        damaged(repo, store_column(s, 0), err);
    else
        r = 0;
    sqlite3_finalize(s);
    return r;
}
