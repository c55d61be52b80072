#include <string.h>

#include "policy/library/difference.h"

/* -- descriptors and declarations ------------------------------------------- */

static int
descriptor_print(struct difference *d, struct repository *repo,
                 const struct mof_statement *st, struct buf *out)
{
    struct span sddl;
    int r =
        repository_descriptor(repo, &st->namespace, d->arena, &sddl, d->err);

    buf_reset(out);
    if (r > 0) {
        buf_add_span(out, sddl);
        buf_add_char(out, '\n');
    }
    return r < 0 ? -1 : buf_failed(out) ? difference_memory(d) : r;
}

static int
qualifier_print(struct difference *d, struct repository *repo,
                const struct mof_statement *st, struct buf *out)
{
    struct cim_qualifier_declaration *q;
    int r = repository_qualifier(repo, &st->namespace, st->qualifier->name,
                                 d->arena, &q, d->err);

    buf_reset(out);
    if (r > 0)
        mof_print_qualifier_declaration(out, q);
    return r < 0 ? -1 : buf_failed(out) ? difference_memory(d) : r;
}

static const struct {
    enum mof_statement_kind statement;
    enum policy_difference_kind kind;
    int (*print)(struct difference *d, struct repository *repo,
                 const struct mof_statement *st, struct buf *out);
} simple[] = {
    {MOF_STATEMENT_DESCRIPTOR, POLICY_DIFFERENCE_DESCRIPTOR, descriptor_print},
    {MOF_STATEMENT_QUALIFIER_DECLARATION, POLICY_DIFFERENCE_QUALIFIER,
     qualifier_print},
};

static int
simple_compare(struct difference *d, size_t row,
               const struct mof_statement *st)
{
    bool is_qualifier = simple[row].kind == POLICY_DIFFERENCE_QUALIFIER;
    struct policy_difference what = {.kind = simple[row].kind,
                                     .namespace = difference_display(d, st),
                                     .name = is_qualifier ? st->qualifier->name
                                                          : SPAN("")};
    int r, was, is;

    if (what.namespace == NULL || difference_renew(d) < 0)
        return -1;
    r = difference_is_new(d, namespace_path_span(&st->namespace), what.name,
                          is_qualifier ? SPAN("\2qualifier")
                                       : SPAN("\2descriptor"));
    if (r <= 0)
        return r;
    was = simple[row].print(d, d->before, st, &d->old);
    is = was < 0 ? -1 : simple[row].print(d, d->after, st, &d->new);
    if (is < 0)
        return -1;
    difference_texts(d, &what, was > 0, is > 0);
    return 0;
}

static int
row_compare(struct difference *d, size_t row)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->unit->count && !d->stopped; i++) {
        if (d->unit->statements[i].kind == simple[row].statement)
            r = simple_compare(d, row, &d->unit->statements[i]);
    }
    return r;
}

int
difference_simple(struct difference *d)
{
    int r = 0;

    for (size_t row = 0; r == 0 && row < ARRAY_COUNT(simple); row++)
        r = row_compare(d, row);
    return r;
}

/* -- classes ---------------------------------------------------------------- */

static int
class_print(struct difference *d, struct repository *repo,
            const struct namespace_path *ns, struct span name, struct buf *out)
{
    struct cim_class *class;
    int r = repository_class(repo, ns, name, d->arena, &class, d->err);

    buf_reset(out);
    if (r > 0)
        mof_print_class(out, class);
    return r < 0 ? -1 : buf_failed(out) ? difference_memory(d) : r;
}

static int
class_compare(struct difference *d, const struct mof_statement *st,
              struct span name)
{
    struct policy_difference what = {.kind = POLICY_DIFFERENCE_CLASS,
                                     .namespace = difference_display(d, st),
                                     .name = name};
    int r = difference_is_new(d, namespace_path_span(&st->namespace), name,
                              SPAN("")),
        was, is;

    if (r <= 0)
        return r;
    if (what.namespace == NULL || difference_renew(d) < 0)
        return -1;
    was = class_print(d, d->before, &st->namespace, name, &d->old);
    is =
        was < 0 ? -1 : class_print(d, d->after, &st->namespace, name, &d->new);
    if (is < 0)
        return -1;
    difference_texts(d, &what, was > 0, is > 0);
    return 0;
}

bool
difference_name_keep(void *arg, struct span name, struct span superclass)
{
    struct difference_names *n = arg;
    size_t capacity = n->capacity ? n->capacity * 2 : 64;

    (void)superclass;
    if (n->count == n->capacity) {
        struct span *more = arena_array(n->arena, capacity, sizeof(*more));

        if (more != NULL && n->count > 0)
            memcpy(more, n->items, n->count * sizeof(*more));
        n->items = more;
        n->capacity = capacity;
    }
    n->failed =
        n->items == NULL ||
        (n->items[n->count++] = arena_span(n->arena, name)).data == NULL;
    return !n->failed;
}

/* All of a namespace: a class that changes may change others with it. */
static int
classes_compare(struct difference *d, const struct mof_statement *st)
{
    struct difference_names names = {.arena = arena_new()};
    int r = names.arena != NULL ? 0 : difference_memory(d);

    if (r == 0)
        r = repository_each_class(d->after, &st->namespace,
                                  difference_name_keep, &names, d->err);
    if (r == 0 && !names.failed)
        r = repository_each_class(d->before, &st->namespace,
                                  difference_name_keep, &names, d->err);
    if (r == 0 && names.failed)
        r = difference_memory(d);
    for (size_t i = 0; r == 0 && i < names.count && !d->stopped; i++)
        r = class_compare(d, st, names.items[i]);
    arena_free(names.arena);
    return r;
}

int
difference_classes(struct difference *d)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->unit->count && !d->stopped; i++) {
        const struct mof_statement *st = &d->unit->statements[i];

        if (st->kind != MOF_STATEMENT_CLASS &&
            st->kind != MOF_STATEMENT_DELETE_CLASS)
            continue;
        r = difference_is_new(d, namespace_path_span(&st->namespace),
                              SPAN("\2classes"), SPAN(""));
        if (r > 0)
            r = classes_compare(d, st);
    }
    return r;
}
