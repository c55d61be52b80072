#include "policy/repository/store.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/mof/mof.h"
#include "policy/repository/encoding.h"

int
classes_id(struct repository *repo, int64_t ns, struct span name,
           int64_t *id_out, bool *system_out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_CLASS_ID, err);
    int r;

    *id_out = 0;
    *system_out = false;
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, ns);
    store_bind_span(repo, s, 2, name);
    r = store_step(repo, s, err);
    if (r > 0) {
        *id_out = sqlite3_column_int64(s, 0);
        *system_out = sqlite3_column_int(s, 1) != 0;
    }
    store_done(repo, s);
    return r;
}

static bool
ids_add(int64_t **ids, size_t *count, size_t *capacity, int64_t id)
{
    if (*count == *capacity) {
        size_t more = *capacity == 0 ? 16 : *capacity * 2;
        int64_t *grown = reallocarray(*ids, more, sizeof(**ids));

        if (grown == NULL)
            return false;
        *ids = grown;
        *capacity = more;
    }
    (*ids)[(*count)++] = id;
    return true;
}

int
classes_family(struct repository *repo, int64_t ns, struct span name,
               int64_t **ids_out, size_t *count_out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_CLASS_FAMILY, err);
    size_t capacity = 0;
    int r;

    *ids_out = NULL;
    *count_out = 0;
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, ns);
    store_bind_span(repo, s, 2, name);
    while ((r = store_step(repo, s, err)) > 0) {
        if (!ids_add(ids_out, count_out, &capacity,
                     sqlite3_column_int64(s, 0))) {
            r = error_set_errno(err, ENOMEM, "%s", repo->path);
            break;
        }
    }
    store_done(repo, s);
    if (r == 0)
        return 0;
    free(*ids_out);
    *ids_out = NULL;
    *count_out = 0;
    return -1;
}

int
classes_superclass(struct repository *repo, int64_t ns, struct span name,
                   struct arena *arena, struct span *superclass_out,
                   struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_CLASS_SUPERCLASS, err);
    int r;

    *superclass_out = (struct span){NULL, 0};
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, ns);
    store_bind_span(repo, s, 2, name);
    r = store_step(repo, s, err);
    if (r > 0 && store_column(s, 0).data != NULL) {
        *superclass_out = arena_span(arena, store_column(s, 0));
        if (superclass_out->data == NULL)
            r = error_set_errno(err, ENOMEM, "%s", repo->path);
    } else if (r > 0) {
        r = 0;
    }
    store_done(repo, s);
    return r;
}

/* -- reading -------------------------------------------------------------- */

int
repository_each_class(struct repository *repo, const struct namespace_path *ns,
                      bool (*visit)(void *arg, struct span name,
                                    struct span superclass),
                      void *arg, struct error *err)
{
    sqlite3_stmt *s;
    int64_t id;
    int r = namespaces_id(repo, ns, &id, err);

    if (r <= 0)
        return r;
    s = store_statement(repo, STATEMENT_CLASS_EACH, err);
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, id);
    while ((r = store_step(repo, s, err)) > 0) {
        if (!visit(arg, store_column(s, 0), store_column(s, 1)))
            break;
    }
    store_done(repo, s);
    return r < 0 ? -1 : 0;
}

int
repository_class(struct repository *repo, const struct namespace_path *ns,
                 struct span name, struct arena *arena,
                 struct cim_class **class_out, struct error *err)
{
    sqlite3_stmt *s;
    int64_t id;
    int r = namespaces_id(repo, ns, &id, err);

    *class_out = NULL;
    if (r <= 0)
        return r;
    s = store_statement(repo, STATEMENT_CLASS_GET, err);
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, id);
    store_bind_span(repo, s, 2, name);
    r = store_step(repo, s, err);
    if (r > 0) {
        *class_out = decode_class(store_column(s, 0), arena);
        if (*class_out == NULL)
            r = error_set(err, "%s: class %.*s in %s is damaged", repo->path,
                          (int)name.length, name.data, ns->text);
    }
    store_done(repo, s);
    return r;
}

/* -- writing -------------------------------------------------------------- */

/* id 0: a new row. body absent: it stands for a system class. */
static int
write_row(struct repository *repo, int64_t ns, int64_t id,
          const struct cim_class *c, struct span body, struct error *err)
{
    sqlite3_stmt *s = store_statement(
        repo, id == 0 ? STATEMENT_CLASS_ADD : STATEMENT_CLASS_UPDATE, err);

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, id == 0 ? ns : id);
    store_bind_span(repo, s, 2, c->name);
    if (c->superclass.length > 0)
        store_bind_span(repo, s, 3, c->superclass);
    if (body.data != NULL)
        store_bind_blob(repo, s, 4, body);
    return store_run(repo, s, err);
}

int
classes_body(struct repository *repo, int64_t id, struct buf *out,
             struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_CLASS_BODY, err);
    int r;

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, id);
    r = store_step(repo, s, err);
    if (r > 0 && store_column(s, 0).data == NULL)
        r = 0;
    else if (r > 0)
        buf_add_span(out, store_column(s, 0));
    store_done(repo, s);
    if (r > 0 && buf_failed(out))
        return error_set_errno(err, ENOMEM, "%s", repo->path);
    return r;
}

int
classes_put(struct repository *repo, int64_t ns, int64_t id,
            const struct cim_class *c, struct span body, struct error *err)
{
    return write_row(repo, ns, id, c, body, err);
}

int
classes_put_system(struct repository *repo, int64_t ns, struct span name,
                   int64_t *id_out, struct error *err)
{
    const struct cim_class *c = mof_system_class(name);
    const struct span none = {NULL, 0};
    bool first = true, is_system;
    int64_t id;
    int r;

    *id_out = 0;
    for (; c != NULL; c = mof_system_class(c->superclass)) {
        r = classes_id(repo, ns, c->name, &id, &is_system, err);
        if (r < 0 || (r == 0 && write_row(repo, ns, 0, c, none, err) < 0))
            return -1;
        if (r == 0)
            id = sqlite3_last_insert_rowid(repo->db);
        if (first)
            *id_out = id;
        if (r > 0 || c->superclass.length == 0)
            break;
        first = false;
    }
    return 0;
}

int
classes_delete(struct repository *repo, int64_t id, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_CLASS_DELETE, err);

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, id);
    return store_run(repo, s, err);
}
