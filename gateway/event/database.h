#ifndef GATEWAY_EVENT_DATABASE_H
#define GATEWAY_EVENT_DATABASE_H

#include <sqlite3.h>

#include "gateway/event/event.h"

/*
 * What the store and the reader share.  A row of `event` is an event with all
 * its fields; a row of `request` leads from a request id to its event, with
 * the difference to it (an encoded event) when it was merged into the row of
 * an earlier one.
 */
#define DATABASE_VERSION 1

/* Columns of an event in the order of database_read. */
void database_columns(struct buf *sql);
/* Creates what is not there. */
int database_create(sqlite3 *db, struct error *err);
/* The version of the schema, 0: a new file, -1: an error. */
int database_version(sqlite3 *db, struct error *err);
/* First column is `row`; texts live until the next step of q. */
int64_t database_read(sqlite3_stmt *q, int column, struct event *out);
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                     struct error *err);
int database_run(sqlite3 *db, const char *sql, struct error *err);
int database_error(sqlite3 *db, struct error *err);

/* At most max (> 4) bytes of text, ending at a character. */
struct span event_text_cut(struct span text, size_t max);

/* base with what difference says: a field present and empty there is absent
 * in the result. */
void event_overlay(struct event *base, const struct event *difference);

#endif
