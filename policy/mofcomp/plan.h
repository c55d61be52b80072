#ifndef POLICY_MOFCOMP_PLAN_H
#define POLICY_MOFCOMP_PLAN_H

#include "policy/library/library.h"

/* --dry-run: what a prepared compile would change, for people; what it means
 * for protection first. */
int plan_print(struct policy_compile *c, struct buf *out, struct error *err);

/* lines.c: the lines that are not in both texts, each behind prefix and '-'
 * or '+', in their order. */
void lines_compare(struct buf *out, const char *prefix, const char *before,
                   const char *after);

#endif
