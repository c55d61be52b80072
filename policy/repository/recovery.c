/* What is left when a repository is made anew from its sources. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "policy/repository/store.h"

int
repository_clear(struct repository *repo, uint64_t generation,
                 struct error *err)
{
    /* Instances go with their classes. */
    static const enum statement_id all[] = {
        STATEMENT_CLEAR_NAMESPACES,  STATEMENT_CLEAR_ENCRYPTION,
        STATEMENT_CLEAR_DESCRIPTORS, STATEMENT_CLEAR_QUALIFIERS,
        STATEMENT_CLEAR_CLASSES,
    };
    sqlite3_stmt *s;

    if (!repo->in_transaction || repo->mode != REPOSITORY_WRITE)
        return error_set(err, "%s: no transaction is open", repo->path);
    repo->changed = true;
    s = store_statement(repo, STATEMENT_GENERATION_FLOOR, err);
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, (int64_t)generation);
    if (store_run(repo, s, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        s = store_statement(repo, all[i], err);
        if (s == NULL || store_run(repo, s, err) < 0)
            return -1;
    }
    return 0;
}

static int
move_aside(const char *path, const char *suffix, struct error *err)
{
    char from[600], to[600];

    snprintf(from, sizeof(from), "%s%s", path, suffix);
    snprintf(to, sizeof(to), "%s.damaged%s", path, suffix);
    if (rename(from, to) == 0 || (errno == ENOENT && unlink(to) == 0) ||
        errno == ENOENT)
        return 0;
    return error_set_errno(err, errno, "%s", from);
}

/* The main file last: as long as it is there, nobody makes another, and
 * without its log it is older than its image, which nobody serves. */
int
repository_set_aside(const char *state_dir, unsigned timeout_ms,
                     struct error *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    struct repository turn = {.turn = -1};
    int r = 0;

    snprintf(turn.state_dir, sizeof(turn.state_dir), "%s", state_dir);
    snprintf(turn.path, sizeof(turn.path), "%s/%s", turn.state_dir,
             REPOSITORY_FILE);
    turn.wait_until_ms = clock_monotonic_ms() + timeout_ms;
    if (turn_take(&turn, err) < 0)
        return -1;
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(suffixes); i++)
        r = move_aside(turn.path, suffixes[i], err);
    turn_end(&turn);
    return r;
}
