/* The page of a namespace: what is in it and who is asking. */
#include "gateway/rest/object.h"

#include <string.h>

#include "gateway/rest/url.h"

#define NO_CLASS ((struct span){NULL, 0})

struct listing {
    const struct namespace_path *ns;
    cJSON *array;
    size_t count;
    bool more;   /* NAMESPACE_LIST_MAX was reached */
    bool failed; /* out of memory */
};

static bool
listing_take(struct listing *list, cJSON *entry, bool complete)
{
    if (complete && node_push(list->array, entry)) {
        list->count++;
        return true;
    }
    if (!complete)
        cJSON_Delete(entry);
    list->failed = true;
    return false;
}

static bool
put_self(cJSON *node, const struct namespace_path *ns, struct span class_name)
{
    struct buf url = BUF_INIT;
    bool ok;

    if (class_name.length > 0)
        url_add_class(&url, ns, class_name);
    else
        url_add_namespace(&url, ns);
    ok = !buf_failed(&url) &&
         node_put(node, "self", node_string(buf_span(&url)));
    buf_fini(&url);
    return ok;
}

static bool
visit_child(void *arg, const struct repository_namespace *child)
{
    struct listing *list = arg;
    cJSON *entry;

    if (list->count == NAMESPACE_LIST_MAX) {
        list->more = true;
        return false;
    }
    entry = cJSON_CreateObject();
    return listing_take(list, entry,
                        node_put(entry, "name", node_string(child->display)) &&
                            put_self(entry, &child->path, NO_CLASS));
}

static bool
visit_class(void *arg, struct span name, struct span superclass)
{
    struct listing *list = arg;
    cJSON *entry;
    bool ok;

    if (list->count == NAMESPACE_LIST_MAX) {
        list->more = true;
        return false;
    }
    entry = cJSON_CreateObject();
    ok = node_put(entry, "name", node_string(name)) &&
         put_self(entry, list->ns, name) &&
         (superclass.length == 0 ||
          node_put(entry, "superclass", node_string(superclass)));
    return listing_take(list, entry, ok);
}

/* node[key] = the array, or "<key>Truncated" beside it when it is not all. */
static bool
listing_put(struct listing *list, cJSON *node, const char *key,
            const char *truncated_key)
{
    cJSON *array = list->array;

    list->array = NULL;
    if (list->failed) {
        cJSON_Delete(array);
        return false;
    }
    return node_put(node, key, array) &&
           (!list->more || node_put(node, truncated_key, cJSON_CreateTrue()));
}

static cJSON *
rights_node(void)
{
    cJSON *rights = cJSON_CreateArray();

    /* Who sees this page may read; nothing can be written yet. */
    if (node_push(rights, node_text("read")))
        return rights;
    cJSON_Delete(rights);
    return NULL;
}

static cJSON *
caller_node(const struct rest_caller *caller)
{
    cJSON *node = cJSON_CreateObject();

    if (node_put(node, "principal", node_text(caller->principal)) &&
        node_put(node, "declaredLevel",
                 node_text(authn_level_name(caller->declared))) &&
        node_put(node, "appliedLevel",
                 node_text(authn_level_name(caller->applied))) &&
        node_put(node, "effectiveLevel",
                 node_text(authn_level_name(caller->effective))) &&
        node_put(node, "rights", rights_node()))
        return node;
    cJSON_Delete(node);
    return NULL;
}

static bool
put_lists(cJSON *node, struct repository *repo,
          const struct namespace_path *ns)
{
    struct listing children = {.ns = ns, .array = cJSON_CreateArray()};
    struct listing classes = {.ns = ns, .array = cJSON_CreateArray()};
    bool ok =
        repository_each_child(repo, ns, visit_child, &children, NULL) == 0 &&
        repository_each_class(repo, ns, visit_class, &classes, NULL) == 0 &&
        listing_put(&children, node, "children", "childrenTruncated") &&
        listing_put(&classes, node, "classes", "classesTruncated");

    cJSON_Delete(children.array);
    cJSON_Delete(classes.array);
    return ok;
}

int
namespace_node(struct repository *repo, const struct namespace_path *ns,
               const struct rest_caller *caller, cJSON **out)
{
    struct repository_namespace found;
    cJSON *node;
    int status;

    *out = NULL;
    status = repository_namespace_find(repo, ns, &found, NULL);
    if (status <= 0)
        return status;
    node = cJSON_CreateObject();
    if (node_put(node, "kind", node_text("namespace")) &&
        put_self(node, ns, NO_CLASS) &&
        node_put(node, "name", node_string(found.display)) &&
        node_put(node, "requiresEncryption",
                 cJSON_CreateBool(found.requires_encryption)) &&
        node_put(node, "requiredLevel",
                 node_text(authn_level_name(caller->required))) &&
        node_put(node, "caller", caller_node(caller)) &&
        put_lists(node, repo, ns))
    {
        *out = node;
        return 1;
    }
    cJSON_Delete(node);
    return -1;
}
