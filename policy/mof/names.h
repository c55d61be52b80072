#ifndef POLICY_MOF_NAMES_H
#define POLICY_MOF_NAMES_H

#include "policy/mof/compilation.h"

/* A class, property or method of the user's own: reports what WMI does not
 * allow.  code is for one that is too long. */
void names_check(struct mof_compilation *c, struct at at, struct span name,
                 uint32_t code);
bool names_is_system(struct span name);

/* Calls report(arg, first, again) for each item whose name another one has
 * before it, without case; items of size bytes hold a struct span at
 * name_at. */
void names_duplicates(struct mof_compilation *c, const void *items,
                      size_t count, size_t size, size_t name_at,
                      void (*report)(void *arg, const void *first,
                                     const void *again),
                      void *arg);

/* The type that somebody who writes `int32` means; NULL: no idea. */
const char *names_type_meant(struct span name);

#endif
