#ifndef TESTS_POLICY_MOF_SAME_H
#define TESTS_POLICY_MOF_SAME_H

#include "policy/mof/mof.h"

/*
 * What differs between two units: "statement 3: class A: property b: type",
 * in a static buffer; NULL when nothing does.  Places and aliases, which are
 * an author's means, do not count, nor does the order of qualifiers.
 */
const char *units_differ(const struct mof_unit *a, const struct mof_unit *b);

/* The same of the classes alone; b is the text of another decoder, which
 * leaves out instances and qualifiers whose value is an array. */
const char *classes_differ(const struct mof_unit *a, const struct mof_unit *b);

#endif
