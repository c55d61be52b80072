#ifndef POLICY_MOFCOMP_TELL_H
#define POLICY_MOFCOMP_TELL_H

#include "policy/library/library.h"
#include "policy/mofcomp/say.h"

/* What a compile did, in lines for people. */

/* The statement that the store refused, like the compiler's own errors; the
 * exit code. */
int tell_refused(struct say *s, const struct policy_compile *c,
                 const struct error *err);
/* Namespaces, classes, instances and encryption. Lines are collected in out,
 * because they are true only once it is committed. */
int tell_changes(const struct policy_compile *c, struct buf *out,
                 struct error *err);
/* What policy_compile_each_unencrypted finds, the first of them, as warnings.
 * EXIT_OK, or EXIT_STORE when they are errors or err is filled. */
int tell_unencrypted(struct say *s, struct policy_compile *c,
                     struct error *err);

#endif
