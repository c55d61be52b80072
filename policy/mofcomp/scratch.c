#include "policy/mofcomp/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
scratch_make(struct scratch *s, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(s->path, sizeof(s->path), "%s/mofcomp-XXXXXX",
                     parent != NULL && parent[0] == '/' ? parent : "/tmp");

    if (n < 0 || (size_t)n >= sizeof(s->path)) {
        s->path[0] = '\0';
        return error_set(err, "TMPDIR: the path is too long");
    }
    if (mkdtemp(s->path) == NULL) {
        int saved = errno;
        char path[sizeof(s->path)];

        memcpy(path, s->path, sizeof(path));
        s->path[0] = '\0';
        return error_set_errno(err, saved, "%s", path);
    }
    return 0;
}

void
scratch_remove(struct scratch *s)
{
    DIR *directory = s->path[0] != '\0' ? opendir(s->path) : NULL;
    struct dirent *e;

    if (directory == NULL)
        return;
    while ((e = readdir(directory)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(directory), e->d_name, 0);
    }
    closedir(directory);
    rmdir(s->path);
    s->path[0] = '\0';
}
