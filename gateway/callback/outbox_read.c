#include <errno.h>
#include <string.h>

#include "gateway/callback/outbox.h"

/* -- a row ---------------------------------------------------------------- */

static struct span
column_span(sqlite3_stmt *q, int column)
{
    const char *data = sqlite3_column_blob(q, column);
    int length = sqlite3_column_bytes(q, column);

    if (data == NULL && sqlite3_column_type(q, column) != SQLITE_NULL)
        data = "";
    return (struct span){data, data != NULL ? (size_t)length : 0};
}

static uint32_t
column_u32(sqlite3_stmt *q, int column)
{
    return (uint32_t)sqlite3_column_int64(q, column);
}

/* An id of this file fits, or is cut. */
static void
column_id(sqlite3_stmt *q, int column, char out[OPERATION_ID_TEXT])
{
    struct span id = column_span(q, column);
    size_t length =
        id.length < OPERATION_ID_TEXT - 1 ? id.length : OPERATION_ID_TEXT - 1;

    memset(out, 0, OPERATION_ID_TEXT);
    if (length > 0)
        memcpy(out, id.data, length);
}

static int
read_request(sqlite3_stmt *q, struct operation_request *r)
{
    int c = 0;

    column_id(q, c++, r->id);
    r->request_id = column_span(q, c++);
    r->principal = column_span(q, c++);
    r->namespace = column_span(q, c++);
    r->display = column_span(q, c++);
    r->target = column_span(q, c++);
    r->sink = column_span(q, c++);
    r->floor = (enum authn_level)sqlite3_column_int(q, c++);
    r->declared = (enum authn_level)sqlite3_column_int(q, c++);
    r->applied = (enum authn_level)sqlite3_column_int(q, c++);
    r->required = (enum authn_level)sqlite3_column_int(q, c++);
    r->give_up_s = column_u32(q, c++);
    r->keep_s = column_u32(q, c++);
    r->keep_dead_s = column_u32(q, c++);
    r->result_max = (uint64_t)sqlite3_column_int64(q, c++);
    r->outbox_max = (uint64_t)sqlite3_column_int64(q, c++);
    return c;
}

/* SQL_COLUMNS in their order; texts live until the next step of q. */
static void
read_operation(sqlite3_stmt *q, struct operation *o)
{
    int c;

    *o = (struct operation){0};
    c = read_request(q, &o->request);
    o->state = (enum operation_state)sqlite3_column_int(q, c++);
    o->hresult = column_u32(q, c++);
    o->reason = column_span(q, c++);
    o->detail = column_span(q, c++);
    o->generation = (uint64_t)sqlite3_column_int64(q, c++);
    o->batches = column_u32(q, c++);
    o->objects = column_u32(q, c++);
    o->bytes = (uint64_t)sqlite3_column_int64(q, c++);
    o->sent = column_u32(q, c++);
    o->attempts = column_u32(q, c++);
    o->created_us = sqlite3_column_int64(q, c++);
    o->next_us = sqlite3_column_int64(q, c++);
    o->give_up_us = sqlite3_column_int64(q, c++);
    o->finished_us = sqlite3_column_int64(q, c++);
    o->expires_us = sqlite3_column_int64(q, c++);
    o->head = column_span(q, c++);
}

/* False: out of memory. */
static bool
keep_spans(struct operation *o, struct arena *arena)
{
    struct span *const spans[] = {
        &o->request.request_id,
        &o->request.principal,
        &o->request.namespace,
        &o->request.display,
        &o->request.target,
        &o->request.sink,
        &o->reason,
        &o->detail,
        &o->head,
    };

    for (size_t i = 0; i < ARRAY_COUNT(spans); i++) {
        if (spans[i]->data == NULL)
            continue;
        *spans[i] = arena_span(arena, *spans[i]);
        if (spans[i]->data == NULL)
            return false;
    }
    return true;
}

/* -- one ------------------------------------------------------------------ */

/* 1 and the statement, 0 there is no outbox yet, -1. */
static int
ask(struct outbox *b, enum outbox_statement which, sqlite3_stmt **out,
    struct error *err)
{
    int rc = outbox_prepare_read(b, err);

    if (rc <= 0)
        return rc;
    *out = outbox_statement(b, which, err);
    return *out != NULL ? 1 : -1;
}

/* 1 a row, 0 none, -1: for statements that have one row at most. */
static int
step(struct outbox *b, sqlite3_stmt *q, struct error *err)
{
    int rc = sqlite3_step(q);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return outbox_error(b, err);
    return rc == SQLITE_ROW;
}

int
outbox_find(struct outbox *b, const char *id, struct arena *arena,
            struct operation *out, struct error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ask(b, OUTBOX_FIND, &q, err);

    *out = (struct operation){0};
    if (rc <= 0)
        return rc;
    outbox_bind_text(q, 1, span_of(id));
    rc = step(b, q, err);
    if (rc == 1) {
        read_operation(q, out);
        if (!keep_spans(out, arena))
            rc = error_set_errno(err, ENOMEM, "%s", b->path);
    }
    outbox_reset(q);
    return rc;
}

int
outbox_batch(struct outbox *b, const char *id, uint32_t number,
             struct buf *out, uint32_t *objects_out, struct error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ask(b, OUTBOX_BATCH, &q, err);

    if (objects_out != NULL)
        *objects_out = 0;
    if (rc <= 0)
        return rc;
    outbox_bind_text(q, 1, span_of(id));
    sqlite3_bind_int64(q, 2, number);
    rc = step(b, q, err);
    if (rc == 1) {
        buf_add_span(out, column_span(q, 0));
        if (objects_out != NULL)
            *objects_out = column_u32(q, 1);
        if (buf_failed(out))
            rc = error_set_errno(err, ENOMEM, "%s", b->path);
    }
    outbox_reset(q);
    return rc;
}

/* -- many ----------------------------------------------------------------- */

int
outbox_each(struct outbox *b, enum operation_state state, size_t limit,
            bool (*visit)(void *arg, const struct operation *o), void *arg,
            struct error *err)
{
    sqlite3_stmt *q = NULL;
    struct operation o;
    int rc;

    rc = ask(
        b, state == OPERATION_STATE_NONE ? OUTBOX_EACH : OUTBOX_EACH_OF_STATE,
        &q, err);
    if (rc <= 0)
        return rc;
    sqlite3_bind_int(q, 1, (int)state);
    sqlite3_bind_int64(q, 2, limit > 0 ? (int64_t)limit : -1);
    while ((rc = step(b, q, err)) == 1) {
        read_operation(q, &o);
        if (!visit(arg, &o)) {
            rc = 0;
            break;
        }
    }
    outbox_reset(q);
    return rc;
}

/* What was found due: visited when the read is over, so that the visitor may
 * change the outbox; a page at a time, as of a long queue only the front is
 * wanted. */
#define DUE_PAGE 32

struct due {
    char id[OPERATION_ID_TEXT];
    int64_t next_us, number; /* its place in the queue */
    size_t sink_length;      /* of the bytes that follow */
};

/* Those behind `last`, at most `most`: how many, or -1. */
static int
collect_due(struct outbox *b, sqlite3_stmt *q, const struct due *last,
            size_t most, struct buf *page, struct error *err)
{
    int rows = 0, rc;

    sqlite3_bind_int64(q, 3, (int64_t)most);
    sqlite3_bind_int64(q, 4, last->next_us);
    sqlite3_bind_int64(q, 5, last->number);
    while ((rc = step(b, q, err)) == 1) {
        struct span sink = column_span(q, 1);
        struct due due = {.next_us = sqlite3_column_int64(q, 2),
                          .number = sqlite3_column_int64(q, 3),
                          .sink_length = sink.length};

        column_id(q, 0, due.id);
        buf_add(page, &due, sizeof(due));
        buf_add_span(page, sink);
        rows++;
    }
    if (rc == 0 && buf_failed(page))
        rc = error_set_errno(err, ENOMEM, "%s", b->path);
    return rc < 0 ? -1 : rows;
}

/* False: the visitor has had enough. */
static bool
visit_due(struct span page,
          bool (*visit)(void *arg, const char *id, struct span sink),
          void *arg, struct due *last)
{
    while (page.length > 0) {
        struct span sink = {NULL, 0};

        memcpy(last, page.data, sizeof(*last));
        page = span_skip(page, sizeof(*last));
        if (last->sink_length > 0)
            sink = (struct span){page.data, last->sink_length};
        page = span_skip(page, last->sink_length);
        if (!visit(arg, last->id, sink))
            return false;
    }
    return true;
}

int
outbox_due(struct outbox *b, enum operation_state state, int64_t now_us,
           size_t limit,
           bool (*visit)(void *arg, const char *id, struct span sink),
           void *arg, struct error *err)
{
    struct due last = {.next_us = INT64_MIN};
    size_t left = limit > 0 ? limit : SIZE_MAX;
    bool more = true;
    int rc = 0;

    while (more && left > 0) {
        size_t most = left < DUE_PAGE ? left : DUE_PAGE;
        struct buf page = BUF_INIT;
        sqlite3_stmt *q = NULL;

        rc = ask(b, OUTBOX_DUE, &q, err);
        if (rc <= 0)
            return rc;
        sqlite3_bind_int(q, 1, (int)state);
        sqlite3_bind_int64(q, 2, now_us);
        rc = collect_due(b, q, &last, most, &page, err);
        outbox_reset(q);
        more = rc > 0 && visit_due(buf_span(&page), visit, arg, &last) &&
               (size_t)rc == most;
        left -= rc > 0 ? (size_t)rc : 0;
        buf_fini(&page);
    }
    return rc < 0 ? -1 : 0;
}

int
outbox_next_due(struct outbox *b, int64_t *due_us_out, struct error *err)
{
    static const enum operation_state states[] = {OPERATION_ACCEPTED,
                                                  OPERATION_DELIVERING};
    sqlite3_stmt *q = NULL;
    int rc = ask(b, OUTBOX_NEXT_DUE, &q, err);

    *due_us_out = INT64_MAX;
    if (rc <= 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < ARRAY_COUNT(states); i++) {
        sqlite3_bind_int(q, 1, (int)states[i]);
        rc = step(b, q, err);
        if (rc == 1 && sqlite3_column_int64(q, 0) < *due_us_out)
            *due_us_out = sqlite3_column_int64(q, 0);
        outbox_reset(q);
    }
    return rc < 0 ? -1 : 0;
}

int
outbox_counts(struct outbox *b, uint64_t counts[OPERATION_CANCELLED + 1],
              struct error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = ask(b, OUTBOX_COUNTS, &q, err);

    memset(counts, 0, (OPERATION_CANCELLED + 1) * sizeof(counts[0]));
    if (rc <= 0)
        return rc;
    while ((rc = step(b, q, err)) == 1) {
        int state = sqlite3_column_int(q, 0);

        if (state > OPERATION_STATE_NONE && state <= OPERATION_CANCELLED)
            counts[state] = (uint64_t)sqlite3_column_int64(q, 1);
    }
    outbox_reset(q);
    return rc;
}
