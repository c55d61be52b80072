#include "policy/library/difference.h"

#define PAGE 1000

static int
instance_print(struct difference *d, struct repository *repo,
               const struct namespace_path *ns, struct span class_name,
               struct span key, struct buf *out)
{
    struct cim_instance *instance;
    int r = repository_instance(repo, ns, class_name, key, d->arena, &instance,
                                d->err);

    buf_reset(out);
    if (r > 0)
        mof_print_instance(out, instance);
    return r < 0 ? -1 : buf_failed(out) ? difference_memory(d) : r;
}

static int
instance_tell(struct difference *d, const struct mof_statement *st,
              struct span class_name, struct span key)
{
    struct policy_difference what = {.kind = POLICY_DIFFERENCE_INSTANCE,
                                     .namespace = difference_display(d, st),
                                     .name = class_name,
                                     .key = key};
    int r = difference_is_new(d, namespace_path_span(&st->namespace),
                              class_name, key);
    int was, is;

    if (r <= 0)
        return r;
    if (what.namespace == NULL || difference_renew(d) < 0)
        return -1;
    was =
        instance_print(d, d->before, &st->namespace, class_name, key, &d->old);
    is = was < 0 ? -1
                 : instance_print(d, d->after, &st->namespace, class_name, key,
                                  &d->new);
    if (is < 0)
        return -1;
    difference_texts(d, &what, was > 0, is > 0);
    return 0;
}

struct page {
    struct difference *d;
    const struct mof_statement *st;
    bool system_only;
    size_t count;
    int64_t last;
    int r;
};

static bool
is_system(struct span name)
{
    return span_starts_nocase(name, SPAN("__"));
}

static bool
page_visit(void *arg, int64_t row, struct span key,
           const struct cim_instance *instance)
{
    struct page *p = arg;
    struct span name = arena_span(p->d->kept, instance->class_name);
    struct span kept = arena_span(p->d->kept, key);

    p->count++;
    p->last = row;
    if (name.data == NULL || kept.data == NULL)
        p->r = difference_memory(p->d);
    else if (is_system(name) == p->system_only)
        p->r = instance_tell(p->d, p->st, name, kept);
    return p->r == 0 && !p->d->stopped;
}

/* Those of a class and below it that were there before. */
static int
family_compare(struct difference *d, const struct mof_statement *st,
               struct span class_name, bool system_only)
{
    struct page p = {.d = d, .st = st, .system_only = system_only};
    int r;

    do {
        p.count = 0;
        r = repository_instances(d->before, &st->namespace, class_name, p.last,
                                 PAGE, page_visit, &p, d->err);
    } while (r == 0 && p.r == 0 && !d->stopped && p.count == PAGE);
    return r < 0 ? r : p.r;
}

static bool
root_keep(void *arg, struct span name, struct span superclass)
{
    if (superclass.length > 0 && !is_system(superclass))
        return true;
    return difference_name_keep(arg, name, superclass);
}

/* Once per namespace: what a deletion or a class took with it. */
static int
former_compare(struct difference *d, const struct mof_statement *st)
{
    struct difference_names roots = {.arena = arena_new()};
    int r = roots.arena != NULL ? 0 : difference_memory(d);

    if (r == 0)
        r = repository_each_class(d->before, &st->namespace, root_keep, &roots,
                                  d->err);
    if (r == 0 && roots.failed)
        r = difference_memory(d);
    for (size_t i = 0; r == 0 && i < roots.count && !d->stopped; i++)
        r = family_compare(d, st, roots.items[i], false);
    if (r == 0 && !d->stopped)
        r = family_compare(d, st, SPAN("__SystemClass"), true);
    arena_free(roots.arena);
    return r;
}

static bool
may_take_instances(const struct difference *d, const struct mof_statement *st)
{
    return (st->kind == MOF_STATEMENT_CLASS &&
            d->change->classes_updated > 0) ||
           st->kind == MOF_STATEMENT_DELETE_CLASS ||
           st->kind == MOF_STATEMENT_DELETE_INSTANCE;
}

int
difference_instances(struct difference *d)
{
    struct mof_cursor cursor = {.index = 0};
    const struct mof_statement *st;
    int r = 0;

    while (r == 0 && !d->stopped &&
           (st = mof_unit_next(d->unit, &cursor)) != NULL) {
        if (st->kind == MOF_STATEMENT_INSTANCE) {
            r = instance_tell(d, st, st->instance->class_name, st->key);
        } else if (may_take_instances(d, st)) {
            r = difference_is_new(d, namespace_path_span(&st->namespace),
                                  SPAN("\2instances"), SPAN(""));
            if (r > 0)
                r = former_compare(d, st);
        }
    }
    return r == 0 && cursor.failed ? difference_memory(d) : r;
}
