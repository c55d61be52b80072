#include "policy/mofcomp/paths.h"

#include <string.h>

/* With --state-dir alone the configuration is not needed; if the usual one
 * is of the same state, its gateway is the one to tell. */
static void
runtime_dir_guess(struct config_paths *paths)
{
    struct config_paths usual;

    if (config_paths_load(CONFIG_DEFAULT_PATH, &usual, NULL) == 0 &&
        strcmp(usual.state_dir, paths->state_dir) == 0)
        memcpy(paths->runtime_dir, usual.runtime_dir,
               sizeof(paths->runtime_dir));
}

static int
path_set(char to[256], const char *given, struct error *err)
{
    if (given == NULL)
        return 0;
    if (strlen(given) >= 256)
        return error_set(err, "%s: the path is too long", given);
    strcpy(to, given);
    return 0;
}

int
paths_find(struct config_paths *paths, const struct options *o,
           struct error *err)
{
    const char *file = o->config != NULL ? o->config : CONFIG_DEFAULT_PATH;

    memset(paths, 0, sizeof(*paths));
    if ((o->config != NULL || o->state_dir == NULL) &&
        config_paths_load(file, paths, err) < 0)
        return -1;
    if (path_set(paths->state_dir, o->state_dir, err) < 0 ||
        path_set(paths->runtime_dir, o->runtime_dir, err) < 0)
        return -1;
    if (paths->runtime_dir[0] == '\0')
        runtime_dir_guess(paths);
    return 0;
}
