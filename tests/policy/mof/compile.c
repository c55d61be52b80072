#include "tests/policy/mof/compile.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
world_exists(void *context, const struct namespace_path *ns)
{
    struct span path = namespace_path_span(ns);

    (void)context;
    return span_equal(path, SPAN("root\\cimv2")) ||
           span_equal(path, SPAN("root\\hardware"));
}

static const struct cim_class *
world_class(void *context, const struct namespace_path *ns, struct span name)
{
    static struct cim_qualifier key = {
        {"key", 3}, {.type = CIM_BOOLEAN, .one.boolean = true}, 0};
    static struct cim_property id = {
        .name = {"Id", 2}, .type = CIM_STRING, .qualifiers = {1, &key}};
    static const struct cim_class disk = {
        .name = {"HW_Disk", 7}, .property_count = 1, .properties = &id};

    (void)context;
    return span_equal(namespace_path_span(ns), SPAN("root\\hardware")) &&
                   span_equal_nocase(name, SPAN("HW_Disk"))
               ? &disk
               : NULL;
}

static bool
world_near(void *context, const struct namespace_path *ns,
           struct namespace_path *near_out)
{
    (void)context;
    if (!span_equal(namespace_path_span(ns), SPAN("root\\hardwar")))
        return false;
    return namespace_path_parse(near_out, SPAN("root\\hardware"), NULL) ==
           NAMESPACE_PATH_OK;
}

static const char *
world_class_near(void *context, const struct namespace_path *ns,
                 struct span name)
{
    struct nearest n;

    (void)context;
    nearest_init(&n, name);
    if (span_equal(namespace_path_span(ns), SPAN("root\\hardware")))
        nearest_offer(&n, SPAN("HW_Disk"));
    return n.best.data;
}

const struct mof_world test_world = {.namespace_exists = world_exists,
                                     .class_find = world_class,
                                     .class_near = world_class_near,
                                     .namespace_near = world_near};

const char *
corpus(void)
{
    static char path[1024];
    const char *given = getenv("NSGATE_MOF_CORPUS");

    snprintf(path, sizeof(path), "%s",
             given != NULL ? given : test_source_path("../shared/mof-corpus"));
    return access(path, R_OK) == 0 ? path : NULL;
}

struct mof_compilation *
compile_text(const char *text, const struct mof_options *options)
{
    struct mof_compilation *c = mof_compilation_new(options);

    cr_assert(c != NULL);
    mof_compile_buffer(c, "t.mof", text, strlen(text));
    mof_check(c);
    return c;
}

struct mof_compilation *
compile_in_world(const char *text)
{
    struct mof_options options = {.world = test_world};

    return compile_text(text, &options);
}

const char *
errors_of(const struct mof_compilation *c)
{
    static char text[2000];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(c, i);

        if (d->severity != MOF_ERROR || used > sizeof(text) - 100)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "%s%u:%u 0x%08X", used ? ", " : "",
                                 d->where.line, d->where.column, d->code);
    }
    return text;
}

size_t
count_of(const struct mof_compilation *c, enum mof_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        n += mof_diagnostic(c, i)->severity == severity;
    return n;
}

const struct mof_diagnostic *
diagnostic_of(const struct mof_compilation *c, enum mof_severity severity,
              size_t n)
{
    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        if (mof_diagnostic(c, i)->severity == severity && n-- == 0)
            return mof_diagnostic(c, i);
    }
    cr_assert_fail("no such diagnostic");
    return NULL;
}

const struct mof_statement *
statement_of(const struct mof_compilation *c, enum mof_statement_kind kind,
             size_t n)
{
    static struct mof_cursor cursor;
    const struct mof_statement *st;

    cursor = (struct mof_cursor){0};
    while ((st = mof_unit_next(mof_unit(c), &cursor)) != NULL) {
        if (st->kind == kind && n-- == 0)
            return st;
    }
    cr_assert_fail("no such statement of kind %d; errors: %s", kind,
                   errors_of(c));
    return NULL;
}

char *
printed(const struct mof_compilation *c)
{
    char *text = NULL;
    size_t length;
    FILE *f = open_memstream(&text, &length);

    cr_assert(f != NULL);
    mof_diagnostics_print(c, f);
    fclose(f);
    return text;
}

char *
repeated(const char *head, const char *part, size_t n, const char *tail)
{
    struct buf b = BUF_INIT;

    buf_add_string(&b, head);
    for (size_t i = 0; i < n; i++)
        buf_add_string(&b, part);
    buf_add_string(&b, tail);
    cr_assert(!buf_failed(&b));
    return buf_take(&b);
}

static int
is_mof(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot != NULL && strcmp(dot, ".mof") == 0;
}

int
each_mof_file(const char *folder,
              void (*visit)(const char *path, const char *name))
{
    char directory[1024], path[2048];
    struct dirent **entries;
    int n;

    snprintf(directory, sizeof(directory), "%s", test_source_path(folder));
    n = scandir(directory, &entries, is_mof, alphasort);
    cr_assert(n >= 0, "%s", directory);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        visit(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return n;
}
