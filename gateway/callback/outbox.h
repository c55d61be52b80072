#ifndef GATEWAY_CALLBACK_OUTBOX_H
#define GATEWAY_CALLBACK_OUTBOX_H

#include <sqlite3.h>
#include <sys/types.h>

#include "gateway/callback/callback.h"

/*
 * What the files of the outbox share.  A row of `operation` is an operation,
 * a row of `batch` a part of its result.  What the quotas ask for is kept
 * counted by triggers (`tally`, `owner`, `volume`), so that every writer,
 * whoever it is, leaves the counts right and nothing is ever summed up.
 */
#define OUTBOX_VERSION 1

enum outbox_statement {
#define STATEMENT(name, sql) OUTBOX_##name,
#include "gateway/callback/outbox_sql.h"
#undef STATEMENT
    OUTBOX_STATEMENT_COUNT,
};

struct outbox {
    char *directory, *path;
    enum outbox_mode mode;
    sqlite3 *db; /* NULL: not open, as when there is no file to read */
    sqlite3_stmt *statements[OUTBOX_STATEMENT_COUNT];
    bool in_transaction;
    bool changed;       /* something, in this transaction */
    bool lost;          /* and an error undid it: the commit has to say so */
    bool damaged;       /* to be set aside before the next change */
    char set_aside[64]; /* the name of the damaged file; "": none */
    dev_t device;       /* of the file that is open for reading */
    ino_t inode;
};

/* Prepared at its first use; NULL: an error.  After the steps:
 * outbox_reset. */
sqlite3_stmt *outbox_statement(struct outbox *b, enum outbox_statement which,
                               struct error *err);
void outbox_reset(sqlite3_stmt *q);
/* Absent text is NULL. */
void outbox_bind_text(sqlite3_stmt *q, int index, struct span text);
/* Fills err with what SQLite says, marks a damaged file; -1. */
int outbox_error(struct outbox *b, struct error *err);
/* The same, and everything since the last commit is rolled back. */
int outbox_fail(struct outbox *b, struct error *err);
int outbox_run(struct outbox *b, const char *sql, struct error *err);

/* Opens what is not open; a damaged file is set aside first. */
int outbox_reopen(struct outbox *b, struct error *err);
/* Ready to read: 1, 0 there is no outbox yet, -1. */
int outbox_prepare_read(struct outbox *b, struct error *err);

#endif
