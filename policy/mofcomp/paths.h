#ifndef POLICY_MOFCOMP_PATHS_H
#define POLICY_MOFCOMP_PATHS_H

#include "gateway/config/config.h"
#include "policy/mofcomp/options.h"

/* Where the state is, by the switches and the configuration; runtime_dir "":
 * not known. */
int paths_find(struct config_paths *paths, const struct options *o,
               struct error *err);

#endif
