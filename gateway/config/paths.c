#include "gateway/config/config.h"

#include <errno.h>
#include <string.h>

#include "gateway/config/ini_set.h"

static bool
paths_want(const struct key *key)
{
    return key->section == SECTION_NSGATE &&
           (strcmp(key->name, "state_dir") == 0 ||
            strcmp(key->name, "runtime_dir") == 0);
}

static int
paths_take(const struct ini_set *set, const char *name, char out[256],
           struct error *err)
{
    const struct ini_section *s = ini_set_find(set, SECTION_NSGATE);
    const struct ini_entry *e = ini_section_entry(s, name);
    const struct key *key = key_find(SECTION_NSGATE, span_of(name));
    const char *value = e != NULL ? e->value : key->preset;
    size_t length = strlen(value);

    if (value[0] != '/' || length >= 256)
        return error_set(err,
                         "%s:%u: %s: must be an absolute path of at most "
                         "255 bytes",
                         e->file, e->line, name);
    memcpy(out, value, length + 1);
    return 0;
}

/* Reads those keys alone, in an arena of its own. */
static int
with_set(const char *path, bool (*wants)(const struct key *key),
         int (*take)(const struct ini_set *set, void *arg, struct error *err),
         void *arg, struct error *err)
{
    struct arena *arena = arena_new();
    struct ini_set set = {0};
    int rc = -1;

    if (arena == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    if (ini_set_init(&set, arena, err) == 0) {
        set.wants = wants;
        if (ini_set_read(&set, path, err) == 0)
            rc = take(&set, arg, err);
    }
    ini_set_fini(&set);
    arena_free(arena);
    return rc;
}

static int
both_take(const struct ini_set *set, void *arg, struct error *err)
{
    struct config_paths *out = arg;

    if (paths_take(set, "state_dir", out->state_dir, err) < 0)
        return -1;
    return paths_take(set, "runtime_dir", out->runtime_dir, err);
}

int
config_paths_load(const char *path, struct config_paths *out,
                  struct error *err)
{
    *out = (struct config_paths){{0}, {0}};
    if (with_set(path, paths_want, both_take, out, err) == 0)
        return 0;
    *out = (struct config_paths){{0}, {0}};
    return -1;
}

/* -- routes ----------------------------------------------------------------- */

struct routed {
    void (*visit)(void *arg, const struct namespace_path *ns);
    void *arg;
};

static bool
routes_want(const struct key *key)
{
    return key->section == SECTION_ACCESS ||
           (key->section == SECTION_ROUTE &&
            (strcmp(key->name, "namespace") == 0 ||
             strcmp(key->name, "protocol") == 0));
}

/* Whether a route's requests say their namespaces themselves. */
static bool
has_protocol(const struct ini_set *set)
{
    for (const struct ini_section *s = set->first; s != NULL; s = s->next) {
        const struct ini_entry *e =
            s->kind == SECTION_ROUTE ? ini_section_entry(s, "protocol") : NULL;

        if (e != NULL && strcmp(e->value, "http") != 0)
            return true;
    }
    return false;
}

static int
routes_take(const struct ini_set *set, void *arg, struct error *err)
{
    struct routed *routed = arg;
    bool all = has_protocol(set);

    (void)err;
    for (const struct ini_section *s = set->first; s != NULL; s = s->next) {
        const struct ini_entry *e = s->kind == SECTION_ROUTE
                                        ? ini_section_entry(s, "namespace")
                                        : NULL;
        struct namespace_path ns;

        if (e != NULL && namespace_path_parse(&ns, span_of(e->value), NULL) ==
                             NAMESPACE_PATH_OK)
            routed->visit(routed->arg, &ns);
        if (all && s->kind == SECTION_ACCESS && s->ns.length > 0)
            routed->visit(routed->arg, &s->ns);
    }
    return 0;
}

int
config_routed_each(const char *path,
                   void (*visit)(void *arg, const struct namespace_path *ns),
                   void *arg, struct error *err)
{
    struct routed routed = {visit, arg};

    return with_set(path, routes_want, routes_take, &routed, err);
}
