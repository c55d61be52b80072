#include "policy/mofcomp/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/library/library.h"
#include "policy/mofcomp/paths.h"
#include "policy/mofcomp/progress.h"
#include "policy/mofcomp/say.h"

#define SOURCE_BYTES ((size_t)64 * 1024 * 1024) /* that mofcomp reads */

/* A file is written beside its place and moved there when it is whole. */
struct output {
    const char *path; /* NULL: standard output */
    char *beside;     /* NULL: there is none */
    FILE *file;
    size_t bytes;
};

static int
output_fail(const struct output *out, struct error *err)
{
    return error_set_errno(err, errno, "%s",
                           out->path != NULL ? out->path : "standard output");
}

static int
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

static int
output_write(void *arg, struct span text, struct error *err)
{
    struct output *out = arg;

    out->bytes += text.length;
    if (fwrite(text.data, 1, text.length, out->file) == text.length)
        return 0;
    return output_fail(out, err);
}

/* The file is in its place and will stay there. */
static int
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

static void
output_close(struct output *out)
{
    if (out->file != NULL && out->file != stdout)
        fclose(out->file);
    if (out->beside != NULL)
        unlink(out->beside);
    interrupt_remove_nothing();
    free(out->beside);
}

static int
export_one(struct repository *repo, const char *name, struct output *out,
           struct error *err)
{
    struct namespace_path ns;
    int r;

    if (namespace_path_parse(&ns, span_of(name), err) != NAMESPACE_PATH_OK)
        return -1;
    r = policy_export(repo, &ns, output_write, out, err);
    return r > 0 ? error_set(err, "there is no namespace %s", name) : r;
}

static int
export_all(struct repository *repo, const struct options *o,
           struct output *out, struct error *err)
{
    uint64_t generation;
    int r = repository_read_begin(repo, &generation, err);

    if (r < 0)
        return -1;
    for (size_t i = 0; r == 0 && i < o->file_count; i++) {
        if (i > 0)
            r = output_write(out, SPAN("\n"), err);
        if (r == 0)
            r = export_one(repo, o->files[i], out, err);
    }
    repository_read_end(repo);
    return r;
}

static int
export_to(struct output *out, const struct options *o, struct error *err)
{
    struct config_paths paths;
    struct repository *repo;
    int r;

    if (paths_find(&paths, o, err) < 0 ||
        repository_open(paths.state_dir, REPOSITORY_READ, &repo, err) < 0)
        return -1;
    r = output_open(out, o->output, err);
    if (r == 0)
        r = export_all(repo, o, out, err);
    if (r == 0)
        r = output_finish(out, err);
    repository_close(repo);
    return r;
}

int
export_run(const struct options *o)
{
    struct output out = {.path = NULL};
    struct error err = {0};
    struct say say;
    int r;

    say_init(&say, o);
    interrupt_begin();
    r = export_to(&out, o, &err);
    output_close(&out);
    if (r < 0)
        say_error(&say, "%s", err.text);
    else if (out.bytes > SOURCE_BYTES)
        say_note(&say,
                 "the text is larger than the %zu MiB that a compile reads "
                 "in one file: export its namespaces one by one",
                 SOURCE_BYTES >> 20);
    return r < 0 ? EXIT_STORE : EXIT_OK;
}
