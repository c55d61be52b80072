#ifndef POLICY_MOF_SPACE_H
#define POLICY_MOF_SPACE_H

#include "policy/mof/compilation.h"

/* Namespaces as the sources name them. NULL: out of memory. */
struct space *space_get(struct mof_compilation *c,
                        const struct namespace_path *path,
                        const char *display);
/* The child `name` of parent, spelled so; NULL also if it is no name. */
struct space *space_child(struct mof_compilation *c, struct space *parent,
                          struct span name);
/* When it or a namespace above it was deleted last; 0: never. */
size_t space_deleted_at(const struct space *s);
/* Is it there at this point of the check? root always is. */
bool space_exists(struct mof_compilation *c, struct space *s);
/* May the repository be asked about what is in it? */
bool space_asks_world(struct mof_compilation *c, struct space *s);

#endif
