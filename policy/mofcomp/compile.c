#include "policy/mofcomp/compile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"
#include "policy/decision/decision.h"
#include "policy/mofcomp/input.h"
#include "policy/mofcomp/tell.h"
#include "policy/mofcomp/world.h"

#define TURN_TIMEOUT_MS     60000
#define COMPILE_TIMEOUT_MS  5000
#define ACTIVATE_TIMEOUT_MS 10000

struct compile {
    const struct options *options;
    struct config_paths paths; /* runtime_dir "": not known */
    struct input input;
    struct repository *repo; /* NULL: there is none yet */
    struct world world;
    struct mof_compilation *mof;
    struct repository_change change;
    struct buf said; /* what was done, told once it is true */
    uint64_t generation;
    int control;         /* -1: no gateway runs, or it does not listen */
    bool gateway_failed; /* one runs, but did not do its part */
    struct error gateway_error;
};

static int
compile_fail(const struct error *err)
{
    fprintf(stderr, "mofcomp: %s\n", err->text);
    return EXIT_STORE;
}

/* -- the front half --------------------------------------------------------- */

static struct mof_options
mof_options_of(const struct options *o, struct world *world)
{
    struct mof_options m = {
        .default_namespace = o->default_namespace,
        .syntax_only = o->check,
        .strict = o->strict,
        .create = o->create,
        .max_errors = o->max_errors,
        .include_directories = o->includes,
        .include_count = o->include_count,
    };

    if (world != NULL)
        m.world = world_answers(world);
    return m;
}

/* More than notes. */
static bool
has_complaint(const struct mof_compilation *c)
{
    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        if (mof_diagnostic(c, i)->severity != MOF_NOTE)
            return true;
    }
    return false;
}

/* The exit code; diagnostics are out. */
static int
compile_sources(struct compile *c, struct world *world)
{
    struct mof_options options = mof_options_of(c->options, world);
    int code;

    c->mof = mof_compilation_new(&options);
    if (c->mof == NULL) {
        fprintf(stderr, "mofcomp: out of memory\n");
        return EXIT_STORE;
    }
    code = input_compile(&c->input, c->options, c->mof);
    if (!c->options->quiet || has_complaint(c->mof))
        mof_diagnostics_print(c->mof, stderr);
    if (world != NULL && world->failed)
        return compile_fail(&world->err);
    return code;
}

/* -- where the state is ----------------------------------------------------- */

/* With --state-dir alone the configuration is not needed; if the usual one
 * is of the same state, its gateway is the one to tell. */
static void
runtime_dir_guess(struct config_paths *paths)
{
    struct config_paths usual;

    if (config_paths_load(CONFIG_DEFAULT_PATH, &usual, NULL) == 0 &&
        strcmp(usual.state_dir, paths->state_dir) == 0)
        memcpy(paths->runtime_dir, usual.runtime_dir,
               sizeof(paths->runtime_dir));
}

static int
path_set(char to[256], const char *given, struct error *err)
{
    if (given == NULL)
        return 0;
    if (strlen(given) >= 256)
        return error_set(err, "%s: the path is too long", given);
    strcpy(to, given);
    return 0;
}

static int
paths_find(struct config_paths *paths, const struct options *o,
           struct error *err)
{
    const char *file = o->config != NULL ? o->config : CONFIG_DEFAULT_PATH;

    memset(paths, 0, sizeof(*paths));
    if ((o->config != NULL || o->state_dir == NULL) &&
        config_paths_load(file, paths, err) < 0)
        return -1;
    if (path_set(paths->state_dir, o->state_dir, err) < 0 ||
        path_set(paths->runtime_dir, o->runtime_dir, err) < 0)
        return -1;
    if (paths->runtime_dir[0] == '\0')
        runtime_dir_guess(paths);
    return state_dir_check(paths->state_dir, err);
}

/* -- the repository --------------------------------------------------------- */

static void
tell_waiting(void *arg)
{
    (void)arg;
    fprintf(stderr,
            "mofcomp: another compile is at work, waiting for its end\n");
}

/* As the state's owner: opens it and takes the turn. */
static int
repository_take(struct compile *c, struct error *err)
{
    if (repository_open(c->paths.state_dir, REPOSITORY_WRITE, &c->repo, err) <
        0)
        return -1;
    return repository_begin(c->repo, TURN_TIMEOUT_MS, tell_waiting, NULL, err);
}

/* A repository that does not exist yet is made only when there is something
 * to put into it. */
static int
repository_take_existing(struct compile *c, struct error *err)
{
    char path[300];
    int r;

    snprintf(path, sizeof(path), "%s/%s", c->paths.state_dir, REPOSITORY_FILE);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (state_owner_enter(c->paths.state_dir, err) < 0)
        return -1;
    r = repository_take(c, err);
    state_owner_leave();
    return r;
}

static void
note_created(void *arg, const char *display)
{
    buf_addf(arg, "%s created\n", display);
}

/* Without commit: the turn and the transaction end, nothing has changed. */
static void
repository_finish(struct compile *c)
{
    if (c->repo != NULL)
        state_owner_enter(c->paths.state_dir, NULL);
    repository_close(c->repo);
    state_owner_leave();
}

/* As the state's owner: everything up to the commit.  EXIT_OK or the code,
 * and then why has been told. */
static int
prepare(struct compile *c)
{
    const struct mof_unit *unit = mof_unit(c->mof);
    struct error err = {0};

    if (c->repo == NULL && repository_take(c, &err) < 0)
        return compile_fail(&err);
    if (repository_apply(c->repo, unit, &c->options->apply, note_created,
                         &c->said, &c->change, &err) < 0)
    {
        tell_refused(unit, &c->change, &err);
        return EXIT_STORE;
    }
    if (repository_next_generation(c->repo, &c->generation, &err) < 0 ||
        tell_changes(c->repo, unit, &c->change, &c->said, &err) < 0 ||
        tell_unencrypted(c->repo, unit, &err) < 0 ||
        policy_image_build(c->repo, c->paths.state_dir, c->generation, &err) <
            0)
        return compile_fail(&err);
    return EXIT_OK;
}

/* As the state's owner.  0 committed and activated; 1 committed only; -1. */
static int
commit(struct compile *c, struct error *err)
{
    if (repository_commit(c->repo, err) < 0)
        return -1;
    if (policy_image_activate(c->paths.state_dir, err) < 0)
        return 1;
    repository_end(c->repo);
    return 0;
}

/* -- the gateway ------------------------------------------------------------ */

static void
gateway_lost(struct compile *c)
{
    c->gateway_failed = true;
    if (c->control >= 0)
        close(c->control);
    c->control = -1;
}

/* Before the commit: should this process die after it, the master sees the
 * connection end and makes the image itself.  -1: a gateway may run that
 * this user can't reach. */
static int
gateway_announce(struct compile *c, struct error *err)
{
    if (c->paths.runtime_dir[0] == '\0')
        return 0;
    c->control = control_connect(c->paths.runtime_dir, err);
    if (c->control < 0)
        return err->code == -ENOENT || err->code == -ECONNREFUSED ? 0 : -1;
    if (control_call(c->control, "compile", COMPILE_TIMEOUT_MS, NULL,
                     &c->gateway_error) < 0)
        gateway_lost(c);
    return 0;
}

static void
gateway_activate(struct compile *c)
{
    char request[64];

    if (c->control < 0)
        return;
    snprintf(request, sizeof(request), "activate %llu",
             (unsigned long long)c->generation);
    if (control_call(c->control, request, ACTIVATE_TIMEOUT_MS, NULL,
                     &c->gateway_error) < 0)
        gateway_lost(c);
}

static int
not_in_force(const struct compile *c, const struct error *err)
{
    fprintf(stderr, "mofcomp: stored as generation %llu, not in force: %s\n",
            (unsigned long long)c->generation, err->text);
    return EXIT_STORE;
}

static int
finish(struct compile *c)
{
    unsigned long long generation = c->generation;

    if (!c->options->quiet && c->said.length > 0)
        fputs(c->said.data, stdout);
    fflush(stdout);
    if (c->gateway_failed)
        return not_in_force(c, &c->gateway_error);
    if (c->options->quiet)
        return EXIT_OK;
    if (c->control >= 0)
        printf("policy generation %llu is in force\n", generation);
    else if (c->paths.runtime_dir[0] != '\0')
        printf("policy generation %llu is stored; no gateway is running\n",
               generation);
    else
        printf("policy generation %llu is stored; no gateway was told "
               "(--runtime-dir or --config names one)\n",
               generation);
    return EXIT_OK;
}

/* -- the compile ------------------------------------------------------------ */

/* Between commit and activation only a death without warning interrupts. */
static void
signals_block(sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, before);
}

static int
compile_commit(struct compile *c)
{
    struct error err = {0};
    sigset_t before;
    int committed = -1;

    if (gateway_announce(c, &err) < 0) {
        /* Still our turn: nobody else's image can be meant. */
        policy_image_discard(c->paths.state_dir);
        return compile_fail(&err);
    }
    signals_block(&before);
    if (state_owner_enter(c->paths.state_dir, &err) == 0)
        committed = commit(c, &err);
    state_owner_leave();
    if (committed == 0)
        gateway_activate(c);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (committed < 0)
        return compile_fail(&err);
    return committed == 0 ? finish(c) : not_in_force(c, &err);
}

static int
compile_store(struct compile *c)
{
    struct error err = {0};
    int code;

    if (state_owner_enter(c->paths.state_dir, &err) < 0)
        return compile_fail(&err);
    code = prepare(c);
    state_owner_leave();
    if (code == EXIT_OK)
        code = compile_commit(c);
    return code;
}

static int
compile_whole(struct compile *c)
{
    struct error err = {0};
    int code;

    if (paths_find(&c->paths, c->options, &err) < 0 ||
        input_init(&c->input, c->options, &err) < 0 ||
        repository_take_existing(c, &err) < 0 ||
        world_init(&c->world, c->repo, &err) < 0)
        return compile_fail(&err);
    code = compile_sources(c, &c->world);
    return code == EXIT_OK ? compile_store(c) : code;
}

static int
compile_check(struct compile *c)
{
    struct error err = {0};
    int code;

    if (input_init(&c->input, c->options, &err) < 0)
        return compile_fail(&err);
    code = compile_sources(c, NULL);
    if (code == EXIT_OK && !c->options->quiet)
        puts("no errors");
    return code;
}

int
compile_run(const struct options *o)
{
    struct compile c = {.options = o, .control = -1};
    int code;

    code = o->check ? compile_check(&c) : compile_whole(&c);
    repository_finish(&c);
    if (c.control >= 0)
        close(c.control);
    mof_compilation_free(c.mof);
    world_fini(&c.world);
    input_fini(&c.input);
    buf_fini(&c.said);
    return code;
}
