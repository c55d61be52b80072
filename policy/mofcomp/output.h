#ifndef POLICY_MOFCOMP_OUTPUT_H
#define POLICY_MOFCOMP_OUTPUT_H

#include <stdio.h>

#include "policy/base/base.h"

/* A file is written beside its place and moved there when it is whole. */
struct output {
    const char *path; /* NULL: standard output */
    char *beside;     /* NULL: there is none */
    FILE *file;
    size_t bytes;
};

/* Whether both name one file, be it there or not yet. */
bool output_is_same(const char *a, const char *b);
int output_open(struct output *out, const char *path, struct error *err);
/* As policy_export wants it; arg is the output. */
int output_write(void *arg, struct span text, struct error *err);
/* The file is in its place and will stay there. */
int output_finish(struct output *out, struct error *err);
/* Without output_finish nothing has changed. */
void output_close(struct output *out);

#endif
