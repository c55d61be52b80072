#include "policy/mof/convert.h"

#include "policy/mof/declare.h"
#include "policy/mof/report.h"

/* WMI's qualifier types are boolean, sint32, real64 and string; larger
 * integers, as DMTF's schemas hold them, keep their value. */
static enum cim_type
integer_type(const struct syntax_value *v)
{
    if (v->negative)
        return v->u.magnitude <= (uint64_t)INT32_MAX + 1 ? CIM_SINT32
                                                         : CIM_SINT64;
    if (v->u.magnitude <= INT32_MAX)
        return CIM_SINT32;
    return v->u.magnitude <= INT64_MAX ? CIM_SINT64 : CIM_UINT64;
}

static enum cim_type
natural_type(const struct syntax_value *v)
{
    switch (v->kind) {
    case VALUE_BOOLEAN:
        return CIM_BOOLEAN;
    case VALUE_INTEGER:
        return integer_type(v);
    case VALUE_REAL:
        return CIM_REAL64;
    case VALUE_CHAR:
        return CIM_CHAR16;
    default:
        return CIM_STRING;
    }
}

/* Of several integers the widest; anything else is judged by the first. */
static enum cim_type
array_type(const struct syntax_value *v)
{
    enum cim_type type = CIM_STRING;
    bool seen = false;

    for (size_t i = 0; i < v->u.array.count; i++) {
        enum cim_type item = natural_type(&v->u.array.items[i]);

        if (v->u.array.items[i].kind == VALUE_NULL)
            continue;
        if (!seen ||
            (type == CIM_SINT32 && (item == CIM_SINT64 || item == CIM_UINT64)))
            type = item;
        seen = true;
    }
    return type;
}

static struct at
name_at(const struct convert_context *cc, const struct syntax_qualifier *in)
{
    return (struct at){cc->source, in->offset, (uint32_t)in->name.length};
}

/* As for classes and their features (WMI SDK, "Adding a qualifier"). */
static void
name_check(struct convert_context *cc, const struct syntax_qualifier *in)
{
    struct span name = in->name;

    if (name.length > 0 &&
        (name.data[0] == '_' || name.data[name.length - 1] == '_'))
        report_store_error(cc->c, name_at(cc, in), CODE_INVALID_PARAMETER,
                           "'%.*s': a qualifier's name can't begin or end "
                           "with '_'",
                           SHOWN(name));
}

static void
report_scope(struct convert_context *cc, const struct syntax_qualifier *in,
             const struct cim_qualifier_declaration *declared,
             unsigned element)
{
    struct buf scopes = BUF_INIT;

    declare_scopes_list(declared, &scopes);
    if (buf_failed(&scopes))
        report_memory(cc->c);
    else
        report_meaning_error(
            cc->c, name_at(cc, in), CODE_QUALIFIER_USED_OUTSIDE_SCOPE,
            "qualifier %.*s is declared for %s, not for a %s", SHOWN(in->name),
            scopes.data, declare_element_name(element));
    buf_fini(&scopes);
}

/* Keeps to its declaration?  The value is stored as WMI would type it, but
 * has to be one of the declared type. */
static void
declaration_check(struct convert_context *cc,
                  const struct syntax_qualifier *in,
                  const struct cim_qualifier_declaration *declared,
                  unsigned element)
{
    struct convert_target t = {.type = declared->type,
                               .is_array = declared->is_array};
    struct cim_value value;

    if (!declare_allows(declared, element))
        report_scope(cc, in, declared, element);
    if (in->value.kind == VALUE_NONE)
        return;
    if (declare_fits(declared, &in->value))
        convert_value(cc, &in->value, &t, &value);
    else if (!cc->c->options.syntax_only)
        report_lenient(cc->c, MOF_WARNING_DECLARED_TYPE, name_at(cc, in),
                       CODE_TYPE_MISMATCH,
                       "qualifier %.*s is declared as %s%s", SHOWN(in->name),
                       cim_type_name(declared->type),
                       declared->is_array ? "[]" : "");
}

/* Without a value: TRUE, and NULL for what is declared as no boolean
 * (DSP0004 annex A). */
static void
bare_set(const struct cim_qualifier_declaration *declared,
         struct cim_value *out)
{
    out->type = CIM_BOOLEAN;
    out->one.boolean = true;
    if (declared == NULL || declared->type == CIM_BOOLEAN)
        return;
    out->type = CIM_STRING;
    out->is_array = declared->is_array;
    out->is_null = true;
}

static bool
qualifier_convert(struct convert_context *cc,
                  const struct syntax_qualifier *in, unsigned element,
                  struct cim_qualifier *out)
{
    const struct cim_qualifier_declaration *declared =
        declare_find(cc->c, cc->space, in->name);
    struct convert_target t = {.type = natural_type(&in->value)};

    name_check(cc, in);
    out->name = in->name;
    out->flavors = in->flavors;
    if (declared != NULL) {
        out->flavors = declare_flavors(declared, in->flavors);
        declaration_check(cc, in, declared, element);
    }
    if (in->value.kind == VALUE_NONE) {
        bare_set(declared, &out->value);
        return true;
    }
    if (in->value.kind == VALUE_ARRAY) {
        t.type = array_type(&in->value);
        t.is_array = true;
    }
    return convert_value(cc, &in->value, &t, &out->value);
}

bool
convert_qualifiers(struct mof_compilation *c, struct source *source,
                   struct space *space, unsigned element,
                   const struct syntax_qualifiers *in,
                   struct cim_qualifiers *out)
{
    struct convert_context cc = {.c = c, .source = source, .space = space};

    if (in->count == 0)
        return true;
    out->items = tree_array(c, in->count, sizeof(*out->items));
    if (out->items == NULL)
        return false;
    out->count = in->count;
    for (size_t i = 0; i < in->count; i++)
        qualifier_convert(&cc, &in->items[i], element, &out->items[i]);
    return true;
}
