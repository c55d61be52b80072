#include <string.h>

#include "policy/mof/check.h"
#include "policy/mof/convert.h"
#include "policy/mof/declare.h"
#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"
#include "policy/mof/suggest.h"

/* A default that is an instance: filled once instances are known. */
struct deferred {
    struct cim_property *out;
    const struct syntax_property *in;
    const struct syntax_statement *statement; /* of a copy in the arena */
};

/* A class that is named as a type or in a reference: it may be declared
 * later. */
struct type_use {
    struct span name;
    struct at at;
    struct space *space;
    bool is_type; /* else what it is about may be elsewhere */
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
             struct span name, uint32_t offset, bool is_type)
{
    struct type_use use = {name, name_at(st, name, offset), st->space,
                           is_type};

    if (name.length > 0 && !c->is_system)
        vector_add(c, &c->type_uses, &use);
}

/* The class of EmbeddedInstance("Class"), DSP0004 5.6.3.12. */
static void
embedded_use_add(struct mof_compilation *c, const struct syntax_statement *st,
                 const struct syntax_qualifiers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct syntax_qualifier *q = &set->items[i];

        if (q->value.kind == VALUE_STRING &&
            span_equal_nocase(q->name, SPAN("embeddedinstance")))
            type_use_add(c, st, q->value.u.text, q->value.offset, false);
    }
}

/* What stands in the text about a property's or parameter's type. */
static void
type_convert(struct mof_compilation *c, const struct syntax_statement *st,
             const struct syntax_property *in, struct cim_property *out)
{
    out->name = in->name;
    out->type = in->type;
    out->is_array = in->is_array;
    out->array_size = in->array_size;
    out->class_name = in->class_name;
    if (in->type == CIM_REFERENCE &&
        span_equal_nocase(in->class_name, SPAN("object")))
        out->class_name = (struct span){NULL, 0};
    if (in->type == CIM_OBJECT || in->type == CIM_REFERENCE)
        type_use_add(c, st, out->class_name, in->type_offset,
                     in->type == CIM_OBJECT);
    embedded_use_add(c, st, &in->qualifiers);
}

static unsigned
feature_scope(const struct syntax_property *in)
{
    return in->type == CIM_REFERENCE ? CIM_SCOPE_REFERENCE
                                     : CIM_SCOPE_PROPERTY;
}

/* A property or parameter with its default. */
static bool
property_convert(struct mof_compilation *c, const struct syntax_statement *st,
                 unsigned scope, const struct syntax_property *in,
                 struct cim_property *out)
{
    struct convert_context cc = context_of(c, st);
    struct convert_target target;

    type_convert(c, st, in, out);
    security_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, st->space, scope,
                            &in->qualifiers, &out->qualifiers))
        return false;
    constraints_check(c, st->at.source, in);
    if (in->value.kind == VALUE_NONE || in->type == CIM_VOID)
        return true;
    out->has_value = true;
    if (convert_needs_instances(&in->value))
        return default_defer(c, st, in, out);
    target = convert_target_of(out);
    convert_value(&cc, &in->value, &target, &out->value);
    return true;
}

struct twice {
    struct mof_compilation *c;
    const struct syntax_statement *st;
};

static void
report_twice(const struct twice *t, uint32_t code, const char *what,
             struct span name, uint32_t first, uint32_t again)
{
    report_meaning_error(t->c, name_at(t->st, name, again), code,
                         "%s %.*s is declared twice", what, SHOWN(name));
    report_detail(t->c, name_at(t->st, name, first), "first declared here");
}

static void
property_twice(void *arg, const void *first, const void *again)
{
    const struct syntax_property *one = first, *two = again;

    report_twice(arg, CODE_DUPLICATE_PROPERTY, "property", two->name,
                 one->offset, two->offset);
}

static void
parameter_twice(void *arg, const void *first, const void *again)
{
    const struct syntax_property *one = first, *two = again;

    report_twice(arg, CODE_INVALID_DUPLICATE_PARAMETER, "parameter", two->name,
                 one->offset, two->offset);
}

static void
method_twice(void *arg, const void *first, const void *again)
{
    const struct syntax_method *one = first, *two = again;

    report_twice(arg, CODE_DUPLICATE_PROPERTY, "method", two->name,
                 one->offset, two->offset);
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
        if (!property_convert(c, st, feature_scope(p), p, &out->properties[i]))
            return false;
    }
    names_duplicates(c, in->properties, in->property_count,
                     sizeof(*in->properties),
                     offsetof(struct syntax_property, name), property_twice,
                     &(struct twice){c, st});
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
        type_use_add(c, st, in->class_name, in->type_offset, true);
    security_refuse(c, st->at.source, &in->qualifiers);
    key_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, st->space, CIM_SCOPE_METHOD,
                            &in->qualifiers, &out->qualifiers))
        return false;
    out->parameters =
        compilation_array(c, in->parameter_count, sizeof(*out->parameters));
    if (out->parameters == NULL)
        return false;
    out->parameter_count = in->parameter_count;
    for (size_t i = 0; i < in->parameter_count; i++) {
        key_refuse(c, st->at.source, &in->parameters[i].qualifiers);
        if (!property_convert(c, st, CIM_SCOPE_PARAMETER, &in->parameters[i],
                              &out->parameters[i]))
            return false;
    }
    names_duplicates(c, in->parameters, in->parameter_count,
                     sizeof(*in->parameters),
                     offsetof(struct syntax_property, name), parameter_twice,
                     &(struct twice){c, st});
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
    names_duplicates(c, in->methods, in->method_count, sizeof(*in->methods),
                     offsetof(struct syntax_method, name), method_twice,
                     &(struct twice){c, st});
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

/* An association is a class as well (DSP0004 5.6.3.1). */
static unsigned
class_scope(const struct syntax_qualifiers *quals)
{
    unsigned scope = CIM_SCOPE_CLASS;

    for (size_t i = 0; i < quals->count; i++) {
        if (span_equal_nocase(quals->items[i].name, SPAN("association")))
            scope |= CIM_SCOPE_ASSOCIATION;
        else if (span_equal_nocase(quals->items[i].name, SPAN("indication")))
            scope |= CIM_SCOPE_INDICATION;
    }
    return scope;
}

static struct cim_class *
class_convert(struct mof_compilation *c, const struct syntax_statement *st,
              unsigned scope)
{
    const struct syntax_class *in = st->u.class;
    struct cim_class *out = compilation_alloc(c, sizeof(*out));

    if (out == NULL)
        return NULL;
    out->name = in->name;
    out->superclass = in->superclass;
    security_refuse(c, st->at.source, &in->qualifiers);
    key_refuse(c, st->at.source, &in->qualifiers);
    if (!convert_qualifiers(c, st->at.source, st->space, scope,
                            &in->qualifiers, &out->qualifiers) ||
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
    class = class_convert(
        c, st, class_scope(&in->qualifiers) | schema_inherited_scope(super));
    if (class == NULL)
        return;
    check_inheritance(c, st, class, super);
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
    if (!declare_put(c, st->space, out))
        return;
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
    if (!use->is_type) {
        report_lenient(c, MOF_WARNING_UNKNOWN_CLASS, use->at,
                       CODE_INVALID_CLASS, "class %.*s is not known in %s",
                       SHOWN(use->name), use->space->display);
        suggest_class(c, use->space, use->name);
        return;
    }
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
