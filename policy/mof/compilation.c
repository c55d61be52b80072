#include "policy/mof/compilation.h"

#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/check.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"
#include "policy/mof/space.h"

static const char default_namespace[] = "root\\default";

bool
vector_add(struct mof_compilation *c, struct vector *v, const void *item)
{
    if (v->count == v->capacity) {
        size_t capacity = v->capacity ? v->capacity * 2 : 16;
        void *items = capacity <= SIZE_MAX / v->item_size
                          ? realloc(v->items, capacity * v->item_size)
                          : NULL;

        if (items == NULL) {
            report_memory(c);
            return false;
        }
        v->items = items;
        v->capacity = capacity;
    }
    memcpy((char *)v->items + v->count++ * v->item_size, item, v->item_size);
    return true;
}

/* p, or NULL and c->failed. */
static void *
known(struct mof_compilation *c, void *p)
{
    if (p == NULL)
        report_memory(c);
    return p;
}

void *
compilation_alloc(struct mof_compilation *c, size_t size)
{
    return known(c, arena_alloc(c->arena, size));
}

void *
compilation_array(struct mof_compilation *c, size_t count, size_t size)
{
    return known(c, arena_array(c->arena, count, size));
}

void *
tree_alloc(struct mof_compilation *c, size_t size)
{
    return known(c, arena_alloc(c->trees, size));
}

void *
tree_array(struct mof_compilation *c, size_t count, size_t size)
{
    return known(c, arena_array(c->trees, count, size));
}

char *
compilation_copy(struct mof_compilation *c, struct span s)
{
    return known(c, arena_copy(c->arena, s));
}

struct strmap *
compilation_map_new(struct mof_compilation *c, struct vector *maps)
{
    struct strmap *map = strmap_new();

    if (map == NULL) {
        report_memory(c);
        return NULL;
    }
    if (!vector_add(c, maps, &map)) {
        strmap_free(map);
        return NULL;
    }
    return map;
}

static void
vectors_init(struct mof_compilation *c)
{
    c->sources.item_size = sizeof(struct source *);
    c->statements.item_size = sizeof(struct syntax_statement);
    c->results.item_size = sizeof(struct mof_statement);
    c->space_list.item_size = sizeof(struct space *);
    c->alias_maps.item_size = sizeof(struct strmap *);
    c->class_maps.item_size = sizeof(struct strmap *);
    check_init(c);
    report_init(c);
}

static bool
spaces_init(struct mof_compilation *c)
{
    struct namespace_path path = c->options.default_namespace;
    const char *display = path.text;

    if (path.length == 0) {
        namespace_path_parse(&path, span_of(default_namespace), NULL);
        display = default_namespace;
    }
    c->start_space = space_get(c, &path, display);
    c->nowhere = compilation_alloc(c, sizeof(*c->nowhere));
    if (c->start_space == NULL || c->nowhere == NULL)
        return false;
    c->nowhere->display = "?";
    return true;
}

struct mof_compilation *
mof_compilation_new(const struct mof_options *options)
{
    struct mof_compilation *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    vectors_init(c);
    if (options != NULL)
        c->options = *options;
    c->arena = arena_new();
    c->trees = arena_new();
    c->spaces = strmap_new();
    if (c->arena == NULL || c->trees == NULL || c->spaces == NULL ||
        !spaces_init(c))
    {
        mof_compilation_free(c);
        return NULL;
    }
    return c;
}

static void
maps_fini(struct vector *maps)
{
    for (size_t i = 0; i < maps->count; i++)
        strmap_free(VECTOR_AT(maps, struct strmap *, i));
    free(maps->items);
}

void
mof_compilation_free(struct mof_compilation *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->sources.count; i++)
        source_fini(VECTOR_AT(&c->sources, struct source *, i));
    free(c->sources.items);
    free(c->statements.items);
    free(c->results.items);
    free(c->pending.items);
    free(c->deferred.items);
    free(c->type_uses.items);
    free(c->space_list.items);
    free(c->diagnostics.items);
    maps_fini(&c->alias_maps);
    maps_fini(&c->class_maps);
    strmap_free(c->spaces);
    arena_free(c->arena);
    arena_free(c->trees);
    free(c->stack.bytes);
    buf_fini(&c->text);
    free(c);
}

static const struct {
    uint32_t code;
    const char *text;
} source_problems[] = {
    [SOURCE_LARGE] = {CODE_INVALID_FILE, "the text is larger than 512 MiB"},
    [SOURCE_BINARY] = {CODE_INVALID_FILE,
                       "this is binary MOF, which can't be included; name it "
                       "on the command line"},
    [SOURCE_NUL] = {CODE_INVALID_FILE,
                    "a NUL byte: this is no text, or UTF-16 without a byte "
                    "order mark"},
    [SOURCE_ODD] = {CODE_INVALID_FILE,
                    "UTF-16 with half a character at its end: the file is "
                    "damaged, perhaps by a tool that changed line ends"},
    [SOURCE_SURROGATE] = {CODE_INVALID_FILE,
                          "half a surrogate pair: the UTF-16 is damaged"},
};

static bool
source_check(struct mof_compilation *c, struct source *s,
             enum source_problem problem, uint32_t guessed_at)
{
    if (problem == SOURCE_MEMORY) {
        report_memory(c);
        return false;
    }
    if (problem != SOURCE_OK) {
        report_error(c, (struct at){s, s->length, 1},
                     source_problems[problem].code, "%s",
                     source_problems[problem].text);
        return false;
    }
    if (guessed_at != UINT32_MAX)
        report_warning(c, MOF_WARNING_ENCODING, (struct at){s, guessed_at, 1},
                       "the text is not UTF-8 here; it is read as "
                       "Windows-1252");
    return true;
}

static struct source *
source_add(struct mof_compilation *c, const char *name,
           const struct mof_include *included)
{
    struct source *s = compilation_alloc(c, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->name = compilation_copy(c, span_of(name));
    s->number = (uint32_t)c->sources.count + 1;
    s->included = included;
    return s->name != NULL && vector_add(c, &c->sources, &s) ? s : NULL;
}

struct source *
compilation_source_new(struct mof_compilation *c, const char *name,
                       char *bytes, size_t length,
                       const struct mof_include *included)
{
    struct source *s = source_add(c, name, included);
    enum source_problem problem;
    uint32_t guessed_at;

    if (s == NULL) {
        free(bytes);
        return NULL;
    }
    problem = source_decode(s, bytes, length, &guessed_at);
    return source_check(c, s, problem, guessed_at) ? s : NULL;
}

static int
compile_text(struct mof_compilation *c, const char *name, const char *path,
             char *bytes, size_t length)
{
    size_t errors = mof_error_count(c);
    bool is_file = path != NULL && strcmp(path, "-") != 0;
    struct source *s;

    if (mof_is_binary(bytes, length)) {
        s = source_add(c, name, NULL);
        if (s != NULL)
            s->is_file = is_file;
        if (s != NULL)
            binary_read(c, s, bytes, length);
        free(bytes);
    } else {
        s = compilation_source_new(c, name, bytes, length, NULL);
        if (s != NULL)
            s->is_file = is_file;
        if (s != NULL)
            parser_run(c, s, path);
    }
    return mof_error_count(c) > errors ? -1 : 0;
}

int
mof_compile_buffer(struct mof_compilation *c, const char *name,
                   const void *bytes, size_t length)
{
    char *copy;

    if (compilation_is_over(c))
        return -1;
    copy = known(c, malloc(length + 1));
    if (copy == NULL)
        return -1;
    if (length > 0)
        memcpy(copy, bytes, length);
    return compile_text(c, name, NULL, copy, length);
}

int
mof_compile_file(struct mof_compilation *c, const char *path)
{
    struct error err;
    char *bytes;
    size_t length;

    if (compilation_is_over(c))
        return -1;
    if (source_read(path, &bytes, &length, &err) < 0) {
        /* What is in front of the text names it already. */
        report_file_error(c, path, CODE_FAILED, "%s",
                          strncmp(err.text, path, strlen(path)) == 0 &&
                                  err.text[strlen(path)] == ':'
                              ? err.text + strlen(path) + 2
                              : err.text);
        return -1;
    }
    return compile_text(c, strcmp(path, "-") == 0 ? "<stdin>" : path, path,
                        bytes, length);
}

int
mof_check(struct mof_compilation *c)
{
    if (!c->checked) {
        c->checked = true;
        check_run(c);
        report_sort(c);
        c->unit.statements = c->results.items;
        c->unit.count = c->results.count;
        c->unit.compilation = c;
        c->mark = arena_mark(c->trees);
    }
    return mof_error_count(c) > 0 ? -1 : 0;
}

bool
mof_source_at(const struct mof_compilation *c, size_t index,
              struct mof_source *out)
{
    const struct source *s;

    if (index >= c->sources.count)
        return false;
    s = VECTOR_AT(&c->sources, struct source *, index);
    /* The data of a binary came out of the source before. */
    *out = (struct mof_source){
        .name = s->name,
        .is_included = s->included != NULL,
        .autorecover = s->autorecover,
        .is_file =
            s->is_file || (s->included != NULL && s->kind != SOURCE_UNPACKED),
    };
    return true;
}

const struct mof_unit *
mof_unit(const struct mof_compilation *c)
{
    return &c->unit;
}
