#ifndef POLICY_MOF_SUGGEST_H
#define POLICY_MOF_SUGGEST_H

#include "policy/mof/compilation.h"
#include "policy/mof/schema.h"

/*
 * "Did you mean" for what was reported last: each looks for a name near to
 * the one that is not known and adds it to the words.
 */

/* A class in that namespace; without a near one, that another namespace of
 * this compile has it. */
void suggest_class(struct mof_compilation *c, struct space *s,
                   struct span name);
/* A type or a class. */
void suggest_type(struct mof_compilation *c, struct space *s,
                  struct span name);
/* A property of a class or of those above it. */
void suggest_property(struct mof_compilation *c, const struct class_info *info,
                      struct span name);
/* A namespace that exists or that this compile makes. */
void suggest_namespace(struct mof_compilation *c, const struct space *s);

/* One of a list that ends with NULL; absent: none is near. */
struct span suggest_word(const char *const *words, struct span name);

/* The standard qualifier (DSP0004 5.6, WMI SDK) that name nearly is; absent:
 * it is one, or is near to none. */
struct span suggest_qualifier(struct span name);

#endif
