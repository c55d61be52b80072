#include "policy/mof/space.h"

#include <string.h>

#include "policy/mof/report.h"

static struct space *
space_add(struct mof_compilation *c, const struct namespace_path *path,
          const char *display, struct space *parent)
{
    struct space *s = compilation_alloc(c, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->path = *path;
    s->display = compilation_copy(c, span_of(display));
    s->parent = parent;
    if (s->display == NULL)
        return NULL;
    if (!strmap_put(c->spaces, namespace_path_span(&s->path), s)) {
        report_memory(c);
        return NULL;
    }
    return vector_add(c, &c->space_list, &s) ? s : NULL;
}

/* The spelling of the parent: display without its last component. */
static void
display_parent(char display[NAMESPACE_PATH_MAX + 1])
{
    char *last = strrchr(display, '\\');

    if (last != NULL)
        *last = '\0';
}

/* Parents are made first, from the top down; a path holds at most 256
 * components. */
struct space *
space_get(struct mof_compilation *c, const struct namespace_path *path,
          const char *display)
{
    struct space *found = strmap_get(c->spaces, namespace_path_span(path));
    struct space *parent = NULL;
    struct namespace_path above;

    if (found != NULL)
        return found;
    if (namespace_path_parent(path, &above)) {
        char shorter[NAMESPACE_PATH_MAX + 1];

        snprintf(shorter, sizeof(shorter), "%s", display);
        display_parent(shorter);
        parent = space_get(c, &above, shorter);
        if (parent == NULL)
            return NULL;
    }
    return space_add(c, path, display, parent);
}

struct space *
space_child(struct mof_compilation *c, struct space *parent, struct span name)
{
    struct namespace_path path;
    char display[2 * NAMESPACE_PATH_MAX];

    if (!namespace_path_child(&parent->path, name, &path))
        return NULL;
    snprintf(display, sizeof(display), "%s\\%.*s", parent->display,
             (int)name.length, name.data);
    return space_get(c, &path, display);
}

size_t
space_deleted_at(const struct space *s)
{
    size_t last = 0;

    for (; s != NULL; s = s->parent) {
        if (s->deleted_at > last)
            last = s->deleted_at;
    }
    return last;
}

static bool
space_in_world(struct mof_compilation *c, struct space *s)
{
    const struct mof_world *world = &c->options.world;

    if (s->asked_world)
        return s->in_world;
    s->asked_world = true;
    s->in_world = s->parent == NULL ||
                  (world->namespace_exists != NULL &&
                   world->namespace_exists(world->context, &s->path));
    return s->in_world;
}

bool
space_asks_world(struct mof_compilation *c, struct space *s)
{
    return s->path.length > 0 && !c->options.syntax_only &&
           !c->options.standalone && !c->is_system &&
           space_deleted_at(s) == 0 && space_in_world(c, s);
}

bool
space_exists(struct mof_compilation *c, struct space *s)
{
    size_t deleted = space_deleted_at(s);

    if (s->path.length == 0 || s->parent == NULL)
        return true;
    if (s->created_at > deleted)
        return true;
    return deleted == 0 && space_in_world(c, s);
}
