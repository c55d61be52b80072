#include "policy/library/world.h"

#include <errno.h>
#include <string.h>

int
world_init(struct world *w, struct repository *repo, struct error *err)
{
    memset(w, 0, sizeof(*w));
    w->repo = repo;
    w->arena = arena_new();
    return w->arena != NULL ? 0
                            : error_set_errno(err, ENOMEM, "out of memory");
}

void
world_fini(struct world *w)
{
    arena_free(w->arena);
}

static bool
namespace_exists(void *context, const struct namespace_path *ns)
{
    struct world *w = context;
    struct repository_namespace found;
    int r;

    if (w->repo == NULL || w->failed)
        return false;
    r = repository_namespace_find(w->repo, ns, &found, &w->err);
    w->failed |= r < 0;
    return r > 0;
}

static bool
namespace_encrypted(void *context, const struct namespace_path *ns)
{
    struct world *w = context;
    struct repository_namespace found;
    int r;

    if (w->repo == NULL || w->failed)
        return false;
    r = repository_namespace_find(w->repo, ns, &found, &w->err);
    w->failed |= r < 0;
    return r > 0 && found.requires_encryption;
}

static const struct cim_class *
class_find(void *context, const struct namespace_path *ns, struct span name)
{
    struct world *w = context;
    struct cim_class *class = NULL;

    if (w->repo == NULL || w->failed)
        return NULL;
    if (repository_class(w->repo, ns, name, w->arena, &class, &w->err) < 0)
        w->failed = true;
    return class;
}

static const struct cim_qualifier_declaration *
qualifier_find(void *context, const struct namespace_path *ns,
               struct span name)
{
    struct world *w = context;
    struct cim_qualifier_declaration *found = NULL;

    if (w->repo == NULL || w->failed)
        return NULL;
    if (repository_qualifier(w->repo, ns, name, w->arena, &found, &w->err) < 0)
        w->failed = true;
    return found;
}

struct class_near {
    struct nearest nearest;
    struct arena *arena;
};

/* What is visited does not outlive the visit. */
static bool
class_near_visit(void *arg, struct span name, struct span superclass)
{
    struct class_near *near = arg;
    unsigned before = near->nearest.distance;

    (void)superclass;
    nearest_offer(&near->nearest, name);
    if (near->nearest.distance < before)
        near->nearest.best = arena_span(near->arena, name);
    return true;
}

static const char *
class_near(void *context, const struct namespace_path *ns, struct span name)
{
    struct world *w = context;
    struct class_near near = {.arena = w->arena};

    if (w->repo == NULL || w->failed)
        return NULL;
    nearest_init(&near.nearest, name);
    if (repository_each_class(w->repo, ns, class_near_visit, &near, &w->err) <
        0)
        w->failed = true;
    return near.nearest.best.data;
}

static bool
namespace_near(void *context, const struct namespace_path *ns,
               struct namespace_path *near_out)
{
    struct world *w = context;
    int r;

    if (w->repo == NULL || w->failed)
        return false;
    r = repository_namespace_near(w->repo, ns, near_out, &w->err);
    w->failed |= r < 0;
    return r > 0;
}

static bool
namespace_served(void *context, const struct namespace_path *ns)
{
    struct world *w = context;

    return w->served != NULL && w->served(w->served_arg, ns);
}

struct mof_world
world_answers(struct world *w)
{
    return (struct mof_world){.context = w,
                              .namespace_exists = namespace_exists,
                              .class_find = class_find,
                              .class_near = class_near,
                              .qualifier_find = qualifier_find,
                              .namespace_near = namespace_near,
                              .namespace_served = namespace_served,
                              .namespace_encrypted = namespace_encrypted};
}
