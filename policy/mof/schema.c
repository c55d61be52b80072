#include "policy/mof/schema.h"

#include <stdlib.h>
#include <string.h>

#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/space.h"

/* Up to so many properties are looked through one by one. */
#define FEW_PROPERTIES 12

static bool
is_visible(const struct class_info *info, const struct space *s)
{
    size_t deleted = space_deleted_at(s);

    return info->class != NULL &&
           (deleted == 0 || info->declared_at > deleted);
}

/* What was found at that time; everything was asked for then. */
static struct class_info *
as_it_was(struct class_info *info, size_t time)
{
    while (info != NULL && info->declared_at > time)
        info = info->replaced;
    return info != NULL && info->class != NULL ? info : NULL;
}

static struct class_info *find_at_depth(struct mof_compilation *c,
                                        struct space *s, struct span name,
                                        unsigned depth);

/* A stored class and, through it, those above it. */
static struct class_info *
find_in_world(struct mof_compilation *c, struct space *s, struct span name,
              unsigned depth)
{
    const struct mof_world *world = &c->options.world;
    const struct cim_class *class;
    struct class_info *super = NULL;

    if (world->class_find == NULL || !space_asks_world(c, s) ||
        depth > LIMIT_SUPERCLASSES)
        return NULL;
    class = world->class_find(world->context, &s->path, name);
    if (class == NULL)
        return NULL;
    if (class->superclass.length > 0)
        super = find_at_depth(c, s, class->superclass, depth + 1);
    return schema_add(c, s, class, super,
                      class->superclass.length == 0 ||
                          (super != NULL && super->complete),
                      0);
}

static struct class_info *
find_at_depth(struct mof_compilation *c, struct space *s, struct span name,
              unsigned depth)
{
    struct class_info *info;

    if (names_is_system(name) && !c->is_system)
        return schema_find_system(name);
    info = s->classes != NULL ? strmap_get(s->classes, name) : NULL;
    if (c->replayed_at > 0)
        return as_it_was(info, c->replayed_at);
    if (info != NULL)
        return is_visible(info, s) ? info : NULL;
    return find_in_world(c, s, name, depth);
}

struct class_info *
schema_find(struct mof_compilation *c, struct space *s, struct span name)
{
    return find_at_depth(c, s, name, 0);
}

static const struct cim_property *
own_property(const struct class_info *info, struct span name)
{
    if (info->names != NULL)
        return strmap_get(info->names, name);
    return cim_class_property(info->class, name);
}

const struct cim_property *
schema_property(const struct class_info *info, struct span name)
{
    const struct cim_property *p = NULL;

    for (; info != NULL && p == NULL; info = info->super)
        p = own_property(info, name);
    return p;
}

static const struct cim_method *
own_method(const struct class_info *info, struct span name)
{
    for (size_t i = 0; i < info->class->method_count; i++) {
        if (span_equal_nocase(info->class->methods[i].name, name))
            return &info->class->methods[i];
    }
    return NULL;
}

const struct cim_method *
schema_method(const struct class_info *info, struct span name)
{
    const struct cim_method *m = NULL;

    for (; info != NULL && m == NULL; info = info->super)
        m = own_method(info, name);
    return m;
}

static const struct cim_qualifiers *
qualifiers_of(const struct class_info *info, enum schema_element element,
              struct span feature)
{
    const struct cim_property *p;
    const struct cim_method *m;

    switch (element) {
    case SCHEMA_CLASS:
        return &info->class->qualifiers;
    case SCHEMA_PROPERTY:
        p = own_property(info, feature);
        return p != NULL ? &p->qualifiers : NULL;
    case SCHEMA_METHOD:
        m = own_method(info, feature);
        return m != NULL ? &m->qualifiers : NULL;
    }
    return NULL;
}

static bool
propagates(const struct cim_qualifier *q)
{
    return (q->flavors & CIM_FLAVOR_TO_SUBCLASS) &&
           !(q->flavors & CIM_FLAVOR_RESTRICTED);
}

const struct cim_qualifier *
schema_inherited_qualifier(const struct class_info *super,
                           enum schema_element element, struct span feature,
                           struct span name)
{
    for (; super != NULL; super = super->super) {
        const struct cim_qualifiers *set =
            qualifiers_of(super, element, feature);
        const struct cim_qualifier *q =
            set != NULL ? cim_qualifiers_find(set, name) : NULL;

        if (q != NULL)
            return propagates(q) ? q : NULL;
    }
    return NULL;
}

const struct cim_qualifier *
schema_qualifier(const struct class_info *info, enum schema_element element,
                 struct span feature, struct span name)
{
    const struct cim_qualifiers *set;
    const struct cim_qualifier *q = NULL;

    if (info == NULL)
        return NULL;
    set = qualifiers_of(info, element, feature);
    if (set != NULL)
        q = cim_qualifiers_find(set, name);
    return q != NULL ? q
                     : schema_inherited_qualifier(info->super, element,
                                                  feature, name);
}

unsigned
schema_inherited_scope(const struct class_info *super)
{
    unsigned scope = 0;

    for (; super != NULL; super = super->super) {
        if (cim_qualifiers_true(&super->class->qualifiers,
                                SPAN("association")))
            scope |= CIM_SCOPE_ASSOCIATION;
        if (cim_qualifiers_true(&super->class->qualifiers, SPAN("indication")))
            scope |= CIM_SCOPE_INDICATION;
    }
    return scope;
}

bool
schema_is_key(const struct class_info *info, struct span name)
{
    for (size_t i = 0; i < info->key_count; i++) {
        if (span_equal_nocase(info->keys[i]->name, name))
            return true;
    }
    return false;
}

bool
schema_derives(const struct class_info *info, struct span name)
{
    for (; info != NULL; info = info->super) {
        if (span_equal_nocase(info->class->name, name))
            return true;
    }
    return false;
}

static bool
names_index(struct mof_compilation *c, struct class_info *info)
{
    const struct cim_class *class = info->class;

    if (class->property_count <= FEW_PROPERTIES)
        return true;
    info->names = compilation_map_new(c, &c->class_maps);
    for (size_t i = 0; info->names != NULL && i < class->property_count; i++) {
        if (!strmap_put(info->names, class->properties[i].name,
                        &class->properties[i])) {
            report_memory(c);
            return false;
        }
    }
    return info->names != NULL;
}

/* Present is enough, whatever its value (Windows 8 and later). */
bool
schema_declares_key(const struct cim_property *p)
{
    return cim_qualifiers_find(&p->qualifiers, SPAN("key")) != NULL;
}

static int
key_compare(const void *a, const void *b)
{
    const struct cim_property *const *x = a, *const *y = b;

    return span_compare_nocase((*x)->name, (*y)->name);
}

/* The keys are those of the first class from the top that has any; a class
 * below may declare them again. */
static bool
keys_collect(struct mof_compilation *c, struct class_info *info)
{
    const struct cim_class *class = info->class;
    const struct class_info *super = info->super;
    size_t n = super != NULL ? super->key_count : 0;
    bool inherited = n > 0;

    for (size_t i = 0; !inherited && i < class->property_count; i++)
        n += schema_declares_key(&class->properties[i]);
    info->keys = compilation_array(c, n, sizeof(*info->keys));
    if (info->keys == NULL)
        return false;
    for (size_t i = 0; inherited && i < n; i++) {
        const struct cim_property *own =
            own_property(info, super->keys[i]->name);

        info->keys[info->key_count++] = own != NULL ? own : super->keys[i];
    }
    for (size_t i = 0; !inherited && i < class->property_count; i++) {
        if (schema_declares_key(&class->properties[i]))
            info->keys[info->key_count++] = &class->properties[i];
    }
    qsort(info->keys, info->key_count, sizeof(*info->keys), key_compare);
    return true;
}

static bool
map_put(struct mof_compilation *c, struct space *s, struct span name,
        struct class_info *info)
{
    if (s->classes == NULL)
        s->classes = compilation_map_new(c, &c->class_maps);
    if (s->classes == NULL)
        return false;
    info->replaced = strmap_get(s->classes, name);
    if (strmap_put(s->classes, name, info))
        return true;
    report_memory(c);
    return false;
}

struct class_info *
schema_add(struct mof_compilation *c, struct space *s,
           const struct cim_class *class, struct class_info *super,
           bool complete, size_t now)
{
    struct class_info *info = compilation_alloc(c, sizeof(*info));

    if (info == NULL)
        return NULL;
    info->class = class;
    info->super = super;
    info->complete = complete;
    info->declared_at = now;
    info->depth = super != NULL ? super->depth + 1 : 0;
    info->is_abstract =
        cim_qualifiers_true(&class->qualifiers, SPAN("abstract"));
    info->is_singleton =
        cim_qualifiers_true(&class->qualifiers, SPAN("singleton")) ||
        (super != NULL && super->is_singleton);
    if (!names_index(c, info) || !keys_collect(c, info) ||
        !map_put(c, s, class->name, info))
        return NULL;
    return info;
}

bool
schema_delete(struct mof_compilation *c, struct space *s, struct span name,
              size_t now)
{
    struct class_info *info = compilation_alloc(c, sizeof(*info));

    if (info == NULL)
        return false;
    info->declared_at = now;
    return map_put(c, s, name, info);
}
