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
    struct span parent;
    unsigned *told;
};

static bool
warn_child(void *arg, const struct repository_namespace *child)
{
    const struct children *c = arg;

    if (child->requires_encryption)
        return true;
    if ((*c->told)++ < WARNINGS_MAX)
        fprintf(stderr,
                "mofcomp: warning: %.*s does not require encryption although "
                "%.*s does: it is not inherited\n",
                (int)child->display.length, child->display.data,
                (int)c->parent.length, c->parent.data);
    return *c->told < WARNINGS_MAX;
}

/* The namespace itself under its parent. */
static int
warn_under_parent(struct repository *repo,
                  const struct repository_namespace *ns, unsigned *told,
                  struct error *err)
{
    struct namespace_path path;
    struct repository_namespace parent;
    int r;

    if (!namespace_path_parent(&ns->path, &path))
        return 0;
    r = repository_namespace_find(repo, &path, &parent, err);
    if (r > 0 && parent.requires_encryption) {
        struct children c = {parent.display, told};

        warn_child(&c, ns);
    }
    return r < 0 ? -1 : 0;
}

static int
warn_statement(struct repository *repo, const struct mof_statement *st,
               unsigned *told, struct error *err)
{
    char display[NAMESPACE_PATH_MAX + 1];
    struct repository_namespace ns;
    struct children c = {.told = told};
    int r = repository_namespace_find(repo, &st->namespace, &ns, err);

    if (r <= 0)
        return r;
    /* The next find takes the memory of this one's display. */
    snprintf(display, sizeof(display), "%.*s", (int)ns.display.length,
             ns.display.data);
    ns.display = c.parent = span_of(display);
    if (!ns.requires_encryption)
        return warn_under_parent(repo, &ns, told, err);
    if (st->kind != MOF_STATEMENT_ENCRYPTION)
        return 0;
    return repository_each_child(repo, &st->namespace, warn_child, &c, err);
}

int
tell_unencrypted(struct repository *repo, const struct mof_unit *unit,
                 struct error *err)
{
    unsigned told = 0;

    for (size_t i = 0; i < unit->count && told < WARNINGS_MAX; i++) {
        const struct mof_statement *st = &unit->statements[i];

        if ((st->kind == MOF_STATEMENT_NAMESPACE ||
             st->kind == MOF_STATEMENT_ENCRYPTION) &&
            warn_statement(repo, st, &told, err) < 0)
            return -1;
    }
    return 0;
}
