#include "policy/library/compiler.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ERRORS_MAX 1000000
#define WAIT_MS_MAX    3600000

/* -- errors ------------------------------------------------------------------ */

/* WMI SDK, "WMI Error Constants". */
#define E_FAILED        0x80041001
#define E_NOT_FOUND     0x80041002
#define E_ACCESS_DENIED 0x80041003
#define E_OUT_OF_MEMORY 0x80041006
#define E_TOO_BUSY      0x80041045 /* WBEM_E_SERVER_TOO_BUSY */

static const struct {
    int code; /* of struct error */
    uint32_t published;
} errno_rows[] = {
    {-ENOMEM, E_OUT_OF_MEMORY}, {-ENOENT, E_NOT_FOUND},
    {-ENOTDIR, E_NOT_FOUND},    {-EACCES, E_ACCESS_DENIED},
    {-EPERM, E_ACCESS_DENIED},  {-EBUSY, E_TOO_BUSY},
};

static int32_t
code_of(const struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(errno_rows); i++) {
        if (errno_rows[i].code == err->code)
            return (int32_t)errno_rows[i].published;
    }
    return (int32_t)E_FAILED;
}

void
public_error_set(struct nspolicy_error *to, const struct error *err)
{
    if (to == NULL)
        return;
    to->code = code_of(err);
    snprintf(to->text, sizeof(to->text), "%s", err->text);
}

bool
compiler_fail(struct nspolicy_compiler *c, int32_t phase, int32_t code,
              const char *format, ...)
{
    va_list ap;

    c->info = (WBEM_COMPILE_STATUS_INFO){.lPhaseError = phase, .hRes = code};
    c->error.code = code;
    va_start(ap, format);
    vsnprintf(c->error.text, sizeof(c->error.text), format, ap);
    va_end(ap);
    return false;
}

bool
compiler_fail_error(struct nspolicy_compiler *c, const struct error *err)
{
    return compiler_fail(c, PHASE_STORE, code_of(err), "%s", err->text);
}

/* -- the handle -------------------------------------------------------------- */

int
nspolicy_compiler_new(const char *state_dir, struct nspolicy_compiler **out,
                      struct nspolicy_error *error)
{
    struct nspolicy_compiler *c = calloc(1, sizeof(*c));
    struct error err = {-ENOMEM, "out of memory"};

    *out = NULL;
    if (c != NULL && state_dir != NULL)
        c->state_dir = strdup(state_dir);
    if (c == NULL || (state_dir != NULL && c->state_dir == NULL)) {
        nspolicy_compiler_free(c);
        public_error_set(error, &err);
        return -1;
    }
    *out = c;
    return 0;
}

void
nspolicy_compiler_free(struct nspolicy_compiler *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->include_count; i++)
        free(c->includes[i]);
    free(c->includes);
    free(c->state_dir);
    free(c);
}

int
nspolicy_compiler_set(struct nspolicy_compiler *c,
                      enum nspolicy_setting setting, int64_t value)
{
    switch (setting) {
    case NSPOLICY_STRICT:
    case NSPOLICY_CREATE:
        if (value != 0 && value != 1)
            return -1;
        *(setting == NSPOLICY_STRICT ? &c->strict : &c->create) = value == 1;
        return 0;
    case NSPOLICY_MAX_ERRORS:
        if (value < 1 || value > MAX_ERRORS_MAX)
            return -1;
        c->max_errors = (unsigned)value;
        return 0;
    case NSPOLICY_WAIT_MS:
        if (value < 1 || value > WAIT_MS_MAX)
            return -1;
        c->wait_ms = (unsigned)value;
        return 0;
    }
    return -1;
}

int
nspolicy_compiler_set_warning(struct nspolicy_compiler *c, const char *name,
                              enum nspolicy_warning_setting setting)
{
    static const enum mof_warning_setting settings[] = {
        [NSPOLICY_WARNING_OFF] = MOF_WARNING_OFF,
        [NSPOLICY_WARNING_ON] = MOF_WARNING_ON,
        [NSPOLICY_WARNING_ERROR] = MOF_WARNING_ERROR,
    };
    int n = (int)setting;

    if (name == NULL || n < NSPOLICY_WARNING_OFF || n > NSPOLICY_WARNING_ERROR)
        return -1;
    return mof_warning_set(c->warnings, span_of(name), settings[n]) ? 0 : -1;
}

int
nspolicy_compiler_add_include(struct nspolicy_compiler *c,
                              const char *directory)
{
    size_t n = c->include_count;
    char **more = realloc(c->includes, (n + 1) * sizeof(*more));

    if (more == NULL)
        return -1;
    c->includes = more;
    c->includes[n] = strdup(directory);
    if (c->includes[n] == NULL)
        return -1;
    c->include_count = n + 1;
    return 0;
}

void
nspolicy_compiler_on_diagnostic(struct nspolicy_compiler *c,
                                nspolicy_diagnostic_function *function,
                                void *arg)
{
    c->diagnostic = function;
    c->diagnostic_arg = arg;
}

void
nspolicy_compiler_on_waiting(struct nspolicy_compiler *c,
                             void (*function)(void *arg), void *arg)
{
    c->waiting = function;
    c->waiting_arg = arg;
}

/* -- what the last compile did ----------------------------------------------- */

const struct nspolicy_error *
nspolicy_compiler_error(const struct nspolicy_compiler *c)
{
    return &c->error;
}

enum nspolicy_outcome
nspolicy_compiler_outcome(const struct nspolicy_compiler *c)
{
    return c->outcome;
}

uint64_t
nspolicy_compiler_generation(const struct nspolicy_compiler *c)
{
    return c->generation;
}

static const struct {
    enum nspolicy_count count;
    size_t offset;
} count_rows[] = {
#define COUNT_ROW(name, member)                                               \
    {                                                                         \
        NSPOLICY_##name, offsetof(struct repository_change, member)           \
    }
    COUNT_ROW(NAMESPACES_CREATED, namespaces_created),
    COUNT_ROW(NAMESPACES_DELETED, namespaces_deleted),
    COUNT_ROW(CLASSES_CREATED, classes_created),
    COUNT_ROW(CLASSES_UPDATED, classes_updated),
    COUNT_ROW(CLASSES_UNCHANGED, classes_unchanged),
    COUNT_ROW(CLASSES_DELETED, classes_deleted),
    COUNT_ROW(INSTANCES_CREATED, instances_created),
    COUNT_ROW(INSTANCES_UPDATED, instances_updated),
    COUNT_ROW(INSTANCES_UNCHANGED, instances_unchanged),
    COUNT_ROW(INSTANCES_DELETED, instances_deleted),
    COUNT_ROW(ENCRYPTION_ON, encryption_on),
    COUNT_ROW(ENCRYPTION_OFF, encryption_off),
#undef COUNT_ROW
};

uint64_t
nspolicy_compiler_count(const struct nspolicy_compiler *c,
                        enum nspolicy_count count)
{
    const char *change = (const char *)&c->change;

    for (size_t i = 0; i < ARRAY_COUNT(count_rows); i++) {
        if (count_rows[i].count == count)
            return *(const size_t *)(const void *)(change +
                                                   count_rows[i].offset);
    }
    return 0;
}
