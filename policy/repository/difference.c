#include "policy/repository/difference.h"

#include <string.h>

#include "policy/repository/encoding.h"

/* What says which instances there are, how they are told apart, where they
 * come from and how a method is called; all others describe, unless
 * subclasses are bound by them. */
static const char *const weighty[] = {
    "abstract",
    "aggregation",
    "association",
    "classcontext",
    "dynamic",
    "dynprops",
    "embeddedinstance",
    "embeddedobject",
    "id",
    "implemented",
    "in",
    "indexed",
    "indication",
    "instancecontext",
    "key",
    "not_null",
    "out",
    "override",
    "propagated",
    "propertycontext",
    "provider",
    "singleton",
    "static",
    "subtype",
    "terminal",
};

bool
difference_binds(const struct cim_qualifier *q)
{
    return (q->flavors & CIM_FLAVOR_DISABLE_OVERRIDE) != 0 &&
           (q->flavors &
            (CIM_FLAVOR_RESTRICTED | CIM_FLAVOR_NOT_TO_SUBCLASS)) == 0;
}

static bool
is_weighty(const struct cim_qualifier *q)
{
    for (size_t i = 0; i < ARRAY_COUNT(weighty); i++) {
        if (span_equal_nocase(q->name, span_of(weighty[i])))
            return true;
    }
    return difference_binds(q);
}

bool
difference_same_value(const struct cim_value *a, const struct cim_value *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    bool same = encode_value_bytes(&x, a) == 0 &&
                encode_value_bytes(&y, b) == 0 && !buf_failed(&x) &&
                !buf_failed(&y) && span_equal(buf_span(&x), buf_span(&y));

    buf_fini(&x);
    buf_fini(&y);
    return same;
}

/* Every weighty one of a is in b. */
static bool
qualifiers_within(const struct cim_qualifiers *a,
                  const struct cim_qualifiers *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct cim_qualifier *q = &a->items[i], *other;

        if (!is_weighty(q))
            continue;
        other = cim_qualifiers_find(b, q->name);
        if (other == NULL || !difference_same_value(&q->value, &other->value))
            return false;
    }
    return true;
}

static bool
qualifiers_alike(const struct cim_qualifiers *a,
                 const struct cim_qualifiers *b)
{
    return qualifiers_within(a, b) && qualifiers_within(b, a);
}

bool
difference_same_type(const struct cim_property *a,
                     const struct cim_property *b)
{
    return a->type == b->type && a->is_array == b->is_array;
}

bool
difference_same_property(const struct cim_property *a,
                         const struct cim_property *b)
{
    return span_equal_nocase(a->name, b->name) && difference_same_type(a, b) &&
           a->array_size == b->array_size &&
           span_equal_nocase(a->class_name, b->class_name) &&
           a->has_value == b->has_value &&
           (!a->has_value || difference_same_value(&a->value, &b->value)) &&
           qualifiers_alike(&a->qualifiers, &b->qualifiers);
}

static bool
same_properties(const struct cim_class *a, const struct cim_class *b)
{
    if (a->property_count != b->property_count)
        return false;
    for (size_t i = 0; i < a->property_count; i++) {
        const struct cim_property *p = &a->properties[i];
        const struct cim_property *q = cim_class_property(b, p->name);

        if (q == NULL || !difference_same_property(p, q))
            return false;
    }
    return true;
}

static const struct cim_method *
method_find(const struct cim_class *c, struct span name)
{
    for (size_t i = 0; i < c->method_count; i++) {
        if (span_equal_nocase(c->methods[i].name, name))
            return &c->methods[i];
    }
    return NULL;
}

bool
difference_same_signature(const struct cim_method *a,
                          const struct cim_method *b)
{
    if (a->return_type != b->return_type ||
        !span_equal_nocase(a->return_class, b->return_class) ||
        a->parameter_count != b->parameter_count)
        return false;
    for (size_t i = 0; i < a->parameter_count; i++) {
        if (!difference_same_property(&a->parameters[i], &b->parameters[i]))
            return false;
    }
    return true;
}

static bool
same_methods(const struct cim_class *a, const struct cim_class *b)
{
    if (a->method_count != b->method_count)
        return false;
    for (size_t i = 0; i < a->method_count; i++) {
        const struct cim_method *m = &a->methods[i];
        const struct cim_method *n = method_find(b, m->name);

        if (n == NULL || !difference_same_signature(m, n) ||
            !qualifiers_alike(&m->qualifiers, &n->qualifiers))
            return false;
    }
    return true;
}

bool
difference_is_words(const struct cim_class *a, const struct cim_class *b)
{
    return span_equal_nocase(a->name, b->name) &&
           span_equal_nocase(a->superclass, b->superclass) &&
           qualifiers_alike(&a->qualifiers, &b->qualifiers) &&
           same_properties(a, b) && same_methods(a, b);
}
