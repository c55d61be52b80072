#ifndef POLICY_REPOSITORY_DIFFERENCE_H
#define POLICY_REPOSITORY_DIFFERENCE_H

#include "policy/base/base.h"

/*
 * How far one declaration is from another, as an update has to know: PutClass
 * lets a class with instances or subclasses change in qualifiers "that are
 * not important" only (WBEM_FLAG_UPDATE_COMPATIBLE).
 */

/* They differ in qualifiers that only describe, the order of features and
 * the spelling of names at most. */
bool difference_is_words(const struct cim_class *a, const struct cim_class *b);
/* A subclass may not give this qualifier another value (DSP0004 5.6.3.2). */
bool difference_binds(const struct cim_qualifier *q);
/* The same name, type, default, and qualifiers that are more than words. */
bool difference_same_property(const struct cim_property *a,
                              const struct cim_property *b);
bool difference_same_type(const struct cim_property *a,
                          const struct cim_property *b);
/* What a caller sees: the result and the parameters in their order. */
bool difference_same_signature(const struct cim_method *a,
                               const struct cim_method *b);
bool difference_same_value(const struct cim_value *a,
                           const struct cim_value *b);

#endif
