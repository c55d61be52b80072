#ifndef POLICY_LIBRARY_RECOVER_H
#define POLICY_LIBRARY_RECOVER_H

#include "policy/library/library.h"

/* The list's side of one compile (compile.c); NULL until there is something
 * for it. */
struct recover_list;

/* What the sources of a compile add, read now: as the caller, who may read
 * what the state's owner may not.  *out NULL: nothing. */
int recover_collect(const struct mof_compilation *mof,
                    const struct policy_compile_options *options,
                    struct recover_list **out, struct error *err);
void recover_free(struct recover_list *list);

/* As the state's owner, in the turn.  A list left by a compile that died: in
 * its place if it belongs to this generation, else removed. */
int recover_settle(const char *state_dir, uint64_t generation,
                   struct error *err);
/* The new list beside the old one, and into its place. */
int recover_prepare(struct recover_list *list, uint64_t generation,
                    struct error *err);
int recover_activate(const char *state_dir, struct error *err);
void recover_discard(const char *state_dir);

/* Before a compile with options.recover: a damaged repository goes aside.  1:
 * there is another file now, 0 the same, -1. */
int recover_damaged(const struct policy_compile_options *options,
                    struct error *err);
/* In its transaction: takes out all that is stored. */
int recover_clear(struct repository *repo, const char *state_dir,
                  struct error *err);

#endif
