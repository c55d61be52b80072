#include "policy/mofcomp/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/mofcomp/progress.h"

#define STANDARD_MAX ((size_t)256 * 1024 * 1024)

static int
read_standard(struct buf *b, struct error *err)
{
    char part[65536];
    ssize_t n;

    while ((n = read(STDIN_FILENO, part, sizeof(part))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, errno, "standard input");
        buf_add(b, part, (size_t)n);
        if (buf_failed(b) || b->length > STANDARD_MAX)
            return error_set(err, "standard input: more than %zu MiB",
                             STANDARD_MAX >> 20);
    }
    return 0;
}

int
input_init(struct input *in, const struct options *o, struct error *err)
{
    bool wanted = false;

    in->standard = BUF_INIT;
    for (size_t i = 0; i < o->file_count; i++)
        wanted |= strcmp(o->files[i], "-") == 0;
    if (!wanted)
        return 0;
    progress_set("reading standard input");
    return read_standard(&in->standard, err);
}

void
input_fini(struct input *in)
{
    buf_fini(&in->standard);
}

/* Of a source; what is no regular file has no size. */
static double
megabytes(const struct input *in, const char *path)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return (double)in->standard.length / 1e6;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode)
               ? (double)st.st_size / 1e6
               : 0;
}

void
input_compile(const struct input *in, const struct options *o,
              struct mof_compilation *c)
{
    double done = 0, all = 0;

    for (size_t i = 0; i < o->file_count; i++)
        all += megabytes(in, o->files[i]);
    for (size_t i = 0; i < o->file_count; i++) {
        double size = megabytes(in, o->files[i]);

        progress_set("reading %.40s, %.1f MB, file %zu of %zu, %.1f of %.1f "
                     "MB done",
                     o->files[i], size, i + 1, o->file_count, done, all);
        done += size;
        if (strcmp(o->files[i], "-") == 0)
            mof_compile_buffer(c, "<stdin>",
                               in->standard.data != NULL ? in->standard.data
                                                         : "",
                               in->standard.length);
        else
            mof_compile_file(c, o->files[i]);
    }
}
