#include "policy/mof/check.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"

/*
 * A class beside those above it (DSP0004 5.1.2, WMI SDK "Deriving a class"):
 * what it declares again must be compatible, qualifiers that may not be
 * overridden keep their value, and the keys are those of the first class
 * that has any.
 */

struct inherit {
    struct mof_compilation *c;
    const struct syntax_statement *st;
    const struct cim_class *class;
    const struct class_info *super;
};

static struct at
name_at(const struct inherit *h, struct span name, uint32_t offset)
{
    return (struct at){h->st->at.source, offset, (uint32_t)name.length};
}

/* -- qualifiers ----------------------------------------------------------- */

/* The value of a qualifier with the flavor DisableOverride is final. */
static void
qualifiers_check(const struct inherit *h, enum schema_element element,
                 struct span feature, const struct syntax_qualifiers *in,
                 const struct cim_qualifiers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct cim_qualifier *q = &set->items[i];
        const struct cim_qualifier *above =
            schema_inherited_qualifier(h->super, element, feature, q->name);

        if (above == NULL || !(above->flavors & CIM_FLAVOR_DISABLE_OVERRIDE) ||
            cim_value_equal(&above->value, &q->value))
            continue;
        report_store_error(h->c, name_at(h, q->name, in->items[i].offset),
                           CODE_UPDATE_OVERRIDE_NOT_ALLOWED,
                           "qualifier %.*s is inherited with "
                           "DisableOverride: its value can't change",
                           SHOWN(q->name));
    }
}

/* -- properties and methods ----------------------------------------------- */

/* Is the class of that name, which may be the one being declared, the class
 * `above` or below it?  What is not known is not judged. */
static bool
is_subclass(const struct inherit *h, struct span name, struct span above)
{
    const struct class_info *info;

    if (above.length == 0 || span_equal_nocase(name, above))
        return true;
    if (name.length == 0) /* any object, which is more */
        return false;
    if (span_equal_nocase(name, h->class->name))
        return h->super == NULL || schema_derives(h->super, above);
    info = schema_find(h->c, h->st->space, name);
    return info == NULL || !info->complete || schema_derives(info, above);
}

/* A property declared again keeps its type; what it refers to or embeds may
 * become more special. */
static void
property_check(const struct inherit *h, const struct syntax_property *in,
               const struct cim_property *p)
{
    const struct cim_property *above = schema_property(h->super, p->name);
    struct at at = name_at(h, p->name, in->offset);

    if (above == NULL)
        return;
    if (above->type != p->type || above->is_array != p->is_array)
        report_store_error(h->c, at, CODE_UPDATE_TYPE_MISMATCH,
                           "%.*s is inherited as %s%s; its type can't change",
                           SHOWN(p->name), cim_type_name(above->type),
                           above->is_array ? "[]" : "");
    else if (!is_subclass(h, p->class_name, above->class_name))
        report_store_error(
            h->c, at, CODE_UPDATE_TYPE_MISMATCH,
            "%.*s is inherited for %.*s, and %.*s is no "
            "subclass of that",
            SHOWN(p->name), SHOWN(above->class_name),
            SHOWN(p->class_name.length > 0 ? p->class_name : SPAN("object")));
    qualifiers_check(h, SCHEMA_PROPERTY, p->name, &in->qualifiers,
                     &p->qualifiers);
}

static const struct cim_property *
parameter_find(const struct cim_method *m, struct span name)
{
    for (size_t i = 0; i < m->parameter_count; i++) {
        if (span_equal_nocase(m->parameters[i].name, name))
            return &m->parameters[i];
    }
    return NULL;
}

/* The parameter that differs from the method above; SIZE_MAX: none does. */
static size_t
parameter_differs(const struct cim_method *m, const struct cim_method *above)
{
    for (size_t i = 0; i < m->parameter_count; i++) {
        const struct cim_property *p = &m->parameters[i];
        const struct cim_property *before = parameter_find(above, p->name);

        if (before == NULL || before->type != p->type ||
            before->is_array != p->is_array)
            return i;
    }
    return SIZE_MAX;
}

static void
method_check(const struct inherit *h, const struct syntax_method *in,
             const struct cim_method *m)
{
    const struct cim_method *above = schema_method(h->super, m->name);
    size_t differs;

    if (above == NULL)
        return;
    differs = parameter_differs(m, above);
    if (above->return_type != m->return_type)
        report_store_error(h->c, name_at(h, m->name, in->offset),
                           CODE_UPDATE_PROPAGATED_METHOD,
                           "method %.*s is inherited with the result %s",
                           SHOWN(m->name), cim_type_name(above->return_type));
    else if (differs != SIZE_MAX)
        report_store_error(h->c,
                           name_at(h, m->parameters[differs].name,
                                   in->parameters[differs].offset),
                           CODE_UPDATE_PROPAGATED_METHOD,
                           "method %.*s is inherited without this parameter",
                           SHOWN(m->name));
    else if (m->parameter_count != above->parameter_count)
        report_store_error(h->c, name_at(h, m->name, in->offset),
                           CODE_UPDATE_PROPAGATED_METHOD,
                           "method %.*s is inherited with %zu parameters",
                           SHOWN(m->name), above->parameter_count);
    qualifiers_check(h, SCHEMA_METHOD, m->name, &in->qualifiers,
                     &m->qualifiers);
}

/* -- keys ----------------------------------------------------------------- */

static bool
type_can_be_key(const struct cim_property *p)
{
    return !p->is_array && p->type != CIM_OBJECT && p->type != CIM_REAL32 &&
           p->type != CIM_REAL64;
}

static void
key_check(const struct inherit *h, const struct syntax_property *in,
          const struct cim_property *p, size_t *count)
{
    struct at at = name_at(h, p->name, in->offset);

    if (!schema_declares_key(p))
        return;
    if (!type_can_be_key(p))
        report_store_error(h->c, at, CODE_CANNOT_BE_KEY,
                           "a %s%s can't be a key", cim_type_name(p->type),
                           p->is_array ? " array" : "");
    else if (h->super != NULL && h->super->key_count > 0 &&
             !schema_is_key(h->super, p->name))
        report_store_error(h->c, at, CODE_CANNOT_BE_KEY,
                           "%.*s can't be a key: the keys are those of the "
                           "classes above",
                           SHOWN(p->name));
    else if (++*count == LIMIT_KEYS + 1)
        report_error(h->c, at, CODE_CANNOT_BE_KEY,
                     "a class has at most %d keys", LIMIT_KEYS);
}

static void
singleton_check(const struct inherit *h, size_t own_keys)
{
    const struct syntax_class *in = h->st->u.class;

    if (!cim_qualifiers_true(&h->class->qualifiers, SPAN("singleton")) ||
        (own_keys == 0 && (h->super == NULL || h->super->key_count == 0)))
        return;
    report_store_error(
        h->c, name_at(h, in->name, in->name_offset), CODE_CANNOT_BE_SINGLETON,
        "class %.*s has keys and can't be a singleton", SHOWN(in->name));
}

void
check_inheritance(struct mof_compilation *c, const struct syntax_statement *st,
                  const struct cim_class *class,
                  const struct class_info *super)
{
    const struct syntax_class *in = st->u.class;
    struct inherit h = {c, st, class, super};
    size_t keys = 0;

    qualifiers_check(&h, SCHEMA_CLASS, class->name, &in->qualifiers,
                     &class->qualifiers);
    for (size_t i = 0; i < class->property_count; i++) {
        property_check(&h, &in->properties[i], &class->properties[i]);
        key_check(&h, &in->properties[i], &class->properties[i], &keys);
    }
    for (size_t i = 0; i < class->method_count; i++)
        method_check(&h, &in->methods[i], &class->methods[i]);
    singleton_check(&h, keys);
}
