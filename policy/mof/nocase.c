#include "policy/mof/nocase.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/base/base.h"

/* Adds "/part" to path; false if that is too long. */
static bool
path_add(char path[PATH_MAX], struct span part)
{
    size_t n = strlen(path);
    int added = snprintf(path + n, PATH_MAX - n, "%s%.*s",
                         n > 0 && path[n - 1] != '/' ? "/" : "",
                         (int)part.length, part.data);

    return added >= 0 && (size_t)added < PATH_MAX - n;
}

/* The one entry of the directory that is called so but for its case; of two
 * neither is what was meant. */
static bool
entry_find(const char *path, struct span part, char found[NAME_MAX + 1])
{
    DIR *dir = opendir(path[0] != '\0' ? path : ".");
    const struct dirent *e;
    unsigned count = 0;

    if (dir == NULL)
        return false;
    while ((e = readdir(dir)) != NULL) {
        if (!span_equal_nocase(span_of(e->d_name), part))
            continue;
        snprintf(found, NAME_MAX + 1, "%s", e->d_name);
        count++;
    }
    closedir(dir);
    return count == 1;
}

static bool
part_add(char path[PATH_MAX], struct span part)
{
    char exact[PATH_MAX], found[NAME_MAX + 1];
    struct stat st;

    snprintf(exact, sizeof(exact), "%s", path);
    if (!path_add(exact, part))
        return false;
    if (lstat(exact, &st) == 0) {
        memcpy(path, exact, PATH_MAX);
        return true;
    }
    return entry_find(path, part, found) && path_add(path, span_of(found));
}

bool
nocase_find(const char *directory, const char *name, char out[PATH_MAX])
{
    struct span rest = span_of(name);

    snprintf(out, PATH_MAX, "%s", name[0] == '/' ? "/" : directory);
    while (rest.data != NULL) {
        struct span part = span_cut(rest, '/', &rest);

        if (part.length > 0 && !part_add(out, part))
            return false;
    }
    return true;
}
