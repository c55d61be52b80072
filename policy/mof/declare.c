#include "policy/mof/declare.h"

#include "policy/mof/report.h"
#include "policy/mof/space.h"

/* Stands in a map for "asked, and there is none". */
static const struct cim_qualifier_declaration none;

static const char *const scope_names[] = {
    "class",     "association", "indication", "qualifier", "property",
    "reference", "method",      "parameter",  "schema",
};

static bool
map_put(struct mof_compilation *c, struct space *s, struct span name,
        const struct cim_qualifier_declaration *declaration)
{
    if (s->qualifiers == NULL)
        s->qualifiers = compilation_map_new(c, &c->class_maps);
    if (s->qualifiers == NULL)
        return false;
    /* The map does not write to what it points to. */
    if (strmap_put(s->qualifiers, name, (void *)(uintptr_t)declaration))
        return true;
    report_memory(c);
    return false;
}

static const struct cim_qualifier_declaration *
find_in_world(struct mof_compilation *c, struct space *s, struct span name)
{
    const struct mof_world *world = &c->options.world;
    const struct cim_qualifier_declaration *found = NULL;

    if (world->qualifier_find == NULL || !space_asks_world(c, s))
        return NULL;
    found = world->qualifier_find(world->context, &s->path, name);
    map_put(c, s, name, found != NULL ? found : &none);
    return found;
}

const struct cim_qualifier_declaration *
declare_find(struct mof_compilation *c, struct space *s, struct span name)
{
    const struct cim_qualifier_declaration *found =
        s->qualifiers != NULL ? strmap_get(s->qualifiers, name) : NULL;

    if (found == NULL)
        return find_in_world(c, s, name);
    return found != &none ? found : NULL;
}

bool
declare_put(struct mof_compilation *c, struct space *s,
            const struct cim_qualifier_declaration *declaration)
{
    return map_put(c, s, declaration->name, declaration);
}

/* What two flavors say about the same thing: those written win. */
static const unsigned flavor_groups[] = {
    CIM_FLAVOR_ENABLE_OVERRIDE | CIM_FLAVOR_DISABLE_OVERRIDE,
    CIM_FLAVOR_RESTRICTED | CIM_FLAVOR_TO_SUBCLASS |
        CIM_FLAVOR_NOT_TO_SUBCLASS,
    CIM_FLAVOR_TO_INSTANCE | CIM_FLAVOR_NOT_TO_INSTANCE,
    CIM_FLAVOR_AMENDED,
    CIM_FLAVOR_TRANSLATABLE,
};

/* DSP0004 5.6.3.2: EnableOverride and ToSubclass unless told otherwise.
 * EnableOverride is WMI's default as well and goes without saying. */
unsigned
declare_flavors(const struct cim_qualifier_declaration *declaration,
                unsigned written)
{
    unsigned declared = declaration->flavors & ~CIM_FLAVOR_ENABLE_OVERRIDE;

    if (!(declared & flavor_groups[1]))
        declared |= CIM_FLAVOR_TO_SUBCLASS;
    for (size_t i = 0; i < ARRAY_COUNT(flavor_groups); i++) {
        if (written & flavor_groups[i])
            declared &= ~flavor_groups[i];
    }
    return declared | written;
}

/* A class scope covers associations and indications, which are classes. */
bool
declare_allows(const struct cim_qualifier_declaration *declaration,
               unsigned element)
{
    return declaration->scopes == 0 || element == 0 ||
           (declaration->scopes & element) != 0;
}

const char *
declare_element_name(unsigned element)
{
    const char *name = "?";

    /* The most special of them. */
    for (size_t i = 0; i < ARRAY_COUNT(scope_names); i++) {
        if (element & 1u << i)
            name = scope_names[i];
    }
    return name;
}

void
declare_scopes_list(const struct cim_qualifier_declaration *declaration,
                    struct buf *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(scope_names); i++) {
        if (!(declaration->scopes & 1u << i))
            continue;
        if (out->length > 0)
            buf_add_string(out, ", ");
        buf_add_string(out, scope_names[i]);
    }
}

static bool
scalar_fits(enum cim_type type, const struct syntax_value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOLEAN:
        return type == CIM_BOOLEAN;
    case VALUE_INTEGER:
        return type >= CIM_UINT8 ? type <= CIM_REAL64 : type == CIM_CHAR16;
    case VALUE_REAL:
        return type == CIM_REAL32 || type == CIM_REAL64;
    case VALUE_CHAR:
        return type == CIM_CHAR16;
    case VALUE_STRING:
        return type == CIM_STRING || type == CIM_DATETIME;
    default:
        return false;
    }
}

bool
declare_fits(const struct cim_qualifier_declaration *declaration,
             const struct syntax_value *v)
{
    if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
        return true;
    if ((v->kind == VALUE_ARRAY) != declaration->is_array)
        return false;
    if (v->kind != VALUE_ARRAY)
        return scalar_fits(declaration->type, v);
    for (size_t i = 0; i < v->u.array.count; i++) {
        if (!scalar_fits(declaration->type, &v->u.array.items[i]))
            return false;
    }
    return true;
}
