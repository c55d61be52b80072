#include "policy/mof/suggest.h"

#include <string.h>

#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/space.h"
#include "policy/mof/system.h"

/* -- classes and types ------------------------------------------------------ */

/* Of this compile, and of what it has asked the repository for. */
static void
offer_known(const struct space *s, struct nearest *n)
{
    size_t cursor = 0;
    struct span key;
    void *value;

    while (s->classes != NULL &&
           strmap_next(s->classes, &cursor, &key, &value)) {
        const struct class_info *info = value;

        if (info->class != NULL)
            nearest_offer(n, info->class->name);
    }
}

static void
offer_stored(struct mof_compilation *c, struct space *s, struct nearest *n)
{
    const struct mof_world *world = &c->options.world;
    const char *near;

    if (world->class_near == NULL || !space_asks_world(c, s))
        return;
    near = world->class_near(world->context, &s->path, n->wanted);
    if (near != NULL)
        nearest_offer(n, span_of(near));
}

static void
offer_classes(struct mof_compilation *c, struct space *s, struct nearest *n)
{
    if (names_is_system(n->wanted)) {
        system_offer(n);
        return;
    }
    offer_known(s, n);
    offer_stored(c, s, n);
}

/* The usual reason: #pragma namespace was forgotten or is wrong. */
static void
elsewhere(struct mof_compilation *c, const struct space *here,
          struct span name)
{
    for (size_t i = 0; i < c->space_list.count; i++) {
        const struct space *s = VECTOR_AT(&c->space_list, struct space *, i);
        const struct class_info *info = s != here && s->classes != NULL
                                            ? strmap_get(s->classes, name)
                                            : NULL;

        if (info == NULL || info->class == NULL || info->declared_at == 0)
            continue;
        report_detail(c,
                      VECTOR_AT(&c->statements, struct syntax_statement,
                                info->declared_at - 1)
                          .at,
                      "%.*s is declared here, in %s", SHOWN(name), s->display);
        return;
    }
}

static void
suggest(struct mof_compilation *c, const struct space *s,
        const struct nearest *n)
{
    if (n->best.length > 0)
        report_meant(c, n->best);
    else
        elsewhere(c, s, n->wanted);
}

void
suggest_class(struct mof_compilation *c, struct space *s, struct span name)
{
    struct nearest n;

    if (c->last == NULL)
        return;
    nearest_init(&n, name);
    offer_classes(c, s, &n);
    suggest(c, s, &n);
}

void
suggest_type(struct mof_compilation *c, struct space *s, struct span name)
{
    const char *meant = names_type_meant(name);
    struct nearest n;

    if (c->last == NULL)
        return;
    if (meant != NULL) {
        report_meant(c, span_of(meant));
        return;
    }
    nearest_init(&n, name);
    for (int type = CIM_BOOLEAN; type <= CIM_OBJECT; type++)
        nearest_offer(&n, span_of(cim_type_name((enum cim_type)type)));
    offer_classes(c, s, &n);
    suggest(c, s, &n);
}

void
suggest_property(struct mof_compilation *c, const struct class_info *info,
                 struct span name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (; info != NULL; info = info->super) {
        for (size_t i = 0; i < info->class->property_count; i++)
            nearest_offer(&n, info->class->properties[i].name);
    }
    report_meant(c, n.best);
}

/* -- namespaces ------------------------------------------------------------- */

void
suggest_namespace(struct mof_compilation *c, const struct space *s)
{
    const struct mof_world *world = &c->options.world;
    struct namespace_path near;
    struct nearest n;

    if (c->last == NULL)
        return;
    nearest_init(&n, namespace_path_span(&s->path));
    for (size_t i = 0; i < c->space_list.count; i++) {
        struct space *other = VECTOR_AT(&c->space_list, struct space *, i);

        if (other != s && other != s->parent && space_exists(c, other))
            nearest_offer(&n, namespace_path_span(&other->path));
    }
    if (n.best.length == 0 && world->namespace_near != NULL &&
        world->namespace_near(world->context, &s->path, &near))
        nearest_offer(&n, namespace_path_span(&near));
    report_meant(c, n.best);
}

/* -- words ------------------------------------------------------------------ */

struct span
suggest_word(const char *const *words, struct span name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (; *words != NULL; words++)
        nearest_offer(&n, span_of(*words));
    return n.best;
}

/* Those whose absence changes what a class is. */
static const char *const weighty[] = {
    "Abstract",
    "Association",
    "Dynamic",
    "EmbeddedInstance",
    "Implemented",
    "EmbeddedObject",
    "Indication",
    "Key",
    "Override",
    "Provider",
    "Singleton",
    "Static",
    "Terminal",
    "ClassConstraint",
    "MappingStrings",
    "MethodConstraint",
    "ValueMap",
    "PropertyConstraint",
    NULL,
};

/* Others that one of those is near to. */
static const char *const others[] = {
    "Aggregation", "Alias",     "Keys",      "Values", "Privileges",
    "BitMap",      "Overrides", "Statistic", NULL,
};

static bool
is_one_of(const char *const *words, struct span name)
{
    for (; *words != NULL; words++) {
        if (span_equal_nocase(name, span_of(*words)))
            return true;
    }
    return false;
}

struct span
suggest_qualifier(struct span name)
{
    if (is_one_of(weighty, name) || is_one_of(others, name))
        return (struct span){NULL, 0};
    return suggest_word(weighty, name);
}
