#ifndef POLICY_MOFCOMP_SWITCHES_H
#define POLICY_MOFCOMP_SWITCHES_H

#include "policy/mofcomp/options.h"

/*
 * The switches, one row each.  A new one is a row, a function, a test and a
 * paragraph in mofcomp(1); a test compares these with the page.
 */
struct switch_row {
    const char *gnu;     /* behind "--" */
    const char *windows; /* behind "-", in any case; NULL: none */
    const char *letter;  /* "-I DIR"; NULL: none */
    const char *value;   /* what --help calls it; NULL: it has none */
    bool excluded_by_check;
    bool (*take)(struct options *o, const char *value, struct error *err);
    const char *help; /* lines of 52 columns at most */
};

/* Rows in the order of --help; a row without take is a heading. */
extern const struct switch_row switches[];
extern const size_t switch_count;

/* A switch that Windows' mofcomp has and this one has not. */
struct foreign_switch {
    const char *windows;
    const char *why; /* and what to do in its place */
};

extern const struct foreign_switch foreign_switches[];
extern const size_t foreign_switch_count;

#endif
