#include "gateway/rest/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest n with every integer up to it exact in a double. */
#define EXACT_MAX (INT64_C(1) << 53)

static cJSON *value_node_at(const struct cim_value *v, unsigned depth);

/* JSON has no infinity and no NaN (RFC 8259 6). */
static cJSON *
real_node(enum cim_type type, double real)
{
    char text[32];

    if (isnan(real))
        return node_text("NaN");
    if (isinf(real))
        return node_text(real > 0 ? "Infinity" : "-Infinity");
    cim_real_format(type, real, text);
    return node_raw("%s", text);
}

static cJSON *
char16_node(uint16_t unit)
{
    char utf8[4];

    if (unit >= 0xd800 && unit <= 0xdfff)
        return node_raw("\"\\u%04x\"", unit); /* half a pair */
    return node_string((struct span){utf8, utf8_encode(unit, utf8)});
}

static cJSON *
signed_node(int64_t n)
{
    if (n > EXACT_MAX || n < -EXACT_MAX)
        return node_raw("\"%" PRId64 "\"", n);
    return node_raw("%" PRId64, n);
}

static cJSON *
unsigned_node(uint64_t n)
{
    if (n > (uint64_t)EXACT_MAX)
        return node_raw("\"%" PRIu64 "\"", n);
    return node_raw("%" PRIu64, n);
}

static cJSON *
object_node(const struct cim_instance *object, unsigned depth)
{
    cJSON *node, *properties;
    bool ok;

    if (object == NULL)
        return cJSON_CreateNull();
    if (depth > VALUE_DEPTH_MAX)
        return NULL;
    node = cJSON_CreateObject();
    properties = cJSON_CreateObject();
    ok = node_put(node, "kind", node_text("instance")) &&
         node_put(node, "class", node_string(object->class_name));
    for (size_t i = 0; ok && i < object->property_count; i++) {
        const struct cim_property *p = &object->properties[i];

        ok = node_put_name(properties, p->name,
                           p->has_value ? value_node_at(&p->value, depth)
                                        : cJSON_CreateNull());
    }
    if (ok && node_put(node, "properties", properties))
        return node;
    if (!ok)
        cJSON_Delete(properties); /* else node_put took it */
    cJSON_Delete(node);
    return NULL;
}

static cJSON *
scalar_node(enum cim_type type, const union cim_scalar *s, unsigned depth)
{
    if (cim_type_is_signed(type))
        return signed_node(s->sint);
    if (cim_type_is_unsigned(type))
        return unsigned_node(s->uint);
    switch (type) {
    case CIM_BOOLEAN:
        return cJSON_CreateBool(s->boolean);
    case CIM_CHAR16:
        return char16_node(s->char16);
    case CIM_REAL32:
    case CIM_REAL64:
        return real_node(type, s->real);
    case CIM_OBJECT:
        return object_node(s->object, depth + 1);
    case CIM_STRING:
    case CIM_DATETIME:
    case CIM_REFERENCE:
        return node_string(s->text);
    default:
        return cJSON_CreateNull();
    }
}

static cJSON *
value_node_at(const struct cim_value *v, unsigned depth)
{
    cJSON *array;
    bool ok = true;

    if (v->is_null)
        return cJSON_CreateNull();
    if (!v->is_array)
        return scalar_node(v->type, &v->one, depth);
    array = cJSON_CreateArray();
    for (uint32_t i = 0; ok && i < v->count; i++) {
        bool null = v->null_items != NULL && v->null_items[i];

        ok =
            node_push(array, null ? cJSON_CreateNull()
                                  : scalar_node(v->type, &v->items[i], depth));
    }
    if (ok)
        return array;
    cJSON_Delete(array);
    return NULL;
}

cJSON *
value_node(const struct cim_value *v)
{
    return value_node_at(v, 0);
}
