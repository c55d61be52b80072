#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/event/database.h"
#include "gateway/event/merge.h"

/* Rows dropped in one commit, so that a lowered limit does not stall. */
#define TRIM_MAX       20000
#define MESSAGE_BYTES  8192
#define CLOCK_AHEAD_US (INT64_C(3600) * 1000000)

enum statement {
    INSERT_EVENT,
    RAISE_COUNT,
    INSERT_REQUEST,
    TRIM_EVENTS,
    TRIM_REQUESTS,
    STATEMENT_COUNT,
};

struct event_store {
    char *directory;
    char *path;
    size_t rows_max;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct merge_table *merges;
    bool in_transaction;
    bool damaged;
    uint64_t pending;   /* events since the last commit */
    uint64_t lost;      /* events to be told of */
    char set_aside[64]; /* the name of a damaged file; "": none */
};

static int write_event(struct event_store *s, const struct event *e,
                       struct error *err);

/* -- the file ------------------------------------------------------------ */

/* 0640, and of the directory's owner and group as far as that is ours to
 * give: SQLite makes -wal and -shm like it. */
static int
make_file(const struct event_store *s, struct error *err)
{
    struct stat directory;
    int fd, rc = -1;

    fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", s->path);
    if (stat(s->directory, &directory) < 0)
        error_set_errno(err, errno, "%s", s->directory);
    else if (geteuid() == 0 &&
             fchown(fd, directory.st_uid, directory.st_gid) < 0)
        error_set_errno(err, errno, "%s", s->path);
    else
        rc = 0;
    if (rc == 0 && geteuid() != 0 &&
        fchown(fd, (uid_t)-1, directory.st_gid) < 0 && errno != EPERM)
        rc = error_set_errno(err, errno, "%s", s->path);
    if (rc == 0 && fchmod(fd, 0640) < 0 && errno != EPERM)
        rc = error_set_errno(err, errno, "%s", s->path);
    close(fd);
    return rc;
}

static void
close_database(struct event_store *s)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(s->statements[i]);
        s->statements[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
    s->in_transaction = false;
}

static int
prepare_all(struct event_store *s, struct error *err)
{
    static const char *const sql[STATEMENT_COUNT] = {
        [RAISE_COUNT] = "UPDATE event SET count = min(count + ?2, 4294967295)"
                        " WHERE \"row\" = ?1",
        [INSERT_REQUEST] = "INSERT INTO request(request, \"row\", difference)"
                           " VALUES(?1, ?2, ?3)",
        [TRIM_EVENTS] = "DELETE FROM event WHERE \"row\" <= min("
                        "(SELECT max(\"row\") FROM event) - ?1,"
                        "(SELECT min(\"row\") FROM event) + ?2)",
        [TRIM_REQUESTS] = "DELETE FROM request WHERE number <= min("
                          "(SELECT max(number) FROM request) - ?1,"
                          "(SELECT min(number) FROM request) + ?2)",
    };
    struct buf insert = BUF_INIT;
    int rc = 0;

    buf_add_string(&insert, "INSERT INTO event VALUES(NULL");
    for (int i = 0; i < 5 + EVENT_FIELD_COUNT; i++)
        buf_addf(&insert, ", ?%d", i + 1);
    buf_add_char(&insert, ')');
    if (buf_failed(&insert))
        rc = error_set_errno(err, ENOMEM, "%s", s->path);
    for (size_t i = 0; rc == 0 && i < STATEMENT_COUNT; i++)
        rc = database_prepare(s->db, i == INSERT_EVENT ? insert.data : sql[i],
                              &s->statements[i], err);
    buf_fini(&insert);
    return rc;
}

/* 0, -1, or 1: the file is damaged. */
static int
open_database(struct event_store *s, struct error *err)
{
    int version, rc;

    if (make_file(s, err) < 0)
        return -1;
    if (sqlite3_open_v2(s->path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return database_error(s->db, err);
    sqlite3_extended_result_codes(s->db, 0);
    sqlite3_busy_timeout(s->db, 1000);
    rc = database_run(s->db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                      "PRAGMA journal_size_limit = 67108864;"
                      "PRAGMA cache_size = -16384;"
                      "PRAGMA temp_store = MEMORY",
                      err);
    version = rc == 0 ? database_version(s->db, err) : -1;
    if (version > DATABASE_VERSION)
        return error_set(err, "%s: written by a later version of nsgate",
                         s->path);
    if (version >= 0)
        rc = version == 0 ? database_create(s->db, err) : 0;
    if (version >= 0 && rc == 0)
        rc = prepare_all(s, err);
    if (version >= 0 && rc == 0)
        return 0;
    rc = sqlite3_errcode(s->db);
    return rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT ? 1 : -1;
}

/* Keeps a damaged file, and what SQLite kept beside it, under another name. */
static int
set_aside(struct event_store *s, struct error *err)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    int rc = 0;

    snprintf(s->set_aside, sizeof(s->set_aside), "%s.damaged-%" PRId64,
             EVENT_FILE, clock_now_us() / 1000);
    for (size_t i = 0; rc == 0 && i < ARRAY_COUNT(parts); i++) {
        struct buf from = BUF_INIT, to = BUF_INIT;

        buf_addf(&from, "%s%s", s->path, parts[i]);
        buf_addf(&to, "%s/%s%s", s->directory, s->set_aside, parts[i]);
        if (buf_failed(&from) || buf_failed(&to))
            rc = error_set_errno(err, ENOMEM, "%s", s->path);
        else if (rename(from.data, to.data) < 0 && errno != ENOENT)
            rc = error_set_errno(err, errno, "%s", s->path);
        buf_fini(&from);
        buf_fini(&to);
    }
    return rc;
}

static int
reopen(struct event_store *s, struct error *err)
{
    int rc;

    close_database(s);
    rc = s->damaged ? 1 : open_database(s, err);
    if (rc == 1) {
        close_database(s);
        rc = set_aside(s, err);
        if (rc == 0)
            rc = open_database(s, err);
    }
    if (rc != 0) {
        close_database(s);
        return -1;
    }
    s->damaged = false;
    return 0;
}

int
event_store_open(const char *state_dir, size_t rows_max,
                 struct event_store **out, struct error *err)
{
    struct event_store *s = calloc(1, sizeof(*s));
    struct buf path = BUF_INIT;

    *out = NULL;
    if (s == NULL)
        return error_set_errno(err, ENOMEM, "%s", EVENT_FILE);
    buf_addf(&path, "%s/%s", state_dir, EVENT_FILE);
    s->path = buf_take(&path);
    s->directory = strdup(state_dir);
    s->merges = merge_table_new();
    s->rows_max = rows_max > 0 ? rows_max : 1;
    if (s->path == NULL || s->directory == NULL || s->merges == NULL) {
        error_set_errno(err, ENOMEM, "%s", EVENT_FILE);
        goto fail;
    }
    if (reopen(s, err) < 0)
        goto fail;
    *out = s;
    return 0;
fail:
    event_store_close(s);
    return -1;
}

void
event_store_close(struct event_store *s)
{
    if (s == NULL)
        return;
    if (s->db != NULL)
        event_store_commit(s, NULL);
    close_database(s);
    merge_table_free(s->merges);
    free(s->directory);
    free(s->path);
    free(s);
}

/* -- writing ------------------------------------------------------------- */

/* Everything since the last commit is gone: count it, forget the rows that
 * it made. */
static int
give_up(struct event_store *s, uint64_t more, struct error *err)
{
    int code = s->db != NULL ? sqlite3_errcode(s->db) : SQLITE_OK;

    if (s->db != NULL && sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->in_transaction = false;
    s->lost += s->pending + more;
    s->pending = 0;
    merge_table_clear(s->merges);
    s->damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return error_prefix(err, "event log");
}

static int
step(struct event_store *s, enum statement which, struct error *err)
{
    int rc = sqlite3_step(s->statements[which]);

    if (rc != SQLITE_DONE)
        database_error(s->db, err);
    sqlite3_reset(s->statements[which]);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* What went wrong since the last commit is told first. */
static int
write_losses(struct event_store *s, struct error *err)
{
    struct event e = {.id = EVENT_LOST, .worker = -1};
    char detail[128];

    e.time_us = clock_now_us();
    if (s->lost > 0) {
        e.count = s->lost > UINT32_MAX ? UINT32_MAX : (uint32_t)s->lost;
        e.fields[EVENT_FIELD_REASON] = SPAN("store-failed");
        if (write_event(s, &e, err) < 0)
            return -1;
    }
    if (s->set_aside[0] != '\0') {
        snprintf(detail, sizeof(detail),
                 "the event log was damaged; it is kept as %s", s->set_aside);
        e.count = 1;
        e.fields[EVENT_FIELD_REASON] = SPAN("log-damaged");
        e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
        if (write_event(s, &e, err) < 0)
            return -1;
    }
    return 0;
}

static int
begin(struct event_store *s, struct error *err)
{
    if (s->in_transaction)
        return 0;
    if ((s->damaged || s->db == NULL) && reopen(s, err) < 0)
        return -1;
    if (database_run(s->db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    s->in_transaction = true;
    return write_losses(s, err);
}

static void
bind_text(sqlite3_stmt *q, int index, struct span text)
{
    text = event_text_cut(text, EVENT_TEXT_MAX);
    if (text.data == NULL)
        sqlite3_bind_null(q, index);
    else
        sqlite3_bind_text(q, index, text.data, (int)text.length,
                          SQLITE_STATIC);
}

static int
insert_event(struct event_store *s, const struct event *e, int64_t *row_out,
             struct error *err)
{
    sqlite3_stmt *q = s->statements[INSERT_EVENT];

    sqlite3_bind_int64(q, 1, e->time_us);
    sqlite3_bind_int(q, 2, (int)e->id);
    sqlite3_bind_int(q, 3, e->worker);
    sqlite3_bind_int64(q, 4, (int64_t)e->generation);
    sqlite3_bind_int64(q, 5, e->count);
    for (int i = 0; i < EVENT_FIELD_COUNT; i++)
        bind_text(q, 6 + i, e->fields[i]);
    if (step(s, INSERT_EVENT, err) < 0)
        return -1;
    *row_out = sqlite3_last_insert_rowid(s->db);
    return 0;
}

/* m NULL: e is the row itself. */
static int
insert_request(struct event_store *s, const struct event *e, int64_t row,
               const struct merged *m, struct error *err)
{
    sqlite3_stmt *q = s->statements[INSERT_REQUEST];
    struct event difference;
    char bytes[MESSAGE_BYTES];
    size_t length;

    if (e->fields[EVENT_FIELD_REQUEST_ID].length == 0)
        return 0;
    bind_text(q, 1, e->fields[EVENT_FIELD_REQUEST_ID]);
    sqlite3_bind_int64(q, 2, row);
    sqlite3_bind_null(q, 3);
    if (m != NULL) {
        merge_difference(s->merges, m, e, &difference);
        if (event_encode(&difference, bytes, sizeof(bytes), &length) == 0)
            sqlite3_bind_blob(q, 3, bytes, (int)length, SQLITE_STATIC);
    }
    return step(s, INSERT_REQUEST, err);
}

/* 1 done, 0 the row is not there any more, -1 an error. */
static int
raise_count(struct event_store *s, const struct merged *m, uint32_t count,
            struct error *err)
{
    sqlite3_stmt *q = s->statements[RAISE_COUNT];

    sqlite3_bind_int64(q, 1, m->row);
    sqlite3_bind_int64(q, 2, count);
    if (step(s, RAISE_COUNT, err) < 0)
        return -1;
    return sqlite3_changes(s->db) == 1;
}

/* 1: counted in an earlier row. */
static int
write_event(struct event_store *s, const struct event *e, struct error *err)
{
    const struct event_type *type = event_type(e->id);
    const struct merged *m = NULL;
    int64_t row;
    int rc;

    if (type != NULL && type->merges)
        m = merge_find(s->merges, e);
    if (m != NULL) {
        rc = raise_count(s, m, e->count, err);
        if (rc != 0)
            return rc < 0 || insert_request(s, e, m->row, m, err) < 0 ? -1 : 1;
    }
    if (insert_event(s, e, &row, err) < 0)
        return -1;
    if (type != NULL && type->merges)
        merge_begin(s->merges, e, row);
    return insert_request(s, e, row, NULL, err);
}

int
event_store_write(struct event_store *s, const struct event *e,
                  struct error *err)
{
    struct event whole = *e;
    int64_t now_us = clock_now_us();
    int merged;

    if (whole.count == 0)
        whole.count = 1;
    /* Nobody writes events of tomorrow. */
    if (whole.time_us <= 0 || whole.time_us > now_us + CLOCK_AHEAD_US)
        whole.time_us = now_us;
    if (begin(s, err) < 0 || (merged = write_event(s, &whole, err)) < 0)
        return give_up(s, whole.count, err);
    s->pending += whole.count;
    return merged;
}

static int
trim(struct event_store *s, enum statement which, struct error *err)
{
    sqlite3_bind_int64(s->statements[which], 1, (int64_t)s->rows_max);
    sqlite3_bind_int64(s->statements[which], 2, TRIM_MAX - 1);
    return step(s, which, err);
}

int
event_store_commit(struct event_store *s, struct error *err)
{
    if (!s->in_transaction && s->lost == 0 && s->set_aside[0] == '\0')
        return 0;
    if (begin(s, err) < 0 || trim(s, TRIM_EVENTS, err) < 0 ||
        trim(s, TRIM_REQUESTS, err) < 0 ||
        database_run(s->db, "COMMIT", err) < 0)
        return give_up(s, 0, err);
    s->in_transaction = false;
    s->pending = 0;
    s->lost = 0;
    s->set_aside[0] = '\0';
    return 0;
}
