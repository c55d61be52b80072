#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/library/library.h"

#define PIECE_BYTES 65536 /* collected before they are written */

struct exporter {
    struct repository *repo;
    int (*write)(void *arg, struct span text, struct error *err);
    void *arg;
    struct error *err;
    struct namespace_path top, now;
    struct buf text;
    bool failed, found;
};

/* False once something went wrong; the shape of a visitor's answer. */
static bool
piece_end(struct exporter *x, size_t enough)
{
    if (buf_failed(&x->text)) {
        error_set_errno(x->err, ENOMEM, "export");
        x->failed = true;
    } else if (x->text.length >= enough && x->text.length > 0) {
        x->failed = x->write(x->arg, buf_span(&x->text), x->err) < 0;
        buf_reset(&x->text);
    }
    return !x->failed;
}

/* -- classes: each behind the one that it is derived from -------------------- */

struct class_list {
    struct arena *arena;
    struct strmap *index; /* name -> index + 1 */
    size_t count, capacity;
    struct class_entry {
        struct span name, superclass;
        bool done;
    } * items;
    bool failed;
};

static bool
class_collect(void *arg, struct span name, struct span superclass)
{
    struct class_list *list = arg;
    struct class_entry *e;

    if (list->count == list->capacity) {
        size_t more = list->capacity == 0 ? 64 : list->capacity * 2;
        struct class_entry *grown =
            reallocarray(list->items, more, sizeof(*list->items));

        if (grown == NULL) {
            list->failed = true;
            return false;
        }
        list->items = grown;
        list->capacity = more;
    }
    e = &list->items[list->count++];
    *e = (struct class_entry){.name = arena_span(list->arena, name)};
    if (superclass.data != NULL)
        e->superclass = arena_span(list->arena, superclass);
    list->failed =
        e->name.data == NULL ||
        !strmap_put(list->index, e->name, (void *)(uintptr_t)list->count);
    return !list->failed;
}

static int
class_print(struct exporter *x, struct span name)
{
    struct arena *arena = arena_new();
    struct cim_class *c = NULL;
    int r = arena != NULL
                ? repository_class(x->repo, &x->now, name, arena, &c, x->err)
                : error_set_errno(x->err, ENOMEM, "export");

    if (r > 0) {
        buf_add_char(&x->text, '\n');
        mof_print_class(&x->text, c);
    }
    arena_free(arena);
    return r < 0 || !piece_end(x, PIECE_BYTES) ? -1 : 0;
}

/* The chain upwards is walked each time until one that is done; it is not
 * longer than REPOSITORY_DEPTH_MAX. */
static int
class_export(struct exporter *x, struct class_list *list, size_t index)
{
    size_t chain[REPOSITORY_DEPTH_MAX], depth = 0;

    while (!list->items[index].done && depth < REPOSITORY_DEPTH_MAX) {
        size_t above;

        chain[depth++] = index;
        list->items[index].done = true;
        above = (size_t)(uintptr_t)strmap_get(list->index,
                                              list->items[index].superclass);
        if (above == 0)
            break;
        index = above - 1;
    }
    while (depth > 0) {
        if (class_print(x, list->items[chain[--depth]].name) < 0)
            return -1;
    }
    return 0;
}

static int
classes_export(struct exporter *x)
{
    struct class_list list = {.arena = arena_new(), .index = strmap_new()};
    int r = list.arena != NULL && list.index != NULL
                ? repository_each_class(x->repo, &x->now, class_collect, &list,
                                        x->err)
                : error_set_errno(x->err, ENOMEM, "export");

    if (r == 0 && list.failed)
        r = error_set_errno(x->err, ENOMEM, "export");
    for (size_t i = 0; r == 0 && i < list.count; i++)
        r = class_export(x, &list, i);
    free(list.items);
    strmap_free(list.index);
    arena_free(list.arena);
    return r;
}

/* -- a namespace ------------------------------------------------------------- */

static bool
qualifier_visit(void *arg, const struct cim_qualifier_declaration *q)
{
    struct exporter *x = arg;

    buf_add_char(&x->text, '\n');
    mof_print_qualifier_declaration(&x->text, q);
    return piece_end(x, PIECE_BYTES);
}

static bool
instance_visit(void *arg, int64_t row, struct span key,
               const struct cim_instance *instance)
{
    struct exporter *x = arg;

    (void)row;
    (void)key;
    buf_add_char(&x->text, '\n');
    mof_print_instance(&x->text, instance);
    return piece_end(x, PIECE_BYTES);
}

static int
security_export(struct exporter *x, const struct repository_namespace *ns,
                struct arena *arena)
{
    struct span sddl;
    int r = repository_descriptor(x->repo, &x->now, arena, &sddl, x->err);

    if (ns->requires_encryption)
        mof_print_encryption(&x->text, true);
    if (r > 0)
        mof_print_descriptor(&x->text, sddl);
    return r < 0 ? -1 : 0;
}

static int
namespace_export(struct exporter *x, const struct repository_namespace *ns)
{
    struct arena *arena = arena_new();
    char *display = arena != NULL ? arena_copy(arena, ns->display) : NULL;
    int r;

    if (display == NULL) {
        arena_free(arena);
        return error_set_errno(x->err, ENOMEM, "export");
    }
    x->now = ns->path;
    if (x->found)
        buf_add_char(&x->text, '\n');
    x->found = true;
    mof_print_namespace(&x->text, display);
    r = security_export(x, ns, arena);
    if (r == 0)
        r = repository_each_qualifier(x->repo, &x->now, arena, qualifier_visit,
                                      x, x->err);
    if (r == 0 && !x->failed)
        r = classes_export(x);
    if (r == 0 && !x->failed)
        r = repository_each_instance(x->repo, &x->now, instance_visit, x,
                                     x->err);
    arena_free(arena);
    return r < 0 || x->failed ? -1 : 0;
}

/* Sorted by path, so that a namespace stands in front of those in it. */
static bool
namespace_visit(void *arg, const struct repository_namespace *ns)
{
    struct exporter *x = arg;
    struct span top = namespace_path_span(&x->top);
    struct span path = namespace_path_span(&ns->path);

    if (!span_starts_nocase(path, top) ||
        (path.length > top.length && path.data[top.length] != '\\'))
        return true;
    x->failed = namespace_export(x, ns) < 0;
    return !x->failed && piece_end(x, PIECE_BYTES);
}

int
policy_export(struct repository *repo, const struct namespace_path *ns,
              int (*write)(void *arg, struct span text, struct error *err),
              void *arg, struct error *err)
{
    struct exporter x = {
        .repo = repo, .write = write, .arg = arg, .err = err, .top = *ns};
    int r = repository_each_namespace(repo, namespace_visit, &x, err);

    if (r == 0 && !x.failed)
        piece_end(&x, 0);
    buf_fini(&x.text);
    if (r < 0 || x.failed)
        return -1;
    return x.found ? 0 : 1;
}
