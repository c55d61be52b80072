#include "gateway/event/database.h"

#include <string.h>

int
database_error(sqlite3 *db, struct error *err)
{
    return error_set(err, "%s: %s", EVENT_FILE, sqlite3_errmsg(db));
}

int
database_run(sqlite3 *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_error(db, err);
    return 0;
}

int
database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                 struct error *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                           NULL) != SQLITE_OK)
        return database_error(db, err);
    return 0;
}

static void
add_field_columns(struct buf *sql, const char *suffix)
{
    for (int i = 0; i < EVENT_FIELD_COUNT; i++)
        buf_addf(sql, ", \"%s\"%s", event_field_name((enum event_field)i),
                 suffix);
}

void
database_columns(struct buf *sql)
{
    buf_add_string(sql, "event.\"row\", time, id, worker, generation, count");
    add_field_columns(sql, "");
}

int
database_version(sqlite3 *db, struct error *err)
{
    sqlite3_stmt *q = NULL;
    int version = -1;

    if (database_prepare(db, "PRAGMA user_version", &q, err) < 0)
        return -1;
    if (sqlite3_step(q) == SQLITE_ROW)
        version = sqlite3_column_int(q, 0);
    else
        database_error(db, err);
    sqlite3_finalize(q);
    return version;
}

int
database_create(sqlite3 *db, struct error *err)
{
    struct buf sql = BUF_INIT;
    int rc;

    buf_add_string(&sql, "BEGIN IMMEDIATE;"
                         "CREATE TABLE event(\"row\" INTEGER PRIMARY KEY,"
                         " time INTEGER NOT NULL, id INTEGER NOT NULL,"
                         " worker INTEGER NOT NULL,"
                         " generation INTEGER NOT NULL,"
                         " count INTEGER NOT NULL");
    add_field_columns(&sql, " TEXT");
    buf_addf(&sql,
             ");"
             "CREATE INDEX event_namespace ON event(namespace "
             "COLLATE NOCASE)"
             " WHERE namespace IS NOT NULL;"
             "CREATE TABLE request(number INTEGER PRIMARY KEY,"
             " request TEXT NOT NULL, \"row\" INTEGER NOT NULL,"
             " difference BLOB);"
             "CREATE INDEX request_request ON request(request);"
             "PRAGMA user_version = %d; COMMIT",
             DATABASE_VERSION);
    rc = buf_failed(&sql) ? error_set(err, "out of memory")
                          : database_run(db, sql.data, err);
    if (rc < 0)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    buf_fini(&sql);
    return rc;
}

int64_t
database_read(sqlite3_stmt *q, int column, struct event *out)
{
    int64_t row = sqlite3_column_int64(q, column++);

    *out = (struct event){0};
    out->time_us = sqlite3_column_int64(q, column++);
    out->id = (enum event_id)sqlite3_column_int(q, column++);
    out->worker = sqlite3_column_int(q, column++);
    out->generation = (uint64_t)sqlite3_column_int64(q, column++);
    out->count = (uint32_t)sqlite3_column_int64(q, column++);
    for (int i = 0; i < EVENT_FIELD_COUNT; i++, column++) {
        const void *text;

        if (sqlite3_column_type(q, column) == SQLITE_NULL)
            continue;
        text = sqlite3_column_text(q, column);
        if (text != NULL)
            out->fields[i] =
                (struct span){text, (size_t)sqlite3_column_bytes(q, column)};
    }
    return row;
}

void
event_overlay(struct event *base, const struct event *difference)
{
    base->time_us = difference->time_us;
    base->worker = difference->worker;
    base->generation = difference->generation;
    base->count = difference->count;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        const struct span *field = &difference->fields[i];

        if (field->data == NULL)
            continue;
        base->fields[i] = field->length > 0 ? *field : (struct span){NULL, 0};
    }
}
