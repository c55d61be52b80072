#include "policy/mofcomp/tell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define WARNINGS_MAX 20

void
tell_refused(const struct mof_unit *unit,
             const struct repository_change *change, const struct error *err)
{
    const struct mof_statement *st;

    if (change->failed_code == 0 || change->failed_statement >= unit->count) {
        fprintf(stderr, "mofcomp: %s\n", err->text);
        return;
    }
    st = &unit->statements[change->failed_statement];
    fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": error 0x%08" PRIX32 ": %s\n",
            st->where.file, st->where.line, st->where.column,
            change->failed_code, err->text);
}

/* -- what was done --------------------------------------------------------- */

static void
add_count(struct buf *out, size_t count, const char *singular,
          const char *plural, const char *done)
{
    if (count > 0)
        buf_addf(out, "%s%zu %s %s", out->length > 0 ? ", " : "", count,
                 count == 1 ? singular : plural, done);
}

static void
add_counts(struct buf *out, const struct repository_change *c)
{
    struct buf line = BUF_INIT;

    add_count(&line, c->namespaces_deleted, "namespace", "namespaces",
              "deleted");
    add_count(&line, c->classes_created, "class", "classes", "created");
    add_count(&line, c->classes_updated, "class", "classes", "updated");
    add_count(&line, c->classes_deleted, "class", "classes", "deleted");
    add_count(&line, c->instances_created, "instance", "instances", "created");
    add_count(&line, c->instances_updated, "instance", "instances", "updated");
    add_count(&line, c->instances_deleted, "instance", "instances", "deleted");
    if (line.length > 0)
        buf_addf(out, "%s\n", line.data);
    buf_fini(&line);
}

static int
add_encryption(struct repository *repo, const struct mof_statement *st,
               struct buf *out, struct error *err)
{
    struct repository_namespace ns;
    int r = repository_namespace_find(repo, &st->namespace, &ns, err);

    if (r <= 0) /* deleted further down in the same unit */
        return r;
    buf_addf(out, "%.*s %s\n", (int)ns.display.length, ns.display.data,
             ns.requires_encryption ? "now requires encryption (PktPrivacy)"
                                    : "does not require encryption any more");
    return 0;
}

int
tell_changes(struct repository *repo, const struct mof_unit *unit,
             const struct repository_change *change, struct buf *out,
             struct error *err)
{
    add_counts(out, change);
    for (size_t i = 0; i < unit->count; i++) {
        if (unit->statements[i].kind == MOF_STATEMENT_ENCRYPTION &&
            add_encryption(repo, &unit->statements[i], out, err) < 0)
            return -1;
    }
    return buf_failed(out) ? error_set_errno(err, ENOMEM, "mofcomp") : 0;
}

/* -- children in the clear ------------------------------------------------- */

struct children {
    const struct strmap *named; /* namespaces of the unit */
    const char *parent;
    unsigned told;
};

static bool
warn_child(void *arg, const struct repository_namespace *child)
{
    struct children *c = arg;

    if (child->requires_encryption ||
        strmap_get(c->named, namespace_path_span(&child->path)) != NULL)
        return true;
    fprintf(stderr,
            "mofcomp: warning: %s requires encryption, its child %.*s does "
            "not: RequiresEncryption is not inherited\n",
            c->parent, (int)child->display.length, child->display.data);
    return ++c->told < WARNINGS_MAX;
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
tell_unencrypted(struct repository *repo, const struct mof_unit *unit,
                 struct error *err)
{
    struct strmap *named = names_of(unit);
    struct children c = {.named = named};
    int r = 0;

    if (named == NULL)
        return error_set_errno(err, ENOMEM, "mofcomp");
    for (size_t i = 0; r == 0 && i < unit->count && c.told < WARNINGS_MAX; i++)
    {
        const struct mof_statement *st = &unit->statements[i];

        if (st->kind != MOF_STATEMENT_ENCRYPTION || !st->requires_encryption)
            continue;
        c.parent = st->namespace_display;
        r = repository_each_child(repo, &st->namespace, warn_child, &c, err);
    }
    strmap_free(named);
    return r;
}
