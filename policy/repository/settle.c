/* The subclasses of a class that became another one.  A subclass contradicts
 * it where it could not have been declared below it in the first place; only
 * what is new in the class above is looked at. */
#include "policy/repository/apply.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/repository/difference.h"
#include "policy/repository/encoding.h"

struct settle {
    struct apply *a;
    const struct mof_statement *st;
    const struct repository_class_full *before, *now;
    bool force;
    struct cim_class *sub; /* the subclass that is looked at */
    bool changed;          /* something was taken out of it */
};

/* 1: to be taken out, -1: refused.  "property X of type string" */
static int
contradiction(struct settle *s, const char *kind, struct span name,
              const char *why)
{
    const struct repository_apply_options *o = s->a->options;
    char text[ERROR_TEXT_MAX];

    if (!s->force) {
        snprintf(text, sizeof(text),
                 "would contradict its subclass %.*s, whose %s %.*s %s",
                 (int)s->sub->name.length, s->sub->name.data, kind,
                 (int)name.length, name.data, why);
        return apply_class_fail(s->a, s->st->class->name, APPLY_HAS_CHILDREN,
                                text);
    }
    s->changed = true;
    if (o->note == NULL)
        return 1;
    snprintf(text, sizeof(text),
             "forceupdate takes %s %.*s out of subclass %.*s: it %s", kind,
             (int)name.length, name.data, (int)s->sub->name.length,
             s->sub->name.data, why);
    o->note(o->note_arg, s->st, text);
    return 1;
}

/* -- qualifiers ------------------------------------------------------------- */

static int
settle_qualifiers(struct settle *s, struct cim_qualifiers *mine,
                  const struct cim_qualifiers *now,
                  const struct cim_qualifiers *before)
{
    size_t kept = 0;

    for (size_t i = 0; i < mine->count; i++) {
        const struct cim_qualifier *q = &mine->items[i];
        const struct cim_qualifier *above = cim_qualifiers_find(now, q->name);
        const struct cim_qualifier *was =
            before != NULL ? cim_qualifiers_find(before, q->name) : NULL;
        int r = 0;

        if (above != NULL && difference_binds(above) &&
            !difference_same_value(&q->value, &above->value) &&
            !(was != NULL && difference_binds(was) &&
              difference_same_value(&was->value, &above->value)))
            r = contradiction(s, "qualifier", q->name,
                              "has another value, which the class above does "
                              "not let be overridden");
        if (r < 0)
            return -1;
        if (r == 0)
            mine->items[kept++] = *q;
    }
    mine->count = kept;
    return 0;
}

/* -- properties ------------------------------------------------------------- */

static const struct repository_property *
property_above(const struct repository_class_full *full, struct span name)
{
    size_t at = repository_class_full_property(full, name);

    return at != SIZE_MAX ? &full->properties[at] : NULL;
}

static bool
is_singleton(const struct repository_class_full *full)
{
    return cim_qualifiers_true(&full->class->qualifiers, SPAN("singleton"));
}

/* Keys are those of the first class from the top that has any: a class that
 * comes to have keys takes them from all below it. */
static int
settle_key(struct settle *s, struct cim_property *p,
           const struct repository_property *above)
{
    struct cim_qualifiers *mine = &p->qualifiers;
    size_t kept = 0;
    int r;

    if (cim_qualifiers_find(mine, SPAN("key")) == NULL ||
        (above != NULL && above->key) ||
        (s->now->key_count == 0 && !is_singleton(s->now)) ||
        s->before->key_count > 0 || is_singleton(s->before))
        return 0;
    r = contradiction(s, "Key of property", p->name,
                      "would be a key below a class that has its own");
    for (size_t i = 0; r > 0 && i < mine->count; i++) {
        if (!span_equal_nocase(mine->items[i].name, SPAN("key")))
            mine->items[kept++] = mine->items[i];
    }
    if (r > 0)
        mine->count = kept;
    return r < 0 ? -1 : 0;
}

/* 1: to be taken out, 0: it stays, -1. */
static int
settle_property(struct settle *s, struct cim_property *p)
{
    const struct repository_property *above = property_above(s->now, p->name);
    const struct repository_property *was = property_above(s->before, p->name);

    if (settle_key(s, p, above) < 0)
        return -1;
    if (above == NULL)
        return 0;
    if (!difference_same_type(p, above->property) &&
        (was == NULL || !difference_same_type(was->property, above->property)))
        return contradiction(s, "property", p->name,
                             "has another type than that of the class above");
    return settle_qualifiers(s, &p->qualifiers, &above->property->qualifiers,
                             was != NULL ? &was->property->qualifiers : NULL);
}

static int
settle_properties(struct settle *s)
{
    struct cim_class *c = s->sub;
    size_t kept = 0;

    for (size_t i = 0; i < c->property_count; i++) {
        int r = settle_property(s, &c->properties[i]);

        if (r < 0)
            return -1;
        if (r == 0)
            c->properties[kept++] = c->properties[i];
    }
    c->property_count = kept;
    return 0;
}

/* -- methods ---------------------------------------------------------------- */

static const struct cim_method *
method_above(const struct repository_class_full *full, struct span name)
{
    for (size_t i = 0; i < full->method_count; i++) {
        if (span_equal_nocase(full->methods[i].method->name, name))
            return full->methods[i].method;
    }
    return NULL;
}

static int
settle_method(struct settle *s, struct cim_method *m)
{
    const struct cim_method *above = method_above(s->now, m->name);
    const struct cim_method *was = method_above(s->before, m->name);

    if (above == NULL)
        return 0;
    if (!difference_same_signature(m, above) &&
        (was == NULL || !difference_same_signature(was, above)))
        return contradiction(s, "method", m->name,
                             "is called otherwise than that of the class "
                             "above");
    return settle_qualifiers(s, &m->qualifiers, &above->qualifiers,
                             was != NULL ? &was->qualifiers : NULL);
}

static int
settle_methods(struct settle *s)
{
    struct cim_class *c = s->sub;
    size_t kept = 0;

    for (size_t i = 0; i < c->method_count; i++) {
        int r = settle_method(s, &c->methods[i]);

        if (r < 0)
            return -1;
        if (r == 0)
            c->methods[kept++] = c->methods[i];
    }
    c->method_count = kept;
    return 0;
}

/* -- all -------------------------------------------------------------------- */

static int
settle_subclass(struct settle *s, int64_t ns, int64_t id, struct arena *arena)
{
    struct apply *a = s->a;
    struct buf body = BUF_INIT;
    int r = classes_body(a->repo, id, &body, a->err);

    s->sub = r > 0 ? decode_class(buf_span(&body), arena) : NULL;
    buf_fini(&body);
    if (r <= 0)
        return r;
    if (s->sub == NULL)
        return error_set(a->err, "%s: a class is damaged", a->repo->path);
    s->changed = false;
    if (settle_qualifiers(s, &s->sub->qualifiers, &s->now->class->qualifiers,
                          &s->before->class->qualifiers) < 0 ||
        settle_properties(s) < 0 || settle_methods(s) < 0)
        return -1;
    if (!s->changed)
        return 0;
    if (apply_encode_class(a, s->sub) < 0 ||
        classes_put(a->repo, ns, id, s->sub, buf_span(&a->body), a->err) < 0)
        return -1;
    a->change->classes_updated++;
    return 0;
}

int
settle_subclasses(struct apply *a, const struct mof_statement *st, int64_t ns,
                  const struct repository_class_full *before,
                  const struct repository_class_full *now, bool force)
{
    struct settle s = {
        .a = a, .st = st, .before = before, .now = now, .force = force};
    int64_t *family;
    size_t count;
    int r =
        classes_family(a->repo, ns, st->class->name, &family, &count, a->err);

    for (size_t i = 1; r == 0 && i < count; i++) {
        struct arena *arena = arena_new();

        r = arena != NULL
                ? settle_subclass(&s, ns, family[i], arena)
                : error_set_errno(a->err, ENOMEM, "%s", a->repo->path);
        arena_free(arena);
    }
    free(family);
    return r;
}
