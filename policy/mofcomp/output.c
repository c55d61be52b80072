#include "policy/mofcomp/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/mofcomp/progress.h"

static int
output_fail(const struct output *out, struct error *err)
{
    return error_set_errno(err, errno, "%s",
                           out->path != NULL ? out->path : "standard output");
}

/* The directory that path is in. */
static bool
directory_stat(const char *path, struct stat *out)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : slash - path;
    char *directory = length > 0 ? strndup(path, length) : strdup(".");
    bool ok = directory != NULL && stat(directory, out) == 0;

    free(directory);
    return ok;
}

static const char *
name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool
output_is_same(const char *a, const char *b)
{
    struct stat x, y;

    if (strcmp(a, b) == 0)
        return true;
    if (stat(a, &x) == 0 && stat(b, &y) == 0)
        return is_same(&x, &y);
    return strcmp(name_of(a), name_of(b)) == 0 && directory_stat(a, &x) &&
           directory_stat(b, &y) && is_same(&x, &y);
}

int
output_open(struct output *out, const char *path, struct error *err)
{
    mode_t mask = umask(0);
    int fd;

    umask(mask);
    out->path = path;
    out->file = stdout;
    if (path == NULL)
        return 0;
    if (asprintf(&out->beside, "%s.XXXXXX", path) < 0) {
        out->beside = NULL;
        return error_set_errno(err, ENOMEM, "%s", path);
    }
    fd = mkstemp(out->beside);
    if (fd < 0) {
        free(out->beside);
        out->beside = NULL;
        return output_fail(out, err);
    }
    interrupt_remove(out->beside);
    out->file = fdopen(fd, "w");
    if (out->file == NULL || fchmod(fd, 0666 & ~mask) < 0)
        return output_fail(out, err);
    return 0;
}

int
output_write(void *arg, struct span text, struct error *err)
{
    struct output *out = arg;

    out->bytes += text.length;
    if (fwrite(text.data, 1, text.length, out->file) == text.length)
        return 0;
    return output_fail(out, err);
}

int
output_finish(struct output *out, struct error *err)
{
    if (fflush(out->file) != 0 || ferror(out->file))
        return output_fail(out, err);
    if (out->path == NULL)
        return 0;
    if (fsync(fileno(out->file)) < 0 || rename(out->beside, out->path) < 0)
        return output_fail(out, err);
    interrupt_remove_nothing();
    free(out->beside);
    out->beside = NULL;
    return 0;
}

void
output_close(struct output *out)
{
    if (out->file != NULL && out->file != stdout)
        fclose(out->file);
    if (out->beside != NULL)
        unlink(out->beside);
    interrupt_remove_nothing();
    free(out->beside);
}
