/* The methods of IMofCompiler. */
#include "policy/library/nspolicy.h"

#include <stdio.h>
#include <string.h>

#include "policy/library/compiler.h"

#define E_FAILED            ((int32_t)0x80041001)
#define E_INVALID_OPERATION ((int32_t)0x80041016)
#define E_INVALID_PARAMETER ((int32_t)0x80041008)

#define UNENCRYPTED_MAX 20 /* warnings of one compile */

/* One compile at work. */
struct run {
    struct nspolicy_compiler *compiler;
    const struct call *call;
    struct policy_compile *compile;
    struct mof_compilation *mof; /* of compile */
};

/* -- steps: false, and the compiler knows why -------------------------------- */

/* What forceupdate took out of a subclass. */
static void
note(void *arg, const struct mof_statement *st, const char *text)
{
    struct run *run = arg;
    const struct mof_diagnostic *d = mof_add_note(run->mof, st, text);

    if (d != NULL)
        diagnose(run->compiler, run->call, d);
}

static bool
step_open(struct run *run)
{
    struct nspolicy_compiler *c = run->compiler;
    const struct call *call = run->call;
    bool check = (call->option_flags & WBEM_FLAG_CHECK_ONLY) != 0;
    bool store = !check && call->kind != CALL_BMOF;
    struct policy_compile_options options = {
        .state_dir = store ? c->state_dir : NULL,
        .mof = {.default_namespace = call->path,
                .syntax_only = check,
                .standalone = !check && !store,
                .strict = c->strict,
                .create = c->create,
                .max_errors = c->max_errors,
                .include_directories = (const char *const *)c->includes,
                .include_count = c->include_count},
        .apply = {.class_change = (unsigned)call->class_flags,
                  .instance_change = (unsigned)call->instance_flags,
                  .note = note,
                  .note_arg = run},
        .autorecover = (call->option_flags & WBEM_FLAG_AUTORECOVER) != 0,
        .forget = call->kind == CALL_BUFFER ||
                  (call->option_flags & WBEM_FLAG_DONT_ADD_TO_LIST) != 0,
        .turn_timeout_ms = c->wait_ms,
        .waiting = c->waiting,
        .waiting_arg = c->waiting_arg};
    struct error err = {0};

    memcpy(options.mof.warnings, c->warnings, sizeof(c->warnings));
    if (policy_compile_open(&options, &run->compile, &err) < 0)
        return compiler_fail_error(c, &err);
    run->mof = policy_compile_mof(run->compile);
    return true;
}

/* What is wrong with a source is a diagnostic. */
static bool
step_read(struct run *run)
{
    const struct call *call = run->call;

    if (call->kind == CALL_BUFFER)
        mof_compile_buffer(run->mof, "buffer",
                           call->buffer != NULL ? call->buffer : "",
                           (size_t)call->size);
    for (size_t i = 0; i < call->count; i++)
        mof_compile_file(run->mof, strcmp(call->files[i], "-") == 0
                                       ? "./-"
                                       : call->files[i]);
    return true;
}

/* The first error of the phase is the one that the status record tells. */
static bool
failed(struct run *run, enum mof_phase phase)
{
    for (size_t i = 0; i < mof_diagnostic_count(run->mof); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(run->mof, i);

        if (d->severity == MOF_ERROR && d->phase == phase)
            return diagnose_failure(run->compiler, run->mof, d);
    }
    return compiler_fail(run->compiler, (int32_t)phase, E_FAILED,
                         "the text has errors");
}

static bool
step_check(struct run *run)
{
    struct nspolicy_compiler *c = run->compiler;
    struct error err = {0};
    int r = policy_compile_check(run->compile, &err);

    diagnose_from(c, run->call, run->mof, 0);
    if (r < 0)
        return compiler_fail_error(c, &err);
    return r == 0 || failed(run, policy_compile_phase(run->compile));
}

static bool
refused(struct run *run, const struct error *err)
{
    struct nspolicy_compiler *c = run->compiler;
    const struct repository_change *change =
        policy_compile_change(run->compile);
    const struct mof_diagnostic *d = NULL;

    /* With an errno it is the store that failed, not the statement. */
    if (change->failed != NULL && err->code == 0)
        d = mof_add_error(run->mof, change->failed, change->failed_code,
                          err->text);
    if (d == NULL)
        return compiler_fail_error(c, err);
    diagnose(c, run->call, d);
    return diagnose_failure(c, run->mof, d);
}

struct warnings {
    struct run *run;
    unsigned told;
    bool refused; /* one of them is an error */
};

static bool
warn_unencrypted(void *arg, const struct mof_statement *parent,
                 const struct repository_namespace *child)
{
    struct warnings *w = arg;
    struct nspolicy_compiler *c = w->run->compiler;
    const struct mof_diagnostic *d;
    char text[2 * NAMESPACE_PATH_MAX + 200];

    snprintf(text, sizeof(text),
             "%s requires encryption, its child %.*s does not: "
             "RequiresEncryption is not inherited",
             parent->namespace_display, (int)child->display.length,
             child->display.data);
    d = mof_add_warning(w->run->mof, parent, MOF_WARNING_UNENCRYPTED_CHILD,
                        text);
    if (d == NULL)
        return false; /* turned off */
    diagnose(c, w->run->call, d);
    if (d->severity == MOF_ERROR && !w->refused)
        diagnose_failure(c, w->run->mof, d);
    w->refused |= d->severity == MOF_ERROR;
    return ++w->told < UNENCRYPTED_MAX;
}

static bool
step_prepare(struct run *run)
{
    struct warnings warnings = {.run = run};
    struct error err = {0};
    int r = policy_compile_prepare(run->compile, &err);

    if (r > 0)
        return refused(run, &err);
    if (r == 0)
        r = policy_compile_each_unencrypted(run->compile, warn_unencrypted,
                                            &warnings, &err);
    if (r < 0)
        return compiler_fail_error(run->compiler, &err);
    return !warnings.refused;
}

static bool
step_commit(struct run *run)
{
    struct nspolicy_compiler *c = run->compiler;
    struct error err = {0};
    int r = policy_compile_commit(run->compile, &err);

    if (r < 0)
        return compiler_fail_error(c, &err);
    c->generation = policy_compile_generation(run->compile);
    c->change = *policy_compile_change(run->compile);
    c->outcome = r == 0 ? NSPOLICY_IN_PLACE : NSPOLICY_STORED;
    if (r > 0)
        return compiler_fail(c, PHASE_STORE, E_FAILED,
                             "stored as generation %llu, not in force: %s",
                             (unsigned long long)c->generation, err.text);
    return true;
}

/* What a binary can't hold are diagnostics that come now. */
static bool
step_write(struct run *run)
{
    size_t before = mof_diagnostic_count(run->mof);
    int r = mof_binary_save(run->mof, run->call->bmof_file);

    diagnose_from(run->compiler, run->call, run->mof, before);
    return r == 0 || failed(run, policy_compile_phase(run->compile));
}

typedef bool run_step(struct run *run);

static run_step *const check_steps[] = {step_open, step_read, step_check,
                                        NULL};
static run_step *const write_steps[] = {step_open, step_read, step_check,
                                        step_write, NULL};
static run_step *const store_steps[] = {step_open,    step_read,   step_check,
                                        step_prepare, step_commit, NULL};

static run_step *const *
steps_of(const struct call *call)
{
    if ((call->option_flags & WBEM_FLAG_CHECK_ONLY) != 0)
        return check_steps;
    return call->kind == CALL_BMOF ? write_steps : store_steps;
}

/* -- one call ------------------------------------------------------------------ */

/* Nobody remembers the file: neither it says so nor the caller, who did not
 * say that it shall not be, either. */
static bool
is_forgotten(const struct run *run)
{
    return run->call->kind == CALL_FILES && !mof_unit(run->mof)->autorecover &&
           (run->call->option_flags &
            (WBEM_FLAG_AUTORECOVER | WBEM_FLAG_DONT_ADD_TO_LIST)) == 0;
}

static int32_t
run_steps(struct nspolicy_compiler *c, const struct call *call)
{
    struct run run = {.compiler = c, .call = call};
    run_step *const *steps = steps_of(call), *const *step = steps;
    int32_t result = WBEM_S_FALSE;

    while (*step != NULL && (*step)(&run))
        step++;
    if (*step == NULL)
        result = steps == store_steps && is_forgotten(&run)
                     ? NSPOLICY_S_NO_AUTORECOVER
                     : WBEM_S_NO_ERROR;
    policy_compile_free(run.compile);
    return result;
}

static void
forget(struct nspolicy_compiler *c)
{
    memset(&c->error, 0, sizeof(c->error));
    memset(&c->info, 0, sizeof(c->info));
    memset(&c->change, 0, sizeof(c->change));
    c->outcome = NSPOLICY_NOTHING;
    c->generation = 0;
}

static int32_t
call_run(struct nspolicy_compiler *c, struct call *call,
         WBEM_COMPILE_STATUS_INFO *info)
{
    int32_t result = WBEM_S_FALSE;

    if (info != NULL)
        *info = (WBEM_COMPILE_STATUS_INFO){
            .lPhaseError = PHASE_ARGUMENT,
            .hRes = c == NULL ? E_INVALID_PARAMETER : E_INVALID_OPERATION};
    if (c == NULL || c->busy)
        return WBEM_S_FALSE;
    c->busy = true;
    forget(c);
    if (arguments_check(c, call))
        result = run_steps(c, call);
    c->busy = false;
    if (info != NULL)
        *info = c->info;
    return result;
}

int32_t
nspolicy_compile_file(struct nspolicy_compiler *c, const char *file_name,
                      const char *server_and_namespace, const char *user,
                      const char *authority, const char *password,
                      int32_t option_flags, int32_t class_flags,
                      int32_t instance_flags, WBEM_COMPILE_STATUS_INFO *info)
{
    struct call call = {.kind = CALL_FILES,
                        .count = 1,
                        .files = &file_name,
                        .namespace = server_and_namespace,
                        .user = user,
                        .authority = authority,
                        .option_flags = option_flags,
                        .class_flags = class_flags,
                        .instance_flags = instance_flags};

    (void)password;
    return call_run(c, &call, info);
}

int32_t
nspolicy_compile_files(struct nspolicy_compiler *c, size_t count,
                       const char *const *file_names,
                       const char *server_and_namespace, int32_t option_flags,
                       int32_t class_flags, int32_t instance_flags,
                       WBEM_COMPILE_STATUS_INFO *info)
{
    struct call call = {.kind = CALL_FILES,
                        .count = count,
                        .files = file_names,
                        .namespace = server_and_namespace,
                        .option_flags = option_flags,
                        .class_flags = class_flags,
                        .instance_flags = instance_flags};

    return call_run(c, &call, info);
}

int32_t
nspolicy_compile_buffer(struct nspolicy_compiler *c, int32_t size,
                        const void *buffer, const char *server_and_namespace,
                        const char *user, const char *authority,
                        const char *password, int32_t option_flags,
                        int32_t class_flags, int32_t instance_flags,
                        WBEM_COMPILE_STATUS_INFO *info)
{
    struct call call = {.kind = CALL_BUFFER,
                        .buffer = buffer,
                        .size = size,
                        .namespace = server_and_namespace,
                        .user = user,
                        .authority = authority,
                        .option_flags = option_flags,
                        .class_flags = class_flags,
                        .instance_flags = instance_flags};

    (void)password;
    return call_run(c, &call, info);
}

int32_t
nspolicy_create_bmof(struct nspolicy_compiler *c, const char *text_file_name,
                     const char *bmof_file_name,
                     const char *server_and_namespace, int32_t option_flags,
                     int32_t class_flags, int32_t instance_flags,
                     WBEM_COMPILE_STATUS_INFO *info)
{
    struct call call = {.kind = CALL_BMOF,
                        .count = 1,
                        .files = &text_file_name,
                        .bmof_file = bmof_file_name,
                        .namespace = server_and_namespace,
                        .option_flags = option_flags,
                        .class_flags = class_flags,
                        .instance_flags = instance_flags};

    return call_run(c, &call, info);
}
