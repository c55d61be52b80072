#ifndef POLICY_LIBRARY_WORLD_H
#define POLICY_LIBRARY_WORLD_H

#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/*
 * What the compiler asks about the world, answered by the repository; with
 * none (yet) the world is empty.  An answer that could not be read fails the
 * compile: err says why.
 */
struct world {
    struct repository *repo; /* NULL: empty */
    bool (*served)(void *arg, const struct namespace_path *ns); /* or NULL */
    void *served_arg;
    struct arena *arena; /* classes it has told of */
    bool failed;
    struct error err;
};

int world_init(struct world *w, struct repository *repo, struct error *err);
void world_fini(struct world *w);
struct mof_world world_answers(struct world *w);

#endif
