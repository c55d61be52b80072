#ifndef POLICY_MOFCOMP_SAY_H
#define POLICY_MOFCOMP_SAY_H

#include "policy/mofcomp/options.h"

/*
 * Everything for standard error goes through here: text for people, or one
 * JSON object a line.  Whatever a source, a file name or a switch holds, no
 * control character of it gets out.
 */
struct say {
    bool json, quiet;
    struct mof_style style;
    const struct mof_include *included; /* chain shown last */
};

/* Asks the environment and whether standard error is a terminal. */
void say_init(struct say *s, const struct options *o);

/* "mofcomp: text"; what is not about a place in a source. */
void say_error(struct say *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void say_note(struct say *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void say_diagnostic(struct say *s, const struct mof_diagnostic *d);
/* All of a compilation; with --quiet without notes. */
void say_diagnostics(struct say *s, const struct mof_compilation *c);

/* json.c: d as an object of its own line; false: out of memory. */
bool json_diagnostic(struct buf *out, const struct mof_diagnostic *d);

#endif
