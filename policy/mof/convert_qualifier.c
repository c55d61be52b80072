#include "policy/mof/convert.h"

/* WMI's qualifier types are boolean, sint32, real64 and string; larger
 * integers, as DMTF's schemas hold them, keep their value. */
static enum cim_type
integer_type(const struct syntax_value *v)
{
    if (v->negative)
        return v->u.magnitude <= (uint64_t)INT32_MAX + 1 ? CIM_SINT32
                                                         : CIM_SINT64;
    if (v->u.magnitude <= INT32_MAX)
        return CIM_SINT32;
    return v->u.magnitude <= INT64_MAX ? CIM_SINT64 : CIM_UINT64;
}

static enum cim_type
natural_type(const struct syntax_value *v)
{
    switch (v->kind) {
    case VALUE_BOOLEAN:
        return CIM_BOOLEAN;
    case VALUE_INTEGER:
        return integer_type(v);
    case VALUE_REAL:
        return CIM_REAL64;
    case VALUE_CHAR:
        return CIM_CHAR16;
    default:
        return CIM_STRING;
    }
}

/* Of several integers the widest; anything else is judged by the first. */
static enum cim_type
array_type(const struct syntax_value *v)
{
    enum cim_type type = CIM_STRING;
    bool seen = false;

    for (size_t i = 0; i < v->u.array.count; i++) {
        enum cim_type item = natural_type(&v->u.array.items[i]);

        if (v->u.array.items[i].kind == VALUE_NULL)
            continue;
        if (!seen ||
            (type == CIM_SINT32 && (item == CIM_SINT64 || item == CIM_UINT64)))
            type = item;
        seen = true;
    }
    return type;
}

static bool
qualifier_convert(struct convert_context *cc,
                  const struct syntax_qualifier *in, struct cim_qualifier *out)
{
    struct convert_target t = {.type = natural_type(&in->value)};

    out->name = in->name;
    out->flavors = in->flavors;
    if (in->value.kind == VALUE_NONE) {
        out->value.type = CIM_BOOLEAN;
        out->value.one.boolean = true;
        return true;
    }
    if (in->value.kind == VALUE_ARRAY) {
        t.type = array_type(&in->value);
        t.is_array = true;
    }
    return convert_value(cc, &in->value, &t, &out->value);
}

bool
convert_qualifiers(struct mof_compilation *c, struct source *source,
                   const struct syntax_qualifiers *in,
                   struct cim_qualifiers *out)
{
    struct convert_context cc = {.c = c, .source = source};

    if (in->count == 0)
        return true;
    out->items = compilation_array(c, in->count, sizeof(*out->items));
    if (out->items == NULL)
        return false;
    out->count = in->count;
    for (size_t i = 0; i < in->count; i++)
        qualifier_convert(&cc, &in->items[i], &out->items[i]);
    return true;
}
