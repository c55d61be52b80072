#ifndef POLICY_MOFCOMP_RECOVER_H
#define POLICY_MOFCOMP_RECOVER_H

#include "policy/library/library.h"
#include "policy/mofcomp/say.h"

/* --recover: which files. */
struct recover {
    struct arena *arena;
    struct options options; /* those of the command, with the files */
};

/* The list of state_dir as files to compile; false: why has been told. */
bool recover_load(struct recover *r, const struct options *o,
                  const char *state_dir, struct say *say);
void recover_fini(struct recover *r);
/* Of a prepared compile: is nothing weaker than what is in force, or may it
 * be?  False: what has been told. */
bool recover_allows(const struct options *o, struct policy_compile *c,
                    struct say *say, struct error *err);
/* What was compiled and is on no list, though it asks to be, or only with
 * switches that recovery does not have. */
void recover_tell(const struct options *o, const struct mof_compilation *mof,
                  struct say *say);

#endif
