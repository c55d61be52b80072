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

enum dump_format {
    DUMP_NONE = 0,
    DUMP_MOF,
    DUMP_JSON,
};

/* What a recovery puts up with. */
enum despite {
    DESPITE_MISSING = 1 << 0,
    DESPITE_CHANGED = 1 << 1,
    DESPITE_WEAKER = 1 << 2,
};

enum color_choice {
    COLOR_AUTO = 0, /* on a terminal, unless NO_COLOR is set */
    COLOR_ALWAYS,
    COLOR_NEVER,
};

struct options {
    bool check, strict, create, dry_run, quiet, help, version;
    bool json;      /* diagnostics as JSON */
    bool exporting; /* files are namespaces */
    bool autorecover, recovering;
    unsigned despite; /* enum despite */
    enum dump_format dump;
    enum color_choice color;
    struct namespace_path default_namespace; /* zeroed: root\default */
    unsigned class_change, instance_change;  /* enum mof_change */
    enum mof_warning_setting warnings[MOF_WARNING_COUNT];
    unsigned max_errors;                          /* 0: the compiler's own */
    const char *config, *state_dir, *runtime_dir; /* NULL: not given */
    const char *binary;                           /* -B; likewise */
    size_t include_count;
    const char **includes;                       /* of argv */
    const char *amendment, *neutral, *localized; /* a split; NULL: none */
    const char *output; /* of an export; NULL: standard output */
    size_t file_count;
    const char **files;       /* of argv; "-" is standard input */
    const char *beside_check; /* the first switch that -check excludes */
};

/* Switches as Windows writes them (-N:root\x, case does not matter) and as
 * GNU does (--namespace=root\x, --namespace root\x).  False with err filled:
 * exit EXIT_SWITCH. */
bool options_parse(struct options *o, int argc, char **argv,
                   struct error *err);
void options_fini(struct options *o);
/* What --help prints. */
void options_help(struct buf *out);

#endif
