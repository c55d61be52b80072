#include "policy/mofcomp/export.h"

#include "policy/library/library.h"
#include "policy/mofcomp/output.h"
#include "policy/mofcomp/paths.h"
#include "policy/mofcomp/progress.h"
#include "policy/mofcomp/say.h"

#define SOURCE_BYTES ((size_t)512 * 1024 * 1024) /* that mofcomp reads */

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
