#include <string.h>

#include "policy/mof/check.h"
#include "policy/mof/convert.h"
#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"
#include "policy/mof/suggest.h"

/* Up to so many names are compared one by one. */
#define FEW_NAMES 12

/* A default that is an instance: filled once instances are known. */
struct deferred {
    struct cim_property *out;
    const struct syntax_property *in;
    const struct syntax_statement *statement; /* of a copy in the arena */
};

/* A class name used as a type: it may be declared later. */
struct type_use {
    struct span name;
    struct at at;
    struct space *space;
};

void
check_init(struct mof_compilation *c)
{
    c->pending.item_size = 2 * sizeof(size_t);
    c->deferred.item_size = sizeof(struct deferred);
    c->type_uses.item_size = sizeof(struct type_use);
}

static struct at
name_at(const struct syntax_statement *st, struct span name, uint32_t offset)
{
    return (struct at){st->at.source, offset, (uint32_t)name.length};
}

static struct convert_context
context_of(struct mof_compilation *c, const struct syntax_statement *st)
{
    return (struct convert_context){.c = c,
                                    .source = st->at.source,
                                    .space = st->space,
                                    .aliases = st->u.class->aliases};
}

static bool
default_defer(struct mof_compilation *c, const struct syntax_statement *st,
              const struct syntax_property *in, struct cim_property *out)
{
    struct deferred d = {out, in, st};

    return vector_add(c, &c->deferred, &d);
}

static void
type_use_add(struct mof_compilation *c, const struct syntax_statement *st,
             struct span name, uint32_t offset)
{
    struct type_use use = {name, name_at(st, name, offset), st->space};

    if (name.length > 0 && !c->is_system)
        vector_add(c, &c->type_uses, &use);
}

/* A property or parameter with its default. */
static bool
property_convert(struct mof_compilation *c, const struct syntax_statement *st,
                 const struct syntax_property *in, struct cim_property *out)
{
    struct convert_context cc = context_of(c, st);
    struct convert_target target;

    out->name = in->name;
    out->type = in->type;
    out->is_array = in->is_array;
    out->array_size = in->array_size;
    out->class_name = in->class_name;
    if (in->type == CIM_REFERENCE &&
        span_equal_nocase(in->class_name, SPAN("object")))
        out->class_name = (struct span){NULL, 0};
    if (in->type == CIM_OBJECT)
        type_use_add(c, st, in->class_name, in->type_offset);
    security_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, &in->qualifiers,
                            &out->qualifiers))
        return false;
    if (in->value.kind == VALUE_NONE || in->type == CIM_VOID)
        return true;
    out->has_value = true;
    if (convert_needs_instances(&in->value))
        return default_defer(c, st, in, out);
    target = convert_target_of(out);
    convert_value(&cc, &in->value, &target, &out->value);
    return true;
}

static void
report_twice(struct mof_compilation *c, const struct syntax_statement *st,
             const struct syntax_property *first,
             const struct syntax_property *again)
{
    report_meaning_error(
        c, name_at(st, again->name, again->offset), CODE_DUPLICATE_PROPERTY,
        "property %.*s is declared twice", SHOWN(again->name));
    report_detail(c, name_at(st, first->name, first->offset),
                  "first declared here");
}

static void
duplicates_find_many(struct mof_compilation *c,
                     const struct syntax_statement *st)
{
    const struct syntax_class *in = st->u.class;
    struct strmap *seen = strmap_new();
    bool ok = seen != NULL;

    for (size_t i = 0; ok && i < in->property_count; i++) {
        struct syntax_property *p = &in->properties[i];
        struct syntax_property *first = strmap_get(seen, p->name);

        if (first != NULL)
            report_twice(c, st, first, p);
        else
            ok = strmap_put(seen, p->name, p);
    }
    if (!ok)
        report_memory(c);
    strmap_free(seen);
}

static void
duplicates_find(struct mof_compilation *c, const struct syntax_statement *st)
{
    const struct syntax_class *in = st->u.class;

    if (in->property_count > FEW_NAMES) {
        duplicates_find_many(c, st);
        return;
    }
    for (size_t i = 1; i < in->property_count; i++) {
        for (size_t n = 0; n < i; n++) {
            if (!span_equal_nocase(in->properties[i].name,
                                   in->properties[n].name))
                continue;
            report_twice(c, st, &in->properties[n], &in->properties[i]);
            break;
        }
    }
}

static bool
properties_convert(struct mof_compilation *c,
                   const struct syntax_statement *st, struct cim_class *out)
{
    const struct syntax_class *in = st->u.class;

    out->properties =
        compilation_array(c, in->property_count, sizeof(*out->properties));
    if (out->properties == NULL)
        return false;
    out->property_count = in->property_count;
    for (size_t i = 0; i < in->property_count; i++) {
        const struct syntax_property *p = &in->properties[i];

        names_check(c, name_at(st, p->name, p->offset), p->name,
                    CODE_PROPERTY_NAME_TOO_WIDE);
        if (!property_convert(c, st, p, &out->properties[i]))
            return false;
    }
    duplicates_find(c, st);
    return true;
}

static bool
method_convert(struct mof_compilation *c, const struct syntax_statement *st,
               const struct syntax_method *in, struct cim_method *out)
{
    out->name = in->name;
    out->return_type = in->type;
    out->return_class = in->class_name;
    if (in->type == CIM_OBJECT)
        type_use_add(c, st, in->class_name, in->type_offset);
    security_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, &in->qualifiers,
                            &out->qualifiers))
        return false;
    out->parameters =
        compilation_array(c, in->parameter_count, sizeof(*out->parameters));
    if (out->parameters == NULL)
        return false;
    out->parameter_count = in->parameter_count;
    for (size_t i = 0; i < in->parameter_count; i++) {
        if (!property_convert(c, st, &in->parameters[i], &out->parameters[i]))
            return false;
    }
    return true;
}

static bool
methods_convert(struct mof_compilation *c, const struct syntax_statement *st,
                struct cim_class *out)
{
    const struct syntax_class *in = st->u.class;

    out->methods =
        compilation_array(c, in->method_count, sizeof(*out->methods));
    if (out->methods == NULL)
        return false;
    out->method_count = in->method_count;
    for (size_t i = 0; i < in->method_count; i++) {
        const struct syntax_method *m = &in->methods[i];

        names_check(c, name_at(st, m->name, m->offset), m->name,
                    CODE_METHOD_NAME_TOO_WIDE);
        if (!method_convert(c, st, m, &out->methods[i]))
            return false;
    }
    return true;
}

/* The class above; *complete_out is false when it is not known. */
static struct class_info *
superclass_find(struct mof_compilation *c, const struct syntax_statement *st,
                bool *complete_out)
{
    const struct syntax_class *in = st->u.class;
    struct at at = name_at(st, in->superclass, in->superclass_offset);
    struct class_info *super;

    *complete_out = in->superclass.length == 0;
    if (in->superclass.length == 0)
        return NULL;
    if (span_equal_nocase(in->superclass, in->name)) {
        report_store_error(c, at, CODE_CIRCULAR_REFERENCE,
                           "class %.*s can't derive from itself",
                           SHOWN(in->name));
        return NULL;
    }
    super = schema_find(c, st->space, in->superclass);
    if (super == NULL) {
        report_store_error(c, at, CODE_INVALID_SUPERCLASS,
                           "superclass %.*s is not known in %s; it must be "
                           "declared before",
                           SHOWN(in->superclass), st->space->display);
        suggest_class(c, st->space, in->superclass);
        return NULL;
    }
    if (super->depth + 1 > LIMIT_SUPERCLASSES) {
        report_error(c, at, CODE_INVALID_SUPERCLASS,
                     "more than %d classes above one another",
                     LIMIT_SUPERCLASSES);
        return NULL;
    }
    if (schema_derives(super, in->name)) {
        report_store_error(c, at, CODE_CIRCULAR_REFERENCE,
                           "class %.*s derives from itself through %.*s",
                           SHOWN(in->name), SHOWN(in->superclass));
        return NULL;
    }
    *complete_out = super->complete;
    return super;
}

/* A property declared again keeps its type (0x80041052). */
static void
override_check(struct mof_compilation *c, const struct syntax_statement *st,
               const struct syntax_property *in,
               const struct class_info *super)
{
    const struct cim_property *inherited = schema_property(super, in->name);

    if (inherited == NULL ||
        (inherited->type == in->type && inherited->is_array == in->is_array))
        return;
    report_store_error(
        c, name_at(st, in->name, in->offset), CODE_UPDATE_TYPE_MISMATCH,
        "%.*s is inherited as %s%s; its type can't change", SHOWN(in->name),
        cim_type_name(inherited->type), inherited->is_array ? "[]" : "");
}

static bool
type_can_be_key(const struct cim_property *p)
{
    return !p->is_array && p->type != CIM_OBJECT && p->type != CIM_REAL32 &&
           p->type != CIM_REAL64;
}

static void
keys_check(struct mof_compilation *c, const struct syntax_statement *st,
           const struct cim_class *class, const struct class_info *super)
{
    const struct syntax_class *in = st->u.class;
    size_t count = 0;

    for (size_t i = 0; i < class->property_count; i++) {
        const struct cim_property *p = &class->properties[i];
        struct at at = name_at(st, p->name, in->properties[i].offset);

        if (super != NULL)
            override_check(c, st, &in->properties[i], super);
        if (!cim_qualifiers_true(&p->qualifiers, SPAN("key")))
            continue;
        if (!type_can_be_key(p))
            report_store_error(c, at, CODE_CANNOT_BE_KEY,
                               "a %s%s can't be a key", cim_type_name(p->type),
                               p->is_array ? " array" : "");
        else if (super != NULL && super->key_count > 0 &&
                 !schema_is_key(super, p->name))
            report_store_error(c, at, CODE_CANNOT_BE_KEY,
                               "%.*s can't be a key: the keys are those of "
                               "the classes above",
                               SHOWN(p->name));
        else if (++count == LIMIT_KEYS + 1)
            report_error(c, at, CODE_CANNOT_BE_KEY,
                         "a class has at most %d keys", LIMIT_KEYS);
    }
}

static struct cim_class *
class_convert(struct mof_compilation *c, const struct syntax_statement *st)
{
    const struct syntax_class *in = st->u.class;
    struct cim_class *out = compilation_alloc(c, sizeof(*out));

    if (out == NULL)
        return NULL;
    out->name = in->name;
    out->superclass = in->superclass;
    security_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, &in->qualifiers,
                            &out->qualifiers) ||
        !properties_convert(c, st, out) || !methods_convert(c, st, out))
        return NULL;
    return out;
}

void
check_class(struct mof_compilation *c, const struct syntax_statement *st,
            size_t now)
{
    const struct syntax_class *in = st->u.class;
    struct class_info *super;
    struct cim_class *class;
    bool complete;
    size_t at;

    check_space(c, st, st->space, now);
    names_check(c, name_at(st, in->name, in->name_offset), in->name,
                CODE_CLASS_NAME_TOO_WIDE);
    super = superclass_find(c, st, &complete);
    class = class_convert(c, st);
    if (class == NULL)
        return;
    keys_check(c, st, class, super);
    if (compilation_is_over(c) ||
        schema_add(c, st->space, class, super, complete, now) == NULL)
        return;
    st->space->has_content = true;
    at = check_emit(c, st, MOF_STATEMENT_CLASS, st->space);
    if (at == SIZE_MAX)
        return;
    VECTOR_AT(&c->results, struct mof_statement, at).class = class;
    VECTOR_AT(&c->results, struct mof_statement, at).name = class->name;
}

void
check_qualifier(struct mof_compilation *c, const struct syntax_statement *st,
                size_t now)
{
    const struct syntax_qualifier_declaration *in = st->u.qualifier;
    struct convert_context cc = {.c = c, .source = st->at.source};
    struct convert_target target = {.type = in->type,
                                    .is_array = in->is_array};
    struct cim_qualifier_declaration *out = compilation_alloc(c, sizeof(*out));
    size_t at;

    /* WMI's form gives flavors only and declares nothing. */
    if (out == NULL || in->type == CIM_NONE)
        return;
    out->name = in->name;
    out->type = in->type;
    out->is_array = in->is_array;
    out->scopes = in->scopes;
    out->flavors = in->flavors;
    out->has_value = in->value.kind != VALUE_NONE;
    if (out->has_value)
        convert_value(&cc, &in->value, &target, &out->value);
    check_space(c, st, st->space, now);
    at = check_emit(c, st, MOF_STATEMENT_QUALIFIER_DECLARATION, st->space);
    if (at != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, at).qualifier = out;
}

static void
type_use_check(struct mof_compilation *c, const struct type_use *use)
{
    if (!report_wants_store(c) ||
        schema_find(c, use->space, use->name) != NULL)
        return;
    report_store_error(c, use->at, CODE_UNRECOGNIZED_TYPE,
                       "%.*s is neither a type nor a class", SHOWN(use->name));
    suggest_type(c, use->space, use->name);
}

void
check_classes_finish(struct mof_compilation *c)
{
    for (size_t i = 0; i < c->type_uses.count; i++)
        type_use_check(c, &VECTOR_AT(&c->type_uses, struct type_use, i));
    for (size_t i = 0; i < c->deferred.count; i++) {
        struct deferred *d = &VECTOR_AT(&c->deferred, struct deferred, i);
        struct convert_context cc = context_of(c, d->statement);
        struct convert_target target = convert_target_of(d->out);

        convert_value(&cc, &d->in->value, &target, &d->out->value);
    }
}
