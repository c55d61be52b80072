#ifndef POLICY_MOF_NAMES_H
#define POLICY_MOF_NAMES_H

#include "policy/mof/compilation.h"

/* A class, property or method of the user's own: reports what WMI does not
 * allow.  code is for one that is too long. */
void names_check(struct mof_compilation *c, struct at at, struct span name,
                 uint32_t code);
bool names_is_system(struct span name);

/* The type that somebody who writes `int32` means; NULL: no idea. */
const char *names_type_meant(struct span name);

#endif
