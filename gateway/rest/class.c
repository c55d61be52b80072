/* A class declaration with all that it inherits. */
#include "gateway/rest/object.h"

#include "gateway/rest/url.h"
#include "gateway/rest/value.h"

static const struct {
    unsigned flavor;
    const char *name;
} flavor_names[] = {
    {CIM_FLAVOR_ENABLE_OVERRIDE, "EnableOverride"},
    {CIM_FLAVOR_DISABLE_OVERRIDE, "DisableOverride"},
    {CIM_FLAVOR_RESTRICTED, "Restricted"},
    {CIM_FLAVOR_TO_SUBCLASS, "ToSubclass"},
    {CIM_FLAVOR_TO_INSTANCE, "ToInstance"},
    {CIM_FLAVOR_AMENDED, "Amended"},
    {CIM_FLAVOR_TRANSLATABLE, "Translatable"},
    {CIM_FLAVOR_NOT_TO_SUBCLASS, "NotToSubclass"},
    {CIM_FLAVOR_NOT_TO_INSTANCE, "NotToInstance"},
};

/* What a builder of a list's element adds to it. */
typedef bool (*element_fill)(cJSON *element, const void *list, size_t index);

static bool
put_list(cJSON *node, const char *key, const void *list, size_t count,
         element_fill fill)
{
    cJSON *array = cJSON_CreateArray();
    bool ok = array != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        cJSON *element = cJSON_CreateObject();

        ok = element != NULL && fill(element, list, i);
        if (ok)
            ok = node_push(array, element);
        else
            cJSON_Delete(element);
    }
    if (ok)
        return node_put(node, key, array);
    cJSON_Delete(array);
    return false;
}

static bool
put_flavors(cJSON *node, unsigned flavors)
{
    cJSON *array;
    bool ok = true;

    if (flavors == 0)
        return true;
    array = cJSON_CreateArray();
    for (size_t i = 0; ok && i < ARRAY_COUNT(flavor_names); i++) {
        if (flavors & flavor_names[i].flavor)
            ok = node_push(array, node_text(flavor_names[i].name));
    }
    if (ok)
        return node_put(node, "flavors", array);
    cJSON_Delete(array);
    return false;
}

/* "type", and for arrays and references what belongs to it. */
static bool
put_type(cJSON *node, enum cim_type type, bool is_array, uint32_t array_size,
         struct span class_name)
{
    if (!node_put(node, "type", node_text(cim_type_name(type))) ||
        (is_array && !node_put(node, "array", cJSON_CreateTrue())))
        return false;
    if (is_array && array_size > 0 &&
        !node_put(node, "arraySize", node_raw("%u", array_size)))
        return false;
    return class_name.length == 0 ||
           node_put(node, "class", node_string(class_name));
}

static bool
qualifier_fill(cJSON *node, const void *list, size_t i)
{
    const struct cim_qualifier *q = (const struct cim_qualifier *)list + i;

    return node_put(node, "name", node_string(q->name)) &&
           put_type(node, q->value.type, q->value.is_array, 0,
                    (struct span){NULL, 0}) &&
           node_put(node, "value", value_node(&q->value)) &&
           put_flavors(node, q->flavors);
}

static bool
put_qualifiers(cJSON *node, const struct cim_qualifiers *qualifiers)
{
    return put_list(node, "qualifiers", qualifiers->items, qualifiers->count,
                    qualifier_fill);
}

static bool
property_fill(cJSON *node, const void *list, size_t i)
{
    const struct repository_property *f =
        (const struct repository_property *)list + i;
    const struct cim_property *p = f->property;

    return node_put(node, "name", node_string(p->name)) &&
           put_type(node, p->type, p->is_array, p->array_size,
                    p->class_name) &&
           node_put(node, "origin", node_string(f->origin->name)) &&
           (!f->key || node_put(node, "key", cJSON_CreateTrue())) &&
           (f->value == NULL ||
            node_put(node, "default", value_node(f->value))) &&
           put_qualifiers(node, &p->qualifiers);
}

static bool
parameter_fill(cJSON *node, const void *list, size_t i)
{
    const struct cim_property *p = (const struct cim_property *)list + i;

    return node_put(node, "name", node_string(p->name)) &&
           put_type(node, p->type, p->is_array, p->array_size,
                    p->class_name) &&
           (!p->has_value ||
            node_put(node, "default", value_node(&p->value))) &&
           put_qualifiers(node, &p->qualifiers);
}

static bool
method_fill(cJSON *node, const void *list, size_t i)
{
    const struct repository_method *f =
        (const struct repository_method *)list + i;
    const struct cim_method *m = f->method;

    return node_put(node, "name", node_string(m->name)) &&
           put_type(node, m->return_type, false, 0, m->return_class) &&
           node_put(node, "origin", node_string(f->origin->name)) &&
           put_list(node, "parameters", m->parameters, m->parameter_count,
                    parameter_fill) &&
           put_qualifiers(node, &m->qualifiers);
}

static bool
put_self(cJSON *node, const struct namespace_path *ns, struct span name)
{
    struct buf url = BUF_INIT;
    bool ok;

    url_add_class(&url, ns, name);
    ok = !buf_failed(&url) &&
         node_put(node, "self", node_string(buf_span(&url)));
    buf_fini(&url);
    return ok;
}

cJSON *
class_node(const struct namespace_path *ns,
           const struct repository_class_full *class)
{
    const struct cim_class *c = class->class;
    cJSON *node = cJSON_CreateObject();

    if (node_put(node, "kind", node_text("class")) &&
        put_self(node, ns, c->name) &&
        node_put(node, "name", node_string(c->name)) &&
        node_put(node, "superclass",
                 c->superclass.length > 0 ? node_string(c->superclass)
                                          : cJSON_CreateNull()) &&
        put_qualifiers(node, &c->qualifiers) &&
        put_list(node, "properties", class->properties, class->property_count,
                 property_fill) &&
        put_list(node, "methods", class->methods, class->method_count,
                 method_fill))
        return node;
    cJSON_Delete(node);
    return NULL;
}
