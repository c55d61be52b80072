#include "policy/base/cim.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum cim_type type;
    const char *name;
} type_names[] = {
    {CIM_BOOLEAN, "boolean"},   {CIM_CHAR16, "char16"}, {CIM_STRING, "string"},
    {CIM_DATETIME, "datetime"}, {CIM_UINT8, "uint8"},   {CIM_SINT8, "sint8"},
    {CIM_UINT16, "uint16"},     {CIM_SINT16, "sint16"}, {CIM_UINT32, "uint32"},
    {CIM_SINT32, "sint32"},     {CIM_UINT64, "uint64"}, {CIM_SINT64, "sint64"},
    {CIM_REAL32, "real32"},     {CIM_REAL64, "real64"}, {CIM_REFERENCE, "ref"},
    {CIM_OBJECT, "object"},     {CIM_VOID, "void"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
cim_type_name(enum cim_type type)
{
    for (size_t i = 0; i < COUNT(type_names); i++) {
        if (type_names[i].type == type)
            return type_names[i].name;
    }
    return "none";
}

enum cim_type
cim_type_from_name(struct span name)
{
    for (size_t i = 0; i < COUNT(type_names); i++) {
        if (span_equal_nocase(span_of(type_names[i].name), name))
            return type_names[i].type;
    }
    return CIM_NONE;
}

bool
cim_type_is_signed(enum cim_type type)
{
    return type == CIM_SINT8 || type == CIM_SINT16 || type == CIM_SINT32 ||
           type == CIM_SINT64;
}

bool
cim_type_is_unsigned(enum cim_type type)
{
    return type == CIM_UINT8 || type == CIM_UINT16 || type == CIM_UINT32 ||
           type == CIM_UINT64;
}

const struct cim_qualifier *
cim_qualifiers_find(const struct cim_qualifiers *set, struct span name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal_nocase(set->items[i].name, name))
            return &set->items[i];
    }
    return NULL;
}

bool
cim_qualifiers_true(const struct cim_qualifiers *set, struct span name)
{
    const struct cim_qualifier *q = cim_qualifiers_find(set, name);

    return q != NULL && q->value.type == CIM_BOOLEAN && !q->value.is_null &&
           !q->value.is_array && q->value.one.boolean;
}

const struct cim_property *
cim_class_property(const struct cim_class *c, struct span name)
{
    for (size_t i = 0; i < c->property_count; i++) {
        if (span_equal_nocase(c->properties[i].name, name))
            return &c->properties[i];
    }
    return NULL;
}

const struct cim_property *
cim_instance_property(const struct cim_instance *i, struct span name)
{
    for (size_t n = 0; n < i->property_count; n++) {
        if (span_equal_nocase(i->properties[n].name, name))
            return &i->properties[n];
    }
    return NULL;
}

static bool
scalar_equal(enum cim_type type, const union cim_scalar *a,
             const union cim_scalar *b)
{
    switch (type) {
    case CIM_BOOLEAN:
        return a->boolean == b->boolean;
    case CIM_CHAR16:
        return a->char16 == b->char16;
    case CIM_REAL32:
    case CIM_REAL64:
        return a->real == b->real;
    case CIM_STRING:
    case CIM_DATETIME:
    case CIM_REFERENCE:
        return span_equal(a->text, b->text);
    case CIM_OBJECT:
        return a->object == b->object;
    default:
        return cim_type_is_signed(type) ? a->sint == b->sint
                                        : a->uint == b->uint;
    }
}

bool
cim_value_equal(const struct cim_value *a, const struct cim_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null ||
        a->is_array != b->is_array)
        return false;
    if (a->is_null)
        return true;
    if (!a->is_array)
        return scalar_equal(a->type, &a->one, &b->one);
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        bool null = a->null_items != NULL && a->null_items[i];

        if (null != (b->null_items != NULL && b->null_items[i]) ||
            (!null && !scalar_equal(a->type, &a->items[i], &b->items[i])))
            return false;
    }
    return true;
}

/* What CIM writes has a point, whatever locale the program has set.  (Asking
 * glibc for the whole of "C" allocates nothing and cannot fail.) */
static locale_t
plain_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", NULL);
}

void
cim_real_digits(double real, int digits, char out[CIM_REAL_TEXT])
{
    locale_t before = uselocale(plain_locale());

    snprintf(out, CIM_REAL_TEXT, "%.*g", digits, real);
    uselocale(before);
}

void
cim_real_format(enum cim_type type, double real, char out[CIM_REAL_TEXT])
{
    int digits = type == CIM_REAL32 ? 6 : 15;
    int digits_max = type == CIM_REAL32 ? 9 : 17;
    locale_t plain = plain_locale();

    for (; digits <= digits_max; digits++) {
        cim_real_digits(real, digits, out);
        if (type == CIM_REAL32 ? strtof_l(out, NULL, plain) == (float)real
                               : strtod_l(out, NULL, plain) == real)
            return;
    }
}
