/* Resources whose answer is made in one piece. */
#include "gateway/rest/object.h"

#define NOT_FOUND         0x80041002u /* WBEM_E_NOT_FOUND */
#define INVALID_NAMESPACE 0x8004100Eu /* WBEM_E_INVALID_NAMESPACE */
#define INVALID_CLASS     0x80041010u /* WBEM_E_INVALID_CLASS */
#define INVALID_PATH      0x8004103Au /* WBEM_E_INVALID_OBJECT_PATH */

/* Prints and frees node, which may be NULL. */
static enum rest_status
answer(cJSON *node, struct buf *out)
{
    bool ok = node != NULL && node_print(node, out);

    cJSON_Delete(node);
    return ok ? REST_STATUS_OK : REST_STATUS_STORE_FAILED;
}

static enum rest_status
missing(uint32_t hresult, uint32_t *hresult_out)
{
    *hresult_out = hresult;
    return REST_STATUS_NOT_FOUND;
}

static enum rest_status
read_namespace(struct repository *repo, const struct rest_target *target,
               const struct rest_caller *caller, struct buf *out,
               uint32_t *hresult_out)
{
    cJSON *node = NULL;
    int found = namespace_node(repo, &target->namespace, caller, &node);

    if (found == 0)
        return missing(INVALID_NAMESPACE, hresult_out);
    return answer(node, out);
}

static enum rest_status
read_class(struct repository *repo, const struct rest_target *target,
           struct arena *arena, struct buf *out, uint32_t *hresult_out)
{
    struct repository_class_full *class;
    int found = repository_class_full(repo, &target->namespace,
                                      span_of(target->class_name), arena,
                                      &class, NULL);

    if (found == 0)
        return missing(INVALID_CLASS, hresult_out);
    return answer(found > 0 ? class_node(&target->namespace, class) : NULL,
                  out);
}

static enum rest_status
read_instance(struct repository *repo, const struct rest_target *target,
              struct arena *arena, struct buf *out, uint32_t *hresult_out)
{
    const struct namespace_path *ns = &target->namespace;
    struct span name = span_of(target->class_name), key;
    struct repository_class_full *class;
    struct cim_instance *instance = NULL;
    int found;

    found = repository_class_full(repo, ns, name, arena, &class, NULL);
    if (found < 0)
        return REST_STATUS_STORE_FAILED;
    if (found == 0)
        return missing(INVALID_CLASS, hresult_out);
    if (!repository_key_parse(class, span_of(target->key_text), arena, &key)) {
        *hresult_out = INVALID_PATH;
        return REST_STATUS_BAD_KEY;
    }
    found = repository_instance(repo, ns, name, key, arena, &instance, NULL);
    if (found == 0)
        return missing(NOT_FOUND, hresult_out);
    /* A base class's path may name an instance of a class below it. */
    if (found > 0 &&
        !span_equal_nocase(instance->class_name, class->class->name))
        found = repository_class_full(repo, ns, instance->class_name, arena,
                                      &class, NULL);
    return answer(found > 0 ? instance_node(ns, class, key, instance) : NULL,
                  out);
}

enum rest_status
rest_read(struct repository *repo, const struct rest_target *target,
          const struct rest_caller *caller, struct buf *out,
          uint32_t *hresult_out)
{
    enum rest_status status = REST_STATUS_STORE_FAILED;
    struct arena *arena = arena_new();

    *hresult_out = 0;
    if (arena == NULL)
        return REST_STATUS_STORE_FAILED;
    if (target->kind == REST_NAMESPACE)
        status = read_namespace(repo, target, caller, out, hresult_out);
    else if (target->kind == REST_CLASS)
        status = read_class(repo, target, arena, out, hresult_out);
    else if (target->kind == REST_INSTANCE)
        status = read_instance(repo, target, arena, out, hresult_out);
    arena_free(arena);
    return status;
}
