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

int
config_paths_load(const char *path, struct config_paths *out,
                  struct error *err)
{
    struct arena *arena = arena_new();
    struct ini_set set = {0};
    int rc = -1;

    *out = (struct config_paths){{0}, {0}};
    if (arena == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    if (ini_set_init(&set, arena, err) == 0) {
        set.wants = paths_want;
        if (ini_set_read(&set, path, err) == 0 &&
            paths_take(&set, "state_dir", out->state_dir, err) == 0)
            rc = paths_take(&set, "runtime_dir", out->runtime_dir, err);
    }
    if (rc < 0)
        *out = (struct config_paths){{0}, {0}};
    ini_set_fini(&set);
    arena_free(arena);
    return rc;
}
