#include "policy/mofcomp/tell.h"

#include <errno.h>
#include <stdio.h>

#define WARNINGS_MAX 20

int
tell_refused(struct say *s, const struct policy_compile *c,
             const struct error *err)
{
    const struct repository_change *change = policy_compile_change(c);
    struct mof_compilation *mof = policy_compile_mof(c);
    const struct mof_diagnostic *d = NULL;

    if (change->failed != NULL)
        d = mof_add_error(mof, change->failed, change->failed_code, err->text);
    if (d != NULL)
        say_diagnostic(s, d);
    else
        say_error(s, "%s", err->text);
    return change->failed_by_flags ? (int)(change->failed_code & 0xff)
                                   : EXIT_STORE;
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
    add_count(&line, c->classes_unchanged, "class", "classes", "unchanged");
    add_count(&line, c->classes_deleted, "class", "classes", "deleted");
    add_count(&line, c->instances_created, "instance", "instances", "created");
    add_count(&line, c->instances_updated, "instance", "instances", "updated");
    add_count(&line, c->instances_unchanged, "instance", "instances",
              "unchanged");
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
tell_changes(const struct policy_compile *c, struct buf *out,
             struct error *err)
{
    const struct mof_unit *unit = mof_unit(policy_compile_mof(c));
    struct repository *repo = policy_compile_repository(c);

    for (size_t i = 0; i < policy_compile_created_count(c); i++)
        buf_addf(out, "%s created\n", policy_compile_created(c, i));
    add_counts(out, policy_compile_change(c));
    for (size_t i = 0; i < unit->count; i++) {
        if (unit->statements[i].kind == MOF_STATEMENT_ENCRYPTION &&
            add_encryption(repo, &unit->statements[i], out, err) < 0)
            return -1;
    }
    return buf_failed(out) ? error_set_errno(err, ENOMEM, "mofcomp") : 0;
}

/* -- children in the clear ------------------------------------------------- */

struct children {
    struct say *say;
    struct mof_compilation *mof;
    unsigned told;
    bool is_error;
};

static bool
warn_child(void *arg, const struct mof_statement *parent,
           const struct repository_namespace *child)
{
    struct children *c = arg;
    const struct mof_diagnostic *d;
    char text[2 * NAMESPACE_PATH_MAX + 200];

    snprintf(text, sizeof(text),
             "%s requires encryption, its child %.*s does not: "
             "RequiresEncryption is not inherited",
             parent->namespace_display, (int)child->display.length,
             child->display.data);
    d = mof_add_warning(c->mof, parent, MOF_WARNING_UNENCRYPTED_CHILD, text);
    if (d == NULL)
        return false; /* turned off */
    say_diagnostic(c->say, d);
    c->is_error |= d->severity == MOF_ERROR;
    if (++c->told < WARNINGS_MAX)
        return true;
    say_note(c->say, "of children in the clear the first %d are shown",
             WARNINGS_MAX);
    return false;
}

int
tell_unencrypted(struct say *s, struct policy_compile *c, struct error *err)
{
    struct children children = {.say = s, .mof = policy_compile_mof(c)};

    if (policy_compile_each_unencrypted(c, warn_child, &children, err) < 0)
        return EXIT_STORE;
    return children.is_error ? EXIT_STORE : EXIT_OK;
}
