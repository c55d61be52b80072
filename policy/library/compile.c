#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/decision/decision.h"
#include "policy/library/library.h"
#include "policy/library/recover.h"
#include "policy/library/world.h"

#define TURN_TIMEOUT_MS 60000

enum stage {
    STAGE_OPEN = 0,
    STAGE_CHECKED,
    STAGE_PREPARED,
    STAGE_OVER,
};

struct policy_compile {
    struct policy_compile_options options;
    enum stage stage;
    struct repository *repo; /* NULL: there is none yet */
    struct world world;
    struct mof_compilation *mof;
    struct repository_change change;
    uint64_t generation;
    bool is_new_file;
    struct recover_list *recover; /* NULL: nothing for the list */
    struct arena *arena;
    size_t created_count, created_capacity;
    const char **created;
    bool created_failed;
};

/* -- the repository --------------------------------------------------------- */

/* Other people's code runs as who it is. */
static void
waiting(void *arg)
{
    const struct policy_compile *c = arg;

    if (c->options.waiting == NULL)
        return;
    state_owner_leave();
    c->options.waiting(c->options.waiting_arg);
    state_owner_enter(c->options.state_dir, NULL);
}

/* As the state's owner: opens it and takes the turn. */
static int
take(struct policy_compile *c, struct error *err)
{
    const struct policy_compile_options *o = &c->options;
    uint64_t generation;

    if (repository_open(o->state_dir, REPOSITORY_WRITE, &c->repo, err) < 0)
        return -1;
    if (repository_begin(c->repo,
                         o->turn_timeout_ms > 0 ? o->turn_timeout_ms
                                                : TURN_TIMEOUT_MS,
                         waiting, c, err) < 0 ||
        repository_generation(c->repo, &generation, err) < 0)
        return -1;
    return recover_settle(o->state_dir, generation, err);
}

/* A repository that does not exist yet is made only when there is something
 * to put into it. */
static int
take_existing(struct policy_compile *c, struct error *err)
{
    const char *state_dir = c->options.state_dir;
    struct buf path = BUF_INIT;
    int r = 0;

    buf_addf(&path, "%s/%s", state_dir, REPOSITORY_FILE);
    if (buf_failed(&path)) {
        r = error_set_errno(err, ENOMEM, "%s", state_dir);
    } else if (access(path.data, F_OK) == 0 || errno != ENOENT) {
        r = state_owner_enter(state_dir, err);
        if (r == 0)
            r = take(c, err);
        state_owner_leave();
    }
    buf_fini(&path);
    return r;
}

/* -- open and free ---------------------------------------------------------- */

static int
compile_init(struct policy_compile *c, struct error *err)
{
    struct mof_options mof = c->options.mof;

    c->arena = arena_new();
    if (c->arena == NULL)
        return error_set_errno(err, ENOMEM, "compile");
    memset(&mof.world, 0, sizeof(mof.world));
    if (c->options.state_dir != NULL) {
        if (state_dir_check(c->options.state_dir, err) < 0 ||
            (!c->options.recover && take_existing(c, err) < 0) ||
            world_init(&c->world, c->repo, err) < 0)
            return -1;
        c->world.served = c->options.served;
        c->world.served_arg = c->options.served_arg;
        mof.world = world_answers(&c->world);
    }
    c->mof = mof_compilation_new(&mof);
    return c->mof != NULL ? 0 : error_set_errno(err, ENOMEM, "compile");
}

int
policy_compile_open(const struct policy_compile_options *options,
                    struct policy_compile **out, struct error *err)
{
    struct policy_compile *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return error_set_errno(err, ENOMEM, "compile");
    c->options = *options;
    if (compile_init(c, err) < 0) {
        policy_compile_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void
policy_compile_free(struct policy_compile *c)
{
    if (c == NULL)
        return;
    if (c->repo != NULL) {
        state_owner_enter(c->options.state_dir, NULL);
        /* Still our turn: nobody else's image can be meant. */
        if (c->stage == STAGE_PREPARED) {
            policy_image_discard(c->options.state_dir);
            recover_discard(c->options.state_dir);
        }
        repository_close(c->repo);
        state_owner_leave();
    }
    recover_free(c->recover);
    mof_compilation_free(c->mof);
    world_fini(&c->world);
    free(c->created);
    arena_free(c->arena);
    free(c);
}

/* -- check ------------------------------------------------------------------ */

struct mof_compilation *
policy_compile_mof(const struct policy_compile *c)
{
    return c->mof;
}

int
policy_compile_check(struct policy_compile *c, struct error *err)
{
    int r = mof_check(c->mof);

    if (c->world.failed) {
        if (err != NULL)
            *err = c->world.err;
        return -1;
    }
    if (r < 0 || mof_error_count(c->mof) > 0)
        return 1;
    c->stage = STAGE_CHECKED;
    return 0;
}

enum mof_phase
policy_compile_phase(const struct policy_compile *c)
{
    for (size_t i = 0; i < mof_diagnostic_count(c->mof); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(c->mof, i);

        if (d->severity == MOF_ERROR && d->phase == MOF_PHASE_SYNTAX)
            return MOF_PHASE_SYNTAX;
    }
    return MOF_PHASE_STORE;
}

/* -- prepare ---------------------------------------------------------------- */

static void
note_created(void *arg, const char *display)
{
    struct policy_compile *c = arg;
    const char *copy = arena_copy(c->arena, span_of(display));

    if (c->created_count == c->created_capacity) {
        size_t capacity = c->created_capacity ? c->created_capacity * 2 : 8;
        const char **more =
            realloc(c->created, capacity * sizeof(*c->created));

        if (more != NULL) {
            c->created = more;
            c->created_capacity = capacity;
        }
    }
    if (copy == NULL || c->created_count == c->created_capacity)
        c->created_failed = true;
    else
        c->created[c->created_count++] = copy;
}

/* As the state's owner. */
static int
prepare(struct policy_compile *c, struct error *err)
{
    if (c->options.recover) {
        int r = recover_damaged(&c->options, err);

        if (r < 0)
            return -1;
        c->is_new_file = r > 0;
    }
    if (c->repo == NULL && take(c, err) < 0)
        return -1;
    if (c->options.recover &&
        recover_clear(c->repo, c->options.state_dir, err) < 0)
        return -1;
    if (repository_apply(c->repo, mof_unit(c->mof), &c->options.apply,
                         note_created, c, &c->change, err) < 0)
        return c->change.failed_code != 0 ? 1 : -1;
    if (c->created_failed)
        return error_set_errno(err, ENOMEM, "compile");
    if (repository_next_generation(c->repo, &c->generation, err) < 0)
        return -1;
    if (c->recover != NULL &&
        recover_prepare(c->recover, c->generation, err) < 0)
        return -1;
    if (policy_image_build(c->repo, c->options.state_dir, c->generation,
                           err) == 0)
        return 0;
    recover_discard(c->options.state_dir);
    return -1;
}

int
policy_compile_prepare(struct policy_compile *c, struct error *err)
{
    int r;

    if (c->options.state_dir == NULL || c->stage != STAGE_CHECKED)
        return error_set(err, "there is nothing that could be stored");
    c->stage = STAGE_OVER;
    if (recover_collect(c->mof, &c->options, &c->recover, err) < 0 ||
        state_owner_enter(c->options.state_dir, err) < 0)
        return -1;
    r = prepare(c, err);
    state_owner_leave();
    if (r == 0)
        c->stage = STAGE_PREPARED;
    return r;
}

/* -- commit ----------------------------------------------------------------- */

/* As the state's owner. */
static int
commit(struct policy_compile *c, struct error *err)
{
    if (repository_commit(c->repo, err) < 0)
        return -1;
    if (policy_image_activate(c->options.state_dir, err) < 0 ||
        (c->recover != NULL &&
         recover_activate(c->options.state_dir, err) < 0))
        return 1;
    repository_end(c->repo);
    return 0;
}

int
policy_compile_commit(struct policy_compile *c, struct error *err)
{
    int r;

    if (c->stage != STAGE_PREPARED)
        return error_set(err, "there is nothing that could be stored");
    if (state_owner_enter(c->options.state_dir, err) < 0)
        return -1;
    c->stage = STAGE_OVER;
    r = commit(c, err);
    state_owner_leave();
    return r;
}

bool
policy_compile_is_new_file(const struct policy_compile *c)
{
    return c->is_new_file;
}

const char *
policy_compile_state_dir(const struct policy_compile *c)
{
    return c->options.state_dir;
}

/* -- what was done ---------------------------------------------------------- */

const struct repository_change *
policy_compile_change(const struct policy_compile *c)
{
    return &c->change;
}

uint64_t
policy_compile_generation(const struct policy_compile *c)
{
    return c->generation;
}

size_t
policy_compile_created_count(const struct policy_compile *c)
{
    return c->created_count;
}

const char *
policy_compile_created(const struct policy_compile *c, size_t index)
{
    return index < c->created_count ? c->created[index] : NULL;
}

struct repository *
policy_compile_repository(const struct policy_compile *c)
{
    return c->repo;
}
