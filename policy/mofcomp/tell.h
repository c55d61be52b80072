#ifndef POLICY_MOFCOMP_TELL_H
#define POLICY_MOFCOMP_TELL_H

#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/* What a compile did, in lines for people. */

/* The statement that the store refused, like the compiler's own. */
void tell_refused(const struct mof_unit *unit,
                  const struct repository_change *change,
                  const struct error *err);
/* Namespaces, classes, instances and encryption. Lines are collected in out,
 * because they are true only once it is committed. */
int tell_changes(struct repository *repo, const struct mof_unit *unit,
                 const struct repository_change *change, struct buf *out,
                 struct error *err);
/* On stderr: children of namespaces that the unit encrypts which are not
 * encrypted themselves (docs/levels.md) and which no source names: of those
 * that it names, the compiler has told. */
int tell_unencrypted(struct repository *repo, const struct mof_unit *unit,
                     struct error *err);

#endif
