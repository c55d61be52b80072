#ifndef POLICY_LIBRARY_COMPILER_H
#define POLICY_LIBRARY_COMPILER_H

#include "policy/library/library.h"
#include "policy/library/nspolicy.h"

struct nspolicy_compiler {
    char *state_dir; /* NULL: none */
    size_t include_count;
    char **includes;
    bool strict, create;
    unsigned max_errors, wait_ms;
    enum mof_warning_setting warnings[MOF_WARNING_COUNT];
    nspolicy_diagnostic_function *diagnostic;
    void *diagnostic_arg;
    void (*waiting)(void *arg);
    void *waiting_arg;

    bool busy; /* a compile is at work: a callback may not begin another */
    /* What the last compile did. */
    struct nspolicy_error error;
    WBEM_COMPILE_STATUS_INFO info;
    enum nspolicy_outcome outcome;
    uint64_t generation;
    struct repository_change change;
};

enum call_kind {
    CALL_FILES = 1,
    CALL_BUFFER,
    CALL_BMOF,
};

/* The arguments of one call. */
struct call {
    enum call_kind kind;
    size_t count;
    const char *const *files;
    const void *buffer;
    int32_t size;
    const char *bmof_file;
    const char *namespace, *user, *authority;
    int32_t option_flags, class_flags, instance_flags;
    /* filled by arguments_check */
    struct namespace_path path; /* zeroed: none was given */
};

/* Phases of lPhaseError. */
enum {
    PHASE_NONE = 0,
    PHASE_PARSE = 1,
    PHASE_ARGUMENT = 2,
    PHASE_STORE = 3,
};

/* False, and why is in c->error and c->info, if it is not to be done. */
bool arguments_check(struct nspolicy_compiler *c, struct call *call);

/* Sets c->error and c->info; false. */
bool compiler_fail(struct nspolicy_compiler *c, int32_t phase, int32_t code,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same in the words of err, phase 3, with the code that is nearest to its
 * errno. */
bool compiler_fail_error(struct nspolicy_compiler *c, const struct error *err);

/* Fills to (may be NULL) with err's text and the code nearest to its errno. */
void public_error_set(struct nspolicy_error *to, const struct error *err);

/* -- diagnose.c ------------------------------------------------------------ */

/* Those from the first on, to the callback and, if the flags say so, to the
 * console. */
void diagnose_from(struct nspolicy_compiler *c, const struct call *call,
                   const struct mof_compilation *mof, size_t first);
/* One that is not the front half's. */
void diagnose(struct nspolicy_compiler *c, const struct call *call,
              const struct mof_diagnostic *d);
/* c->error and c->info from it; false. */
bool diagnose_failure(struct nspolicy_compiler *c, struct mof_compilation *mof,
                      const struct mof_diagnostic *d);

#endif
