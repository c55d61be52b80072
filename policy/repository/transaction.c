#include "policy/repository/store.h"

static int
busy(void *arg, int tries)
{
    (void)tries;
    return turn_wait(arg);
}

int
repository_begin(struct repository *repo, unsigned timeout_ms,
                 void (*waiting)(void *arg), void *arg, struct error *err)
{
    if (repo->mode != REPOSITORY_WRITE)
        return error_set(err, "%s is open for reading only", repo->path);
    if (repo->in_transaction)
        return error_set(err, "a transaction is open already");
    repo->wait_until_ms = clock_monotonic_ms() + timeout_ms;
    repo->waiting = waiting;
    repo->waiting_arg = arg;
    sqlite3_busy_handler(repo->db, busy, repo);
    if (turn_take(repo, err) < 0)
        return -1;
    if (store_exec(repo, "BEGIN IMMEDIATE", err) < 0) {
        turn_end(repo);
        return -1;
    }
    repo->in_transaction = true;
    repo->changed = repo->failed = false;
    repo->generation = 0;
    return 0;
}

int
repository_next_generation(struct repository *repo, uint64_t *generation_out,
                           struct error *err)
{
    sqlite3_stmt *s;
    int r;

    *generation_out = 0;
    if (!repo->in_transaction || repo->mode != REPOSITORY_WRITE)
        return error_set(err, "no transaction is open");
    if (repo->generation == 0) {
        s = store_statement(repo, STATEMENT_GENERATION_NEXT, err);
        if (s == NULL)
            return -1;
        r = store_step(repo, s, err);
        if (r > 0)
            repo->generation = (uint64_t)sqlite3_column_int64(s, 0);
        store_done(repo, s);
        if (r <= 0) {
            repo->failed = true;
            return r < 0 ? -1
                         : error_set(err, "%s has no generation", repo->path);
        }
    }
    *generation_out = repo->generation;
    return 0;
}

int
repository_commit(struct repository *repo, struct error *err)
{
    uint64_t generation;

    if (!repo->in_transaction || repo->failed) {
        repository_rollback(repo);
        return error_set(err, "%s: there is nothing that could be committed",
                         repo->path);
    }
    /* No change without a generation: whoever forgot it leaves the image
     * behind the repository, which is refused, not served. */
    if ((repo->changed &&
         repository_next_generation(repo, &generation, err) < 0) ||
        store_exec(repo, "COMMIT", err) < 0)
    {
        repository_rollback(repo);
        return -1;
    }
    repo->in_transaction = false;
    return 0;
}

static void
rollback(struct repository *repo)
{
    if (!repo->in_transaction)
        return;
    if (sqlite3_get_autocommit(repo->db) == 0)
        store_exec(repo, "ROLLBACK", NULL);
    repo->in_transaction = repo->changed = repo->failed = false;
    repo->generation = 0;
}

void
repository_rollback(struct repository *repo)
{
    rollback(repo);
    turn_end(repo);
}

void
repository_end(struct repository *repo)
{
    repository_rollback(repo);
}

/* -- reading -------------------------------------------------------------- */

int
repository_generation(struct repository *repo, uint64_t *generation_out,
                      struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_GENERATION, err);
    int r;

    *generation_out = 0;
    if (s == NULL)
        return -1;
    r = store_step(repo, s, err);
    if (r > 0)
        *generation_out = (uint64_t)sqlite3_column_int64(s, 0);
    store_done(repo, s);
    if (r == 0)
        return error_set(err, "%s has no generation", repo->path);
    return r < 0 ? -1 : 0;
}

int
repository_read_begin(struct repository *repo, uint64_t *generation_out,
                      struct error *err)
{
    *generation_out = 0;
    if (repo->in_transaction)
        return error_set(err, "a transaction is open already");
    if (store_exec(repo, "BEGIN", err) < 0)
        return -1;
    repo->in_transaction = true;
    /* The first read takes the snapshot: the generation belongs to whatever
     * is read until the end. */
    if (repository_generation(repo, generation_out, err) < 0) {
        repository_read_end(repo);
        return -1;
    }
    repo->failed = true; /* a read is never committed */
    return 0;
}

void
repository_read_end(struct repository *repo)
{
    rollback(repo);
}
