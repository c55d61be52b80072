#ifndef POLICY_MOF_BUILD_H
#define POLICY_MOF_BUILD_H

#include "policy/mof/compilation.h"

/*
 * Instances, from what was written to values of their class's types.  First
 * the key, which may need the keys of instances that it refers to, then the
 * rest: so two instances may refer to each other as long as their keys do
 * not.
 */

/* The key alone; false if it can't be had (reported). */
bool build_key(struct mof_compilation *c, struct syntax_instance *i,
               unsigned depth);
/* All of it; depth counts the aliases and bodies that led here. */
bool build_instance(struct mof_compilation *c, struct syntax_instance *i,
                    unsigned depth);
/* Writes i->key of an instance that was built and will be stored. */
bool build_stored_key(struct mof_compilation *c, struct syntax_instance *i);
/* The object path of i as written in space: Class.k="v", with the namespace
 * in front when it is another one.  Absent on failure. */
struct span build_path(struct mof_compilation *c, struct syntax_instance *i,
                       const struct space *space, unsigned depth);

#endif
