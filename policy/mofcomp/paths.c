#include "policy/mofcomp/paths.h"

#include <errno.h>
#include <stdlib.h>
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

/* -- what is served elsewhere ----------------------------------------------- */

static void
served_add(void *arg, const struct namespace_path *ns)
{
    struct served *s = arg;
    size_t capacity = s->capacity ? s->capacity * 2 : 8;

    if (s->count == s->capacity) {
        struct namespace_path *more =
            realloc(s->items, capacity * sizeof(*more));

        s->failed |= more == NULL;
        if (more == NULL)
            return;
        s->items = more;
        s->capacity = capacity;
    }
    s->items[s->count++] = *ns;
}

/* Is it the usual configuration that these paths are of? */
static bool
is_usual(const struct config_paths *paths)
{
    struct config_paths usual;

    return config_paths_load(CONFIG_DEFAULT_PATH, &usual, NULL) == 0 &&
           strcmp(usual.state_dir, paths->state_dir) == 0;
}

int
served_find(struct served *s, const struct options *o,
            const struct config_paths *paths, struct error *err)
{
    const char *file = o->config;

    memset(s, 0, sizeof(*s));
    if (file == NULL && (o->state_dir == NULL || is_usual(paths)))
        file = CONFIG_DEFAULT_PATH;
    if (file != NULL && config_routed_each(file, served_add, s, err) < 0)
        return -1;
    return s->failed ? error_set_errno(err, ENOMEM, "mofcomp") : 0;
}

void
served_fini(struct served *s)
{
    free(s->items);
    memset(s, 0, sizeof(*s));
}

bool
served_has(void *arg, const struct namespace_path *ns)
{
    const struct served *s = arg;

    for (size_t i = 0; i < s->count; i++) {
        if (namespace_path_equal(&s->items[i], ns))
            return true;
    }
    return false;
}
