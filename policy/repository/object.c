/* A class together with what it inherits, and the keys of its instances. */
#include "policy/repository/repository.h"

#include <stdlib.h>
#include <string.h>

#include "policy/mof/mof.h"

int
repository_class_find(struct repository *repo, const struct namespace_path *ns,
                      struct span name, struct arena *arena,
                      const struct cim_class **out, struct error *err)
{
    struct cim_class *stored = NULL;
    int found;

    *out = NULL;
    if (span_starts_nocase(name, SPAN("__"))) {
        *out = mof_system_class(name);
        if (*out != NULL)
            return 1;
    }
    found = repository_class(repo, ns, name, arena, &stored, err);
    *out = stored;
    return found;
}

/* chain[0] is the class itself.  1 found, 0 not, -1 error. */
static int
chain_read(struct repository *repo, const struct namespace_path *ns,
           struct span name, struct arena *arena,
           const struct cim_class *chain[REPOSITORY_DEPTH_MAX],
           size_t *depth_out, struct error *err)
{
    size_t depth = 0;
    int found;

    while (name.length > 0) {
        if (depth == REPOSITORY_DEPTH_MAX)
            return error_set(err, "class %.*s has more than %d superclasses",
                             (int)chain[0]->name.length, chain[0]->name.data,
                             REPOSITORY_DEPTH_MAX);
        found =
            repository_class_find(repo, ns, name, arena, &chain[depth], err);
        if (found < 0 || (found == 0 && depth == 0))
            return found;
        if (found == 0)
            return error_set(err, "superclass %.*s of %.*s is missing",
                             (int)name.length, name.data,
                             (int)chain[0]->name.length, chain[0]->name.data);
        name = chain[depth++]->superclass;
    }
    *depth_out = depth;
    return depth > 0;
}

/* A map can't hold index 0 as a pointer: it holds index + 1. */
static size_t
index_get(const struct strmap *map, struct span name)
{
    return (size_t)(uintptr_t)strmap_get(map, name);
}

static bool
index_put(struct strmap *map, struct span name, size_t index)
{
    return strmap_put(map, name, (void *)(uintptr_t)(index + 1));
}

static bool
add_properties(struct repository_class_full *full, struct strmap *map,
               const struct cim_class *c)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const struct cim_property *p = &c->properties[i];
        size_t at = index_get(map, p->name);
        struct repository_property *f;

        if (at == 0) {
            at = ++full->property_count;
            if (!index_put(map, p->name, at - 1))
                return false;
        }
        f = &full->properties[at - 1];
        f->property = p;
        f->origin = c;
        if (p->has_value)
            f->value = &p->value;
        /* Present is enough, whatever its value (Windows 8 and later). */
        if (cim_qualifiers_find(&p->qualifiers, SPAN("key")) != NULL)
            f->key = true;
    }
    return true;
}

static bool
add_methods(struct repository_class_full *full, struct strmap *map,
            const struct cim_class *c)
{
    for (size_t i = 0; i < c->method_count; i++) {
        const struct cim_method *m = &c->methods[i];
        size_t at = index_get(map, m->name);

        if (at == 0) {
            at = ++full->method_count;
            if (!index_put(map, m->name, at - 1))
                return false;
        }
        full->methods[at - 1] = (struct repository_method){m, c};
    }
    return true;
}

static int
compare_names(const void *a, const void *b, void *arg)
{
    const struct repository_class_full *full = arg;

    return span_compare_nocase(
        full->properties[*(const size_t *)a].property->name,
        full->properties[*(const size_t *)b].property->name);
}

static bool
finish(struct repository_class_full *full, struct arena *arena)
{
    full->by_name =
        arena_array(arena, full->property_count + 1, sizeof(size_t));
    if (full->by_name == NULL)
        return false;
    for (size_t i = 0; i < full->property_count; i++) {
        full->by_name[i] = i;
        if (!full->properties[i].key)
            continue;
        full->key_count++;
        full->only_key = full->properties[i].property->name;
    }
    if (full->key_count != 1)
        full->only_key = (struct span){NULL, 0};
    qsort_r(full->by_name, full->property_count, sizeof(size_t), compare_names,
            full);
    return true;
}

static struct repository_class_full *
flatten(const struct cim_class *const *chain, size_t depth,
        struct arena *arena)
{
    struct repository_class_full *full = arena_alloc(arena, sizeof(*full));
    struct strmap *properties = strmap_new(), *methods = strmap_new();
    size_t property_max = 1, method_max = 1;
    bool ok;

    for (size_t i = 0; i < depth; i++) {
        property_max += chain[i]->property_count;
        method_max += chain[i]->method_count;
    }
    ok = full != NULL && properties != NULL && methods != NULL;
    if (ok) {
        full->class = chain[0];
        full->depth = depth;
        full->properties =
            arena_array(arena, property_max, sizeof(*full->properties));
        full->methods = arena_array(arena, method_max, sizeof(*full->methods));
        ok = full->properties != NULL && full->methods != NULL;
    }
    for (size_t i = depth; ok && i-- > 0;)
        ok = add_properties(full, properties, chain[i]) &&
             add_methods(full, methods, chain[i]);
    ok = ok && finish(full, arena);
    strmap_free(properties);
    strmap_free(methods);
    return ok ? full : NULL;
}

int
repository_class_full(struct repository *repo, const struct namespace_path *ns,
                      struct span name, struct arena *arena,
                      struct repository_class_full **out, struct error *err)
{
    const struct cim_class *chain[REPOSITORY_DEPTH_MAX];
    size_t depth = 0;
    int found;

    *out = NULL;
    found = chain_read(repo, ns, name, arena, chain, &depth, err);
    if (found <= 0)
        return found;
    *out = flatten(chain, depth, arena);
    return *out != NULL ? 1 : error_set(err, "out of memory");
}

size_t
repository_class_full_property(const struct repository_class_full *full,
                               struct span name)
{
    size_t low = 0, high = full->property_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2, at = full->by_name[middle];
        int order =
            span_compare_nocase(full->properties[at].property->name, name);

        if (order == 0)
            return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

bool
repository_key_parse(const struct repository_class_full *full,
                     struct span text, struct arena *arena,
                     struct span *key_out)
{
    return mof_key_from_path(arena, text, full->only_key, key_out);
}
