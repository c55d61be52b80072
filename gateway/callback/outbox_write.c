#include <errno.h>

#include "gateway/callback/outbox.h"

/* -- the transaction ------------------------------------------------------ */

static int
begin(struct outbox *b, struct error *err)
{
    if (b->mode != OUTBOX_WRITE)
        return error_set_errno(err, EROFS, "%s", b->path);
    if (outbox_reopen(b, err) < 0)
        return -1;
    if (b->in_transaction)
        return 0;
    if (outbox_run(b, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    b->in_transaction = true;
    return 0;
}

/* The statement to bind, in a transaction; NULL: an error. */
static sqlite3_stmt *
change(struct outbox *b, enum outbox_statement which, const char *id,
       struct error *err)
{
    sqlite3_stmt *q;

    if (begin(b, err) < 0)
        return NULL;
    q = outbox_statement(b, which, err);
    if (q == NULL)
        outbox_fail(b, err);
    else if (id != NULL)
        outbox_bind_text(q, 1, span_of(id));
    return q;
}

/* The rows that were changed, or -1. */
static int
run(struct outbox *b, sqlite3_stmt *q, struct error *err)
{
    int rc = sqlite3_step(q) == SQLITE_DONE ? sqlite3_changes(b->db)
                                            : outbox_fail(b, err);

    b->changed = b->changed || rc > 0;
    outbox_reset(q);
    return rc;
}

/* For statements that know nothing but the id. */
static int
run_by_id(struct outbox *b, enum outbox_statement which, const char *id,
          struct error *err)
{
    sqlite3_stmt *q = change(b, which, id, err);

    return q != NULL ? run(b, q, err) : -1;
}

int
outbox_commit(struct outbox *b, struct error *err)
{
    int rc = 0;

    if (b->lost) {
        if (b->in_transaction)
            outbox_fail(b, NULL);
        rc = error_set(err, "%s: an error undid what was to be committed",
                       b->path);
    } else if (b->in_transaction) {
        if (outbox_reopen(b, err) < 0)
            rc = -1;
        else if (outbox_run(b, "COMMIT", err) < 0)
            rc = outbox_fail(b, err);
    }
    b->in_transaction = b->changed = b->lost = false;
    return rc;
}

bool
outbox_is_dirty(const struct outbox *b)
{
    return b->in_transaction;
}

/* -- a new operation ------------------------------------------------------ */

/* *there_out: it is asked for a second time. */
static enum outbox_add
check_quota(struct outbox *b, const struct operation_request *r,
            bool *there_out, struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_QUOTA, NULL, err);
    enum outbox_add answer = OUTBOX_ADD_FAILED;

    if (q == NULL)
        return OUTBOX_ADD_FAILED;
    outbox_bind_text(q, 1, r->principal);
    outbox_bind_text(q, 2, span_of(r->id));
    *there_out = false;
    if (sqlite3_step(q) != SQLITE_ROW) {
        outbox_fail(b, err);
    } else if (sqlite3_column_int(q, 3) == 1) {
        *there_out = true;
        answer = OUTBOX_ADD_OK;
    } else if (sqlite3_column_int(q, 3) == 0 &&
               sqlite3_column_int64(q, 0) < r->operations_max &&
               sqlite3_column_int64(q, 1) < r->operations_per_principal &&
               (uint64_t)sqlite3_column_int64(q, 2) < r->outbox_max)
    {
        answer = OUTBOX_ADD_OK;
    } else {
        answer = OUTBOX_ADD_QUOTA;
    }
    outbox_reset(q);
    return answer;
}

static int
insert(struct outbox *b, const struct operation_request *r, int64_t now_us,
       struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_ADD, r->id, err);
    struct span sink = r->sink.length > 0 ? r->sink : (struct span){NULL, 0};

    if (q == NULL)
        return -1;
    outbox_bind_text(q, 2, r->request_id);
    outbox_bind_text(q, 3, r->principal);
    outbox_bind_text(q, 4, r->namespace);
    outbox_bind_text(q, 5, r->display);
    outbox_bind_text(q, 6, r->target);
    outbox_bind_text(q, 7, sink);
    sqlite3_bind_int(q, 8, (int)r->floor);
    sqlite3_bind_int(q, 9, (int)r->declared);
    sqlite3_bind_int(q, 10, (int)r->applied);
    sqlite3_bind_int(q, 11, (int)r->required);
    sqlite3_bind_int64(q, 12, r->give_up_s);
    sqlite3_bind_int64(q, 13, r->keep_s);
    sqlite3_bind_int64(q, 14, r->keep_dead_s);
    sqlite3_bind_int64(q, 15, (int64_t)r->result_max);
    sqlite3_bind_int64(q, 16, (int64_t)r->outbox_max);
    sqlite3_bind_int64(q, 17, now_us);
    return run(b, q, err) < 0 ? -1 : 0;
}

enum outbox_add
outbox_add(struct outbox *b, const struct operation_request *r, int64_t now_us,
           struct error *err)
{
    bool was_dirty = b->in_transaction || b->lost, there;
    enum outbox_add answer = check_quota(b, r, &there, err);

    if (answer == OUTBOX_ADD_OK && !there && insert(b, r, now_us, err) < 0)
        answer = OUTBOX_ADD_FAILED;
    /* A refusal must not keep other writers out until the next commit. */
    if (answer == OUTBOX_ADD_QUOTA && !was_dirty && outbox_commit(b, err) < 0)
        answer = OUTBOX_ADD_FAILED;
    return answer;
}

/* -- its result ----------------------------------------------------------- */

int
outbox_add_batch(struct outbox *b, const char *id, struct span body,
                 uint32_t objects, struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_ADD_BATCH, id, err);
    int rows;

    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, objects);
    sqlite3_bind_blob64(q, 3, body.data != NULL ? body.data : "", body.length,
                        SQLITE_STATIC);
    rows = run(b, q, err);
    if (rows <= 0)
        return rows;
    q = change(b, OUTBOX_COUNT_BATCH, id, err);
    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, objects);
    sqlite3_bind_int64(q, 3, (int64_t)body.length);
    return run(b, q, err) < 0 ? -1 : 0;
}

int
outbox_drop_batches(struct outbox *b, const char *id, struct error *err)
{
    int rows = run_by_id(b, OUTBOX_COUNT_NO_BATCHES, id, err);

    if (rows <= 0)
        return rows;
    return run_by_id(b, OUTBOX_DROP_BATCHES, id, err) < 0 ? -1 : 0;
}

int
outbox_set_result(struct outbox *b, const char *id, uint32_t hresult,
                  struct span head, uint64_t generation, int64_t now_us,
                  struct error *err)
{
    sqlite3_stmt *q;

    if (hresult != 0 && outbox_drop_batches(b, id, err) < 0)
        return -1;
    q = change(b, OUTBOX_SET_RESULT, id, err);
    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, hresult);
    outbox_bind_text(q, 3, head);
    sqlite3_bind_int64(q, 4, (int64_t)generation);
    sqlite3_bind_int64(q, 5, now_us);
    return run(b, q, err) < 0 ? -1 : 0;
}

/* -- its delivery --------------------------------------------------------- */

int
outbox_set_sent(struct outbox *b, const char *id, uint32_t sent,
                struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_SET_SENT, id, err);

    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, sent);
    return run(b, q, err) < 0 ? -1 : 0;
}

static int
set_next(struct outbox *b, const char *id, int64_t next_us, int attempts,
         struct span reason, struct span detail, struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_SET_NEXT, id, err);

    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, next_us);
    outbox_bind_text(q, 3, reason);
    outbox_bind_text(q, 4, detail);
    sqlite3_bind_int(q, 5, attempts);
    return run(b, q, err) < 0 ? -1 : 0;
}

int
outbox_set_retry(struct outbox *b, const char *id, int64_t next_us,
                 struct span reason, struct span detail, struct error *err)
{
    return set_next(b, id, next_us, 1, reason, detail, err);
}

int
outbox_set_wait(struct outbox *b, const char *id, int64_t next_us,
                struct span reason, struct span detail, struct error *err)
{
    return set_next(b, id, next_us, 0, reason, detail, err);
}

int
outbox_set_end(struct outbox *b, const char *id, enum operation_state end,
               uint32_t hresult, struct span reason, struct span detail,
               int64_t now_us, struct error *err)
{
    sqlite3_stmt *q;

    if (end < OPERATION_DONE || end > OPERATION_CANCELLED)
        return error_set(err, "'%s' is not an end", operation_state_name(end));
    if (end != OPERATION_DEAD &&
        run_by_id(b, OUTBOX_DROP_BATCHES, id, err) < 0)
        return -1;
    q = change(b, OUTBOX_SET_END, id, err);
    if (q == NULL)
        return -1;
    sqlite3_bind_int(q, 2, (int)end);
    sqlite3_bind_int64(q, 3, hresult);
    outbox_bind_text(q, 4, reason);
    outbox_bind_text(q, 5, detail);
    sqlite3_bind_int64(q, 6, now_us);
    return run(b, q, err) < 0 ? -1 : 0;
}

int
outbox_revive(struct outbox *b, const char *id, int64_t now_us,
              struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_REVIVE, id, err);

    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 2, now_us);
    return run(b, q, err);
}

/* -- its going ------------------------------------------------------------ */

/* How many or how much the counters say; -1: an error. */
static int64_t
counted(struct outbox *b, enum outbox_statement which, struct error *err)
{
    sqlite3_stmt *q = change(b, which, NULL, err);
    int64_t n = -1;

    if (q == NULL)
        return -1;
    if (sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    else
        outbox_fail(b, err);
    outbox_reset(q);
    return n;
}

/* No more ended ones than that, however fast they come and go. */
static int
trim(struct outbox *b, struct error *err)
{
    int64_t ended = counted(b, OUTBOX_ENDED, err);
    sqlite3_stmt *q;

    if (ended <= OUTBOX_ENDED_MAX)
        return ended < 0 ? -1 : 0;
    q = change(b, OUTBOX_TRIM, NULL, err);
    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 1, OUTBOX_ENDED_MAX);
    return run(b, q, err) < 0 ? -1 : 0;
}

int
outbox_expire(struct outbox *b, int64_t now_us, struct error *err)
{
    sqlite3_stmt *q = change(b, OUTBOX_EXPIRE, NULL, err);

    if (q == NULL)
        return -1;
    sqlite3_bind_int64(q, 1, now_us);
    return run(b, q, err) < 0 || trim(b, err) < 0 ? -1 : 0;
}

int
outbox_volume(struct outbox *b, uint64_t *bytes_out, struct error *err)
{
    int64_t bytes = counted(b, OUTBOX_VOLUME, err);

    *bytes_out = bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
    return bytes < 0 ? -1 : 0;
}

int
outbox_remove(struct outbox *b, const char *id, struct error *err)
{
    return run_by_id(b, OUTBOX_REMOVE, id, err) < 0 ? -1 : 0;
}

int
outbox_drop_dead(struct outbox *b, uint64_t outbox_max, struct error *err)
{
    bool was_dirty = b->in_transaction;
    int dropped = 0, rows = 1;
    uint64_t held = 0;

    while (rows > 0 && outbox_volume(b, &held, err) == 0 && held >= outbox_max)
    {
        sqlite3_stmt *q = change(b, OUTBOX_DROP_DEAD, NULL, err);

        rows = q != NULL ? run(b, q, err) : -1;
        dropped += rows > 0 ? rows : 0;
    }
    if (held == UINT64_MAX || rows < 0)
        return -1;
    /* Looking alone must not keep other writers out. */
    if (dropped == 0 && !was_dirty && outbox_commit(b, err) < 0)
        return -1;
    return dropped;
}
