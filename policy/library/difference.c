/* What a prepared compile would change: the open transaction beside what a
 * reader sees. */
#include <errno.h>
#include <string.h>

#include "policy/library/library.h"

#define PAGE 1000

struct difference {
    struct repository *before, *after;
    const struct mof_unit *unit;
    const struct repository_change *change;
    bool (*visit)(void *arg, const struct policy_difference *d);
    void *arg;
    bool stopped;
    struct arena *arena;        /* until the next object */
    struct strmap *seen;        /* what has been looked at */
    struct arena *kept;         /* keys of seen, names */
    struct namespace_path last; /* whose spelling is display */
    const char *display;
    struct buf old, new;
    struct error *err;
};

static int
out_of_memory(struct difference *d)
{
    return error_set_errno(d->err, ENOMEM, "compile");
}

static bool
is_over(const struct difference *d)
{
    return d->stopped;
}

static void
tell(struct difference *d, const struct policy_difference *what)
{
    d->stopped = d->stopped || !d->visit(d->arg, what);
}

/* Objects are decoded one at a time. */
static int
arena_renew(struct difference *d)
{
    if (d->arena != NULL && arena_used(d->arena) == 0)
        return 0;
    arena_free(d->arena);
    d->arena = arena_new();
    return d->arena != NULL ? 0 : out_of_memory(d);
}

/* 1 the first time, 0, -1; parts are joined by a byte that no name holds. */
static int
is_new(struct difference *d, struct span a, struct span b, struct span c)
{
    struct buf key = BUF_INIT;
    struct span kept = {NULL, 0};
    int r = 0;

    buf_add_span(&key, a);
    buf_add_char(&key, '\1');
    buf_add_span(&key, b);
    buf_add_char(&key, '\1');
    buf_add_span(&key, c);
    if (buf_failed(&key))
        r = out_of_memory(d);
    else if (strmap_get(d->seen, buf_span(&key)) == NULL) {
        kept = arena_span(d->kept, buf_span(&key));
        r = kept.data != NULL && strmap_put(d->seen, kept, d)
                ? 1
                : out_of_memory(d);
    }
    buf_fini(&key);
    return r;
}

/* The namespace as the repository spells it; NULL after an error. */
static const char *
display_of(struct difference *d, const struct mof_statement *st)
{
    struct repository_namespace ns;
    int r;

    if (d->display != NULL && namespace_path_equal(&d->last, &st->namespace))
        return d->display;
    d->last = st->namespace;
    r = repository_namespace_find(d->after, &st->namespace, &ns, d->err);
    if (r == 0)
        r = repository_namespace_find(d->before, &st->namespace, &ns, d->err);
    d->display = NULL;
    if (r >= 0)
        d->display = arena_copy(
            d->kept, r > 0 ? ns.display : span_of(st->namespace_display));
    if (r >= 0 && d->display == NULL)
        out_of_memory(d);
    return d->display;
}

/* -- namespaces ------------------------------------------------------------- */

struct space {
    struct namespace_path path;
    const char *display;
    bool encrypted;
};

struct spaces {
    struct difference *d;
    struct arena *arena;
    struct strmap *before; /* path -> struct space; taken out when found */
    bool failed;
};

static bool
space_keep(void *arg, const struct repository_namespace *ns)
{
    struct spaces *s = arg;
    struct space *kept = arena_alloc(s->arena, sizeof(*kept));

    if (kept != NULL) {
        kept->path = ns->path;
        kept->display = arena_copy(s->arena, ns->display);
        kept->encrypted = ns->requires_encryption;
    }
    s->failed = kept == NULL || kept->display == NULL ||
                !strmap_put(s->before, namespace_path_span(&kept->path), kept);
    return !s->failed;
}

static enum policy_space
state_of(bool encrypted)
{
    return encrypted ? POLICY_SPACE_ENCRYPTED : POLICY_SPACE_OPEN;
}

static bool
space_compare(void *arg, const struct repository_namespace *ns)
{
    struct spaces *s = arg;
    const struct space *before =
        strmap_remove(s->before, namespace_path_span(&ns->path));
    struct policy_difference what = {
        .kind = POLICY_DIFFERENCE_NAMESPACE,
        .space_before =
            before != NULL ? state_of(before->encrypted) : POLICY_SPACE_ABSENT,
        .space_after = state_of(ns->requires_encryption)};

    if (what.space_before == what.space_after)
        return true;
    what.namespace = arena_copy(s->arena, ns->display);
    s->failed = what.namespace == NULL;
    if (!s->failed)
        tell(s->d, &what);
    return !s->failed && !is_over(s->d);
}

/* In the order of their paths, as visited. */
static bool
space_gone(void *arg, const struct repository_namespace *ns)
{
    struct spaces *s = arg;
    const struct space *gone =
        strmap_get(s->before, namespace_path_span(&ns->path));

    if (gone != NULL)
        tell(s->d, &(struct policy_difference){
                       .kind = POLICY_DIFFERENCE_NAMESPACE,
                       .namespace = gone->display,
                       .space_before = state_of(gone->encrypted),
                       .space_after = POLICY_SPACE_ABSENT});
    return !is_over(s->d);
}

static int
spaces_compare(struct difference *d)
{
    struct spaces s = {.d = d, .arena = arena_new(), .before = strmap_new()};
    int r;

    if (s.arena == NULL || s.before == NULL) {
        r = out_of_memory(d);
    } else {
        r = repository_each_namespace(d->before, space_keep, &s, d->err);
        if (r == 0 && !s.failed)
            r = repository_each_namespace(d->after, space_compare, &s, d->err);
        if (r == 0 && !s.failed && !is_over(d) && strmap_count(s.before) > 0)
            r = repository_each_namespace(d->before, space_gone, &s, d->err);
        if (r == 0 && s.failed)
            r = out_of_memory(d);
    }
    strmap_free(s.before);
    arena_free(s.arena);
    return r;
}

/* What was printed before and after; nothing is told where both are the
 * same. */
static void
texts_compare(struct difference *d, struct policy_difference *what, bool was,
              bool is)
{
    if (!was && !is)
        return;
    if (was && is && span_equal(buf_span(&d->old), buf_span(&d->new)))
        return;
    what->before = was ? d->old.data : NULL;
    what->after = is ? d->new.data : NULL;
    tell(d, what);
}

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
    return r < 0 ? -1 : buf_failed(out) ? out_of_memory(d) : r;
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
    return r < 0 ? -1 : buf_failed(out) ? out_of_memory(d) : r;
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
                                     .namespace = display_of(d, st),
                                     .name = is_qualifier ? st->qualifier->name
                                                          : SPAN("")};
    int r, was, is;

    if (what.namespace == NULL || arena_renew(d) < 0)
        return -1;
    r = is_new(d, namespace_path_span(&st->namespace), what.name,
               is_qualifier ? SPAN("\2qualifier") : SPAN("\2descriptor"));
    if (r <= 0)
        return r;
    was = simple[row].print(d, d->before, st, &d->old);
    is = was < 0 ? -1 : simple[row].print(d, d->after, st, &d->new);
    if (is < 0)
        return -1;
    texts_compare(d, &what, was > 0, is > 0);
    return 0;
}

static int
all_simple_compare(struct difference *d, size_t row)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->unit->count && !is_over(d); i++) {
        if (d->unit->statements[i].kind == simple[row].statement)
            r = simple_compare(d, row, &d->unit->statements[i]);
    }
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
    return r < 0 ? -1 : buf_failed(out) ? out_of_memory(d) : r;
}

static int
class_compare(struct difference *d, const struct mof_statement *st,
              struct span name)
{
    struct policy_difference what = {.kind = POLICY_DIFFERENCE_CLASS,
                                     .namespace = display_of(d, st),
                                     .name = name};
    int r = is_new(d, namespace_path_span(&st->namespace), name, SPAN("")),
        was, is;

    if (r <= 0)
        return r;
    if (what.namespace == NULL || arena_renew(d) < 0)
        return -1;
    was = class_print(d, d->before, &st->namespace, name, &d->old);
    is =
        was < 0 ? -1 : class_print(d, d->after, &st->namespace, name, &d->new);
    if (is < 0)
        return -1;
    texts_compare(d, &what, was > 0, is > 0);
    return 0;
}

struct names {
    struct arena *arena;
    size_t count, capacity;
    struct span *items;
    bool failed;
};

static bool
name_keep(void *arg, struct span name, struct span superclass)
{
    struct names *n = arg;
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
    struct names names = {.arena = arena_new()};
    int r = names.arena != NULL ? 0 : out_of_memory(d);

    if (r == 0)
        r = repository_each_class(d->after, &st->namespace, name_keep, &names,
                                  d->err);
    if (r == 0 && !names.failed)
        r = repository_each_class(d->before, &st->namespace, name_keep, &names,
                                  d->err);
    if (r == 0 && names.failed)
        r = out_of_memory(d);
    for (size_t i = 0; r == 0 && i < names.count && !is_over(d); i++)
        r = class_compare(d, st, names.items[i]);
    arena_free(names.arena);
    return r;
}

static int
all_classes_compare(struct difference *d)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->unit->count && !is_over(d); i++) {
        const struct mof_statement *st = &d->unit->statements[i];

        if (st->kind != MOF_STATEMENT_CLASS &&
            st->kind != MOF_STATEMENT_DELETE_CLASS)
            continue;
        r = is_new(d, namespace_path_span(&st->namespace), SPAN("\2classes"),
                   SPAN(""));
        if (r > 0)
            r = classes_compare(d, st);
    }
    return r;
}

/* -- instances -------------------------------------------------------------- */

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
    return r < 0 ? -1 : buf_failed(out) ? out_of_memory(d) : r;
}

static int
instance_tell(struct difference *d, const struct mof_statement *st,
              struct span class_name, struct span key)
{
    struct policy_difference what = {.kind = POLICY_DIFFERENCE_INSTANCE,
                                     .namespace = display_of(d, st),
                                     .name = class_name,
                                     .key = key};
    int r = is_new(d, namespace_path_span(&st->namespace), class_name, key);
    int was, is;

    if (r <= 0)
        return r;
    if (what.namespace == NULL || arena_renew(d) < 0)
        return -1;
    was =
        instance_print(d, d->before, &st->namespace, class_name, key, &d->old);
    is = was < 0 ? -1
                 : instance_print(d, d->after, &st->namespace, class_name, key,
                                  &d->new);
    if (is < 0)
        return -1;
    texts_compare(d, &what, was > 0, is > 0);
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
        p->r = out_of_memory(p->d);
    else if (is_system(name) == p->system_only)
        p->r = instance_tell(p->d, p->st, name, kept);
    return p->r == 0 && !is_over(p->d);
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
    } while (r == 0 && p.r == 0 && !is_over(d) && p.count == PAGE);
    return r < 0 ? r : p.r;
}

static bool
root_keep(void *arg, struct span name, struct span superclass)
{
    if (superclass.length > 0 && !is_system(superclass))
        return true;
    return name_keep(arg, name, superclass);
}

/* Once per namespace: what a deletion or a class took with it. */
static int
former_compare(struct difference *d, const struct mof_statement *st)
{
    struct names roots = {.arena = arena_new()};
    int r = roots.arena != NULL ? 0 : out_of_memory(d);

    if (r == 0)
        r = repository_each_class(d->before, &st->namespace, root_keep, &roots,
                                  d->err);
    if (r == 0 && roots.failed)
        r = out_of_memory(d);
    for (size_t i = 0; r == 0 && i < roots.count && !is_over(d); i++)
        r = family_compare(d, st, roots.items[i], false);
    if (r == 0 && !is_over(d))
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

static int
instances_compare(struct difference *d)
{
    struct mof_cursor cursor = {.index = 0};
    const struct mof_statement *st;
    int r = 0;

    while (r == 0 && !is_over(d) &&
           (st = mof_unit_next(d->unit, &cursor)) != NULL) {
        if (st->kind == MOF_STATEMENT_INSTANCE) {
            r = instance_tell(d, st, st->instance->class_name, st->key);
        } else if (may_take_instances(d, st)) {
            r = is_new(d, namespace_path_span(&st->namespace),
                       SPAN("\2instances"), SPAN(""));
            if (r > 0)
                r = former_compare(d, st);
        }
    }
    return r == 0 && cursor.failed ? out_of_memory(d) : r;
}

/* -- all -------------------------------------------------------------------- */

static int
compare(struct difference *d)
{
    uint64_t generation;
    int r = repository_read_begin(d->before, &generation, d->err);

    if (r == 0)
        r = spaces_compare(d);
    for (size_t row = 0; r == 0 && row < ARRAY_COUNT(simple); row++)
        r = all_simple_compare(d, row);
    if (r == 0 && !is_over(d))
        r = all_classes_compare(d);
    if (r == 0 && !is_over(d))
        r = instances_compare(d);
    repository_read_end(d->before);
    return r;
}

int
policy_compile_each_difference(
    struct policy_compile *c,
    bool (*visit)(void *arg, const struct policy_difference *d), void *arg,
    struct error *err)
{
    const char *state_dir = policy_compile_state_dir(c);
    struct difference d = {.after = policy_compile_repository(c),
                           .unit = mof_unit(policy_compile_mof(c)),
                           .change = policy_compile_change(c),
                           .visit = visit,
                           .arg = arg,
                           .seen = strmap_new(),
                           .kept = arena_new(),
                           .old = BUF_INIT,
                           .new = BUF_INIT,
                           .err = err};
    int r;

    if (d.seen == NULL || d.kept == NULL)
        r = out_of_memory(&d);
    else if (state_dir == NULL || d.after == NULL)
        r = error_set(err, "there is nothing that could be stored");
    else if ((r = state_owner_enter(state_dir, err)) == 0) {
        r = repository_open(state_dir, REPOSITORY_READ, &d.before, err);
        if (r == 0)
            r = compare(&d);
        repository_close(d.before);
        state_owner_leave();
    }
    strmap_free(d.seen);
    arena_free(d.kept);
    arena_free(d.arena);
    buf_fini(&d.old);
    buf_fini(&d.new);
    return r;
}
