#include <errno.h>

#include "policy/library/library.h"

struct children {
    const struct strmap *named; /* namespaces of the unit */
    const struct mof_statement *parent;
    bool (*visit)(void *arg, const struct mof_statement *parent,
                  const struct repository_namespace *child);
    void *arg;
    bool stopped;
};

static bool
visit_child(void *arg, const struct repository_namespace *child)
{
    struct children *c = arg;

    if (child->requires_encryption ||
        strmap_get(c->named, namespace_path_span(&child->path)) != NULL)
        return true;
    c->stopped = !c->visit(c->arg, c->parent, child);
    return !c->stopped;
}

static struct strmap *
names_of(const struct mof_unit *unit)
{
    struct strmap *named = strmap_new();

    for (size_t i = 0; named != NULL && i < unit->count; i++) {
        const struct mof_statement *st = &unit->statements[i];

        if (!strmap_put(named, namespace_path_span(&st->namespace),
                        (void *)st)) {
            strmap_free(named);
            named = NULL;
        }
    }
    return named;
}

int
policy_compile_each_unencrypted(
    struct policy_compile *c,
    bool (*visit)(void *arg, const struct mof_statement *parent,
                  const struct repository_namespace *child),
    void *arg, struct error *err)
{
    const struct mof_unit *unit = mof_unit(policy_compile_mof(c));
    struct strmap *named = names_of(unit);
    struct children children = {.named = named, .visit = visit, .arg = arg};
    int r = 0;

    if (named == NULL)
        return error_set_errno(err, ENOMEM, "compile");
    for (size_t i = 0; r == 0 && i < unit->count && !children.stopped; i++) {
        const struct mof_statement *st = &unit->statements[i];

        if (st->kind != MOF_STATEMENT_ENCRYPTION || !st->requires_encryption)
            continue;
        children.parent = st;
        r = repository_each_child(policy_compile_repository(c), &st->namespace,
                                  visit_child, &children, err);
    }
    strmap_free(named);
    return r;
}
