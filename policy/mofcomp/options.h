#ifndef POLICY_MOFCOMP_OPTIONS_H
#define POLICY_MOFCOMP_OPTIONS_H

#include "policy/base/base.h"
#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/* Exit codes, those of Windows' mofcomp. */
enum {
    EXIT_OK = 0,
    EXIT_STORE = 1, /* meaning, store, or not in force */
    EXIT_SWITCH = 2,
    EXIT_SYNTAX = 3,
    /* What -class:, -instance: or their pragmas forbid: the lowest byte of
     * the code, 0x80041019, is all of it that an exit status holds. */
};

struct options {
    bool check, strict, create, quiet, help, version;
    struct namespace_path default_namespace;      /* zeroed: root\default */
    unsigned class_change, instance_change;       /* enum mof_change */
    unsigned max_errors;                          /* 0: the compiler's own */
    const char *config, *state_dir, *runtime_dir; /* NULL: not given */
    size_t include_count;
    const char **includes; /* of argv */
    size_t file_count;
    const char **files; /* of argv; "-" is standard input */
};

/* Switches as Windows writes them (-N:root\x, case does not matter) and as
 * GNU does (--namespace=root\x, --namespace root\x).  False with err filled:
 * exit EXIT_SWITCH. */
bool options_parse(struct options *o, int argc, char **argv,
                   struct error *err);
void options_fini(struct options *o);
void options_help(void);

#endif
