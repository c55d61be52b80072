#ifndef POLICY_MOFCOMP_COMPILE_H
#define POLICY_MOFCOMP_COMPILE_H

#include "policy/mofcomp/options.h"

/* Files to policy in force; the exit code. Diagnostics go to stderr, what
 * was done to stdout. */
int compile_run(const struct options *o);

#endif
