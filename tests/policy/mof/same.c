#include "tests/policy/mof/same.h"

#include <stdarg.h>
#include <string.h>

#include "tests/support/support.h"

static char difference[2000];

/* Puts a level in front of what differs below; false always. */
__attribute__((format(printf, 1, 2))) static bool
differs(const char *format, ...)
{
    char below[sizeof(difference)];
    size_t length, room;
    va_list ap;
    int n;

    memcpy(below, difference, sizeof(below));
    va_start(ap, format);
    n = vsnprintf(difference, sizeof(difference), format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 3 < sizeof(difference) && below[0] != '\0') {
        room = sizeof(difference) - (size_t)n - 3;
        length = strnlen(below, room);
        memcpy(difference + n, ": ", 2);
        memcpy(difference + n + 2, below, length);
        difference[(size_t)n + 2 + length] = '\0';
    }
    return false;
}

static bool
spans_same(const char *what, struct span a, struct span b)
{
    if (span_equal(a, b))
        return true;
    return differs("%s '%.*s' and '%.*s'", what, (int)a.length, a.data,
                   (int)b.length, b.data);
}

static bool instances_same(const struct cim_instance *a,
                           const struct cim_instance *b);

static bool
scalars_same(enum cim_type type, const union cim_scalar *a,
             const union cim_scalar *b)
{
    switch (type) {
    case CIM_BOOLEAN:
        return a->boolean == b->boolean || differs("booleans");
    case CIM_CHAR16:
        return a->char16 == b->char16 || differs("characters");
    case CIM_REAL32:
    case CIM_REAL64:
        return memcmp(&a->real, &b->real, sizeof(a->real)) == 0 ||
               differs("%.17g and %.17g", a->real, b->real);
    case CIM_STRING:
    case CIM_DATETIME:
    case CIM_REFERENCE:
        return spans_same("text", a->text, b->text);
    case CIM_OBJECT:
        return instances_same(a->object, b->object);
    default:
        return a->uint == b->uint ||
               differs("%lld and %lld", (long long)a->sint,
                       (long long)b->sint);
    }
}

static bool
null_item(const struct cim_value *v, uint32_t i)
{
    return v->null_items != NULL && v->null_items[i];
}

static bool
values_same(const struct cim_value *a, const struct cim_value *b)
{
    if (a->type != b->type)
        return differs("types %s and %s", cim_type_name(a->type),
                       cim_type_name(b->type));
    if (a->is_null != b->is_null || a->is_array != b->is_array)
        return differs("one is NULL or an array");
    if (a->is_null)
        return true;
    if (!a->is_array)
        return scalars_same(a->type, &a->one, &b->one);
    if (a->count != b->count)
        return differs("%u and %u elements", a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        if (null_item(a, i) != null_item(b, i))
            return differs("element %u: one is NULL", i);
        if (!null_item(a, i) &&
            !scalars_same(a->type, &a->items[i], &b->items[i]))
            return differs("element %u", i);
    }
    return true;
}

/* The other decoder knows no qualifiers that are arrays, and a parameter's
 * direction without its flavors and spelling. */
static bool decoded;

static bool
is_direction(const struct cim_qualifier *q)
{
    return decoded && (span_equal_nocase(q->name, SPAN("in")) ||
                       span_equal_nocase(q->name, SPAN("out")));
}

/* How many of them are looked at. */
static size_t
qualifiers_counted(const struct cim_qualifiers *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->count; i++)
        n += !decoded || !set->items[i].value.is_array;
    return n;
}

static bool
qualifiers_same(const struct cim_qualifiers *a, const struct cim_qualifiers *b)
{
    if (qualifiers_counted(a) != qualifiers_counted(b))
        return differs("%zu and %zu qualifiers", a->count, b->count);
    for (size_t i = 0; i < b->count; i++) {
        const struct cim_qualifier *y = &b->items[i];
        const struct cim_qualifier *x = cim_qualifiers_find(a, y->name);

        if (x == NULL)
            differs("only one has it");
        else if (!is_direction(x) && x->flavors != y->flavors)
            differs("flavors %x and %x", x->flavors, y->flavors);
        else if ((is_direction(x) ||
                  spans_same("spelling", x->name, y->name)) &&
                 values_same(&x->value, &y->value))
            continue;
        return differs("qualifier %.*s", (int)y->name.length, y->name.data);
    }
    return true;
}

static bool
property_same(const struct cim_property *a, const struct cim_property *b)
{
    if (a->type != b->type)
        return differs("types %s and %s", cim_type_name(a->type),
                       cim_type_name(b->type));
    if (a->is_array != b->is_array || a->array_size != b->array_size)
        return differs("array");
    if (a->has_value != b->has_value)
        return differs("one has a value");
    return spans_same("class", a->class_name, b->class_name) &&
           (!a->has_value || values_same(&a->value, &b->value)) &&
           qualifiers_same(&a->qualifiers, &b->qualifiers);
}

static bool
properties_same(const struct cim_property *a, size_t a_count,
                const struct cim_property *b, size_t b_count)
{
    if (a_count != b_count)
        return differs("%zu and %zu properties", a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        if (!spans_same("property", a[i].name, b[i].name))
            return false;
        if (!property_same(&a[i], &b[i]))
            return differs("property %.*s", (int)a[i].name.length,
                           a[i].name.data);
    }
    return true;
}

static bool
instances_same(const struct cim_instance *a, const struct cim_instance *b)
{
    return (spans_same("class", a->class_name, b->class_name) &&
            qualifiers_same(&a->qualifiers, &b->qualifiers) &&
            properties_same(a->properties, a->property_count, b->properties,
                            b->property_count)) ||
           differs("instance of %.*s", (int)a->class_name.length,
                   a->class_name.data);
}

static bool
methods_same(const struct cim_method *a, const struct cim_method *b)
{
    return (spans_same("name", a->name, b->name) &&
            (a->return_type == b->return_type || differs("results")) &&
            spans_same("class", a->return_class, b->return_class) &&
            qualifiers_same(&a->qualifiers, &b->qualifiers) &&
            properties_same(a->parameters, a->parameter_count, b->parameters,
                            b->parameter_count)) ||
           differs("method %.*s", (int)a->name.length, a->name.data);
}

static bool
classes_same(const struct cim_class *a, const struct cim_class *b)
{
    bool same = spans_same("name", a->name, b->name) &&
                spans_same("superclass", a->superclass, b->superclass) &&
                qualifiers_same(&a->qualifiers, &b->qualifiers) &&
                properties_same(a->properties, a->property_count,
                                b->properties, b->property_count);

    if (same && a->method_count != b->method_count)
        same =
            differs("%zu and %zu methods", a->method_count, b->method_count);
    for (size_t i = 0; same && i < a->method_count; i++)
        same = methods_same(&a->methods[i], &b->methods[i]);
    return same || differs("class %.*s", (int)a->name.length, a->name.data);
}

static bool
declarations_same(const struct cim_qualifier_declaration *a,
                  const struct cim_qualifier_declaration *b)
{
    return spans_same("name", a->name, b->name) &&
           ((a->type == b->type && a->is_array == b->is_array &&
             a->has_value == b->has_value) ||
            differs("type")) &&
           (!a->has_value || values_same(&a->value, &b->value)) &&
           ((a->scopes == b->scopes && a->flavors == b->flavors) ||
            differs("scopes or flavors"));
}

static bool
content_same(const struct mof_statement *a, const struct mof_statement *b)
{
    switch (a->kind) {
    case MOF_STATEMENT_CLASS:
        return classes_same(a->class, b->class);
    case MOF_STATEMENT_INSTANCE:
        return spans_same("key", a->key, b->key) &&
               instances_same(a->instance, b->instance);
    case MOF_STATEMENT_QUALIFIER_DECLARATION:
        return declarations_same(a->qualifier, b->qualifier);
    case MOF_STATEMENT_DESCRIPTOR:
        return spans_same("descriptor", a->descriptor, b->descriptor);
    default:
        return true;
    }
}

/* What a kind has no use for may be anything. */
static bool
flags_same(const struct mof_statement *a, const struct mof_statement *b)
{
    switch (a->kind) {
    case MOF_STATEMENT_CLASS:
    case MOF_STATEMENT_INSTANCE:
        return a->change == b->change;
    case MOF_STATEMENT_NAMESPACE:
        return a->from_pragma == b->from_pragma;
    case MOF_STATEMENT_ENCRYPTION:
        return a->requires_encryption == b->requires_encryption;
    default:
        return a->must_exist == b->must_exist;
    }
}

static bool
statements_same(const struct mof_statement *a, const struct mof_statement *b)
{
    if (a->kind != b->kind)
        return differs("kinds %d and %d", a->kind, b->kind);
    if (strcmp(a->namespace_display, b->namespace_display) != 0)
        return differs("namespaces %s and %s", a->namespace_display,
                       b->namespace_display);
    if (!flags_same(a, b))
        return differs("flags");
    return spans_same("name", a->name, b->name) && content_same(a, b);
}

const char *
units_differ(const struct mof_unit *a, const struct mof_unit *b)
{
    struct mof_cursor at_a = {0}, at_b = {0};
    size_t n = 0;

    decoded = false;
    difference[0] = '\0';
    if (a->autorecover != b->autorecover)
        return "autorecover";
    for (;;) {
        const struct mof_statement *x = mof_unit_next(a, &at_a);
        const struct mof_statement *y = mof_unit_next(b, &at_b);

        if (x == NULL && y == NULL)
            return NULL;
        if (x == NULL || y == NULL || !statements_same(x, y))
            break;
        n++;
    }
    differs("statement %zu", n);
    return difference;
}

static const struct mof_statement *
class_next(const struct mof_unit *u, size_t *at)
{
    while (*at < u->count) {
        const struct mof_statement *st = &u->statements[(*at)++];

        if (st->kind == MOF_STATEMENT_CLASS)
            return st;
    }
    return NULL;
}

const char *
classes_differ(const struct mof_unit *a, const struct mof_unit *b)
{
    size_t at_a = 0, at_b = 0;

    decoded = true;
    for (;;) {
        const struct mof_statement *x = class_next(a, &at_a);
        const struct mof_statement *y = class_next(b, &at_b);

        if (x == NULL && y == NULL)
            return NULL;
        if (x == NULL || y == NULL)
            return "one has more classes";
        difference[0] = '\0';
        if (!namespace_path_equal(&x->namespace, &y->namespace) ||
            !flags_same(x, y) || !classes_same(x->class, y->class))
            return difference[0] != '\0' ? difference : "namespace or flags";
    }
}
