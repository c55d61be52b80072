#ifndef TESTS_SUPPORT_STORED_H
#define TESTS_SUPPORT_STORED_H

#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/* What was compiled, in a fresh repository; frees c.  No error may
 * come of it. */
struct repository *stored_unit(struct mof_compilation *c);
struct repository *stored_text(const char *mof);

#endif
