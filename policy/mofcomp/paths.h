#ifndef POLICY_MOFCOMP_PATHS_H
#define POLICY_MOFCOMP_PATHS_H

#include "gateway/config/config.h"
#include "policy/mofcomp/options.h"

/* Where the state is, by the switches and the configuration; runtime_dir "":
 * not known. */
int paths_find(struct config_paths *paths, const struct options *o,
               struct error *err);

/* Namespaces that a route of the configuration serves. */
struct served {
    size_t count, capacity;
    struct namespace_path *items;
    bool failed;
};

/* What the configuration says that paths_find has read; with --state-dir
 * alone the usual one if it is of the same state, else none. */
int served_find(struct served *s, const struct options *o,
                const struct config_paths *paths, struct error *err);
void served_fini(struct served *s);
/* policy_compile_options.served; arg is the struct. */
bool served_has(void *arg, const struct namespace_path *ns);

#endif
