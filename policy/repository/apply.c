/* A checked unit into the store, statement by statement. */
#include "policy/repository/apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/repository/encoding.h"

int
apply_fail(struct apply *a, uint32_t code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    a->code = code;
    return error_set(a->err, "%s", text);
}

/* After a deletion, rows that were remembered may be gone. */
void
apply_forget(struct apply *a)
{
    a->last_namespace_id = a->last_class_id = 0;
    a->last_class = (struct span){NULL, 0};
}

static void
count_created(void *arg, const char *display)
{
    struct apply *a = arg;

    a->change->namespaces_created++;
    if (a->created != NULL)
        a->created(a->arg, display);
}

unsigned
apply_change(const struct mof_statement *st, unsigned otherwise)
{
    return (st->change & MOF_CHANGE_SAID) != 0 ? st->change : otherwise;
}

int
apply_namespace(struct apply *a, const struct mof_statement *st,
                int64_t *id_out)
{
    if (a->last_namespace_id == 0 ||
        !namespace_path_equal(&a->last_namespace, &st->namespace))
    {
        apply_forget(a);
        if (st->namespace.length == 0)
            return apply_fail(a, APPLY_INVALID_NAMESPACE,
                              "a statement without namespace");
        if (namespaces_ensure(a->repo, &st->namespace, st->namespace_display,
                              count_created, a, &a->last_namespace_id,
                              a->err) < 0)
            return -1;
        a->last_namespace = st->namespace;
    }
    *id_out = a->last_namespace_id;
    return 0;
}

/* An instance of __Namespace is one of those that -instance: is about. */
static int
apply_namespace_statement(struct apply *a, const struct mof_statement *st)
{
    unsigned change = apply_change(st, a->options->instance_change);
    int64_t id;
    int r = 0;

    if (st->is_instance && (change & MOF_CHANGE_OF_INSTANCE) != 0) {
        r = namespaces_id(a->repo, &st->namespace, &id, a->err);
        if (r < 0)
            return -1;
        if (r > 0 && (change & MOF_CHANGE_CREATE_ONLY) != 0)
            return apply_fail(a, APPLY_ALREADY_EXISTS,
                              "namespace %s exists already",
                              st->namespace_display);
        if (r == 0 && (change & MOF_CHANGE_UPDATE_ONLY) != 0)
            return apply_fail(a, APPLY_NOT_FOUND,
                              "namespace %s does not exist",
                              st->namespace_display);
    }
    return apply_namespace(a, st, &id);
}

static int
apply_encryption(struct apply *a, const struct mof_statement *st)
{
    unsigned change = apply_change(st, a->options->instance_change);
    bool on = st->requires_encryption;
    int64_t id;
    int r;

    if (apply_namespace(a, st, &id) < 0)
        return -1;
    r = namespaces_encryption(a->repo, &st->namespace, on, a->err);
    if (r > 0 && id <= a->old_namespace && (change & MOF_CHANGE_CREATE_ONLY))
        return apply_fail(a, APPLY_ALREADY_EXISTS,
                          "namespace %s exists already, so that what it "
                          "requires may not change",
                          st->namespace_display);
    if (r > 0 && on)
        a->change->encryption_on++;
    else if (r > 0)
        a->change->encryption_off++;
    return r < 0 ? -1 : 0;
}

static int
apply_descriptor(struct apply *a, const struct mof_statement *st)
{
    unsigned change = apply_change(st, a->options->instance_change);
    int64_t id;

    if (apply_namespace(a, st, &id) < 0)
        return -1;
    if (id <= a->old_namespace && (change & MOF_CHANGE_CREATE_ONLY))
        return apply_fail(a, APPLY_ALREADY_EXISTS,
                          "namespace %s exists already, so that its security "
                          "descriptor may not change",
                          st->namespace_display);
    return namespaces_descriptor(a->repo, id, st->descriptor, a->err);
}

/* -- instances ------------------------------------------------------------ */

static int
instance_class(struct apply *a, int64_t ns, struct span name, int64_t *id_out)
{
    bool is_system;
    int r;

    if (a->last_class_id != 0 && span_equal_nocase(a->last_class, name)) {
        *id_out = a->last_class_id;
        return 0;
    }
    r = classes_id(a->repo, ns, name, id_out, &is_system, a->err);
    if (r == 0 && mof_system_class(name) != NULL)
        r = classes_put_system(a->repo, ns, name, id_out, a->err);
    if (r < 0)
        return -1;
    if (*id_out == 0)
        return apply_fail(a, APPLY_INVALID_CLASS,
                          "there is no class %.*s here", (int)name.length,
                          name.data);
    a->last_class = name;
    a->last_class_id = *id_out;
    return 0;
}

static int
instance_fail(struct apply *a, const struct mof_statement *st, uint32_t code,
              const char *what)
{
    struct span name = st->instance->class_name;
    int key = st->key.length > 200 ? 200 : (int)st->key.length;

    return apply_fail(a, code, "%.*s.%.*s %s", (int)name.length, name.data,
                      key, key > 0 ? st->key.data : "", what);
}

/* It is there: left alone if it is the same. */
static int
instance_update(struct apply *a, const struct mof_statement *st,
                int64_t class_id, struct span body)
{
    int r = instances_update(a->repo, class_id, st->key, body, a->err);

    a->change->instances_updated += r > 0;
    a->change->instances_unchanged += r == 0;
    return r < 0 ? -1 : 0;
}

static int
instance_put(struct apply *a, const struct mof_statement *st, int64_t class_id,
             struct span body)
{
    unsigned change = apply_change(st, a->options->instance_change);
    int r;

    if ((change & MOF_CHANGE_UPDATE_ONLY) != 0) {
        r = instances_has(a->repo, class_id, st->key, a->err);
        if (r == 0)
            return instance_fail(a, st, APPLY_NOT_FOUND, "does not exist");
        return r < 0 ? -1 : instance_update(a, st, class_id, body);
    }
    r = instances_add(a->repo, class_id, st->key, body, a->err);
    a->change->instances_created += r > 0;
    if (r != 0)
        return r < 0 ? -1 : 0;
    if ((change & MOF_CHANGE_CREATE_ONLY) != 0)
        return instance_fail(a, st, APPLY_ALREADY_EXISTS, "exists already");
    return instance_update(a, st, class_id, body);
}

static int
apply_instance(struct apply *a, const struct mof_statement *st)
{
    int64_t ns, class_id;

    if (apply_namespace(a, st, &ns) < 0 ||
        instance_class(a, ns, st->instance->class_name, &class_id) < 0)
        return -1;
    buf_reset(&a->body);
    if (encode_instance(&a->body, st->instance) < 0)
        return instance_fail(a, st, APPLY_FAILED, "nests too deep");
    if (buf_failed(&a->body))
        return error_set_errno(a->err, ENOMEM, "%s", a->repo->path);
    return instance_put(a, st, class_id, buf_span(&a->body));
}

/* -- deletions ------------------------------------------------------------ */

/* The class part of an object path (DSP0207): up to '.' or '='. */
static struct span
path_class(struct span path, struct span *rest_out)
{
    size_t n = 0;

    while (n < path.length && path.data[n] != '.' && path.data[n] != '=')
        n++;
    *rest_out = span_skip(path, n);
    return (struct span){path.data, n};
}

/* A path names the class or any class above it (MS-WMI 2.2.2).  1 deleted, 0
 * there was none, -1. */
static int
delete_in_family(struct apply *a, int64_t ns, struct span class,
                 struct span key)
{
    int64_t *family;
    size_t count;
    int r = classes_family(a->repo, ns, class, &family, &count, a->err);

    for (size_t i = 0; r == 0 && i < count; i++)
        r = instances_delete(a->repo, family[i], key, a->err);
    free(family);
    return r;
}

static int
delete_instance(struct apply *a, const struct mof_statement *st, int64_t ns)
{
    struct repository_class_full *full;
    struct span rest, key, class = path_class(st->name, &rest);
    int r = repository_class_full(a->repo, &st->namespace, class, a->arena,
                                  &full, a->err);

    if (r <= 0)
        return r;
    if (!repository_key_parse(full, rest, a->arena, &key))
        return apply_fail(a, APPLY_INVALID_OBJECT_PATH,
                          "'%.*s' is no path of an instance",
                          (int)st->name.length, st->name.data);
    return delete_in_family(a, ns, class, key);
}

static int
apply_delete_instance(struct apply *a, const struct mof_statement *st)
{
    int64_t ns;
    int r = namespaces_id(a->repo, &st->namespace, &ns, a->err);

    if (r > 0)
        r = delete_instance(a, st, ns);
    if (r == 0 && st->must_exist)
        return apply_fail(a, APPLY_NOT_FOUND, "there is no %.*s to delete",
                          (int)st->name.length, st->name.data);
    a->change->instances_deleted += r > 0;
    return r < 0 ? -1 : 0;
}

static int
apply_delete_namespace(struct apply *a, const struct mof_statement *st)
{
    size_t count;

    if (span_equal(namespace_path_span(&st->namespace), SPAN("root")))
        return apply_fail(a, APPLY_INVALID_OPERATION, "root can't be deleted");
    apply_forget(a);
    if (namespaces_delete(a->repo, &st->namespace, &count, a->err) < 0)
        return -1;
    if (count == 0 && st->must_exist)
        return apply_fail(a, APPLY_INVALID_NAMESPACE,
                          "there is no namespace %s to delete",
                          st->namespace.text);
    a->change->namespaces_deleted += count;
    return 0;
}

static int
apply_qualifier(struct apply *a, const struct mof_statement *st)
{
    int64_t ns;

    if (apply_namespace(a, st, &ns) < 0)
        return -1;
    return qualifiers_put(a->repo, ns, st->qualifier, a->err);
}

/* -- the unit ------------------------------------------------------------- */

static int (*const appliers[])(struct apply *,
                               const struct mof_statement *) = {
    [MOF_STATEMENT_NAMESPACE] = apply_namespace_statement,
    [MOF_STATEMENT_CLASS] = apply_class,
    [MOF_STATEMENT_INSTANCE] = apply_instance,
    [MOF_STATEMENT_DELETE_CLASS] = apply_delete_class,
    [MOF_STATEMENT_DELETE_INSTANCE] = apply_delete_instance,
    [MOF_STATEMENT_DELETE_NAMESPACE] = apply_delete_namespace,
    [MOF_STATEMENT_ENCRYPTION] = apply_encryption,
    [MOF_STATEMENT_QUALIFIER_DECLARATION] = apply_qualifier,
    [MOF_STATEMENT_DESCRIPTOR] = apply_descriptor,
};

static int
apply_statement(struct apply *a, const struct mof_statement *st)
{
    unsigned kind = (unsigned)st->kind;

    if (kind >= ARRAY_COUNT(appliers) || appliers[kind] == NULL)
        return apply_fail(a, APPLY_FAILED, "a statement of unknown kind %u",
                          kind);
    return appliers[kind](a, st);
}

static bool
is_flags_code(uint32_t code)
{
    return code == APPLY_ALREADY_EXISTS || code == APPLY_NOT_FOUND ||
           code == APPLY_HAS_CHILDREN || code == APPLY_HAS_INSTANCES;
}

/* Did it fail for what createonly and the others ask? */
static bool
failed_by_flags(const struct apply *a, const struct mof_statement *st)
{
    unsigned change = 0;

    if (st->kind == MOF_STATEMENT_CLASS)
        change = apply_change(st, a->options->class_change);
    else if (st->kind == MOF_STATEMENT_INSTANCE ||
             st->kind == MOF_STATEMENT_NAMESPACE ||
             st->kind == MOF_STATEMENT_ENCRYPTION)
        change = apply_change(st, a->options->instance_change);
    return (change & MOF_CHANGE_OF_CLASS) != 0 && is_flags_code(a->code);
}

static int
refuse(struct apply *a, const struct mof_statement *st)
{
    a->repo->refused = *st;
    a->change->failed = &a->repo->refused;
    a->change->failed_code = a->code != 0 ? a->code : APPLY_FAILED;
    a->change->failed_by_flags = failed_by_flags(a, st);
    return -1;
}

static int
apply_all(struct apply *a, const struct mof_unit *unit)
{
    struct mof_cursor cursor = {0};
    const struct mof_statement *st;

    while ((st = mof_unit_next(unit, &cursor)) != NULL) {
        if (a->arena == NULL || arena_used(a->arena) > 0) {
            arena_free(a->arena);
            a->arena = arena_new();
            if (a->arena == NULL)
                return error_set_errno(a->err, ENOMEM, "%s", a->repo->path);
        }
        a->change->failed_number++;
        if (apply_statement(a, st) < 0)
            return refuse(a, st);
    }
    a->change->failed_number = 0;
    return cursor.failed ? error_set_errno(a->err, ENOMEM, "%s", a->repo->path)
                         : 0;
}

int
repository_apply(struct repository *repo, const struct mof_unit *unit,
                 const struct repository_apply_options *options,
                 void (*created)(void *arg, const char *display), void *arg,
                 struct repository_change *change_out, struct error *err)
{
    static const struct repository_apply_options defaults;
    struct apply a = {.repo = repo,
                      .options = options != NULL ? options : &defaults,
                      .created = created,
                      .arg = arg,
                      .change = change_out,
                      .body = BUF_INIT,
                      .err = err};
    int r;

    memset(change_out, 0, sizeof(*change_out));
    if (!repo->in_transaction || repo->mode != REPOSITORY_WRITE ||
        repo->failed)
        return error_set(err, "%s: no transaction is open", repo->path);
    repo->changed = true;
    r = namespaces_last(repo, &a.old_namespace, err);
    if (r == 0)
        r = apply_all(&a, unit);
    /* Half a unit may not be committed. */
    repo->failed |= r < 0;
    arena_free(a.arena);
    buf_fini(&a.body);
    return r;
}
