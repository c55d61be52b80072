#ifndef POLICY_MOFCOMP_TELL_H
#define POLICY_MOFCOMP_TELL_H

#include "policy/library/library.h"

/* What a compile did, in lines for people. */

/* The statement that the store refused, like the compiler's own; the exit
 * code. */
int tell_refused(const struct policy_compile *c, const struct error *err);
/* Namespaces, classes, instances and encryption. Lines are collected in out,
 * because they are true only once it is committed. */
int tell_changes(const struct policy_compile *c, struct buf *out,
                 struct error *err);
/* On stderr: what policy_compile_each_unencrypted finds, the first of them. */
int tell_unencrypted(struct policy_compile *c, struct error *err);

#endif
