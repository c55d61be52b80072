#include "gateway/rest/object.h"

#include <stdlib.h>

#include "gateway/rest/url.h"
#include "gateway/rest/value.h"

static bool
put_self(cJSON *node, const struct namespace_path *ns, struct span class_name,
         struct span key)
{
    struct buf url = BUF_INIT;
    bool ok = true;

    if (url_add_instance(&url, ns, class_name, key))
        ok = !buf_failed(&url) &&
             node_put(node, "self", node_string(buf_span(&url)));
    buf_fini(&url);
    return ok;
}

static cJSON *
given_node(const struct cim_property *given)
{
    return given->has_value ? value_node(&given->value) : cJSON_CreateNull();
}

/* given[i] is the instance's own entry for the class's property i. */
static bool
put_class_properties(cJSON *node, const struct repository_class_full *class,
                     const struct cim_property *const *given)
{
    bool ok = true;

    for (size_t i = 0; ok && i < class->property_count; i++) {
        const struct repository_property *p = &class->properties[i];
        cJSON *value;

        if (given[i] != NULL)
            value = given_node(given[i]);
        else
            value =
                p->value != NULL ? value_node(p->value) : cJSON_CreateNull();
        ok = node_put_name(node, p->property->name, value);
    }
    return ok;
}

static cJSON *
properties_node(const struct repository_class_full *class,
                const struct cim_instance *instance)
{
    const struct cim_property **given =
        calloc(class->property_count + 1, sizeof(*given));
    cJSON *node = cJSON_CreateObject();
    bool ok = given != NULL && node != NULL;

    for (size_t i = 0; ok && i < instance->property_count; i++) {
        const struct cim_property *p = &instance->properties[i];
        size_t at = repository_class_full_property(class, p->name);

        if (at != SIZE_MAX)
            given[at] = p;
    }
    ok = ok && put_class_properties(node, class, given);
    free(given);
    if (ok)
        return node;
    cJSON_Delete(node);
    return NULL;
}

cJSON *
instance_node(const struct namespace_path *ns,
              const struct repository_class_full *class, struct span key,
              const struct cim_instance *instance)
{
    cJSON *node = cJSON_CreateObject();

    if (node_put(node, "kind", node_text("instance")) &&
        put_self(node, ns, class->class->name, key) &&
        node_put(node, "class", node_string(class->class->name)) &&
        node_put(node, "properties", properties_node(class, instance)))
        return node;
    cJSON_Delete(node);
    return NULL;
}
