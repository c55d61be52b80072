#include "policy/mofcomp/compile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"
#include "policy/library/library.h"
#include "policy/mofcomp/input.h"
#include "policy/mofcomp/tell.h"

#define COMPILE_TIMEOUT_MS  5000
#define ACTIVATE_TIMEOUT_MS 10000

struct compile {
    const struct options *options;
    struct config_paths paths; /* runtime_dir "": not known */
    struct input input;
    struct policy_compile *policy;
    struct buf said;     /* what was done, told once it is true */
    struct buf notes;    /* the same for standard error */
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

static void
tell_waiting(void *arg)
{
    (void)arg;
    fprintf(stderr,
            "mofcomp: another compile is at work, waiting for its end\n");
}

static void
add_note(void *arg, const struct mof_statement *st, const char *text)
{
    buf_addf(arg, "%s:%u:%u: note: %s\n", st->where.file,
             (unsigned)st->where.line, (unsigned)st->where.column, text);
}

static struct policy_compile_options
policy_options_of(struct compile *c, const char *state_dir)
{
    const struct options *o = c->options;

    return (struct policy_compile_options){
        .state_dir = state_dir,
        .mof =
            {
                .default_namespace = o->default_namespace,
                .syntax_only = o->check,
                .strict = o->strict,
                .create = o->create,
                .max_errors = o->max_errors,
                .include_directories = o->includes,
                .include_count = o->include_count,
            },
        .apply = {.class_change = o->class_change,
                  .instance_change = o->instance_change,
                  .note = add_note,
                  .note_arg = &c->notes},
        .waiting = tell_waiting,
    };
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
compile_sources(struct compile *c, const char *state_dir)
{
    struct policy_compile_options options = policy_options_of(c, state_dir);
    struct mof_compilation *mof;
    struct error err = {0};
    int r;

    if (policy_compile_open(&options, &c->policy, &err) < 0)
        return compile_fail(&err);
    mof = policy_compile_mof(c->policy);
    input_compile(&c->input, c->options, mof);
    r = policy_compile_check(c->policy, &err);
    if (!c->options->quiet || has_complaint(mof))
        mof_diagnostics_print(mof, stderr);
    if (r < 0)
        return compile_fail(&err);
    if (r == 0)
        return EXIT_OK;
    return policy_compile_phase(c->policy) == MOF_PHASE_SYNTAX ? EXIT_SYNTAX
                                                               : EXIT_STORE;
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
    return 0;
}

/* -- everything up to the commit -------------------------------------------- */

/* EXIT_OK or the code, and then why has been told. */
static int
prepare(struct compile *c)
{
    struct error err = {0};
    int r = policy_compile_prepare(c->policy, &err);

    if (r > 0) {
        return tell_refused(c->policy, &err);
    }
    if (r < 0 || tell_changes(c->policy, &c->said, &err) < 0 ||
        tell_unencrypted(c->policy, &err) < 0)
        return compile_fail(&err);
    return EXIT_OK;
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
             (unsigned long long)policy_compile_generation(c->policy));
    if (control_call(c->control, request, ACTIVATE_TIMEOUT_MS, NULL,
                     &c->gateway_error) < 0)
        gateway_lost(c);
}

static int
not_in_force(const struct compile *c, const struct error *err)
{
    fprintf(stderr, "mofcomp: stored as generation %llu, not in force: %s\n",
            (unsigned long long)policy_compile_generation(c->policy),
            err->text);
    return EXIT_STORE;
}

static int
finish(struct compile *c)
{
    unsigned long long generation = policy_compile_generation(c->policy);

    if (c->notes.length > 0)
        fputs(c->notes.data, stderr);
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
    int committed;

    if (gateway_announce(c, &err) < 0)
        return compile_fail(&err);
    signals_block(&before);
    committed = policy_compile_commit(c->policy, &err);
    if (committed == 0)
        gateway_activate(c);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (committed < 0)
        return compile_fail(&err);
    return committed == 0 ? finish(c) : not_in_force(c, &err);
}

static int
compile_whole(struct compile *c)
{
    struct error err = {0};
    int code;

    if (paths_find(&c->paths, c->options, &err) < 0 ||
        input_init(&c->input, c->options, &err) < 0)
        return compile_fail(&err);
    code = compile_sources(c, c->paths.state_dir);
    if (code == EXIT_OK)
        code = prepare(c);
    return code == EXIT_OK ? compile_commit(c) : code;
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
    policy_compile_free(c.policy);
    if (c.control >= 0)
        close(c.control);
    input_fini(&c.input);
    buf_fini(&c.said);
    buf_fini(&c.notes);
    return code;
}
