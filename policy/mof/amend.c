/* A unit as two: without what is said in a language, and that alone ("pragma
 * amendment" and "Compiling Localized MOF Files" of the WMI SDK). */
#include <stdio.h>
#include <string.h>

#include "policy/mof/compilation.h"

struct amender {
    struct arena *arena;
    const char *locale;
    struct strmap *wanted;   /* "namespace:class" of the localized text */
    struct strmap *declared; /* the same of the unit -> its statement */
    bool failed;
};

static bool
is_amended(const struct cim_qualifier *q)
{
    return (q->flavors & CIM_FLAVOR_AMENDED) != 0;
}

static bool
any_amended(const struct cim_qualifiers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (is_amended(&set->items[i]))
            return true;
    }
    return false;
}

static bool
is_identity(const struct cim_qualifier *q)
{
    static const char *const names[] = {"key", "in", "out", "id"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (span_equal_nocase(q->name, span_of(names[i])))
            return true;
    }
    return false;
}

/* Arena memory of at least one item. */
static void *
items_new(struct amender *a, size_t count, size_t size)
{
    void *items = arena_array(a->arena, count + 1, size);

    a->failed |= items == NULL;
    return items;
}

/* localized: those in a language, and what tells an element from others;
 * else those in none.  Room for two more. */
static struct cim_qualifiers
qualifiers_part(struct amender *a, const struct cim_qualifiers *all,
                bool localized)
{
    struct cim_qualifiers part = {
        0, items_new(a, all->count + 2, sizeof(*part.items))};

    for (size_t i = 0; part.items != NULL && i < all->count; i++) {
        const struct cim_qualifier *q = &all->items[i];

        if (is_amended(q) == localized || (localized && is_identity(q)))
            part.items[part.count++] = *q;
    }
    return part;
}

static struct cim_property *
properties_part(struct amender *a, const struct cim_property *all,
                size_t count, bool localized, bool every, size_t *count_out)
{
    struct cim_property *part = items_new(a, count, sizeof(*part));

    *count_out = 0;
    for (size_t i = 0; part != NULL && i < count; i++) {
        const struct cim_qualifiers *quals = &all[i].qualifiers;
        struct cim_property *p = &part[*count_out];

        if (localized && !every && !any_amended(quals) &&
            cim_qualifiers_find(quals, SPAN("key")) == NULL)
            continue;
        *p = all[i];
        p->qualifiers = qualifiers_part(a, quals, localized);
        if (localized)
            p->has_value = false;
        ++*count_out;
    }
    return part;
}

static bool
method_amended(const struct cim_method *m)
{
    bool amended = any_amended(&m->qualifiers);

    for (size_t i = 0; i < m->parameter_count; i++)
        amended |= any_amended(&m->parameters[i].qualifiers);
    return amended;
}

static bool
class_amended(const struct cim_class *c)
{
    bool amended = any_amended(&c->qualifiers);

    for (size_t i = 0; i < c->property_count; i++)
        amended |= any_amended(&c->properties[i].qualifiers);
    for (size_t i = 0; i < c->method_count; i++)
        amended |= method_amended(&c->methods[i]);
    return amended;
}

static void
methods_part(struct amender *a, const struct cim_class *all,
             struct cim_class *part, bool localized)
{
    part->methods = items_new(a, all->method_count, sizeof(*part->methods));
    part->method_count = 0;
    for (size_t i = 0; part->methods != NULL && i < all->method_count; i++) {
        const struct cim_method *from = &all->methods[i];
        struct cim_method *m = &part->methods[part->method_count];

        if (localized && !method_amended(from))
            continue;
        *m = *from;
        m->qualifiers = qualifiers_part(a, &from->qualifiers, localized);
        m->parameters =
            properties_part(a, from->parameters, from->parameter_count,
                            localized, true, &m->parameter_count);
        part->method_count++;
    }
}

static const struct cim_class *
class_part(struct amender *a, const struct cim_class *all, bool localized)
{
    struct cim_class *part = items_new(a, 1, sizeof(*part));

    if (part == NULL)
        return all;
    *part = *all;
    part->qualifiers = qualifiers_part(a, &all->qualifiers, localized);
    part->properties =
        properties_part(a, all->properties, all->property_count, localized,
                        false, &part->property_count);
    methods_part(a, all, part, localized);
    return part;
}

/* -- which classes ----------------------------------------------------------- */

static struct span
class_key(struct amender *a, const struct namespace_path *ns, struct span name)
{
    struct buf key = BUF_INIT;
    struct span kept;

    buf_addf(&key, "%s:%.*s", ns->text, (int)name.length, name.data);
    kept = arena_span(a->arena, buf_span(&key));
    a->failed |= buf_failed(&key) || kept.data == NULL;
    buf_fini(&key);
    return kept;
}

/* An amended class needs those above it in its namespace of the language. */
static void
class_want(struct amender *a, const struct mof_statement *st)
{
    for (unsigned n = 0; st != NULL && n < LIMIT_SUPERCLASSES; n++) {
        struct span key = class_key(a, &st->namespace, st->class->name);

        if (a->failed || strmap_get(a->wanted, key) != NULL)
            return;
        a->failed |= !strmap_put(a->wanted, key, (void *)st);
        if (st->class->superclass.length == 0)
            return;
        key = class_key(a, &st->namespace, st->class->superclass);
        st = a->failed ? NULL : strmap_get(a->declared, key);
    }
}

static void
classes_find(struct amender *a, const struct mof_unit *unit)
{
    for (size_t i = 0; i < unit->count && !a->failed; i++) {
        const struct mof_statement *st = &unit->statements[i];

        if (st->kind != MOF_STATEMENT_CLASS)
            continue;
        a->failed |= !strmap_put(a->declared,
                                 class_key(a, &st->namespace, st->class->name),
                                 (void *)st);
        if (!a->failed && class_amended(st->class))
            class_want(a, st);
    }
}

/* -- the two units ----------------------------------------------------------- */

static void
neutral_print(struct amender *a, const struct mof_unit *unit, struct buf *out)
{
    struct mof_unit part = *unit;
    struct mof_statement *all = items_new(a, unit->count, sizeof(*all));

    for (size_t i = 0; all != NULL && i < unit->count; i++) {
        all[i] = unit->statements[i];
        if (all[i].kind == MOF_STATEMENT_CLASS)
            all[i].class = class_part(a, all[i].class, false);
    }
    part.statements = all;
    if (!a->failed)
        mof_print_unit(out, &part);
}

static void
qualifier_add(struct cim_qualifiers *set, struct span name,
              struct cim_value value)
{
    if (cim_qualifiers_find(set, name) == NULL)
        set->items[set->count++] =
            (struct cim_qualifier){.name = name, .value = value};
}

/* The class in root\x\ms_409, marked as WMI's own files are. */
static void
localized_class(struct amender *a, const struct mof_statement *st,
                struct mof_statement *to)
{
    struct cim_class *c = (struct cim_class *)class_part(a, st->class, true);

    if (a->failed)
        return;
    qualifier_add(
        &c->qualifiers, SPAN("Amendment"),
        (struct cim_value){.type = CIM_BOOLEAN, .one.boolean = true});
    qualifier_add(&c->qualifiers, SPAN("Locale"),
                  (struct cim_value){.type = CIM_STRING,
                                     .one.text = span_of(a->locale)});
    /* One that is declared elsewhere is not known in that namespace. */
    if (c->superclass.length > 0 &&
        strmap_get(a->declared, class_key(a, &st->namespace, c->superclass)) ==
            NULL)
        c->superclass = (struct span){NULL, 0};
    to->kind = MOF_STATEMENT_CLASS;
    to->class = c;
}

/* The namespace of the language below st's; false: there can be none. */
static bool
locale_namespace(struct amender *a, const struct mof_statement *st,
                 struct mof_statement *to)
{
    struct buf display = BUF_INIT;
    bool ok;

    memset(to, 0, sizeof(*to));
    buf_addf(&display, "%s\\%s", st->namespace_display, a->locale);
    ok = !buf_failed(&display) &&
         namespace_path_parse(&to->namespace, buf_span(&display), NULL) ==
             NAMESPACE_PATH_OK;
    if (ok)
        to->namespace_display = arena_copy(a->arena, buf_span(&display));
    buf_fini(&display);
    a->failed |= !ok || to->namespace_display == NULL;
    return !a->failed;
}

static void
localized_print(struct amender *a, const struct mof_unit *unit,
                struct buf *out)
{
    struct mof_unit part = {0};
    struct mof_statement *all = items_new(a, 2 * unit->count, sizeof(*all));
    struct namespace_path last = {0};

    for (size_t i = 0; i < unit->count && !a->failed; i++) {
        const struct mof_statement *st = &unit->statements[i];
        struct mof_statement *to = &all[part.count];

        if (st->kind != MOF_STATEMENT_CLASS ||
            strmap_get(a->wanted, class_key(a, &st->namespace,
                                            st->class->name)) == NULL ||
            !locale_namespace(a, st, to))
            continue;
        if (!namespace_path_equal(&last, &st->namespace)) {
            to->kind = MOF_STATEMENT_NAMESPACE;
            to->is_instance = true;
            to[1] = to[0];
            to++;
            part.count++;
            last = st->namespace;
        }
        to->is_instance = false;
        localized_class(a, st, to);
        part.count++;
    }
    part.statements = all;
    if (!a->failed)
        mof_print_unit(out, &part);
}

bool
mof_amend_locale(struct span text)
{
    if (text.length < 1 || text.length > 32)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) &&
            text.data[i] != '_')
            return false;
    }
    return true;
}

bool
mof_amend_print(const struct mof_unit *unit, const char *locale,
                struct buf *neutral, struct buf *localized)
{
    struct amender a = {.arena = arena_new(),
                        .locale = locale,
                        .wanted = strmap_new(),
                        .declared = strmap_new()};

    a.failed = a.arena == NULL || a.wanted == NULL || a.declared == NULL;
    if (!a.failed)
        classes_find(&a, unit);
    if (!a.failed)
        neutral_print(&a, unit, neutral);
    if (!a.failed)
        localized_print(&a, unit, localized);
    strmap_free(a.wanted);
    strmap_free(a.declared);
    arena_free(a.arena);
    return !a.failed && !buf_failed(neutral) && !buf_failed(localized);
}
