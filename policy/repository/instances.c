#include "policy/repository/store.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/repository/encoding.h"

struct span
instances_key(struct span key)
{
    return key.length == 0 ? SPAN("@") : key;
}

/* -- reading -------------------------------------------------------------- */

/* 1 found, 0 not, -1. */
static int
get(struct repository *repo, int64_t class_id, struct span key,
    struct arena *arena, struct cim_instance **out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_GET, err);
    int r;

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, class_id);
    store_bind_span(repo, s, 2, key);
    r = store_step(repo, s, err);
    if (r > 0) {
        *out = decode_instance(store_column(s, 0), arena);
        if (*out == NULL)
            r = error_set(err, "%s: an instance is damaged", repo->path);
    }
    store_done(repo, s);
    return r;
}

/* A path names the class or any class above it (MS-WMI 2.2.2). */
int
repository_instance(struct repository *repo, const struct namespace_path *ns,
                    struct span class_name, struct span key,
                    struct arena *arena, struct cim_instance **out,
                    struct error *err)
{
    int64_t ns_id, *family;
    size_t count;
    int r = namespaces_id(repo, ns, &ns_id, err);

    *out = NULL;
    if (r <= 0)
        return r;
    r = classes_family(repo, ns_id, class_name, &family, &count, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = get(repo, family[i], instances_key(key), arena, out, err);
    free(family);
    return r;
}

/* The rows of one page. */
struct page {
    int64_t *rows;
    size_t count, capacity;
    size_t limit;
    int64_t below; /* rows from here on are not of this page */
};

static int
compare_rows(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Keeps the lowest limit rows, and knows what is too high for them. */
static void
page_trim(struct page *p)
{
    if (p->count < p->limit)
        return;
    qsort(p->rows, p->count, sizeof(*p->rows), compare_rows);
    p->count = p->limit;
    p->below = p->rows[p->limit - 1];
}

static bool
page_add(struct page *p, int64_t row)
{
    if (p->count == p->capacity) {
        size_t more = p->capacity == 0 ? 64 : p->capacity * 2;
        int64_t *rows = reallocarray(p->rows, more, sizeof(*rows));

        if (rows == NULL)
            return false;
        p->rows = rows;
        p->capacity = more;
    }
    p->rows[p->count++] = row;
    return true;
}

/* The rows of one class that may be of the page. */
static int
page_collect(struct repository *repo, int64_t class_id, int64_t after,
             struct page *p, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_AFTER, err);
    int r;

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, class_id);
    store_bind_number(repo, s, 2, after);
    store_bind_number(repo, s, 3, p->below);
    store_bind_number(repo, s, 4, (int64_t)p->limit);
    while ((r = store_step(repo, s, err)) > 0) {
        if (!page_add(p, sqlite3_column_int64(s, 0))) {
            r = error_set_errno(err, ENOMEM, "%s", repo->path);
            break;
        }
    }
    store_done(repo, s);
    if (r == 0)
        page_trim(p);
    return r;
}

/* 1 go on, 0 the visitor has enough, -1. */
static int
visit_row(struct repository *repo, int64_t row,
          bool (*visit)(void *arg, int64_t row, struct span key,
                        const struct cim_instance *instance),
          void *arg, struct arena *arena, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_ROW, err);
    struct cim_instance *instance = NULL;
    int r;

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, row);
    r = store_step(repo, s, err);
    if (r > 0)
        instance = decode_instance(store_column(s, 1), arena);
    if (r > 0 && instance == NULL)
        r = error_set(err, "%s: an instance is damaged", repo->path);
    else if (r > 0)
        r = visit(arg, row, store_column(s, 0), instance);
    store_done(repo, s);
    return r;
}

static int
visit_page(struct repository *repo, struct page *p,
           bool (*visit)(void *arg, int64_t row, struct span key,
                         const struct cim_instance *instance),
           void *arg, struct error *err)
{
    int r = 1;

    if (p->count > 0)
        qsort(p->rows, p->count, sizeof(*p->rows), compare_rows);
    for (size_t i = 0; r > 0 && i < p->count; i++) {
        struct arena *arena = arena_new();

        if (arena == NULL)
            return error_set_errno(err, ENOMEM, "%s", repo->path);
        r = visit_row(repo, p->rows[i], visit, arg, arena, err);
        arena_free(arena);
    }
    return r < 0 ? -1 : 0;
}

int
repository_instances(struct repository *repo, const struct namespace_path *ns,
                     struct span class_name, int64_t after, size_t limit,
                     bool (*visit)(void *arg, int64_t row, struct span key,
                                   const struct cim_instance *instance),
                     void *arg, struct error *err)
{
    struct page page = {.limit = limit, .below = INT64_MAX};
    int64_t ns_id, *family;
    size_t count;
    int r = namespaces_id(repo, ns, &ns_id, err);

    if (r <= 0 || limit == 0)
        return r < 0 ? -1 : 0;
    if (limit > INT32_MAX)
        page.limit = INT32_MAX;
    r = classes_family(repo, ns_id, class_name, &family, &count, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = page_collect(repo, family[i], after, &page, err);
    if (r == 0)
        r = visit_page(repo, &page, visit, arg, err);
    free(family);
    free(page.rows);
    return r;
}

int
repository_each_instance(struct repository *repo,
                         const struct namespace_path *ns,
                         bool (*visit)(void *arg, int64_t row, struct span key,
                                       const struct cim_instance *instance),
                         void *arg, struct error *err)
{
    struct arena *arena = arena_new();
    sqlite3_stmt *s = NULL;
    int64_t ns_id;
    int r = arena != NULL ? namespaces_id(repo, ns, &ns_id, err)
                          : error_set_errno(err, ENOMEM, "%s", repo->path);

    if (r > 0)
        s = store_statement(repo, STATEMENT_INSTANCE_OF_NAMESPACE, err);
    if (s == NULL) {
        arena_free(arena);
        return r == 0 ? 0 : -1;
    }
    store_bind_number(repo, s, 1, ns_id);
    while ((r = store_step(repo, s, err)) > 0) {
        struct arena_mark mark = arena_mark(arena);

        r = visit_row(repo, sqlite3_column_int64(s, 0), visit, arg, arena,
                      err);
        arena_release(arena, mark);
        if (r <= 0)
            break;
    }
    store_done(repo, s);
    arena_free(arena);
    return r < 0 ? -1 : 0;
}

/* -- writing -------------------------------------------------------------- */

int
instances_any(struct repository *repo, int64_t class_id, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_ANY, err);
    int r;

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, class_id);
    r = store_step(repo, s, err);
    store_done(repo, s);
    return r;
}

int
instances_count(struct repository *repo, int64_t class_id, size_t *count_out,
                struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_COUNT, err);
    int r;

    *count_out = 0;
    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, class_id);
    r = store_step(repo, s, err);
    if (r > 0)
        *count_out = (size_t)sqlite3_column_int64(s, 0);
    store_done(repo, s);
    return r < 0 ? -1 : 0;
}

static int
change(struct repository *repo, enum statement_id id, int64_t class_id,
       struct span key, struct span body, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, id, err);

    if (s == NULL)
        return -1;
    key = instances_key(key);
    store_bind_number(repo, s, 1, class_id);
    store_bind_span(repo, s, 2, key);
    if (body.data != NULL)
        store_bind_blob(repo, s, 3, body);
    if (store_run(repo, s, err) < 0)
        return -1;
    return sqlite3_changes(repo->db) > 0;
}

int
instances_add(struct repository *repo, int64_t class_id, struct span key,
              struct span body, struct error *err)
{
    return change(repo, STATEMENT_INSTANCE_ADD, class_id, key, body, err);
}

int
instances_has(struct repository *repo, int64_t class_id, struct span key,
              struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_INSTANCE_HAS, err);
    int r;

    if (s == NULL)
        return -1;
    key = instances_key(key);
    store_bind_number(repo, s, 1, class_id);
    store_bind_span(repo, s, 2, key);
    r = store_step(repo, s, err);
    store_done(repo, s);
    return r;
}

int
instances_update(struct repository *repo, int64_t class_id, struct span key,
                 struct span body, struct error *err)
{
    return change(repo, STATEMENT_INSTANCE_UPDATE, class_id, key, body, err);
}

int
instances_delete(struct repository *repo, int64_t class_id, struct span key,
                 struct error *err)
{
    return change(repo, STATEMENT_INSTANCE_DELETE, class_id, key,
                  (struct span){NULL, 0}, err);
}
