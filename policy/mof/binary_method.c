#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/parser.h"

/*
 * A method's parameters are the properties of one or two objects, what goes
 * in and what comes out.  A qualifier ID gives each its place; one that goes
 * both ways is in both.  The result is called ReturnValue and has no ID.
 */

#define OBJECTS_MAX 2

struct parameters {
    size_t capacity;
    struct syntax_property *items; /* by ID; no name: not there */
    size_t count;                  /* the largest ID + 1 */
    struct syntax_method *method;
};

static bool
values_equal(const struct syntax_value *a, const struct syntax_value *b)
{
    if (a->kind != b->kind || a->negative != b->negative)
        return false;
    switch (a->kind) {
    case VALUE_BOOLEAN:
        return a->u.boolean == b->u.boolean;
    case VALUE_INTEGER:
        return a->u.magnitude == b->u.magnitude;
    case VALUE_REAL:
        return memcmp(&a->u.real, &b->u.real, sizeof(a->u.real)) == 0;
    case VALUE_CHAR:
        return a->u.char16 == b->u.char16;
    case VALUE_STRING:
        return span_equal(a->u.text, b->u.text);
    case VALUE_ARRAY:
        if (a->u.array.count != b->u.array.count)
            return false;
        for (size_t i = 0; i < a->u.array.count; i++) {
            if (!values_equal(&a->u.array.items[i], &b->u.array.items[i]))
                return false;
        }
        return true;
    default:
        return true;
    }
}

static const struct syntax_qualifier *
find(const struct syntax_qualifiers *set, struct span name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal_nocase(set->items[i].name, name))
            return &set->items[i];
    }
    return NULL;
}

/* Those of again that set has not. */
static bool
qualifiers_join(struct binary_reader *r, struct syntax_qualifiers *set,
                const struct syntax_qualifiers *again)
{
    struct syntax_qualifier *all =
        compilation_array(r->c, set->count + again->count, sizeof(*all));

    if (all == NULL)
        return false;
    if (set->count > 0)
        memcpy(all, set->items, set->count * sizeof(*all));
    set->items = all;
    for (size_t i = 0; i < again->count; i++) {
        const struct syntax_qualifier *q = &again->items[i];
        const struct syntax_qualifier *first = find(set, q->name);

        if (first == NULL)
            all[set->count++] = *q;
        else if (first->flavors != q->flavors ||
                 !values_equal(&first->value, &q->value))
            return binary_damage(r, q->offset,
                                 "a parameter's two declarations differ");
    }
    return true;
}

static bool
parameter_join(struct binary_reader *r, struct syntax_property *p,
               const struct syntax_property *again)
{
    if (!span_equal_nocase(p->name, again->name) || p->type != again->type ||
        p->is_array != again->is_array || p->array_size != again->array_size ||
        !span_equal_nocase(p->class_name, again->class_name) ||
        !values_equal(&p->value, &again->value))
        return binary_damage(r, again->offset,
                             "a parameter's two declarations differ");
    return qualifiers_join(r, &p->qualifiers, &again->qualifiers);
}

static bool
parameter_place(struct binary_reader *r, struct parameters *all,
                const struct syntax_property *p,
                const struct syntax_qualifier *id)
{
    size_t place = (size_t)id->value.u.magnitude;

    if (id->value.kind != VALUE_INTEGER || id->value.negative ||
        id->value.u.magnitude >= all->capacity)
        return binary_damage(r, id->offset,
                             "ID is not the place of a parameter");
    if (all->items[place].name.data != NULL)
        return parameter_join(r, &all->items[place], p);
    all->items[place] = *p;
    if (all->count <= place)
        all->count = place + 1;
    return true;
}

static bool
result_set(struct binary_reader *r, struct parameters *all,
           const struct syntax_property *p)
{
    struct syntax_method *m = all->method;

    if (!span_equal_nocase(p->name, SPAN("returnvalue")) ||
        m->type != CIM_VOID)
        return binary_damage(r, p->offset, "a parameter without an ID");
    if (p->is_array || p->value.kind != VALUE_NONE || p->qualifiers.count > 0)
        return binary_damage(r, p->offset,
                             "a result that is an array or has a value or "
                             "qualifiers");
    m->type = p->type;
    m->class_name = p->class_name;
    return true;
}

/* As mofcomp adds it; an author's own is as he wrote it. */
static bool
is_automatic(const struct syntax_qualifier *id)
{
    return span_equal(id->name, SPAN("ID")) &&
           id->flavors ==
               (CIM_FLAVOR_TO_INSTANCE | CIM_FLAVOR_DISABLE_OVERRIDE);
}

static bool
parameter_read(struct binary_reader *r, struct region one,
               struct parameters *all)
{
    struct binary_record record;
    struct syntax_property p;
    const struct syntax_qualifier *id;
    struct syntax_qualifier taken;
    struct span class_name;

    if (!binary_read_record(r, one, &record))
        return false;
    if (span_equal_nocase(record.name, SPAN("__class"))) {
        if (record.type != BINARY_STRING || !record.has_value ||
            !binary_read_text(r, record.value, &class_name) ||
            !span_equal_nocase(class_name, SPAN("__parameters")))
            return binary_damage(r, one.at,
                                 "a method's object is no __PARAMETERS");
        return true;
    }
    if (!binary_read_declaration(r, &record, &p))
        return false;
    id = find(&p.qualifiers, SPAN("id"));
    if (id == NULL)
        return result_set(r, all, &p);
    if (is_automatic(id)) {
        binary_take_qualifier(&p.qualifiers, SPAN("id"), &taken);
        id = &taken;
    }
    return parameter_place(r, all, &p, id);
}

static bool
object_read(struct binary_reader *r, struct region one, struct parameters *all)
{
    struct binary_object o;
    struct region from;
    uint32_t count;

    if (!binary_read_object(r, one, &o))
        return false;
    from = o.methods;
    if (!binary_read_list(r, &from, &count))
        return false;
    if (!o.is_instance || o.has_qualifiers || count != 0)
        return binary_damage(r, one.at,
                             "a method's object is no __PARAMETERS");
    from = o.properties;
    if (!binary_read_list(r, &from, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!binary_take_element(r, &from, BINARY_RECORD_HEADER, &one) ||
            !parameter_read(r, one, all))
            return false;
    }
    return from.at == from.end ||
           binary_damage(r, from.at, "bytes behind the last parameter");
}

/* Each parameter is in the list once or twice: so many can there be. */
static bool
parameters_read(struct binary_reader *r, struct region from,
                struct syntax_method *out)
{
    struct parameters all = {.method = out};
    struct region one;
    uint32_t count, start = from.at;

    if (!binary_read_array(r, &from, &count))
        return false;
    if (count > OBJECTS_MAX)
        return binary_damage(r, start + 8, "a method with %u objects", count);
    all.capacity = (from.end - from.at) / BINARY_RECORD_HEADER;
    all.items = compilation_array(r->c, all.capacity, sizeof(*all.items));
    if (all.items == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!binary_take_element(r, &from, BINARY_OBJECT_HEADER, &one) ||
            !object_read(r, one, &all))
            return false;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].name.data == NULL)
            return binary_damage(r, start, "parameter %zu is missing", i);
    }
    out->parameters = all.items;
    out->parameter_count = all.count;
    return from.at == from.end ||
           binary_damage(r, from.at, "bytes behind a method's objects");
}

static bool
method_read(struct binary_reader *r, struct region all,
            struct syntax_method *out)
{
    struct binary_record record;

    if (!binary_read_record(r, all, &record))
        return false;
    *out = (struct syntax_method){.name = record.name,
                                  .offset = all.at,
                                  .type_offset = all.at,
                                  .type = CIM_VOID};
    if (record.has_qualifiers &&
        !binary_read_qualifiers(r, record.qualifiers, &out->qualifiers))
        return false;
    qualifier_list_check(r->c, r->source, &out->qualifiers);
    if (record.type != BINARY_OBJECTS && record.type != 0)
        return binary_damage(r, all.at + 4, "0x%x is no kind of method",
                             record.type);
    return !record.has_value || parameters_read(r, record.value, out);
}

bool
binary_read_methods(struct binary_reader *r, struct region from,
                    struct syntax_class *class)
{
    uint32_t count;

    if (!binary_read_list(r, &from, &count))
        return false;
    if (count > (from.end - from.at) / BINARY_RECORD_HEADER)
        return binary_damage(r, from.at, "%u methods in %u bytes", count,
                             from.end - from.at);
    class->methods = compilation_array(r->c, count, sizeof(*class->methods));
    if (class->methods == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct region one;

        if (!binary_take_element(r, &from, BINARY_RECORD_HEADER, &one) ||
            !method_read(r, one, &class->methods[class->method_count++]))
            return false;
    }
    return from.at == from.end ||
           binary_damage(r, from.at, "bytes behind the last method");
}
