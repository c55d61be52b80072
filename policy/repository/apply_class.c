/* Class declarations: what may change while subclasses and instances exist. */
#include "policy/repository/apply.h"

#include <stdlib.h>

static int
class_fail(struct apply *a, struct span name, uint32_t code, const char *what)
{
    return apply_fail(a, code, "class %.*s %s", (int)name.length, name.data,
                      what);
}

/* -- superclass ----------------------------------------------------------- */

/* Walks up from c's superclass: it must be there, and never lead to c. */
static int
superclass_check(struct apply *a, int64_t ns, const struct cim_class *c)
{
    struct span name = c->superclass;

    for (unsigned depth = 0; name.length > 0; depth++) {
        int64_t id;
        bool is_system;
        int r;

        if (span_equal_nocase(name, c->name) || depth == REPOSITORY_DEPTH_MAX)
            return class_fail(a, c->name, APPLY_INVALID_SUPERCLASS,
                              "would be derived from itself");
        if (mof_system_class(name) != NULL)
            return classes_put_system(a->repo, ns, name, &id, a->err);
        r = classes_id(a->repo, ns, name, &id, &is_system, a->err);
        if (r == 0)
            return class_fail(a, c->name, APPLY_INVALID_SUPERCLASS,
                              "has a superclass that does not exist");
        if (r < 0 ||
            classes_superclass(a->repo, ns, name, a->arena, &name, a->err) < 0)
            return -1;
    }
    return 0;
}

/* -- what an update changes ----------------------------------------------- */

static bool
is_key(const struct cim_property *p)
{
    return cim_qualifiers_find(&p->qualifiers, SPAN("key")) != NULL;
}

static bool
same_type(const struct cim_property *a, const struct cim_property *b)
{
    return a->type == b->type && a->is_array == b->is_array;
}

/* Every key of one is a key of the other, of the same type. */
static bool
keys_within(const struct cim_class *one, const struct cim_class *other)
{
    for (size_t i = 0; i < one->property_count; i++) {
        const struct cim_property *p = &one->properties[i], *q;

        if (!is_key(p))
            continue;
        q = cim_class_property(other, p->name);
        if (q == NULL || !is_key(q) || !same_type(p, q))
            return false;
    }
    return true;
}

static bool
types_same(const struct cim_class *one, const struct cim_class *other)
{
    for (size_t i = 0; i < one->property_count; i++) {
        const struct cim_property *p = &one->properties[i];
        const struct cim_property *q = cim_class_property(other, p->name);

        if (q != NULL && !same_type(p, q))
            return false;
    }
    return true;
}

/* 1 some class of the family has instances, 0 none, -1. */
static int
family_has_instances(struct apply *a, int64_t ns, struct span name,
                     size_t *classes_out)
{
    int64_t *family;
    int r = classes_family(a->repo, ns, name, &family, classes_out, a->err);

    for (size_t i = 0; r == 0 && i < *classes_out; i++)
        r = instances_any(a->repo, family[i], a->err);
    free(family);
    return r;
}

/* Instances are stored under keys and with values of the types that their
 * class had: neither may change beneath them. */
static int
update_check(struct apply *a, const struct mof_statement *st, int64_t ns)
{
    const struct cim_class *c = st->class;
    struct cim_class *old = NULL;
    bool keys, types, parent;
    size_t classes;
    int r = repository_class(a->repo, &st->namespace, c->name, a->arena, &old,
                             a->err);

    if (r <= 0)
        return r;
    keys = keys_within(c, old) && keys_within(old, c);
    types = types_same(c, old);
    parent = span_equal_nocase(c->superclass, old->superclass);
    if (!parent && superclass_check(a, ns, c) < 0)
        return -1;
    if (keys && types && parent)
        return 0;
    r = family_has_instances(a, ns, c->name, &classes);
    if (r > 0 && !types)
        return class_fail(a, c->name, APPLY_TYPE_MISMATCH,
                          "gives a property another type while there are "
                          "instances");
    if (r > 0)
        return class_fail(a, c->name, APPLY_HAS_INSTANCES,
                          keys ? "gets another superclass while there are "
                                 "instances"
                               : "gets other keys while there are instances");
    if (r == 0 && !keys && classes > 1)
        return class_fail(a, c->name, APPLY_HAS_CHILDREN,
                          "gets other keys while it has subclasses");
    return r;
}

int
apply_class(struct apply *a, const struct mof_statement *st)
{
    const struct cim_class *c = st->class;
    int64_t ns, id;
    bool is_system;
    int r;

    if (mof_system_class(c->name) != NULL)
        return class_fail(a, c->name, APPLY_INVALID_OPERATION,
                          "is a system class and can't be changed");
    if (apply_namespace(a, st, &ns) < 0)
        return -1;
    r = classes_id(a->repo, ns, c->name, &id, &is_system, a->err);
    if (r < 0)
        return -1;
    if (r > 0 && a->options->class_create_only)
        return class_fail(a, c->name, APPLY_ALREADY_EXISTS, "exists already");
    if (r == 0 && a->options->class_update_only)
        return class_fail(a, c->name, APPLY_NOT_FOUND, "does not exist");
    if ((r > 0 ? update_check(a, st, ns) : superclass_check(a, ns, c)) < 0 ||
        classes_put(a->repo, ns, id, c, a->err) < 0)
        return -1;
    if (r > 0)
        a->change->classes_updated++;
    else
        a->change->classes_created++;
    return 0;
}

/* -- deletion ------------------------------------------------------------- */

/* With its subclasses and all their instances (IWbemServices::DeleteClass). */
static int
delete_family(struct apply *a, int64_t ns, struct span name)
{
    int64_t *family;
    size_t count, instances;
    int r = classes_family(a->repo, ns, name, &family, &count, a->err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = instances_count(a->repo, family[i], &instances, a->err);
        if (r == 0)
            r = classes_delete(a->repo, family[i], a->err);
        if (r == 0) {
            a->change->instances_deleted += instances;
            a->change->classes_deleted++;
        }
    }
    free(family);
    return r;
}

int
apply_delete_class(struct apply *a, const struct mof_statement *st)
{
    int64_t ns, id = 0;
    bool is_system = false;
    int r = namespaces_id(a->repo, &st->namespace, &ns, a->err);

    if (mof_system_class(st->name) != NULL)
        return class_fail(a, st->name, APPLY_INVALID_OPERATION,
                          "is a system class and can't be deleted");
    apply_forget(a);
    if (r > 0)
        r = classes_id(a->repo, ns, st->name, &id, &is_system, a->err);
    if (r < 0)
        return -1;
    if (r == 0 && st->must_exist)
        return class_fail(a, st->name, APPLY_NOT_FOUND,
                          "can't be deleted: there is none");
    return r > 0 ? delete_family(a, ns, st->name) : 0;
}
