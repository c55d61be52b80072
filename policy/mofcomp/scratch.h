#ifndef POLICY_MOFCOMP_SCRATCH_H
#define POLICY_MOFCOMP_SCRATCH_H

#include "policy/base/base.h"

/* A directory below TMPDIR, for a repository that nobody keeps. */
struct scratch {
    char path[200];     /* "": none */
    char files[6][240]; /* what may be in it when an interrupt comes */
};

int scratch_make(struct scratch *s, struct error *err);
/* With the files in it. */
void scratch_remove(struct scratch *s);

#endif
