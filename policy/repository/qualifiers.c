/* Declarations of qualifiers, by namespace. */
#include "policy/repository/store.h"

#include <errno.h>

#include "policy/repository/encoding.h"

int
qualifiers_put(struct repository *repo, int64_t ns,
               const struct cim_qualifier_declaration *q, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_QUALIFIER_PUT, err);
    struct buf body = BUF_INIT;
    int r;

    if (s == NULL)
        return -1;
    encode_qualifier_declaration(&body, q);
    if (buf_failed(&body)) {
        store_done(repo, s);
        buf_fini(&body);
        return error_set_errno(err, ENOMEM, "%s", repo->path);
    }
    store_bind_number(repo, s, 1, ns);
    store_bind_span(repo, s, 2, q->name);
    store_bind_blob(repo, s, 3, buf_span(&body));
    r = store_run(repo, s, err);
    buf_fini(&body);
    return r;
}

/* The row that s stands on. */
static int
row_decode(struct repository *repo, sqlite3_stmt *s, struct arena *arena,
           struct cim_qualifier_declaration **out, struct error *err)
{
    *out = decode_qualifier_declaration(store_column(s, 0), arena);
    return *out != NULL
               ? 1
               : error_set(err,
                           "%s: the declaration of a qualifier is damaged",
                           repo->path);
}

int
repository_qualifier(struct repository *repo, const struct namespace_path *ns,
                     struct span name, struct arena *arena,
                     struct cim_qualifier_declaration **out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_QUALIFIER_GET, err);
    int r;

    *out = NULL;
    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    store_bind_span(repo, s, 2, name);
    r = store_step(repo, s, err);
    if (r > 0)
        r = row_decode(repo, s, arena, out, err);
    store_done(repo, s);
    return r;
}

int
repository_each_qualifier(
    struct repository *repo, const struct namespace_path *ns,
    struct arena *arena,
    bool (*visit)(void *arg, const struct cim_qualifier_declaration *q),
    void *arg, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_QUALIFIER_EACH, err);
    struct cim_qualifier_declaration *q;
    int r;

    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    while ((r = store_step(repo, s, err)) > 0) {
        r = row_decode(repo, s, arena, &q, err);
        if (r < 0 || !visit(arg, q))
            break;
    }
    store_done(repo, s);
    return r < 0 ? -1 : 0;
}
