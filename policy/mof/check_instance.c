#include <stddef.h>
#include <string.h>

#include "policy/mof/build.h"
#include "policy/mof/check.h"
#include "policy/mof/lexer.h"
#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"
#include "policy/mof/space.h"

/* An instance whose values are still to be built, and its result. */
struct pending {
    size_t statement, result;
};

/* Where an instance was given first. */
struct given {
    struct at at;
    struct span key;
};

static struct at
instance_at(const struct syntax_instance *i)
{
    return (struct at){i->source, i->offset, 8};
}

static struct at
property_at(const struct syntax_instance *i, const struct syntax_property *p)
{
    return (struct at){i->source, p->offset, (uint32_t)p->name.length};
}

struct twice {
    struct mof_compilation *c;
    const struct syntax_instance *instance;
};

static void
report_twice(void *arg, const void *first, const void *again)
{
    const struct twice *t = arg;
    const struct syntax_property *one = first, *two = again;

    report_meaning_error(t->c, property_at(t->instance, two),
                         CODE_DUPLICATE_PROPERTY,
                         "property %.*s is given twice", SHOWN(two->name));
    report_detail(t->c, property_at(t->instance, one), "first given here");
}

/* What the text alone shows of an instance and those inside it; the parser
 * bounds the depth. */
static void
value_walk(struct mof_compilation *c, const struct syntax_value *v)
{
    if (v->kind == VALUE_INSTANCE)
        check_instance_text(c, v->u.instance);
    for (size_t n = 0; v->kind == VALUE_ARRAY && n < v->u.array.count; n++)
        value_walk(c, &v->u.array.items[n]);
}

void
check_instance_text(struct mof_compilation *c, const struct syntax_instance *i)
{
    struct twice t = {c, i};

    names_duplicates(c, i->properties, i->property_count,
                     sizeof(*i->properties),
                     offsetof(struct syntax_property, name), report_twice, &t);
    for (size_t n = 0; n < i->property_count; n++) {
        security_refuse(c, i->source, &i->properties[n].qualifiers);
        value_walk(c, &i->properties[n].value);
    }
}

static const struct syntax_property *
property_find(const struct syntax_instance *i, struct span name)
{
    for (size_t n = 0; n < i->property_count; n++) {
        if (span_equal_nocase(i->properties[n].name, name))
            return &i->properties[n];
    }
    return NULL;
}

/* The namespace that an instance of __Namespace is about; NULL after an
 * error. */
static struct space *
child_space(struct mof_compilation *c, const struct syntax_statement *st)
{
    const struct syntax_instance *i = st->u.instance;
    const struct syntax_property *name = property_find(i, SPAN("name"));
    struct space *child;
    struct at at;

    if (name == NULL || name->value.kind != VALUE_STRING ||
        st->space->path.length == 0)
        return NULL;
    child = space_child(c, st->space, name->value.u.text);
    at = (struct at){i->source, name->value.offset, name->value.width};
    if (child == NULL)
        report_store_error(c, at, CODE_INVALID_PARAMETER,
                           "'%.*s' can't be the name of a namespace: one "
                           "name of letters, digits, '_' and '-'",
                           SHOWN(name->value.u.text));
    return child;
}

/* The one that is there already gets a statement too, since the flags of the
 * compile may forbid to touch it. */
static void
namespace_put(struct mof_compilation *c, const struct syntax_statement *st,
              struct space *child, size_t now)
{
    size_t at;

    if (!space_exists(c, child)) {
        check_space(c, st, child, now);
        at = c->results.count - 1;
    } else {
        check_space(c, st, child, now);
        at = check_emit(c, st, MOF_STATEMENT_NAMESPACE, child);
    }
    if (at < c->results.count)
        VECTOR_AT(&c->results, struct mof_statement, at).is_instance = true;
}

/* instance of __Namespace { Name = "X"; }: create-or-update the child. */
static void
namespace_instance(struct mof_compilation *c,
                   const struct syntax_statement *st, size_t now)
{
    struct space *child = child_space(c, st);

    if (build_instance(c, st->u.instance, 0))
        build_stored_key(c, st->u.instance); /* a missing Name */
    if (child != NULL)
        namespace_put(c, st, child, now);
    security_statement(c, st, child != NULL ? child : c->nowhere);
}

static void
security_instance(struct mof_compilation *c, const struct syntax_statement *st)
{
    build_instance(c, st->u.instance, 0);
    security_statement(c, st, st->space);
}

static void
stored_instance(struct mof_compilation *c, const struct syntax_statement *st,
                size_t now)
{
    struct pending p = {.statement = now - 1};

    if (span_equal_nocase(st->u.instance->class_name, SPAN("__thisnamespace")))
        report_store_error(c, st->at, CODE_NOT_SUPPORTED,
                           "a namespace's security descriptor is written "
                           "[NamespaceSecuritySDDL(\"...\")] instance of "
                           "__Namespace");
    security_refuse_instance(c, st);
    st->space->has_content = true;
    p.result = check_emit(c, st, MOF_STATEMENT_INSTANCE, st->space);
    if (p.result != SIZE_MAX)
        vector_add(c, &c->pending, &p);
}

void
check_instance(struct mof_compilation *c, const struct syntax_statement *st,
               size_t now)
{
    struct syntax_instance *i = st->u.instance;

    check_space(c, st, st->space, now);
    check_instance_text(c, i);
    i->info = schema_find(c, st->space, i->class_name);
    if (span_equal_nocase(i->class_name, SPAN("__namespace")))
        namespace_instance(c, st, now);
    else if (span_equal_nocase(i->class_name, SPAN("__systemsecurity")))
        security_instance(c, st);
    else
        stored_instance(c, st, now);
}

/* A keyless class has no instances of its own, but an alias of one may stand
 * for an embedded value, as in the documents of DSC. */
static bool
is_stored(struct mof_compilation *c, const struct syntax_instance *i)
{
    if (i->info == NULL || i->info->key_count > 0 || i->info->is_singleton)
        return true;
    if (!i->is_embedded && i->info->complete)
        report_store_error(c, instance_at(i), CODE_NO_KEY,
                           "class %.*s has no key and is no singleton: its "
                           "instances can't be told apart",
                           SHOWN(i->class_name));
    return false;
}

/* The instances of a class that were given, by key. NULL: out of memory.
 * Not with the class, which may be the system's and shared. */
static struct strmap *
given_map(struct mof_compilation *c, struct space *s, struct span class_name)
{
    struct strmap *map;

    if (s->instances == NULL)
        s->instances = compilation_map_new(c, &c->class_maps);
    if (s->instances == NULL)
        return NULL;
    map = strmap_get(s->instances, class_name);
    if (map != NULL)
        return map;
    map = compilation_map_new(c, &c->class_maps);
    if (map != NULL && !strmap_put(s->instances, class_name, map)) {
        report_memory(c);
        return NULL;
    }
    return map;
}

/* Remembers where it stands, as long as there are not too many. */
static void
given_add(struct mof_compilation *c, struct strmap *map,
          const struct syntax_instance *i)
{
    struct given *given;

    if (c->given_count == LIMIT_GIVEN)
        return;
    c->given_count++;
    given = compilation_alloc(c, sizeof(*given));
    if (given == NULL)
        return;
    given->at = instance_at(i);
    given->key = (struct span){compilation_copy(c, i->key), i->key.length};
    if (given->key.data != NULL && !strmap_put(map, given->key, given))
        report_memory(c);
}

/* An instance given twice is created, then updated: the first is lost. */
static void
twice_warn(struct mof_compilation *c, const struct syntax_instance *i)
{
    struct strmap *map = given_map(c, i->space, i->class_name);
    const struct given *first;

    if (map == NULL)
        return;
    first = strmap_get(map, i->key);
    if (first != NULL && span_equal(first->key, i->key)) {
        report_warning(c, MOF_WARNING_INSTANCE_TWICE, instance_at(i),
                       "this instance of %.*s replaces one of this compile",
                       SHOWN(i->class_name));
        report_detail(c, first->at, "first given here");
    } else {
        given_add(c, map, i);
    }
}

bool
check_instance_build(struct mof_compilation *c, struct syntax_instance *i)
{
    if (!build_instance(c, i, 0) || !is_stored(c, i) ||
        !build_stored_key(c, i))
        return false;
    if (!c->muted)
        twice_warn(c, i);
    return true;
}

static void
pending_finish(struct mof_compilation *c, const struct pending *p)
{
    struct syntax_instance *i =
        VECTOR_AT(&c->statements, struct syntax_statement, p->statement)
            .u.instance;
    struct mof_statement *result =
        &VECTOR_AT(&c->results, struct mof_statement, p->result);

    if (!check_instance_build(c, i)) {
        result->kind = MOF_STATEMENT_NONE;
        return;
    }
    result->instance = i->built;
    result->name = i->built->class_name;
    result->key = i->key;
}

void
check_instances_finish(struct mof_compilation *c)
{
    const struct pending *all = c->pending.items;

    for (size_t n = 0; n < c->pending.count && !compilation_is_over(c); n++)
        build_instance(c,
                       VECTOR_AT(&c->statements, struct syntax_statement,
                                 all[n].statement)
                           .u.instance,
                       0);
    for (size_t n = 0; n < c->pending.count; n++)
        pending_finish(c, &all[n]);
}

/* Takes "\\.\root\x:" off the front of an object path; the namespace it
 * names, the statement's own without one, NULL if it is malformed. */
static struct space *
path_space(struct mof_compilation *c, const struct syntax_statement *st,
           struct span *path)
{
    struct span rest, prefix = span_cut(*path, ':', &rest);
    char display[NAMESPACE_PATH_MAX + 1];
    struct namespace_path ns;

    if (rest.data == NULL || memchr(prefix.data, '"', prefix.length) != NULL)
        return st->space;
    if (namespace_path_parse(&ns, prefix, NULL) != NAMESPACE_PATH_OK)
        return NULL;
    *path = rest;
    namespace_path_display(prefix, display);
    return space_get(c, &ns, display);
}

/* Class name and key of `Class.K="v"`, `Class="v"` or `Class=@`. */
static bool
path_split(struct mof_compilation *c, struct span path, struct span *class_out,
           struct span *key_out)
{
    size_t n = 0;

    while (n < path.length && path.data[n] != '.' && path.data[n] != '=')
        n++;
    *class_out = (struct span){path.data, n};
    return lexer_is_identifier(*class_out) &&
           mof_key_from_path(c->arena, span_skip(path, n), SPAN("name"),
                             key_out);
}

static void
delete_namespace(struct mof_compilation *c, const struct syntax_statement *st,
                 struct space *parent, struct span key, size_t now)
{
    struct span name = SPAN("name=\"");
    struct space *child = NULL;

    if (span_starts_nocase(key, name) && key.length > name.length + 1) {
        key = span_skip(key, name.length);
        key.length--;
        child = space_child(c, parent, key);
    }
    if (child == NULL) {
        report_store_error(c, st->at, CODE_INVALID_OBJECT_PATH,
                           "write __Namespace.Name=\\\"child\\\"");
        return;
    }
    check_emit(c, st, MOF_STATEMENT_DELETE_NAMESPACE, child);
    child->deleted_at = now;
    child->is_secured = false;
    child->has_content = false;
}

void
check_delete_instance(struct mof_compilation *c,
                      const struct syntax_statement *st, size_t now)
{
    struct span path = st->text, class_name, key;
    struct space *space = path_space(c, st, &path);
    size_t at;

    if (space == NULL || !path_split(c, path, &class_name, &key)) {
        report_meaning_error(c, st->at, CODE_INVALID_DELETEINSTANCE_SYNTAX,
                             "'%.*s' is no path of an instance: write "
                             "Class.Key=\\\"value\\\"",
                             SHOWN(st->text));
        return;
    }
    if (space->path.length == 0)
        return;
    if (span_equal_nocase(class_name, SPAN("__namespace"))) {
        delete_namespace(c, st, space, key, now);
        return;
    }
    check_space(c, st, space, now);
    at = check_emit(c, st, MOF_STATEMENT_DELETE_INSTANCE, space);
    if (at != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, at).name = path;
}
