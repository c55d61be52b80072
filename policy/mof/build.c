#include "policy/mof/build.h"

#include <string.h>

#include "policy/mof/check.h"
#include "policy/mof/convert.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"
#include "policy/mof/suggest.h"

static struct at
instance_at(const struct syntax_instance *i)
{
    return (struct at){i->source, i->offset, 8};
}

static struct at
property_at(const struct syntax_instance *i, const struct syntax_property *p)
{
    return (struct at){i->source, p->offset, (uint32_t)p->name.length};
}

static struct convert_context
context_of(struct mof_compilation *c, struct syntax_instance *i,
           unsigned depth)
{
    return (struct convert_context){.c = c,
                                    .source = i->source,
                                    .space = i->space,
                                    .aliases = i->aliases,
                                    .depth = depth};
}

/* Finds what the class says about each property that was given. */
static bool
declarations_find(struct mof_compilation *c, struct syntax_instance *i)
{
    bool ok = true;

    i->declared = tree_array(c, i->property_count, sizeof(*i->declared));
    if (i->declared == NULL)
        return false;
    for (size_t n = 0; i->info != NULL && n < i->property_count; n++) {
        const struct syntax_property *p = &i->properties[n];

        i->declared[n] = schema_property(i->info, p->name);
        if (i->declared[n] != NULL || !i->info->complete)
            continue;
        report_store_error(c, property_at(i, p), CODE_NOT_FOUND,
                           "class %.*s has no property %.*s",
                           SHOWN(i->class_name), SHOWN(p->name));
        suggest_property(c, i->info, p->name);
        ok = false;
    }
    return ok;
}

/* EmbeddedInstance may stand with a declaration further up. */
static struct convert_target
target_of(const struct syntax_instance *i, const struct syntax_property *in,
          const struct cim_property *declared)
{
    struct convert_target t = convert_target_of(declared);

    if (t.type == CIM_STRING && !t.embeds &&
        convert_needs_instances(&in->value))
        convert_target_embeds(
            &t,
            schema_qualifier(i->info, SCHEMA_PROPERTY, declared->name,
                             SPAN("embeddedinstance")),
            schema_qualifier(i->info, SCHEMA_PROPERTY, declared->name,
                             SPAN("embeddedobject")));
    return t;
}

static bool
property_build(struct convert_context *cc, struct syntax_instance *i, size_t n)
{
    const struct syntax_property *in = &i->properties[n];
    const struct cim_property *declared = i->declared[n];
    struct cim_property *out = &i->built->properties[n];
    struct convert_target target;

    out->name = in->name;
    if (declared == NULL)
        return convert_check_aliases(cc, &in->value);
    target = target_of(i, in, declared);
    out->type = declared->type;
    out->is_array = declared->is_array;
    out->array_size = declared->array_size;
    out->class_name = declared->class_name;
    out->has_value = in->value.kind != VALUE_NONE;
    if (!convert_value(cc, &in->value, &target, &out->value))
        return false;
    out->type = out->value.type;
    constraint_value_check(cc->c, property_at(i, in), i->info, declared,
                           &out->value);
    return convert_qualifiers(cc->c, i->source, i->space, 0, &in->qualifiers,
                              &out->qualifiers);
}

static bool
is_key(const struct syntax_instance *i, size_t n)
{
    return i->info != NULL && i->declared[n] != NULL &&
           schema_is_key(i->info, i->properties[n].name);
}

/* The value that a key has: as given, else the class's default. */
static const struct cim_property *
key_value(const struct syntax_instance *i, const struct cim_property *key)
{
    const struct cim_property *p = cim_instance_property(i->built, key->name);

    if (p == NULL || !p->has_value)
        p = key;
    return p->has_value && !p->value.is_null ? p : NULL;
}

static bool
key_write(struct mof_compilation *c, struct syntax_instance *i)
{
    const struct cim_property *values[LIMIT_KEYS];
    size_t count = i->info->key_count;

    for (size_t n = 0; n < count; n++) {
        values[n] = key_value(i, i->info->keys[n]);
        if (values[n] != NULL)
            continue;
        report_store_error(c, instance_at(i), CODE_ILLEGAL_NULL,
                           "this instance of %.*s has no value for the key "
                           "%.*s",
                           SHOWN(i->class_name),
                           SHOWN(i->info->keys[n]->name));
        return false;
    }
    if (!mof_instance_key(c->trees, values, count, &i->key)) {
        report_memory(c);
        return false;
    }
    if (i->key.length > LIMIT_KEY_BYTES) {
        report_store_error(c, instance_at(i), CODE_INVALID_OBJECT_PATH,
                           "this instance's key is longer than %d bytes",
                           LIMIT_KEY_BYTES);
        return false;
    }
    return true;
}

static bool
key_build(struct mof_compilation *c, struct syntax_instance *i, unsigned depth)
{
    struct convert_context cc = context_of(c, i, depth);
    bool ok = declarations_find(c, i);

    i->built = tree_alloc(c, sizeof(*i->built));
    if (i->built == NULL || i->declared == NULL)
        return false;
    i->built->class_name = i->class_name;
    i->built->alias = i->alias;
    i->built->properties =
        tree_array(c, i->property_count, sizeof(*i->built->properties));
    if (i->built->properties == NULL)
        return false;
    i->built->property_count = i->property_count;
    for (size_t n = 0; n < i->property_count; n++) {
        if (is_key(i, n))
            ok = property_build(&cc, i, n) && ok;
    }
    i->weight = cc.weight;
    return ok;
}

bool
build_key(struct mof_compilation *c, struct syntax_instance *i, unsigned depth)
{
    bool ok;

    if (i->key_state != BUILD_NEW)
        return i->key_state == BUILD_DONE;
    if (i->info == NULL)
        i->info = schema_find(c, i->space, i->class_name);
    i->key_state = BUILD_RUNNING;
    ok = key_build(c, i, depth);
    i->key_state = ok ? BUILD_DONE : BUILD_FAILED;
    return ok;
}

struct span
build_path(struct mof_compilation *c, struct syntax_instance *i,
           const struct space *space, unsigned depth)
{
    struct span absent = {NULL, 0}, path;
    struct buf text = BUF_INIT;

    if (!build_key(c, i, depth))
        return absent;
    if (i->info == NULL || !i->info->complete)
        return SPAN("");
    if (i->key.data == NULL && !key_write(c, i))
        return absent;
    if (i->space != space)
        buf_addf(&text, "\\\\.\\%s:", i->space->display);
    buf_add_span(&text, i->class_name);
    buf_add_string(&text, i->info->key_count > 0 ? "." : "=");
    buf_add_span(&text, i->key);
    path = arena_span(c->trees, buf_span(&text));
    if (buf_failed(&text) || path.data == NULL)
        report_memory(c);
    buf_fini(&text);
    return path;
}

static bool
class_check(struct mof_compilation *c, const struct syntax_instance *i)
{
    struct at at = {i->source, i->class_offset,
                    (uint32_t)i->class_name.length};

    if (i->info == NULL) {
        report_store_error(c, at, CODE_INVALID_CLASS,
                           "class %.*s is not known in %s",
                           SHOWN(i->class_name), i->space->display);
        suggest_class(c, i->space, i->class_name);
        return false;
    }
    if (!i->info->is_abstract)
        return true;
    report_store_error(c, at, CODE_INVALID_OPERATION,
                       "class %.*s is abstract and has no instances",
                       SHOWN(i->class_name));
    return false;
}

/* What the class hands down with ToInstance and DisableOverride is final. */
static void
qualifiers_check(struct mof_compilation *c, const struct syntax_instance *i)
{
    const unsigned final =
        CIM_FLAVOR_TO_INSTANCE | CIM_FLAVOR_DISABLE_OVERRIDE;

    for (size_t n = 0; i->info != NULL && n < i->qualifiers.count; n++) {
        const struct syntax_qualifier *q = &i->qualifiers.items[n];
        const struct cim_qualifier *above =
            schema_qualifier(i->info, SCHEMA_CLASS, i->class_name, q->name);

        if (above == NULL || (above->flavors & final) != final ||
            cim_value_equal(&above->value,
                            &i->built->qualifiers.items[n].value))
            continue;
        report_store_error(
            c, (struct at){i->source, q->offset, (uint32_t)q->name.length},
            CODE_OVERRIDE_NOT_ALLOWED,
            "qualifier %.*s comes from the class with DisableOverride: its "
            "value can't change",
            SHOWN(q->name));
    }
}

static bool
rest_build(struct mof_compilation *c, struct syntax_instance *i,
           unsigned depth)
{
    struct convert_context cc = context_of(c, i, depth);
    bool ok = true;

    cc.weight = i->weight;
    for (size_t n = 0; n < i->property_count; n++) {
        if (!is_key(i, n))
            ok = property_build(&cc, i, n) && ok;
    }
    i->weight = cc.weight + 1;
    if (!convert_qualifiers(c, i->source, i->space, 0, &i->qualifiers,
                            &i->built->qualifiers))
        return false;
    qualifiers_check(c, i);
    return ok;
}

bool
build_instance(struct mof_compilation *c, struct syntax_instance *i,
               unsigned depth)
{
    bool ok;

    if (i->state != BUILD_NEW)
        return i->state == BUILD_DONE;
    i->state = BUILD_RUNNING;
    ok = build_key(c, i, depth) && class_check(c, i);
    if (i->built != NULL)
        ok = rest_build(c, i, depth) && ok;
    i->state = ok ? BUILD_DONE : BUILD_FAILED;
    return ok;
}

bool
build_stored_key(struct mof_compilation *c, struct syntax_instance *i)
{
    if (i->info == NULL || !i->info->complete)
        return false;
    return i->key.data != NULL || key_write(c, i);
}
