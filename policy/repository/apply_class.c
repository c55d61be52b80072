/* Class declarations: what may change while subclasses and instances exist. */
#include "policy/repository/apply.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/repository/difference.h"
#include "policy/repository/encoding.h"

int
apply_class_fail(struct apply *a, struct span name, uint32_t code,
                 const char *what)
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
            return apply_class_fail(a, c->name, APPLY_INVALID_SUPERCLASS,
                                    "would be derived from itself");
        if (mof_system_class(name) != NULL)
            return classes_put_system(a->repo, ns, name, &id, a->err);
        r = classes_id(a->repo, ns, name, &id, &is_system, a->err);
        if (r == 0)
            return apply_class_fail(a, c->name, APPLY_INVALID_SUPERCLASS,
                                    "has a superclass that does not exist");
        if (r < 0 ||
            classes_superclass(a->repo, ns, name, a->arena, &name, a->err) < 0)
            return -1;
    }
    return 0;
}

/* -- updates --------------------------------------------------------------- */

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

/* The class becomes another one: only without instances, and with subclasses
 * only if that was said (MS-WMI 2.2.5 and 3.1.4.3.6). */
static int
rebuild(struct apply *a, const struct mof_statement *st, int64_t ns,
        int64_t id, unsigned change)
{
    const struct cim_class *c = st->class;
    struct repository_class_full *before = NULL, *now = NULL;
    size_t classes;
    int r = family_has_instances(a, ns, c->name, &classes);

    if (r > 0)
        return apply_class_fail(a, c->name, APPLY_HAS_INSTANCES,
                                "has instances and can't become another one");
    if (r == 0 && classes > 1 &&
        (change & (MOF_CHANGE_UPDATE_SAFE | MOF_CHANGE_UPDATE_FORCE)) == 0)
        return apply_class_fail(a, c->name, APPLY_HAS_CHILDREN,
                                "has subclasses and becomes another one only "
                                "with safeupdate or forceupdate");
    if (r == 0 && classes > 1)
        r = repository_class_full(a->repo, &st->namespace, c->name, a->arena,
                                  &before, a->err);
    if (r < 0 ||
        classes_put(a->repo, ns, id, c, buf_span(&a->body), a->err) < 0)
        return -1;
    if (before == NULL)
        return 0;
    r = repository_class_full(a->repo, &st->namespace, c->name, a->arena, &now,
                              a->err);
    if (r <= 0)
        return -1;
    return settle_subclasses(a, st, ns, before, now,
                             (change & MOF_CHANGE_UPDATE_FORCE) != 0);
}

/* 1 it was so already, 0 updated, -1. */
static int
update(struct apply *a, const struct mof_statement *st, int64_t ns, int64_t id,
       unsigned change)
{
    const struct cim_class *c = st->class;
    struct buf body = BUF_INIT;
    struct cim_class *old = NULL;
    int r = classes_body(a->repo, id, &body, a->err);

    if (r > 0 && span_equal(buf_span(&body), buf_span(&a->body))) {
        buf_fini(&body);
        return 1;
    }
    if (r > 0)
        old = decode_class(buf_span(&body), a->arena);
    buf_fini(&body);
    if (r > 0 && old == NULL)
        return error_set(a->err, "%s: class %.*s is damaged", a->repo->path,
                         (int)c->name.length, c->name.data);
    if (r < 0 ||
        (r > 0 && !span_equal_nocase(c->superclass, old->superclass) &&
         superclass_check(a, ns, c) < 0))
        return -1;
    if (r > 0 && !difference_is_words(old, c))
        return rebuild(a, st, ns, id, change);
    return classes_put(a->repo, ns, id, c, buf_span(&a->body), a->err);
}

int
apply_encode_class(struct apply *a, const struct cim_class *c)
{
    buf_reset(&a->body);
    if (encode_class(&a->body, c) < 0)
        return apply_class_fail(a, c->name, APPLY_FAILED,
                                "has values that nest too deep");
    if (buf_failed(&a->body))
        return error_set_errno(a->err, ENOMEM, "%s", a->repo->path);
    return 0;
}

static int
put(struct apply *a, const struct mof_statement *st, int64_t ns, int64_t id,
    unsigned change)
{
    int r;

    if (apply_encode_class(a, st->class) < 0)
        return -1;
    if (id != 0) {
        r = update(a, st, ns, id, change);
        a->change->classes_updated += r == 0;
        a->change->classes_unchanged += r > 0;
        return r < 0 ? -1 : 0;
    }
    if (superclass_check(a, ns, st->class) < 0 ||
        classes_put(a->repo, ns, 0, st->class, buf_span(&a->body), a->err) < 0)
        return -1;
    a->change->classes_created++;
    return 0;
}

int
apply_class(struct apply *a, const struct mof_statement *st)
{
    unsigned change =
        apply_change(st, a->options->class_change) & MOF_CHANGE_OF_CLASS;
    const struct cim_class *c = st->class;
    int64_t ns, id;
    bool is_system;
    int r;

    if (mof_system_class(c->name) != NULL)
        return apply_class_fail(a, c->name, APPLY_INVALID_OPERATION,
                                "is a system class and can't be changed");
    if (apply_namespace(a, st, &ns) < 0)
        return -1;
    r = classes_id(a->repo, ns, c->name, &id, &is_system, a->err);
    if (r > 0 && (change & MOF_CHANGE_CREATE_ONLY) != 0)
        r = apply_class_fail(a, c->name, APPLY_ALREADY_EXISTS,
                             "exists already");
    else if (r == 0 && (change & MOF_CHANGE_UPDATE_ONLY) != 0)
        r = apply_class_fail(a, c->name, APPLY_NOT_FOUND, "does not exist");
    else if (r >= 0)
        r = put(a, st, ns, id, change);
    return r < 0 ? -1 : 0;
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
        return apply_class_fail(a, st->name, APPLY_INVALID_OPERATION,
                                "is a system class and can't be deleted");
    apply_forget(a);
    if (r > 0)
        r = classes_id(a->repo, ns, st->name, &id, &is_system, a->err);
    if (r < 0)
        return -1;
    if (r == 0 && st->must_exist)
        return apply_class_fail(a, st->name, APPLY_NOT_FOUND,
                                "can't be deleted: there is none");
    return r > 0 ? delete_family(a, ns, st->name) : 0;
}
