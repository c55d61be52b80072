#include "policy/mofcomp/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/decision/decision.h"
#include "policy/mofcomp/progress.h"
#include "policy/repository/repository.h"

static void
interrupts_tell(struct scratch *s)
{
    static const char *const names[] = {
        REPOSITORY_FILE,        REPOSITORY_FILE "-journal",
        REPOSITORY_FILE "-wal", REPOSITORY_FILE "-shm",
        "repository.lock",      POLICY_IMAGE_FILE ".new"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(s->files[i], sizeof(s->files[i]), "%s/%s", s->path, names[i]);
        interrupt_remove(s->files[i]);
    }
    interrupt_remove(s->path);
}

int
scratch_make(struct scratch *s, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(s->path, sizeof(s->path), "%s/mofcomp-XXXXXX",
                     parent != NULL && parent[0] == '/' ? parent : "/tmp");
    int r;

    if (n < 0 || (size_t)n >= sizeof(s->path)) {
        s->path[0] = '\0';
        return error_set(err, "TMPDIR: the path is too long");
    }
    interrupt_hold();
    if (mkdtemp(s->path) != NULL) {
        interrupts_tell(s);
        r = 0;
    } else {
        r = error_set_errno(err, errno, "%s", s->path);
        s->path[0] = '\0';
    }
    interrupt_allow();
    return r;
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
