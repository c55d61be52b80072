/* What a prepared compile would change. */
#include "policy/library/difference.h"

#include <errno.h>

int
difference_memory(struct difference *d)
{
    return error_set_errno(d->err, ENOMEM, "compile");
}

void
difference_tell(struct difference *d, const struct policy_difference *what)
{
    d->stopped = d->stopped || !d->visit(d->arg, what);
}

int
difference_renew(struct difference *d)
{
    if (d->arena != NULL && arena_used(d->arena) == 0)
        return 0;
    arena_free(d->arena);
    d->arena = arena_new();
    return d->arena != NULL ? 0 : difference_memory(d);
}

/* The map knows no case, values of keys do: a capital has a mark in front. */
static void
add_key(struct buf *out, struct span key)
{
    for (size_t i = 0; i < key.length; i++) {
        if (ascii_lower(key.data[i]) != key.data[i])
            buf_add_char(out, '\2');
        buf_add_char(out, key.data[i]);
    }
}

int
difference_is_new(struct difference *d, struct span a, struct span b,
                  struct span c)
{
    struct buf key = BUF_INIT;
    struct span kept = {NULL, 0};
    int r = 0;

    buf_add_span(&key, a);
    buf_add_char(&key, '\1');
    buf_add_span(&key, b);
    buf_add_char(&key, '\1');
    add_key(&key, c);
    if (buf_failed(&key))
        r = difference_memory(d);
    else if (strmap_get(d->seen, buf_span(&key)) == NULL) {
        kept = arena_span(d->kept, buf_span(&key));
        r = kept.data != NULL && strmap_put(d->seen, kept, d)
                ? 1
                : difference_memory(d);
    }
    buf_fini(&key);
    return r;
}

const char *
difference_display(struct difference *d, const struct mof_statement *st)
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
        difference_memory(d);
    return d->display;
}

void
difference_texts(struct difference *d, struct policy_difference *what,
                 bool was, bool is)
{
    if (!was && !is)
        return;
    if (was && is && span_equal(buf_span(&d->old), buf_span(&d->new)))
        return;
    what->before = was ? d->old.data : NULL;
    what->after = is ? d->new.data : NULL;
    difference_tell(d, what);
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
        difference_tell(s->d, &what);
    return !s->failed && !s->d->stopped;
}

/* In the order of their paths, as visited. */
static bool
space_gone(void *arg, const struct repository_namespace *ns)
{
    struct spaces *s = arg;
    const struct space *gone =
        strmap_get(s->before, namespace_path_span(&ns->path));

    if (gone != NULL)
        difference_tell(s->d, &(struct policy_difference){
                                  .kind = POLICY_DIFFERENCE_NAMESPACE,
                                  .namespace = gone->display,
                                  .space_before = state_of(gone->encrypted),
                                  .space_after = POLICY_SPACE_ABSENT});
    return !s->d->stopped;
}

static int
spaces_compare(struct difference *d)
{
    struct spaces s = {.d = d, .arena = arena_new(), .before = strmap_new()};
    int r;

    if (s.arena == NULL || s.before == NULL) {
        r = difference_memory(d);
    } else {
        r = repository_each_namespace(d->before, space_keep, &s, d->err);
        if (r == 0 && !s.failed)
            r = repository_each_namespace(d->after, space_compare, &s, d->err);
        if (r == 0 && !s.failed && !d->stopped && strmap_count(s.before) > 0)
            r = repository_each_namespace(d->before, space_gone, &s, d->err);
        if (r == 0 && s.failed)
            r = difference_memory(d);
    }
    strmap_free(s.before);
    arena_free(s.arena);
    return r;
}

/* -- all -------------------------------------------------------------------- */

static int
compare(struct difference *d)
{
    uint64_t generation;
    int r = repository_read_begin(d->before, &generation, d->err);

    if (r == 0)
        r = spaces_compare(d);
    if (r == 0)
        r = difference_simple(d);
    if (r == 0 && !d->stopped)
        r = difference_classes(d);
    if (r == 0 && !d->stopped)
        r = difference_instances(d);
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
        r = difference_memory(&d);
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
