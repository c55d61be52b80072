#include "policy/repository/store.h"

#include <errno.h>
#include <string.h>

#define NEAR_MAX 2 /* edits that count as a slip of the pen */

int
namespaces_id(struct repository *repo, const struct namespace_path *ns,
              int64_t *id_out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_ID, err);
    int r;

    *id_out = 0;
    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    r = store_step(repo, s, err);
    if (r > 0)
        *id_out = sqlite3_column_int64(s, 0);
    store_done(repo, s);
    return r;
}

int
namespaces_last(struct repository *repo, int64_t *id_out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_LAST, err);
    int r;

    *id_out = 0;
    if (s == NULL)
        return -1;
    r = store_step(repo, s, err);
    if (r > 0)
        *id_out = sqlite3_column_int64(s, 0);
    store_done(repo, s);
    return r < 0 ? -1 : 0;
}

/* -- reading -------------------------------------------------------------- */

/* path, display, encryption.  -1: no canonical path, so not ours. */
static int
row_read(struct repository *repo, sqlite3_stmt *s,
         struct repository_namespace *out, struct error *err)
{
    struct span path = store_column(s, 0);

    if (namespace_path_parse(&out->path, path, NULL) != NAMESPACE_PATH_OK ||
        !span_equal(namespace_path_span(&out->path), path))
        return error_set(err, "%s: a namespace's name is damaged", repo->path);
    out->display = store_column(s, 1);
    out->requires_encryption = sqlite3_column_int(s, 2) != 0;
    return 0;
}

static int
visit_rows(struct repository *repo, sqlite3_stmt *s,
           bool (*visit)(void *arg, const struct repository_namespace *ns),
           void *arg, struct error *err)
{
    int r;

    while ((r = store_step(repo, s, err)) > 0) {
        struct repository_namespace ns;

        r = row_read(repo, s, &ns, err);
        if (r < 0 || !visit(arg, &ns))
            break;
    }
    store_done(repo, s);
    return r < 0 ? -1 : 0;
}

int
repository_each_namespace(struct repository *repo,
                          bool (*visit)(void *arg,
                                        const struct repository_namespace *ns),
                          void *arg, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_EACH, err);

    return s != NULL ? visit_rows(repo, s, visit, arg, err) : -1;
}

int
repository_each_child(struct repository *repo, const struct namespace_path *ns,
                      bool (*visit)(void *arg,
                                    const struct repository_namespace *ns),
                      void *arg, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_CHILDREN, err);

    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    return visit_rows(repo, s, visit, arg, err);
}

int
repository_namespace_find(struct repository *repo,
                          const struct namespace_path *ns,
                          struct repository_namespace *out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_FIND, err);
    int r;

    memset(out, 0, sizeof(*out));
    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    r = store_step(repo, s, err);
    if (r > 0 && row_read(repo, s, out, err) < 0)
        r = -1;
    /* The row's memory goes with the statement; the display has as many
     * bytes as the path, which is kept. */
    if (r > 0 && out->display.length == out->path.length) {
        memcpy(repo->display, out->display.data, out->display.length);
        out->display = (struct span){repo->display, out->path.length};
    } else {
        out->display = namespace_path_span(&out->path);
    }
    store_done(repo, s);
    return r;
}

/* -- a name that is nearly another ----------------------------------------- */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/*
 * Edit distance (Levenshtein) of s and q if it is NEAR_MAX at most, else
 * NEAR_MAX + 1.  Only the diagonal band is computed.  *dead_out: so many
 * bytes of s suffice to know that nothing beginning with them is near; 0 if
 * there is no such number.
 */
static unsigned
near_distance(struct span s, struct span q, size_t *dead_out)
{
    enum { FAR = NEAR_MAX + 1, BAND = 2 * NEAR_MAX + 1 };
    unsigned row[BAND + 2], next[BAND + 2];

    /* row[k + 1]: s[0..i) against q[0..i + k - NEAR_MAX) */
    for (int k = -1; k <= BAND; k++) {
        int j = k - NEAR_MAX;

        row[k + 1] = k >= 0 && k < BAND && j >= 0 ? (unsigned)j : FAR;
    }
    *dead_out = 0;
    for (size_t i = 1; i <= s.length; i++) {
        unsigned least = FAR;

        next[0] = next[BAND + 1] = FAR;
        for (int k = 0; k < BAND; k++) {
            int64_t j = (int64_t)i + k - NEAR_MAX;
            bool same = j >= 1 && j <= (int64_t)q.length &&
                        q.data[j - 1] == s.data[i - 1];
            unsigned d = min3(row[k + 1] + !same, row[k + 2] + 1, next[k] + 1);

            if (j < 0 || j > (int64_t)q.length)
                d = FAR;
            else if (j == 0)
                d = i < FAR ? (unsigned)i : FAR;
            next[k + 1] = d < FAR ? d : FAR;
            least = next[k + 1] < least ? next[k + 1] : least;
        }
        memcpy(row, next, sizeof(row));
        if (least >= FAR) {
            *dead_out = i;
            return FAR;
        }
    }
    if (q.length + NEAR_MAX < s.length || s.length + NEAR_MAX < q.length)
        return FAR;
    return row[q.length - s.length + NEAR_MAX + 1];
}

/* Goes through the sorted paths, leaping over all that share a beginning
 * which is already too far off. */
int
repository_namespace_near(struct repository *repo,
                          const struct namespace_path *ns,
                          struct namespace_path *near_out, struct error *err)
{
    struct span q = namespace_path_span(ns);
    char after[NAMESPACE_PATH_MAX + 2] = "";
    size_t after_length = 0, dead;
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_FROM, err);
    int r;

    memset(near_out, 0, sizeof(*near_out));
    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, (struct span){after, 0});
    while ((r = store_step(repo, s, err)) > 0) {
        struct span path = store_column(s, 0);
        unsigned distance = near_distance(path, q, &dead);

        if (distance > 0 && distance <= NEAR_MAX) {
            if (namespace_path_parse(near_out, path, NULL) !=
                NAMESPACE_PATH_OK)
                r = error_set(err, "%s: a namespace's name is damaged",
                              repo->path);
            break;
        }
        if (dead == 0 || dead > NAMESPACE_PATH_MAX)
            continue;
        memcpy(after, path.data, dead);
        after[dead] = '\xff'; /* behind any UTF-8 */
        after_length = dead + 1;
        sqlite3_reset(s);
        store_bind_span(repo, s, 1, (struct span){after, after_length});
    }
    store_done(repo, s);
    return r;
}

/* -- writing -------------------------------------------------------------- */

static int
add_row(struct repository *repo, const struct namespace_path *ns,
        struct span display, int64_t parent, int64_t *id_out,
        struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_ADD, err);

    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    store_bind_span(repo, s, 2, display);
    if (parent != 0)
        store_bind_number(repo, s, 3, parent);
    if (store_run(repo, s, err) < 0)
        return -1;
    *id_out = sqlite3_last_insert_rowid(repo->db);
    return 0;
}

/* The author's spelling of the first length bytes of the path; the path
 * itself if the spelling does not fit it. */
static void
display_of(const struct namespace_path *ns, const char *display, size_t length,
           char out[NAMESPACE_PATH_MAX + 1])
{
    struct namespace_path check;
    bool fits = display != NULL &&
                namespace_path_parse(&check, span_of(display), NULL) ==
                    NAMESPACE_PATH_OK &&
                namespace_path_equal(&check, ns) &&
                strlen(display) == ns->length;

    memcpy(out, fits ? display : ns->text, length);
    out[length] = '\0';
}

/* The row of the nearest part of ns that is there, 0 if none is, and how long
 * that part is. */
static int
nearest_find(struct repository *repo, const struct namespace_path *ns,
             int64_t *id_out, size_t *length_out, struct error *err)
{
    struct namespace_path part = *ns, above;
    int r;

    while ((r = namespaces_id(repo, &part, id_out, err)) == 0) {
        if (!namespace_path_parent(&part, &above)) {
            *length_out = 0;
            return 0;
        }
        part = above;
    }
    *length_out = part.length;
    return r < 0 ? -1 : 0;
}

int
namespaces_ensure(struct repository *repo, const struct namespace_path *ns,
                  const char *display,
                  void (*created)(void *arg, const char *display), void *arg,
                  int64_t *id_out, struct error *err)
{
    char shown[NAMESPACE_PATH_MAX + 1];
    size_t length;

    if (nearest_find(repo, ns, id_out, &length, err) < 0)
        return -1;
    /* Downwards: each beginning that ends at a separator is a parent. */
    for (size_t n = length + 1; n <= ns->length; n++) {
        struct namespace_path part = {0};

        if (n < ns->length && ns->text[n] != '\\')
            continue;
        memcpy(part.text, ns->text, n);
        part.length = (uint16_t)n;
        display_of(ns, display, n, shown);
        if (add_row(repo, &part, span_of(shown), *id_out, id_out, err) < 0)
            return -1;
        if (created != NULL)
            created(arg, shown);
    }
    return 0;
}

int
namespaces_encryption(struct repository *repo, const struct namespace_path *ns,
                      bool required, struct error *err)
{
    sqlite3_stmt *s =
        store_statement(repo, STATEMENT_NAMESPACE_ENCRYPTION, err);

    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    store_bind_number(repo, s, 2, required);
    if (store_run(repo, s, err) < 0)
        return -1;
    return sqlite3_changes(repo->db) > 0;
}

int
namespaces_descriptor(struct repository *repo, int64_t ns, struct span sddl,
                      struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_DESCRIPTOR_PUT, err);

    if (s == NULL)
        return -1;
    store_bind_number(repo, s, 1, ns);
    store_bind_span(repo, s, 2, sddl);
    return store_run(repo, s, err);
}

int
repository_descriptor(struct repository *repo, const struct namespace_path *ns,
                      struct arena *arena, struct span *sddl_out,
                      struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_DESCRIPTOR_GET, err);
    int r;

    *sddl_out = (struct span){NULL, 0};
    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    r = store_step(repo, s, err);
    if (r > 0) {
        *sddl_out = arena_span(arena, store_column(s, 0));
        if (sddl_out->data == NULL)
            r = error_set_errno(err, ENOMEM, "%s", repo->path);
    }
    store_done(repo, s);
    return r;
}

int
namespaces_delete(struct repository *repo, const struct namespace_path *ns,
                  size_t *count_out, struct error *err)
{
    sqlite3_stmt *s = store_statement(repo, STATEMENT_NAMESPACE_DELETE, err);

    if (s == NULL)
        return -1;
    store_bind_span(repo, s, 1, namespace_path_span(ns));
    if (store_run(repo, s, err) < 0)
        return -1;
    *count_out = (size_t)sqlite3_changes(repo->db);
    return 0;
}
