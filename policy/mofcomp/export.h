#ifndef POLICY_MOFCOMP_EXPORT_H
#define POLICY_MOFCOMP_EXPORT_H

#include "policy/mofcomp/options.h"

/* --export: the repository as MOF on standard output or in --output's file;
 * the exit code. */
int export_run(const struct options *o);

#endif
