#ifndef POLICY_MOFCOMP_DUMP_H
#define POLICY_MOFCOMP_DUMP_H

#include <stdio.h>

#include "policy/mof/mof.h"

/* --dump=json: the checked unit as one array with a line a statement, in the
 * order in which they would be stored; mofcomp(1) describes the members.  0,
 * or -1: out of memory. */
int dump_json(const struct mof_unit *unit, FILE *out);
/* --dump=mof: the same as canonical MOF. */
int dump_mof(const struct mof_unit *unit, FILE *out);

#endif
