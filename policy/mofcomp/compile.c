#include "policy/mofcomp/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"
#include "policy/decision/decision.h"
#include "policy/library/library.h"
#include "policy/mofcomp/amend.h"
#include "policy/mofcomp/dump.h"
#include "policy/mofcomp/input.h"
#include "policy/mofcomp/paths.h"
#include "policy/mofcomp/plan.h"
#include "policy/mofcomp/progress.h"
#include "policy/mofcomp/recover.h"
#include "policy/mofcomp/scratch.h"
#include "policy/mofcomp/tell.h"

#define COMPILE_TIMEOUT_MS  5000
#define ACTIVATE_TIMEOUT_MS 10000

struct compile {
    const struct options *options;
    struct say say;
    struct config_paths paths; /* runtime_dir "": not known */
    struct served served;
    char image[300]; /* what an interrupt has to remove */
    struct input input;
    struct scratch scratch;
    struct recover recover;
    struct policy_compile *policy;
    struct buf said;     /* what was done, told once it is true */
    int control;         /* -1: no gateway runs, or it does not listen */
    bool gateway_failed; /* one runs, but did not do its part */
    struct error gateway_error;
};

static int
compile_fail(struct compile *c, const struct error *err)
{
    say_error(&c->say, "%s", err->text);
    return EXIT_STORE;
}

/* -- the front half --------------------------------------------------------- */

static void
tell_waiting(void *arg)
{
    say_note(arg, "another compile is at work, waiting for its end");
}

/* What forceupdate took out of a class. */
static void
tell_taken(void *arg, const struct mof_statement *st, const char *text)
{
    struct compile *c = arg;
    const struct mof_diagnostic *d =
        mof_add_note(policy_compile_mof(c->policy), st, text);

    if (d != NULL)
        say_diagnostic(&c->say, d);
}

static struct policy_compile_options
policy_options_of(struct compile *c, const char *state_dir)
{
    const struct options *o = c->options;
    struct policy_compile_options p = {
        .state_dir = state_dir,
        .mof =
            {
                .default_namespace = o->default_namespace,
                .syntax_only = o->check,
                .standalone = o->binary != NULL || o->neutral != NULL,
                .class_change = o->class_change,
                .strict = o->strict,
                .create = o->create,
                .max_errors = o->max_errors,
                .include_directories = o->includes,
                .include_count = o->include_count,
            },
        .apply = {.class_change = o->class_change,
                  .instance_change = o->instance_change,
                  .note = tell_taken,
                  .note_arg = c},
        .served = served_has,
        .served_arg = &c->served,
        .autorecover = o->autorecover,
        .recover = o->recovering,
        .waiting = tell_waiting,
        .waiting_arg = &c->say,
    };

    memcpy(p.mof.warnings, o->warnings, sizeof(p.mof.warnings));
    return p;
}

/* An image that is being made is this compile's only while it has the turn;
 * a repository that does not exist yet has none to hold. */
static void
image_name(struct compile *c)
{
    if (policy_compile_repository(c->policy) == NULL)
        return;
    snprintf(c->image, sizeof(c->image), "%s/" POLICY_IMAGE_FILE ".new",
             policy_compile_state_dir(c->policy));
    interrupt_remove(c->image);
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
        return compile_fail(c, &err);
    image_name(c);
    mof = policy_compile_mof(c->policy);
    input_compile(&c->input, c->options, mof);
    progress_set("checking");
    r = policy_compile_check(c->policy, &err);
    if (r == 0 && c->options->binary != NULL)
        r = mof_binary_save(mof, c->options->binary) < 0;
    if (r == 0 && c->options->neutral != NULL)
        r = amend_write(c->options, mof_unit(mof), &err);
    say_diagnostics(&c->say, mof);
    if (r < 0)
        return compile_fail(c, &err);
    if (r == 0)
        return EXIT_OK;
    return policy_compile_phase(c->policy) == MOF_PHASE_SYNTAX ? EXIT_SYNTAX
                                                               : EXIT_STORE;
}

/* -- everything up to the commit -------------------------------------------- */

/* EXIT_OK or the code, and then why has been told. */
static int
prepare(struct compile *c)
{
    const struct mof_unit *unit = mof_unit(policy_compile_mof(c->policy));
    struct error err = {0};
    int r, code;

    progress_set("storing %zu classes and %zu instances", unit->class_count,
                 unit->instance_count);
    r = policy_compile_prepare(c->policy, &err);
    if (r > 0)
        return tell_refused(&c->say, c->policy, &err);
    if (r < 0 || tell_changes(c->policy, &c->said, &err) < 0)
        return compile_fail(c, &err);
    if (!recover_allows(c->options, c->policy, &c->say, &err))
        return compile_fail(c, &err);
    recover_tell(c->options, policy_compile_mof(c->policy), &c->say);
    code = tell_unencrypted(&c->say, c->policy, &err);
    return err.text[0] != '\0' ? compile_fail(c, &err) : code;
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
    /* A repository that was made anew is another file than the one that the
     * gateway's processes have open; a reload opens it. */
    if (control_call(c->control, request, ACTIVATE_TIMEOUT_MS, NULL,
                     &c->gateway_error) < 0 ||
        (policy_compile_is_new_file(c->policy) &&
         control_call(c->control, "reload", ACTIVATE_TIMEOUT_MS, NULL,
                      &c->gateway_error) < 0))
        gateway_lost(c);
}

static int
not_in_force(struct compile *c, const struct error *err)
{
    say_error(&c->say, "stored as generation %llu, not in force: %s",
              (unsigned long long)policy_compile_generation(c->policy),
              err->text);
    return EXIT_STORE;
}

/* For standard output. */
static void
print(const struct buf *text)
{
    progress_end();
    if (text->length > 0)
        fwrite(text->data, 1, text->length, stdout);
    fflush(stdout);
}

static int
finish(struct compile *c)
{
    unsigned long long generation = policy_compile_generation(c->policy);

    if (!c->options->quiet)
        print(&c->said);
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

/* Between commit and activation only a death without warning interrupts;
 * what is committed is brought to its end. */
static int
compile_commit(struct compile *c)
{
    struct error err = {0};
    int committed;

    progress_end(); /* no timer may cut short what is waited for below */
    if (gateway_announce(c, &err) < 0)
        return compile_fail(c, &err);
    interrupt_hold();
    committed = policy_compile_commit(c->policy, &err);
    if (committed >= 0)
        interrupt_ignore();
    if (committed == 0)
        gateway_activate(c);
    interrupt_allow();
    if (committed < 0)
        return compile_fail(c, &err);
    return committed == 0 ? finish(c) : not_in_force(c, &err);
}

/* Where the state is, and what else there is. */
static int
world_find(struct compile *c, struct error *err)
{
    if (paths_find(&c->paths, c->options, err) < 0)
        return -1;
    return served_find(&c->served, c->options, &c->paths, err);
}

static int
compile_whole(struct compile *c)
{
    struct error err = {0};
    int code;

    if (world_find(c, &err) < 0)
        return compile_fail(c, &err);
    if (c->options->recovering) {
        if (!recover_load(&c->recover, c->options, c->paths.state_dir,
                          &c->say))
            return EXIT_STORE;
        c->options = &c->recover.options;
    }
    code = compile_sources(c, c->paths.state_dir);
    if (code == EXIT_OK)
        code = prepare(c);
    return code == EXIT_OK ? compile_commit(c) : code;
}

/* -check and -B: without a repository. */
static int
compile_alone(struct compile *c)
{
    int code = compile_sources(c, NULL);

    if (code != EXIT_OK || c->options->quiet)
        return code;
    progress_end();
    if (c->options->binary != NULL)
        printf("binary MOF is in %s\n", c->options->binary);
    else if (c->options->neutral != NULL)
        printf("split into %s and %s\n", c->options->neutral,
               c->options->localized);
    else
        puts("no errors");
    return code;
}

/* -- what stores nothing ---------------------------------------------------- */

/* Does the state have a repository?  -1: it can't be told. */
static int
has_repository(const char *state_dir, struct error *err)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/" REPOSITORY_FILE, state_dir);
    if (access(path, F_OK) == 0)
        return 1;
    return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", path);
}

/* Everything up to the commit.  Where there is no repository yet, one in a
 * directory of its own stands for it, so that none is left behind. */
static int
compile_dry(struct compile *c)
{
    const char *state_dir = c->paths.state_dir;
    struct buf plan = BUF_INIT;
    struct error err = {0};
    int code, has;

    if (world_find(c, &err) < 0 || state_dir_check(state_dir, &err) < 0 ||
        (has = has_repository(state_dir, &err)) < 0 ||
        (has == 0 && scratch_make(&c->scratch, &err) < 0))
        return compile_fail(c, &err);
    code = compile_sources(c, has ? state_dir : c->scratch.path);
    if (code == EXIT_OK)
        code = prepare(c);
    progress_set("comparing");
    if (code == EXIT_OK && plan_print(c->policy, &plan, &err) < 0)
        code = compile_fail(c, &err);
    if (code == EXIT_OK) {
        if (!c->options->quiet)
            buf_addf(&plan,
                     "Dry run: nothing was stored; it would be policy "
                     "generation %llu.\n",
                     (unsigned long long)policy_compile_generation(c->policy));
        print(&plan);
    }
    buf_fini(&plan);
    return code;
}

/* The repository is looked at if there is one to be found. */
static int
compile_dump(struct compile *c)
{
    const struct options *o = c->options;
    bool is_named = o->config != NULL || o->state_dir != NULL ||
                    access(CONFIG_DEFAULT_PATH, F_OK) == 0;
    const struct mof_unit *unit;
    struct error err = {0};
    int code, r;

    if (is_named && world_find(c, &err) < 0)
        return compile_fail(c, &err);
    code = compile_sources(c, is_named ? c->paths.state_dir : NULL);
    if (code != EXIT_OK)
        return code;
    progress_end();
    unit = mof_unit(policy_compile_mof(c->policy));
    r = o->dump == DUMP_JSON ? dump_json(unit, stdout)
                             : dump_mof(unit, stdout);
    if (r < 0)
        error_set(&err, "out of memory");
    else if (fflush(stdout) != 0 || ferror(stdout))
        error_set_errno(&err, errno, "standard output");
    return err.text[0] != '\0' ? compile_fail(c, &err) : EXIT_OK;
}

int
compile_run(const struct options *o)
{
    struct compile c = {.options = o, .control = -1};
    struct error err = {0};
    int code;

    say_init(&c.say, o);
    interrupt_begin();
    progress_begin(!o->quiet && !o->json && isatty(STDERR_FILENO) == 1);
    if (input_init(&c.input, o, &err) < 0)
        code = compile_fail(&c, &err);
    else if (o->check || o->binary != NULL || o->neutral != NULL)
        code = compile_alone(&c);
    else if (o->dump != DUMP_NONE)
        code = compile_dump(&c);
    else if (o->dry_run)
        code = compile_dry(&c);
    else
        code = compile_whole(&c);
    policy_compile_free(c.policy);
    progress_end();
    scratch_remove(&c.scratch);
    interrupt_remove_nothing();
    served_fini(&c.served);
    if (c.control >= 0)
        close(c.control);
    recover_fini(&c.recover);
    input_fini(&c.input);
    buf_fini(&c.said);
    return code;
}
