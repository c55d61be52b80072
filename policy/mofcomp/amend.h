#ifndef POLICY_MOFCOMP_AMEND_H
#define POLICY_MOFCOMP_AMEND_H

#include "policy/mofcomp/options.h"

/* -MOF: and -MFL:, the checked sources as two files; -1 neither is there. */
int amend_write(const struct options *o, const struct mof_unit *unit,
                struct error *err);

#endif
