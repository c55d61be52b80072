#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/mof/compilation.h"
#include "policy/mof/report.h"

/*
 * A file that is there whole or not at all: written beside its place, on the
 * disk, then renamed.
 */

#define TRIES_MAX 100

/* Where path leads if it exists, else path itself. */
static bool
target_find(const char *path, char target[PATH_MAX], struct error *err)
{
    struct stat st;

    if (strlen(path) + 32 >= PATH_MAX) {
        error_set(err, "the path is too long");
        return false;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        error_set(err, "not a regular file");
        return false;
    }
    if (realpath(path, target) == NULL)
        strcpy(target, path);
    return true;
}

static int
beside_open(const char *target, char beside[PATH_MAX + 64], struct error *err)
{
    int fd = -1;

    for (unsigned i = 0; fd < 0 && i < TRIES_MAX; i++) {
        snprintf(beside, PATH_MAX + 64, "%s.%ld.%u", target, (long)getpid(),
                 i);
        fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        error_set(err, "%s", strerror(errno));
    return fd;
}

static bool
bytes_write(int fd, struct span bytes)
{
    while (bytes.length > 0) {
        ssize_t n = write(fd, bytes.data, bytes.length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = span_skip(bytes, (size_t)n);
    }
    return fsync(fd) == 0;
}

static bool
file_write(const char *path, struct span bytes, struct error *err)
{
    char target[PATH_MAX], beside[PATH_MAX + 64];
    bool ok;
    int fd;

    if (!target_find(path, target, err))
        return false;
    fd = beside_open(target, beside, err);
    if (fd < 0)
        return false;
    ok = bytes_write(fd, bytes);
    ok = close(fd) == 0 && ok;
    ok = ok && rename(beside, target) == 0;
    if (!ok) {
        error_set(err, "%s", strerror(errno));
        unlink(beside);
    }
    return ok;
}

int
mof_binary_save(struct mof_compilation *c, const char *path)
{
    struct buf bytes = BUF_INIT;
    struct error err = {0};
    int r = mof_binary_write(c, &bytes);

    if (r == 0 && !file_write(path, buf_span(&bytes), &err)) {
        report_save_error(c, path, CODE_FAILED, "%s", err.text);
        r = -1;
    }
    buf_fini(&bytes);
    return r;
}
