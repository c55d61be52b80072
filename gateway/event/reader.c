#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/event/database.h"

struct event_reader {
    char *path;
    sqlite3 *db;
    /* Nobody writes and we may not create SQLite's shared index: the file is
     * read as it lies, and opened anew each time. */
    bool as_it_lies;
};

static int
try_open(struct event_reader *r, struct error *err)
{
    struct buf uri = BUF_INIT;
    int version, rc = -1;

    sqlite3_close(r->db);
    r->db = NULL;
    buf_add_string(&uri, "file:");
    for (const char *p = r->path; *p != '\0'; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            buf_addf(&uri, "%%%02x", (unsigned char)*p);
        else
            buf_add_char(&uri, *p);
    }
    buf_add_string(&uri, r->as_it_lies ? "?immutable=1" : "");
    if (buf_failed(&uri))
        return error_set_errno(err, ENOMEM, "%s", EVENT_FILE);
    if (sqlite3_open_v2(uri.data, &r->db,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
                            SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
    {
        database_error(r->db, err);
        goto out;
    }
    sqlite3_busy_timeout(r->db, 2000);
    version = database_version(r->db, err);
    if (version > DATABASE_VERSION)
        error_set(err, "%s: written by a later version of nsgate", r->path);
    else if (version == 0)
        error_set(err, "%s: holds no events", r->path);
    else if (version > 0)
        rc = 0;
out:
    buf_fini(&uri);
    return rc;
}

/* Nothing in the write-ahead log that reading the file alone would miss. */
static bool
log_is_empty(const struct event_reader *r)
{
    struct buf path = BUF_INIT;
    struct stat st;
    bool empty = false;

    buf_addf(&path, "%s-wal", r->path);
    if (!buf_failed(&path))
        empty = stat(path.data, &st) < 0 ? errno == ENOENT : st.st_size == 0;
    buf_fini(&path);
    return empty;
}

static int
open_any(struct event_reader *r, struct error *err)
{
    int code;

    r->as_it_lies = false;
    if (try_open(r, err) == 0)
        return 0;
    code = r->db != NULL ? sqlite3_errcode(r->db) & 0xff : SQLITE_OK;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) ||
        !log_is_empty(r))
        return -1;
    r->as_it_lies = true;
    return try_open(r, err);
}

int
event_reader_open(const char *state_dir, struct event_reader **out,
                  struct error *err)
{
    struct event_reader *r = calloc(1, sizeof(*r));
    struct buf path = BUF_INIT;
    struct stat st;

    *out = NULL;
    buf_addf(&path, "%s/%s", state_dir, EVENT_FILE);
    if (r != NULL)
        r->path = buf_take(&path);
    if (r == NULL || r->path == NULL) {
        error_set_errno(err, ENOMEM, "%s", EVENT_FILE);
        goto fail;
    }
    if (stat(r->path, &st) < 0) {
        error_set_errno(err, errno, "%s", r->path);
        goto fail;
    }
    if (open_any(r, err) < 0)
        goto fail;
    *out = r;
    return 0;
fail:
    buf_fini(&path);
    event_reader_close(r);
    return -1;
}

void
event_reader_close(struct event_reader *r)
{
    if (r == NULL)
        return;
    sqlite3_close(r->db);
    free(r->path);
    free(r);
}

static int
prepare(struct event_reader *r, struct buf *sql, sqlite3_stmt **q,
        struct error *err)
{
    int rc;

    if (r->as_it_lies && open_any(r, err) < 0)
        rc = -1;
    else if (buf_failed(sql))
        rc = error_set_errno(err, ENOMEM, "%s", EVENT_FILE);
    else
        rc = database_prepare(r->db, sql->data, q, err);
    buf_fini(sql);
    return rc;
}

static void
add_selection(struct buf *sql, const struct event_filter *f)
{
    buf_add_string(sql, "SELECT ");
    database_columns(sql);
    buf_add_string(sql, " FROM event WHERE event.\"row\" > ?1");
    if (f->id != EVENT_NONE)
        buf_add_string(sql, " AND id = ?2");
    if (f->namespace.data != NULL)
        buf_add_string(sql, " AND namespace = ?3 COLLATE NOCASE");
    buf_addf(sql, " ORDER BY event.\"row\" %s LIMIT ?4",
             f->tail ? "DESC" : "ASC");
}

int
event_reader_each(struct event_reader *r, const struct event_filter *f,
                  bool (*visit)(void *arg, int64_t row, const struct event *e),
                  void *arg, struct error *err)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *q = NULL;
    struct event e;
    int rc;

    if (f->tail)
        buf_add_string(&sql, "SELECT * FROM (");
    add_selection(&sql, f);
    if (f->tail)
        buf_add_string(&sql, ") ORDER BY 1");
    if (prepare(r, &sql, &q, err) < 0)
        return -1;
    sqlite3_bind_int64(q, 1, f->after_row);
    if (f->id != EVENT_NONE)
        sqlite3_bind_int(q, 2, (int)f->id);
    if (f->namespace.data != NULL)
        sqlite3_bind_text(q, 3, f->namespace.data, (int)f->namespace.length,
                          SQLITE_STATIC);
    sqlite3_bind_int64(q, 4, f->limit > 0 ? (int64_t)f->limit : -1);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t row = database_read(q, 0, &e);

        if (!visit(arg, row, &e)) {
            rc = SQLITE_DONE;
            break;
        }
    }
    if (rc != SQLITE_DONE)
        database_error(r->db, err);
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

static void
show_request(sqlite3_stmt *q, struct span request_id,
             void (*found)(void *arg, int64_t row, const struct event *e),
             void *arg)
{
    const void *bytes = sqlite3_column_blob(q, 0);
    int length = sqlite3_column_bytes(q, 0);
    struct event e, difference;
    int64_t row = database_read(q, 1, &e);

    if (bytes != NULL && event_decode(bytes, (size_t)length, &difference) == 0)
        event_overlay(&e, &difference);
    e.fields[EVENT_FIELD_REQUEST_ID] = request_id;
    e.count = 1;
    found(arg, row, &e);
}

int
event_reader_why(struct event_reader *r, struct span request_id,
                 void (*found)(void *arg, int64_t row, const struct event *e),
                 void *arg, struct error *err)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *q = NULL;
    int rc;

    buf_add_string(&sql, "SELECT difference, ");
    database_columns(&sql);
    buf_add_string(&sql, " FROM request JOIN event"
                         " ON event.\"row\" = request.\"row\""
                         " WHERE request = ?1 ORDER BY number DESC LIMIT 1");
    if (prepare(r, &sql, &q, err) < 0)
        return -1;
    sqlite3_bind_text(q, 1, request_id.data, (int)request_id.length,
                      SQLITE_STATIC);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        show_request(q, request_id, found, arg);
    else if (rc != SQLITE_DONE)
        database_error(r->db, err);
    sqlite3_finalize(q);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}
